"""A folder that is read while somebody writes to it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from weightquant_cli.errors import ModelError
from weightquant_cli.formats.files.folder import Folder
from weightquant_cli.formats.files.input_folder import InputFolder


def test_a_file_that_grows_is_read_no_further_than_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "program").write_bytes(bytes(10))
    taken: list[int] = []

    def pread(descriptor: int, size: int, offset: int) -> bytes:
        data = real(descriptor, size, offset)
        taken.append(len(data))
        return data

    real = os.pread
    monkeypatch.setattr(os, "pread", pread)
    files = InputFolder(Folder.open(tmp_path))
    with files.opened("program"):
        with open(tmp_path / "program", "ab") as stream:
            stream.write(bytes(1000))
        with pytest.raises(ModelError, match=r"10 bytes.*1010"):
            files.read("program")
    assert sum(taken) == 11
