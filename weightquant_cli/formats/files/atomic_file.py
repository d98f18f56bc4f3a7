"""All-or-nothing output of one file: a temporary file beside it, fsync, one rename.

What is no regular file (a terminal, a pipe, /dev/null) is written to as it is, since a rename
would put a file in its place. A link stays, and the file that it leads to is replaced.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
from pathlib import Path

from ...errors import OutputError
from . import temporary
from .folder import CLOSE_ON_EXEC, Folder, Identity, identity
from .immutable import refuse_sticky
from .signals import deferred_signals
from .writing import write_at, write_error

# /dev/stdout, /dev/fd/3 and `>(command)` lead here: an open file rather than a path.
_DESCRIPTOR_PATH = re.compile("(?:/proc/(?:self|thread-self)/fd|/dev/fd)/([0-9]+)")
_MAX_LINKS = 40


class FileOutput:
    """One file to be written.

    `open` shows that it can be written before any work is done for it; `write` puts it in place.
    Without a `write`, `close` leaves everything as it was. For use with `with`, which opens it.

    Attributes:
        path: the path as the user named it.
        what: what the file is, for messages: "the report".
        notices: what the user should know, after `open`: a line each.
    """

    def __init__(self, path: Path, what: str, mode: int = 0o666, follow_links: bool = True) -> None:
        """Nothing is touched yet.

        Args:
            path: the file; its folder exists.
            what: what it is, for messages.
            mode: of a new file, less the umask; one that is replaced keeps its own.
            follow_links: whether a link stays; without, a file takes its place. For paths in a
                model's folder, in which a stranger may have put a link to anything.
        """
        self.path = path
        self.what = what
        self.notices: list[str] = []
        self._mode = mode
        self._follow_links = follow_links
        self._parent: Folder | None = None
        self._name = ""
        self._old: os.stat_result | None = None
        self._temporary = ""
        self._descriptor = -1

    def open(self) -> None:
        """Make the temporary file, or open what is written to as it is.

        Raises:
            OutputError: a folder is there, or a device that holds data; or the file system refuses.
        """
        try:
            if not self._follow_links and os.path.islink(self.path):
                self._open_temporary(None)
                return
            number = descriptor_number(self.path)
            if number is not None:
                self._descriptor = os.dup(number)
                return
            self._old = _status(self.path)
            if self._old is None or stat.S_ISREG(self._old.st_mode):
                self._open_temporary(self._old)
            else:
                self._open_special(self._old)
        except OSError as error:
            raise self._refusal(error) from error

    def write(self, data: bytes) -> None:
        """Write all of `data`, put the file in place and close it.

        Raises:
            OutputError: the file system refuses; a file that was there is untouched.
        """
        try:
            if not self._temporary:
                _write_all(self._descriptor, data)
            else:
                write_at(self._descriptor, data, 0, self.path)
                os.fsync(self._descriptor)
                with deferred_signals():
                    self._publish()
        except OSError as error:
            raise self._refusal(error) from error
        finally:
            self.close()

    def close(self) -> None:
        """Close it, and remove the temporary file where it was not put in place."""
        with deferred_signals():
            if self._temporary and self._parent is not None:
                with contextlib.suppress(OSError):
                    if self._parent.holds(self._temporary, self._made):
                        os.unlink(self._temporary, dir_fd=self._parent.descriptor)
                self._temporary = ""
            if self._descriptor >= 0:
                with contextlib.suppress(OSError):
                    os.close(self._descriptor)
                self._descriptor = -1
            if self._parent is not None:
                self._parent.close()
                self._parent = None

    def __enter__(self) -> FileOutput:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def _made(self) -> Identity:
        return identity(os.fstat(self._descriptor))

    def _open_temporary(self, old: os.stat_result | None) -> None:
        real = Path(os.path.realpath(self.path)) if self._follow_links else self.path
        self._parent = Folder.open(real.parent)
        self._name = real.name
        if old is not None:
            _refuse_immutable(self._parent, self._name, old)
        self.notices = temporary.clear_leftovers(self._parent, self._name)
        mode = self._mode if old is None else old.st_mode & 0o600
        with deferred_signals():
            self._temporary, self._descriptor = temporary.make_file(self._parent, self._name, mode)

    def _open_special(self, old: os.stat_result) -> None:
        if stat.S_ISDIR(old.st_mode) or stat.S_ISBLK(old.st_mode):
            kind = "a folder" if stat.S_ISDIR(old.st_mode) else "a disk"
            raise OutputError(
                f"what is in the place of {self.what} is {kind}, not a file",
                path=self.path,
                remedy="choose another place for it",
            )
        # Opening a pipe without a reader would block forever.
        flags = os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | CLOSE_ON_EXEC
        self._descriptor = os.open(self.path, flags)
        os.set_blocking(self._descriptor, True)
        if identity(os.fstat(self._descriptor)) != identity(old):
            raise OSError(errno.EAGAIN, "another process replaced the file")

    def _publish(self) -> None:
        assert self._parent is not None
        if not self._parent.holds(self._temporary, self._made):
            raise OSError(errno.EAGAIN, "another process moved the temporary file away")
        if self._old is not None:
            if hasattr(os, "fchown") and os.geteuid() == 0:
                os.fchown(self._descriptor, self._old.st_uid, self._old.st_gid)
            os.fchmod(self._descriptor, stat.S_IMODE(self._old.st_mode))
        descriptor = self._parent.descriptor
        os.replace(self._temporary, self._name, src_dir_fd=descriptor, dst_dir_fd=descriptor)
        self._temporary = ""
        with contextlib.suppress(OSError):  # too late to take it back, or to call it failed
            os.fsync(descriptor)

    def _refusal(self, error: OSError) -> OutputError:
        return write_error(error, self.path, self.what)


def write_file(
    path: Path, data: bytes, what: str, mode: int = 0o666, follow_links: bool = True
) -> None:
    """Write `data` to the file `path`, in place of one that is there; whole or not at all.

    Args:
        path: the file; its folder exists.
        data: all of its bytes.
        what: what the file is, for the message.
        mode, follow_links: as for `FileOutput`.

    Raises:
        OutputError: the file system refuses; a file that was there is untouched.
    """
    with FileOutput(path, what, mode, follow_links) as output:
        output.write(data)


def descriptor_number(path: Path) -> int | None:
    """The open file that a path such as /dev/stdout refers to; None for every other path."""
    step = os.path.abspath(path) if os.path.isabs(path) else os.fspath(path)
    for _ in range(_MAX_LINKS):
        if found := _DESCRIPTOR_PATH.fullmatch(step):
            return int(found[1])
        if not os.path.islink(step):
            return None
        folder = os.path.realpath(os.path.dirname(step))
        step = os.path.normpath(os.path.join(folder, os.readlink(step)))
    return None


def _status(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None


def _refuse_immutable(parent: Folder, name: str, old: os.stat_result) -> None:
    """Refuse, before any work, to replace a file that cannot be replaced.

    Raises:
        PermissionError: the file is immutable, or another user's in a folder with the sticky bit.
    """
    refuse_sticky(parent, old)
    flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW | CLOSE_ON_EXEC
    try:
        os.close(os.open(name, flags, dir_fd=parent.descriptor))
    except OSError as error:
        if error.errno in (errno.EPERM, errno.EROFS):  # not for want of its write permission
            raise


def _write_all(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
