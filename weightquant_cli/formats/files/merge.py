"""Move the files of one folder into another, which keeps what else is in it."""

from __future__ import annotations

import contextlib
import os
import stat
from pathlib import Path

from ...errors import OutputError
from .folder import Folder


def merge(source: Folder, target: Folder, path: Path) -> None:
    """Move everything in `source` into `target`, in place of files of the same name.

    Args:
        source: a new folder; only folders are left in it.
        target: where to.
        path: the target's path, for messages.

    Raises:
        OutputError: a folder is where a file belongs, or the reverse; nothing was moved.
        OSError: the file system refuses.
    """
    _refuse_clashes(source, target, path)
    _move(source, target)


def _refuse_clashes(source: Folder, target: Folder, path: Path) -> None:
    for name in source.names():
        there = target.find(name)
        if there is None:
            continue
        if not source.is_folder(name):
            if stat.S_ISDIR(there.st_mode):
                raise OutputError(
                    "a folder is where a file of the output belongs", path=path / name
                )
            continue
        if not stat.S_ISDIR(there.st_mode):
            raise OutputError("a file is where a folder of the output belongs", path=path / name)
        with source.subfolder(name) as inner, target.subfolder(name) as other:
            _refuse_clashes(inner, other, path / name)


def _move(source: Folder, target: Folder) -> None:
    for name in source.names():
        if source.is_folder(name):
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, dir_fd=target.descriptor)
            with source.subfolder(name) as inner, target.subfolder(name) as other:
                _move(inner, other)
        else:
            os.replace(name, name, src_dir_fd=source.descriptor, dst_dir_fd=target.descriptor)
    with contextlib.suppress(OSError):  # the files themselves are on the disk by then
        os.fsync(target.descriptor)
