"""All-or-nothing output of one file."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from tests.builders import tree
from weightquant_cli.errors import OutputError
from weightquant_cli.formats.files.atomic_file import write_file


def test_a_file_is_written_whole_and_alone(tmp_path: Path) -> None:
    write_file(tmp_path / "plan.json", b"new", "the plan")
    assert tree(tmp_path) == {"plan.json": b"new"}


def test_a_file_that_is_there_is_replaced_in_one_step(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(b"a longer old one")
    with path.open("rb") as reader:
        write_file(path, b"new", "the plan")
        assert reader.read() == b"a longer old one"
    assert path.read_bytes() == b"new"


def test_permissions_are_those_asked_for_less_the_umask(tmp_path: Path) -> None:
    write_file(tmp_path / "script.sh", b"", "the script", 0o700)
    assert stat.S_IMODE((tmp_path / "script.sh").stat().st_mode) == 0o700


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_failure_at_any_step_keeps_the_old_file_and_leaves_nothing(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plan.json").write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, step, fail)
    with pytest.raises(OutputError, match=r"cannot write the plan: No space left .*plan\.json"):
        write_file(tmp_path / "plan.json", b"new", "the plan")
    monkeypatch.undo()
    assert tree(tmp_path) == {"plan.json": b"old"}


def test_a_full_disk_keeps_the_old_file_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plan.json").write_bytes(b"old")
    real = os.pwrite

    def pwrite(descriptor: int, data: memoryview, offset: int) -> int:
        if offset >= 4:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data[:4], offset)

    monkeypatch.setattr(os, "pwrite", pwrite)
    with pytest.raises(OutputError, match="No space left on device"):
        write_file(tmp_path / "plan.json", b"new and long", "the plan")
    assert tree(tmp_path) == {"plan.json": b"old"}


@pytest.mark.parametrize("name", ["nowhere/plan.json", "x" * 256, "folder"])
def test_a_place_where_no_file_can_be_is_an_output_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError, match="cannot write the plan"):
        write_file(tmp_path / name, b"new", "the plan")
    assert tree(tmp_path) == {"folder/": b""}


def test_a_long_name_is_possible(tmp_path: Path) -> None:
    write_file(tmp_path / ("é" * 127), b"new", "the plan")
    assert tree(tmp_path) == {"é" * 127: b"new"}
