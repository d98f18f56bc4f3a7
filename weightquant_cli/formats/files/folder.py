"""An open folder: what is in it is reached through its descriptor, whatever happens to its path.

A path is resolved again on every use, and anyone who may write to one of its folders can put a link
there in between. Names taken from a descriptor stay in the folder that was opened.
"""

from __future__ import annotations

import contextlib
import os
import stat
import weakref
from pathlib import Path
from typing import TypeAlias

CLOSE_ON_EXEC = getattr(os, "O_CLOEXEC", 0)
READ_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | CLOSE_ON_EXEC
CREATE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | CLOSE_ON_EXEC
FOLDER_FLAGS = os.O_RDONLY | os.O_DIRECTORY | CLOSE_ON_EXEC

Identity: TypeAlias = tuple[int, int]
"""Device and inode: the same for every name of one file or folder."""


def identity(status: os.stat_result) -> Identity:
    """Device and inode of a status."""
    return status.st_dev, status.st_ino


class Folder:
    """An open folder. It is closed by `close`, by `with`, or by the garbage collector.

    Attributes:
        path: how it was named, for messages.
        descriptor: its file descriptor.
        identity: its device and inode.
    """

    def __init__(self, descriptor: int, path: Path) -> None:
        self.path = path
        self.descriptor = descriptor
        self._close = weakref.finalize(self, _close, descriptor)
        self.identity = identity(os.fstat(descriptor))

    @classmethod
    def open(cls, path: Path) -> Folder:
        """Open the folder at `path`, which a user named: links in it are followed. OSError."""
        return cls(os.open(path, FOLDER_FLAGS), path)

    def subfolder(self, name: str) -> Folder:
        """Open the folder `name` in this one; OSError where it is a link or no folder."""
        descriptor = os.open(name, FOLDER_FLAGS | os.O_NOFOLLOW, dir_fd=self.descriptor)
        return Folder(descriptor, self.path / name)

    def names(self) -> list[str]:
        """The names of what is in it."""
        return os.listdir(self.descriptor)

    def status(self, name: str) -> os.stat_result:
        """The status of `name` in it, of the link itself where it is one; OSError."""
        return os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)

    def find(self, name: str) -> os.stat_result | None:
        """The status of `name` in it, or None where there is no such thing; OSError."""
        try:
            return self.status(name)
        except FileNotFoundError:
            return None

    def holds(self, name: str, wanted: Identity) -> bool:
        """Whether `name` in it is the file or folder of this identity."""
        found = self.find(name)
        return found is not None and identity(found) == wanted

    def is_folder(self, name: str) -> bool:
        """Whether `name` in it is a folder, and not a link to one."""
        found = self.find(name)
        return found is not None and stat.S_ISDIR(found.st_mode)

    def rename(self, source: str, target: str) -> None:
        """Give `source` in it the name `target`; OSError."""
        os.rename(source, target, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def close(self) -> None:
        """Close it; once is enough."""
        self._close()

    def __enter__(self) -> Folder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _close(descriptor: int) -> None:
    with contextlib.suppress(OSError):  # nothing is written through it, so nothing can be lost
        os.close(descriptor)
