"""A folder within a tar, read like an open folder: each file is a piece of the one tar.

Nothing is unpacked, so that a model of any size takes neither disk nor memory. The tar itself is
watched as a model's file is: whatever changes in it meanwhile is an error.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ...errors import ModelError
from .input_files import InputFile, InputFiles
from .input_folder import InputFolder
from .regular import read_at, read_into
from .tar_index import FILE, FOLDER, SPARSE, TarEntry, folders, read_index

# What macOS puts beside each file to hold its attributes.
_APPLE_DOUBLE = "._"


class _Member(InputFile):
    """A file in a tar; `start` is where its data begins."""

    def __init__(self, descriptor: int, path: Path, size: int, start: int) -> None:
        super().__init__(descriptor, path, size)
        self.start = start

    def read_at(self, size: int, offset: int) -> bytes:
        size = max(0, min(size, self.size - offset))
        return read_at(self.descriptor, size, self.start + offset, self.path)

    def read_into(self, view: memoryview, offset: int) -> None:
        if offset + len(view) > self.size:
            raise ModelError("the file in the tar ends too early", path=self.path, offset=offset)
        read_into(self.descriptor, view, self.start + offset, self.path)


class _Tar:
    """An open tar; `named` by a user, and a file of this name in the folder `outside`."""

    def __init__(
        self, named: Path, outside: InputFolder, name: str, entries: Mapping[str, TarEntry]
    ) -> None:
        self.named = named
        self.outside = outside
        self.name = name
        self.entries = entries
        self.folders = folders(entries)


class TarFolder(InputFiles):
    """The files below one folder of a tar, the whole tar at first."""

    def __init__(self, tar: _Tar, within: str = "") -> None:
        self._tar = tar
        self._within = within

    @classmethod
    def open(cls, path: Path) -> TarFolder:
        """The tar at `path`, which a user named: links in it are followed.

        Raises:
            OSError: there is no such file, or its folder cannot be opened.
            ModelError: it is not a tar, or not one that can be read; `read_index` says what.
        """
        real = Path(os.path.realpath(path))
        outside = InputFolder.open(real.parent)
        with outside.opened(real.name) as file:
            entries = read_index(InputFile(file.descriptor, path, file.size))
        return cls(_Tar(path, outside, real.name, entries))

    def inside(self, folder: str) -> TarFolder:
        """The same tar, seen from one of its folders."""
        return TarFolder(self._tar, folder)

    @property
    def folders(self) -> Mapping[str, set[str]]:
        """The names in every folder of the whole tar, by the folder's path."""
        return self._tar.folders

    @property
    def path(self) -> Path:
        """How the tar was named, with its folder behind it."""
        return self._tar.named / self._within

    @property
    def mode(self) -> int:
        """The permissions of the tar."""
        return self._tar.outside.mode

    def names(self) -> list[str]:
        """The names in it, without what macOS adds."""
        names = sorted(self.folders.get(self._within, ()))
        return [name for name in names if not name.startswith(_APPLE_DOUBLE)]

    def is_folder(self, name: str) -> bool:
        """Whether `name` is a folder."""
        entry = self._tar.entries.get(self._full(name))
        return self._full(name) in self.folders if entry is None else entry.kind == FOLDER

    def exists(self, name: str) -> bool:
        """Whether there is something of this name."""
        return self._full(name) in self._tar.entries or self._full(name) in self.folders

    @contextmanager
    def opened(self, name: str) -> Iterator[InputFile]:
        """The file `name`, as a piece of the tar; raises as `InputFiles.opened` does."""
        entry = self._tar.entries.get(self._full(name))
        if entry is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.path / name))
        if entry.kind != FILE:
            raise ModelError(
                f"not a regular file but {entry.kind} in a tar",
                path=self.path / name,
                remedy="unpack it with `tar xf`, and give the folder"
                if entry.kind == SPARSE
                else "pack the model again from plain files",
            )
        with self._tar.outside.opened(self._tar.name) as file:
            yield _Member(file.descriptor, self.path / name, entry.size, entry.start)

    def verify_unchanged(self) -> None:
        """See that the tar is as it was when it was opened; ModelError."""
        self._tar.outside.verify_unchanged()

    def close(self) -> None:
        """Close the tar."""
        self._tar.outside.close()

    def _full(self, name: str) -> str:
        return f"{self._within}/{name}" if self._within else name
