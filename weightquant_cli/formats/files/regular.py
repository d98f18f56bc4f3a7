"""Open a file of a model for reading: a regular file inside the model's folder, or an error.

A model is a stranger's: in place of a file there may be a FIFO (which would hang), a device, or a
link to a file outside the folder, put there at any moment by whoever may write to the folder.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from ...errors import ModelError
from .folder import FOLDER_FLAGS, READ_FLAGS, Folder

MAX_LINKS = 40

# What opening a link without following it gives: Linux and macOS, FreeBSD, with O_DIRECTORY.
_MAYBE_A_LINK = (errno.ELOOP, getattr(errno, "EMLINK", errno.ELOOP), errno.ENOTDIR)


def open_regular(folder: Folder, name: str) -> int:
    """A descriptor of the regular file `name` in the open folder.

    Links are followed by hand, from descriptor to descriptor, as far as they stay in the folder:
    they can be changed at any time, and still lead nowhere else.

    Args:
        folder: the model's folder.
        name: a path in it, parts separated by ``/``.

    Raises:
        FileNotFoundError: there is no such file; callers know best what that means.
        ModelError: not a regular file, a link that leaves the folder, or not readable.
    """
    path = folder.path / name
    try:
        descriptor = _Beneath(folder, path).open(name)
    except FileNotFoundError:
        raise
    except NotADirectoryError as error:  # a parent of the path is a file
        raise FileNotFoundError(error.errno, error.strerror, path) from error
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno in (errno.EMFILE, errno.ENFILE):
            raise
        raise unreadable(path, error) from error
    try:
        if not stat.S_ISREG(file_status(descriptor, path).st_mode):
            raise ModelError("not a regular file", path=path, remedy="replace it by a plain file")
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


class _Beneath:
    """One search below a folder; `..` goes back to the descriptor that one came from."""

    def __init__(self, folder: Folder, path: Path) -> None:
        self._path = path
        self._folders = [folder.descriptor]
        self._link: str | None = None

    def open(self, name: str) -> int:
        """Open the file to which `name` leads; OSError, or ModelError for a way out."""
        try:
            return self._open(name)
        finally:
            while len(self._folders) > 1:
                os.close(self._folders.pop())

    def _open(self, name: str) -> int:
        parts = name.split("/")[::-1]
        links = 0
        while parts:
            part = parts.pop()
            if part in ("", "."):
                continue
            if part == "..":
                self._go_up()
                continue
            flags = FOLDER_FLAGS | os.O_NOFOLLOW if parts else READ_FLAGS
            try:
                descriptor = os.open(part, flags, dir_fd=self._folders[-1])
            except OSError as error:
                links += 1
                parts.extend(self._followed(part, error, links)[::-1])
                continue
            if not parts:
                return descriptor
            self._folders.append(descriptor)
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))

    def _go_up(self) -> None:
        if len(self._folders) == 1:
            raise self._escape()
        os.close(self._folders.pop())

    def _followed(self, part: str, error: OSError, links: int) -> list[str]:
        """The way that a link describes; the error where there is none."""
        if error.errno not in _MAYBE_A_LINK:
            raise error
        try:
            target = os.readlink(part, dir_fd=self._folders[-1])
        except OSError:
            raise error from None
        self._link = target
        if links > MAX_LINKS:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if target.startswith("/"):
            raise self._escape()
        return target.split("/")

    def _escape(self) -> ModelError:
        return ModelError(
            "a link leaves the model's folder",
            path=self._path,
            found=self._link,
            remedy="copy the model with `cp -rL` first",
        )


def file_status(descriptor: int, path: Path) -> os.stat_result:
    """The status of an open file; ModelError where there is none to be had."""
    try:
        return os.fstat(descriptor)
    except OSError as error:
        raise unreadable(path, error) from error


def file_size(descriptor: int, path: Path) -> int:
    """Bytes of an open file."""
    return file_status(descriptor, path).st_size


def read_at(descriptor: int, size: int, offset: int, path: Path) -> bytes:
    """Up to `size` bytes at `offset`: fewer only at the end of the file."""
    pieces = b""
    while len(pieces) < size:
        try:
            piece = os.pread(descriptor, size - len(pieces), offset + len(pieces))
        except OSError as error:
            raise unreadable(path, error) from error
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
            count = _read_some(descriptor, view[done:], offset + done)
        except OSError as error:
            raise unreadable(path, error) from error
        if count == 0:
            raise ModelError(
                "the file became shorter while it was read",
                path=path,
                offset=offset + done,
                remedy="do not write to the model while it is being read",
            )
        done += count


def _read_some(descriptor: int, view: memoryview, offset: int) -> int:
    if hasattr(os, "preadv"):
        return os.preadv(descriptor, [view], offset)
    data = os.pread(descriptor, min(len(view), 1 << 20), offset)  # macOS before 11
    view[: len(data)] = data
    return len(data)


def unreadable(path: Path, error: OSError | ValueError) -> ModelError:
    """The error for a file that cannot be read, with its cause."""
    cause = (error.strerror if isinstance(error, OSError) else None) or str(error)
    return ModelError(f"cannot read the file: {cause}", path=path)
