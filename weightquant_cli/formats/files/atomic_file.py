"""All-or-nothing output of one file: a temporary name beside it, fsync, one rename."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ...errors import OutputError
from .atomic_folder import TEMPORARY_PREFIX
from .writing import write_at

CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0)


def write_file(path: Path, data: bytes, what: str, mode: int = 0o666) -> None:
    """Write `data` to the file `path`, in place of one that is there; whole or not at all.

    Args:
        path: the file; its folder exists.
        data: all of its bytes.
        what: what the file is, for the message.
        mode: permissions of the new file, less the umask.

    Raises:
        OutputError: the file system refuses; a file that was there is untouched.
    """
    # /dev/null must not be replaced; a folder never is.
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        raise OutputError(
            f"what is in the place of {what} is not a file",
            path=path,
            remedy="choose another place for it",
        )
    temporary = path.with_name(f"{TEMPORARY_PREFIX}{path.name[:50]}-{os.urandom(6).hex()}")
    try:
        descriptor = os.open(temporary, CREATE_FLAGS, mode)
        try:
            write_at(descriptor, data, 0, path)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except OSError as error:
        raise OutputError(
            f"cannot write {what}: {error.strerror or error}",
            path=path,
            remedy="choose another place for it",
        ) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
