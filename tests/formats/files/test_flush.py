"""Files are brought to the disk, many at a time, and a failure is told."""

from __future__ import annotations

import errno
import os
import threading
from pathlib import Path

import pytest
from weightquant_cli.formats.files.flush import FLUSH_THREADS, flush_files


def files(root: Path, count: int) -> set[str]:
    """Make so many files, in two folders."""
    (root / "inside").mkdir()
    paths = [root / ("inside" if index % 2 else ".") / f"{index}" for index in range(count)]
    for path in paths:
        path.write_bytes(b"1")
    return {os.path.realpath(path) for path in paths}


@pytest.mark.parametrize("count", [0, 1, FLUSH_THREADS, 3 * FLUSH_THREADS])
@pytest.mark.parametrize("threads", [True, False])
def test_every_file_is_flushed_once(
    count: int, threads: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected, flushed = files(tmp_path, count), []
    sync = os.fsync

    def note(descriptor: int) -> None:
        flushed.append(os.path.realpath(f"/proc/self/fd/{descriptor}"))
        sync(descriptor)

    def refuse(thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(os, "fsync", note)
    if not threads:
        monkeypatch.setattr(threading.Thread, "start", refuse)
    flush_files(tmp_path)
    assert sorted(flushed) == sorted(expected)


@pytest.mark.parametrize("call", ["open", "fsync"])
def test_a_file_that_cannot_be_flushed_is_an_error(
    call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files(tmp_path, 5)
    real, calls = getattr(os, call), []

    def fail(*arguments: object) -> object:
        calls.append(arguments)
        if len(calls) == 3:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(*arguments)

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(OSError, match="Input/output error"):
        flush_files(tmp_path)
