"""Write a model's files into a folder: every size is known before the first byte is written.

Records may be written in any order and from several threads: each has its place. `new_folder` sees
to it that everything is on the disk before the folder gets its name.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from ..errors import OptionError
from .files.new_files import NewFiles
from .files.writing import write_at, write_error
from .params import require_file_name
from .text import encode

EARLY_FLUSH_BYTES = 1 << 20


class Layout(NamedTuple):
    """Names of a model's files.

    Attributes:
        program: the program's file name.
        params: the combined file's name, or None for one file per parameter.
    """

    program: str
    params: str | None


class NewRecord(NamedTuple):
    """A record to be written.

    Attributes:
        name: the variable's name.
        header: the record up to its data.
        data_size: bytes of data.
    """

    name: str
    header: bytes
    data_size: int

    @property
    def size(self) -> int:
        """Bytes of the whole record."""
        return len(self.header) + self.data_size


class RecordWriter:
    """Writes the data of one record, at any offset within it."""

    def __init__(self, descriptor: int, start: int, path: Path) -> None:
        self._descriptor = descriptor
        self._start = start
        self._path = path
        self._first = sys.maxsize
        self._end = 0

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Write all of `data` at byte `offset` of the record's data."""
        start = self._start + offset
        write_at(self._descriptor, data, start, self._path)
        self._first = min(self._first, start)
        self._end = max(self._end, start + len(data))

    def begin_flush(self) -> None:
        """Let the system begin to bring what was written to the disk, beside further work.

        The advice that the data is not needed starts the writing and does not wait for it, so that
        `NewFiles.flush` has little left to wait for: 5 ms instead of 60 for 138 MB. For less than a
        megabyte it is not worth a call.
        """
        size = self._end - self._first
        if size >= EARLY_FLUSH_BYTES and hasattr(os, "posix_fadvise"):
            with suppress(OSError):  # `NewFiles.flush` waits, and reports errors
                os.posix_fadvise(self._descriptor, self._first, size, os.POSIX_FADV_DONTNEED)


class ModelWriter:
    """Writes program and parameters of one model into a new folder.

    Args:
        files: the folder's files; there are none yet.
        layout: the files' names.
        records: every parameter, in byte order of the names.

    Raises:
        OptionError: file names that collide with one another or with a parameter's.
        OutputError: from every method, where the file system refuses.
    """

    def __init__(self, files: NewFiles, layout: Layout, records: Sequence[NewRecord]) -> None:
        self._files = files
        self._layout = layout
        self._records = {record.name: record for record in records}
        self._starts: dict[str, int] = {}
        self._copied: list[str] = []
        position = 0
        for record in records:
            self._starts[record.name] = position if layout.params is not None else 0
            position += record.size
        refuse_name_collisions(layout, list(self._records))
        if layout.params is not None:
            self._allocate(layout.params, position)
        else:
            for name in self._records:
                require_file_name(files.path, name)

    @property
    def file_names(self) -> tuple[str, ...]:
        """The model's files, the program first."""
        if self._layout.params is not None:
            return self._layout.program, self._layout.params
        return (self._layout.program, *self._records, *self._copied)

    @contextmanager
    def record(self, name: str) -> Iterator[RecordWriter]:
        """Write the header of the record `name`, and give a writer for its data."""
        record = self._records[name]
        start = self._starts[name]
        with self._files.opened(self._layout.params or name) as (descriptor, path):
            write_at(descriptor, record.header, start, path)
            writer = RecordWriter(descriptor, start + len(record.header), path)
            yield writer
            writer.begin_flush()

    @contextmanager
    def copied_file(self, name: str) -> Iterator[RecordWriter]:
        """Write the file of a carried variable, byte by byte as it was."""
        require_file_name(self._files.path, name)
        with self._files.opened(name) as (descriptor, path):
            yield RecordWriter(descriptor, 0, path)
        self._copied.append(name)

    def write_program(self, data: bytes) -> None:
        """Write the program's file."""
        with self._files.opened(self._layout.program) as (descriptor, path):
            write_at(descriptor, data, 0, path)

    def _allocate(self, name: str, size: int) -> None:
        with self._files.opened(name) as (descriptor, path):
            try:
                os.ftruncate(descriptor, size)
            except OSError as error:
                raise write_error(error, path) from error


def refuse_name_collisions(layout: Layout, parameters: Sequence[str]) -> None:
    """Refuse a layout in which two files would have the same name."""
    if layout.program == layout.params:
        raise OptionError(
            "program and parameters cannot have the same file name", found=layout.program
        )
    if layout.params is None and layout.program in parameters:
        raise OptionError(
            "the program's file name is also a parameter's name",
            found=layout.program,
            remedy="choose another with `program`, or one file for all parameters with `params`",
        )
    for name in filter(None, (layout.program, layout.params)):
        if len(encode(name)) > 255:
            raise OptionError("the file name is too long", found=name[:64] + "...")
