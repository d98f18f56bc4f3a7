"""Whether a file system will refuse to remove a file, whoever asks: immutable, or append-only."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import struct
import sys

from .folder import READ_FLAGS, Folder

_LONG = struct.calcsize("l")

# linux/fs.h: _IOR('f', 1, long), FS_IMMUTABLE_FL and FS_APPEND_FL.
_GET_FLAGS = 0x80006601 | _LONG << 16
_LINUX_FLAGS = 0x10 | 0x20

# sys/stat.h of macOS: user and system, immutable and append-only.
_BSD_FLAGS = 0x2 | 0x4 | 0x20000 | 0x40000


def refuse_immutable(folder: Folder, name: str, status: os.stat_result) -> None:
    """Refuse what cannot be removed; where the system does not tell, it may be.

    Args:
        folder: where it lies.
        name: its name in there.
        status: its status, without following a link.

    Raises:
        PermissionError: it is immutable or append-only.
    """
    if sys.platform.startswith("linux"):
        refused = _linux_flags(folder, name, status) & _LINUX_FLAGS
    else:
        refused = getattr(status, "st_flags", 0) & _BSD_FLAGS
    if refused:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))


def refuse_sticky(parent: Folder, status: os.stat_result) -> None:
    """Refuse what the sticky bit of its folder lets nobody but its owner replace.

    Raises:
        PermissionError: it is another user's, in a folder with the sticky bit.
    """
    above = os.fstat(parent.descriptor)
    if above.st_mode & stat.S_ISVTX and os.geteuid() not in (0, status.st_uid, above.st_uid):
        raise PermissionError(errno.EPERM, "it is another user's, in a folder with the sticky bit")


def _linux_flags(folder: Folder, name: str, status: os.stat_result) -> int:
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        return 0
    try:
        descriptor = os.open(name, READ_FLAGS, dir_fd=folder.descriptor)
    except PermissionError:
        return 0  # not ours to read, and yet perhaps to remove
    try:
        (found,) = struct.unpack("l", fcntl.ioctl(descriptor, _GET_FLAGS, bytes(8))[:_LONG])
    except OSError:  # a file system without such flags
        return 0
    finally:
        os.close(descriptor)
    return int(found)
