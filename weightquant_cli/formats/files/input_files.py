"""What a model's files are read through, wherever they lie: in a folder, or in a tar.

`InputFolder` and `TarFolder` are both `InputFiles`; who reads a model needs to know no more.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path

from ...errors import ModelError
from .digests import FileDigest, digest_of
from .regular import read_at, read_into


class InputFile:
    """An open file of a model.

    Attributes:
        descriptor: its file descriptor.
        path: where it lies, for messages.
        size: its bytes, the first time that it was opened.
    """

    def __init__(self, descriptor: int, path: Path, size: int) -> None:
        self.descriptor = descriptor
        self.path = path
        self.size = size

    def read_at(self, size: int, offset: int) -> bytes:
        """Up to `size` bytes at `offset`: fewer only at the end of the file; or ModelError."""
        return read_at(self.descriptor, size, offset, self.path)

    def read_into(self, view: memoryview, offset: int) -> None:
        """Fill `view` from `offset` on; ModelError where that cannot be done."""
        read_into(self.descriptor, view, offset, self.path)


class InputFiles(ABC):
    """Files by their path (parts separated by ``/``). Any number of threads may read."""

    @property
    @abstractmethod
    def path(self) -> Path:
        """How the place was named; with a file's path behind it, for messages."""

    @property
    @abstractmethod
    def mode(self) -> int:
        """The permissions that all files opened so far have in common."""

    @abstractmethod
    def names(self) -> list[str]:
        """The names of files and folders at the top; OSError."""

    @abstractmethod
    def is_folder(self, name: str) -> bool:
        """Whether `name` is a folder, or a link to one."""

    @abstractmethod
    def exists(self, name: str) -> bool:
        """Whether there is something of this name."""

    @abstractmethod
    def opened(self, name: str) -> AbstractContextManager[InputFile]:
        """The file `name`.

        Raises:
            FileNotFoundError: there is none; callers know best what that means.
            ModelError: not a regular file, not readable, or not the one that was opened before.
        """

    @abstractmethod
    def verify_unchanged(self) -> None:
        """See that every file that was read is still there and as it was when it was opened.

        Raises:
            ModelError: one has changed: what was read may be half of one model, half of another.
        """

    @abstractmethod
    def close(self) -> None:
        """Close all files; also done when it is garbage-collected."""

    def read(self, name: str) -> bytes:
        """All bytes of the file `name`; raises as `opened` does."""
        with self.opened(name) as file:
            return file.read_at(file.size, 0)

    def digest(self, name: str) -> FileDigest:
        """Digest of the file `name`, of the very bytes that are read from it.

        Raises:
            ModelError: it is missing, not a regular file of this place, or cannot be read.
        """
        try:
            with self.opened(name) as file:
                return digest_of(name, file.read_at)
        except FileNotFoundError as error:
            raise ModelError("the file is missing", path=self.path / name) from error
