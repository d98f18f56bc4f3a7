"""The folder that a new one replaces: whether it may go, and what of it the new one keeps."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from .fingerprint import Fingerprint
from .folder import Folder
from .immutable import refuse_immutable, refuse_sticky

Contents: TypeAlias = Mapping[str, Fingerprint]
"""Everything in a folder by its path in there. Of folders only device and inode count."""

Inspect: TypeAlias = Callable[[Folder], Contents]
"""Lists a folder that is to be replaced, or raises OutputError where it must not be."""

MAX_DEPTH = 64
"""Levels of folders. A model's parameter `a/b/w` makes two; each takes a descriptor here."""

MAX_ENTRIES = 1_000_000


def list_contents(folder: Folder) -> Contents:
    """Everything below `folder`; links are not followed.

    Raises:
        OSError: a folder cannot be listed, or there is more in it than in any output.
    """
    found: dict[str, Fingerprint] = {}
    for path, status in _walk(folder, "", MAX_DEPTH):
        if len(found) >= MAX_ENTRIES:
            raise OSError(errno.EFBIG, "there are too many files in it")
        if stat.S_ISDIR(status.st_mode):
            found[path] = Fingerprint(status.st_dev, status.st_ino, 0, 0, 0)
        else:
            found[path] = Fingerprint.of(status)
    return found


def _walk(folder: Folder, prefix: str, depth: int) -> Iterator[tuple[str, os.stat_result]]:
    for name in sorted(folder.names()):
        status = folder.status(name)
        yield prefix + name, status
        if not stat.S_ISDIR(status.st_mode):
            continue
        if depth == 0:
            raise OSError(errno.ELOOP, "folders are nested too deeply in it")
        with folder.subfolder(name) as inner:
            yield from _walk(inner, f"{prefix}{name}/", depth - 1)


class OldFolder:
    """An output folder of an earlier run.

    Attributes:
        folder: the open folder.
        contents: what was in it when it was found that it may be replaced.
    """

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.contents: Contents = {}
        self._status = os.fstat(folder.descriptor)

    def refuse_unremovable(self, parent: Folder) -> None:
        """Refuse, before any work, a folder that could not be removed once it is replaced.

        Raises:
            PermissionError: it is another user's, immutable, or may not be written.
        """
        refuse_sticky(parent, self._status)
        _refuse_unremovable(self.folder, MAX_DEPTH, check_modes=os.geteuid() != 0)

    def give_group(self, new: Folder) -> None:
        """Give a new folder, still empty, the group and setgid bit: new files inherit them."""
        now = os.fstat(new.descriptor)
        with contextlib.suppress(PermissionError):  # not a member: as with any new folder
            if now.st_gid != self._status.st_gid:
                os.fchown(new.descriptor, -1, self._status.st_gid)
            if self._status.st_mode & stat.S_ISGID:
                os.fchmod(new.descriptor, 0o700 | stat.S_ISGID)

    def give_owner_and_mode(self, new: Folder) -> None:
        """Give a new folder, now finished, the owner (for root only) and the mode."""
        now = os.fstat(new.descriptor)
        if now.st_uid != self._status.st_uid:
            with contextlib.suppress(PermissionError):
                os.fchown(new.descriptor, self._status.st_uid, self._status.st_gid)
        os.fchmod(new.descriptor, stat.S_IMODE(self._status.st_mode))


def _refuse_unremovable(folder: Folder, depth: int, check_modes: bool) -> None:
    refuse_immutable(folder, ".", os.fstat(folder.descriptor))
    if check_modes and not os.access(
        ".",
        os.W_OK | os.X_OK,
        dir_fd=folder.descriptor,
        effective_ids=os.access in os.supports_effective_ids,
    ):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    for name in folder.names():
        status = folder.status(name)
        if stat.S_ISDIR(status.st_mode) and depth:
            with folder.subfolder(name) as inner:
                _refuse_unremovable(inner, depth - 1, check_modes)
        else:
            refuse_immutable(folder, name, status)
