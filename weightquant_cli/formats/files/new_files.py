"""The files of an output folder while they are written: made once, flushed together, hashed."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from ... import threads
from .digests import FileDigest, digest_of
from .folder import CLOSE_ON_EXEC, CREATE_FLAGS, Folder
from .open_files import OpenFiles
from .regular import read_at
from .writing import write_error

# The file system's journal takes files that are waited for together in one step, which for
# thousands of small files is fifty times as fast as one after the other.
FLUSH_THREADS = 16

_WRITE = os.O_WRONLY | os.O_NOFOLLOW | CLOSE_ON_EXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | CLOSE_ON_EXEC


class NewFiles:
    """Files in a new folder, by their path in it (parts separated by ``/``).

    Any number of threads may write. Messages show the path that a file will have.

    Attributes:
        folder: the temporary folder.
        path: the path that it will have.
        notices: what the user should know in the end: a line each.
    """

    def __init__(self, folder: Folder, target: Path, file_mode: int, notices: list[str]) -> None:
        self.folder = folder
        self.notices = notices
        self.path = target
        self._file_mode = file_mode
        self._files = OpenFiles(partial(_close, target))
        self._made: dict[str, Path] = {}
        self._folders: dict[str, None] = {}

    @contextmanager
    def opened(self, name: str) -> Iterator[tuple[int, Path]]:
        """A descriptor to write the file `name` through, and its path; it is made when new.

        Raises:
            OutputError: the file system refuses.
        """
        try:
            file = self._files.take(name, self._open)
        except OSError as error:
            raise write_error(error, self.path / name) from error
        try:
            yield file.descriptor, self._made[name]
        finally:
            self._files.give_back(file)

    def digests(self, names: Sequence[str]) -> tuple[FileDigest, ...]:
        """Digests of these files as they were written; all of them are closed by then.

        Raises:
            OSError: a file cannot be read.
        """
        self._files.close()
        found = []
        for name in names:
            with self._reopened(name) as descriptor:
                read = partial(read_at, descriptor, path=self.path / name)
                found.append(digest_of(name, read))
        return tuple(found)

    def flush(self) -> None:
        """Wait until every file is on the disk, and their folders; the files are closed.

        Raises:
            OSError, OutputError: of the first file that could not be written.
        """
        threads.run(self._flush_file, list(self._made), FLUSH_THREADS)
        self._files.close()
        for name in self._folders:
            with self._descended(name.split("/")) as folder:
                os.fsync(folder.descriptor)
        os.fsync(self.folder.descriptor)

    def close(self) -> None:
        """Close every file."""
        self._files.close()

    def _flush_file(self, name: str, _: threads.CancelToken) -> None:
        with self.opened(name) as (descriptor, _path):
            os.fsync(descriptor)

    @contextmanager
    def _reopened(self, name: str) -> Iterator[int]:
        *above, last = name.split("/")
        with self._descended(above) as folder:
            descriptor = os.open(last, _READ, dir_fd=folder.descriptor)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _open(self, name: str) -> int:
        *above, last = name.split("/")
        for depth in range(1, len(above) + 1):
            self._make_folder("/".join(above[:depth]))
        with self._descended(above) as folder:
            if name in self._made:
                return os.open(last, _WRITE, dir_fd=folder.descriptor)
            descriptor = os.open(last, CREATE_FLAGS, self._file_mode, dir_fd=folder.descriptor)
        self._made[name] = self.path / name
        return descriptor

    def _make_folder(self, name: str) -> None:
        if name in self._folders:
            return
        *above, last = name.split("/")
        with self._descended(above) as folder:
            os.mkdir(last, dir_fd=folder.descriptor)
        self._folders[name] = None

    @contextmanager
    def _descended(self, parts: Sequence[str]) -> Iterator[Folder]:
        """The folder to which these names lead, step by step and through no link."""
        with ExitStack() as stack:
            folder = self.folder
            for part in parts:
                folder = stack.enter_context(folder.subfolder(part))
            yield folder


def _close(target: Path, name: str, descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError as error:  # a network's file system may tell only now that it is full
        raise write_error(error, target / name) from error
