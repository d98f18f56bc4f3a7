"""Write bytes to an open file, all of them, and say plainly why a file system refuses."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from ...errors import OutputError

_REMEDIES = {
    errno.ENOSPC: "make room or choose another place",
    errno.EDQUOT: "make room or choose another place",
    errno.ENOENT: "check that the folder exists",
    errno.EXDEV: "a folder in a lower layer of an overlay file system, as in a container image, "
    "cannot be replaced in one step: remove it first, or choose another place",
    errno.EPERM: "check the folder's owner and attributes, or choose another place",
}


def write_at(descriptor: int, data: bytes | memoryview, offset: int, path: Path) -> None:
    """Write all of `data` at `offset`; OutputError where the file system refuses."""
    view = memoryview(data).cast("B")
    done = 0
    while done < len(view):
        try:
            done += os.pwrite(descriptor, view[done:], offset + done)
        except OSError as error:
            raise write_error(error, path) from error


def write_error(error: OSError, path: Path, what: str = "the output") -> OutputError:
    """The error for a file system that refuses, with its cause and what to do."""
    remedy = _REMEDIES.get(error.errno or 0, "choose another place")
    return OutputError(
        f"cannot write {what}: {error.strerror or error}",
        path=path,
        remedy=f"nothing was changed; {remedy}" if what == "the output" else remedy,
    )
