"""Temporary files and folders beside an output, and those that killed runs have left there.

A living run holds a lock on what it has made. What bears our name, is ours and is not locked was
left behind, and the next run for the same output removes it; but no folder while the output itself
is locked, since the run that holds it may just have exchanged the two, and may put the old one
back. No lock is ever waited for: another user may hold one for ever.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
from pathlib import Path

from ...errors import printable
from .folder import CREATE_FLAGS, READ_FLAGS, Folder, identity
from .removal import remove_folder

TEMPORARY_PREFIX = ".weightquant-"

# What follows the stem in a temporary name. Another output's stem may begin with ours.
_SUFFIX = re.compile("[0-9a-f]{12}(-old)?")

# Names are limited to 255 bytes: so many of the output's leave room for all that is added.
_STEM_BYTES = 150

_WITHOUT_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
_ATTEMPTS = 20


def make_folder(parent: Folder, name: str) -> tuple[str, Folder]:
    """Make and lock a temporary folder for the output `name`, which only this user may enter.

    Returns:
        Its name in `parent`, and the folder.

    Raises:
        OSError: it cannot be made.
    """
    for _ in range(_ATTEMPTS):
        temporary = _temporary_name(name)
        os.mkdir(temporary, 0o700, dir_fd=parent.descriptor)
        try:
            folder = parent.subfolder(temporary)
        except FileNotFoundError:
            continue  # another run took it for a leftover before it was locked
        except OSError:
            os.rmdir(temporary, dir_fd=parent.descriptor)
            raise
        try:
            if lock(folder.descriptor) and parent.holds(temporary, folder.identity):
                return temporary, folder
        except OSError:
            folder.close()
            os.rmdir(temporary, dir_fd=parent.descriptor)
            raise
        folder.close()  # likewise
    raise BlockingIOError(errno.EAGAIN, "another process takes every temporary folder")


def make_file(parent: Folder, name: str, mode: int) -> tuple[str, int]:
    """Make and lock a temporary file for the output `name`.

    Returns:
        Its name in `parent`, and a descriptor to write through.

    Raises:
        OSError: it cannot be made.
    """
    for _ in range(_ATTEMPTS):
        temporary = _temporary_name(name)
        descriptor = os.open(temporary, CREATE_FLAGS, mode, dir_fd=parent.descriptor)
        try:
            made = identity(os.fstat(descriptor))
            if lock(descriptor) and parent.holds(temporary, made):
                return temporary, descriptor
        except OSError:
            os.close(descriptor)
            os.unlink(temporary, dir_fd=parent.descriptor)
            raise
        os.close(descriptor)
    raise BlockingIOError(errno.EAGAIN, "another process takes every temporary file")


def clear_leftovers(parent: Folder, name: str) -> list[str]:
    """Remove what killed runs have left for the output `name`; a line for what stays, and why."""
    stem = _stem(name)
    skipped = []
    for entry in parent.names():
        if entry.startswith(stem) and _SUFFIX.fullmatch(entry.removeprefix(stem)):
            try:
                reason = _clear(parent, entry, name)
            except FileNotFoundError:
                continue  # another run has cleared it
            except OSError as error:
                reason = error.strerror or str(error)
            if reason:
                skipped.append(f"left over and not removed: {_shown(parent, entry)}: {reason}")
    return skipped


def _clear(parent: Folder, name: str, output: str) -> str | None:
    """Remove one leftover; why it stays, or None where there is nothing to say."""
    found = parent.status(name)
    if found.st_uid != os.geteuid():
        return "it belongs to another user"
    if not stat.S_ISDIR(found.st_mode) and not stat.S_ISREG(found.st_mode):
        return "it is neither a file nor a folder"
    descriptor = os.open(name, READ_FLAGS, dir_fd=parent.descriptor)
    try:
        if identity(os.fstat(descriptor)) != identity(found):
            return None
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:  # held by a running process, or locks are not supported
            return None
        if not stat.S_ISDIR(found.st_mode):
            os.unlink(name, dir_fd=parent.descriptor)
        elif not _is_locked(parent, output):
            remove_folder(parent, name)
    finally:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    return None


def _is_locked(parent: Folder, name: str) -> bool:
    """Whether a running process holds the lock of this folder."""
    try:
        with parent.subfolder(name) as folder:
            return not lock(folder.descriptor)
    except OSError:  # there is none
        return False


def lock(descriptor: int) -> bool:
    """Whether the lock was free and is ours now; a file system without locks gives it to all."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in _WITHOUT_LOCKS:
            raise
    return True


def _temporary_name(name: str) -> str:
    return f"{_stem(name)}{os.urandom(6).hex()}"


def _stem(name: str) -> str:
    shortened = os.fsdecode(os.fsencode(name)[:_STEM_BYTES])
    return f"{TEMPORARY_PREFIX}{shortened}-"


def _shown(parent: Folder, name: str) -> str:
    return printable(str(Path(parent.path) / name))
