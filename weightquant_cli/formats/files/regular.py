"""Open a file of a model for reading: a regular file inside the model's folder, or an error.

A model is a stranger's: in place of a file there may be a FIFO (which would hang), a device, or a
link to a file outside the folder.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ...errors import ModelError

READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


@contextmanager
def open_regular(path: Path, folder: Path) -> Iterator[int]:
    """A file descriptor of the regular file `path`, which must lie within `folder`.

    Raises:
        FileNotFoundError: there is no such file; callers know best what that means.
        ModelError: not a regular file, a link that leaves the folder, or not readable.
    """
    if os.path.islink(path) or path.parent != folder:
        _refuse_escape(path, folder)
    try:
        descriptor = os.open(path, READ_FLAGS)
    except FileNotFoundError:
        raise
    except NotADirectoryError as error:  # a file stands where a folder of the path should
        raise FileNotFoundError(error.errno, error.strerror, path) from error
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    try:
        if not stat.S_ISREG(_status(descriptor, path).st_mode):
            raise ModelError("not a regular file", path=path, remedy="replace it by a plain file")
        yield descriptor
    finally:
        with suppress(OSError):  # whatever was read is here
            os.close(descriptor)


def read_regular(path: Path, folder: Path) -> bytes:
    """All bytes of the regular file `path` within `folder`; raises as `open_regular` does."""
    with open_regular(path, folder) as descriptor:
        try:
            with os.fdopen(descriptor, "rb", closefd=False) as stream:
                return stream.read()
        except OSError as error:
            raise _unreadable(path, error) from error


def file_size(descriptor: int, path: Path) -> int:
    """Bytes of an open file."""
    return _status(descriptor, path).st_size


def _status(descriptor: int, path: Path) -> os.stat_result:
    try:
        return os.fstat(descriptor)
    except OSError as error:
        raise _unreadable(path, error) from error


def read_at(descriptor: int, size: int, offset: int, path: Path) -> bytes:
    """Up to `size` bytes at `offset`: fewer only at the end of the file."""
    pieces = b""
    while len(pieces) < size:
        try:
            piece = os.pread(descriptor, size - len(pieces), offset + len(pieces))
        except OSError as error:
            raise _unreadable(path, error) from error
        if not piece:
            break
        pieces += piece
    return pieces


def read_into(descriptor: int, view: memoryview, offset: int, path: Path) -> None:
    """Fill `view` from `offset` on.

    Raises:
        ModelError: the file cannot be read, or ended early (it shrank since its header was read).
    """
    done = 0
    while done < len(view):
        try:
            count = os.preadv(descriptor, [view[done:]], offset + done)
        except OSError as error:
            raise _unreadable(path, error) from error
        if count == 0:
            raise ModelError(
                "the file became shorter while it was read",
                path=path,
                offset=offset + done,
                remedy="do not write to the model while it is being read",
            )
        done += count


def _refuse_escape(path: Path, folder: Path) -> None:
    real_folder = os.path.realpath(folder)
    real_path = os.path.realpath(path)
    if os.path.commonpath([real_folder, real_path]) != real_folder:
        raise ModelError(
            "a link leaves the model's folder",
            path=path,
            found=real_path,
            remedy="copy the model with `cp -rL` first",
        )


def _unreadable(path: Path, error: OSError | ValueError) -> ModelError:
    cause = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return ModelError(f"cannot read the file: {cause}", path=path)
