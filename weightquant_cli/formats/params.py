"""A model's parameters on disk, separate files or one combined file, both as name -> record.

Only headers are read here. Data is read where it is needed, block by block (`Parameters.reader`),
so that a model of any size takes the same memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from ..errors import (
    MissingParameterError,
    ParameterError,
    counted,
    listed,
)
from .file_names import twin
from .files.input_files import InputFile, InputFiles
from .lod_tensor import TensorRecord, read_record
from .text import encode

# NAME_MAX of the file systems in use; longer names could neither be read nor written.
MAX_COMPONENT_BYTES = 255


class TensorReader:
    """Reads the bytes of one record through an open file."""

    def __init__(self, file: InputFile, record: TensorRecord) -> None:
        self._file = file
        self.record = record

    def read_data(self, view: memoryview, offset: int) -> None:
        """Fill `view` (bytes) with the record's data from byte `offset` of the data on."""
        self._file.read_into(view, self.record.data_offset + offset)

    def read_record(self, view: memoryview, offset: int) -> None:
        """Fill `view` with the record, header included, from byte `offset` of the record on."""
        self._file.read_into(view, self.record.offset + offset)


class Parameters(Mapping[str, TensorRecord]):
    """All parameters of a model, in byte order of their names.

    Attributes:
        combined: the name of the one file that holds them all, or None for separate files.
    """

    def __init__(
        self, records: Mapping[str, TensorRecord], folder: InputFiles, combined: str | None
    ) -> None:
        self._records = dict(records)
        self._folder = folder
        self.combined = combined

    def __getitem__(self, name: str) -> TensorRecord:
        return self._records[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._records)

    def __len__(self) -> int:
        return len(self._records)

    @property
    def size(self) -> int:
        """Bytes of all records."""
        return sum(record.size for record in self._records.values())

    @contextmanager
    def reader(self, name: str) -> Iterator[TensorReader]:
        """A reader of the record `name`; any number of threads may have one at a time.

        Raises:
            ModelError: its file is no longer the one that was opened at first.
        """
        with self._folder.opened(self.combined or name) as file:
            yield TensorReader(file, self._records[name])


def sorted_names(names: Iterator[str] | list[str]) -> list[str]:
    """Names in byte order: the order of the records in a combined file."""
    return sorted(names, key=encode)


def require_file_name(folder: Path, name: str) -> None:
    """Refuse a parameter `name` that no separate file in `folder` can have.

    Raises:
        ParameterError: a name that would lead out of the folder or that no file can have.
    """
    parts = name.split("/")
    if "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise ParameterError(
            "the parameter's name is not a path inside the model's folder",
            path=folder,
            tensor=name,
            remedy="store the parameters in one combined file",
        )
    if any(len(encode(part)) > MAX_COMPONENT_BYTES for part in parts):
        raise ParameterError(
            "the parameter's name is too long for a file",
            path=folder,
            tensor=name[:64] + "...",
            expected=f"at most {MAX_COMPONENT_BYTES} bytes",
            remedy="store the parameters in one combined file",
        )


def read_separate(
    folder: InputFiles, shapes: Mapping[str, tuple[int, ...]], program: str = ""
) -> Parameters:
    """Read the headers of one file per parameter.

    Args:
        folder: the model's folder.
        shapes: the shape that the program declares, for every parameter.
        program: the program's file name, for the message where no parameter has a file.

    Raises:
        MissingParameterError: naming the first parameters that have no file.
        ParameterError: a damaged record, bytes after it, or another shape than declared.
    """
    records: dict[str, TensorRecord] = {}
    missing: list[str] = []
    for name in sorted_names(list(shapes)):
        require_file_name(folder.path, name)
        try:
            record = _read_separate_file(folder, name)
        except FileNotFoundError:
            missing.append(name)
            continue
        _check_shape(record, shapes[name])
        records[name] = record
    if missing:
        raise _missing(folder.path, missing, len(shapes), program)
    return Parameters(records, folder, None)


def read_combined(
    folder: InputFiles, file_name: str, shapes: Mapping[str, tuple[int, ...]]
) -> Parameters:
    """Read the headers in one combined file.

    The file holds no names: the records are taken in byte order of the program's names, and every
    shape is compared with the one that the program declares.

    Raises:
        MissingParameterError: there is no such file.
        ParameterError: a damaged record, another shape than declared, or bytes after the last one.
    """
    records: dict[str, TensorRecord] = {}
    path = folder.path / file_name
    try:
        with folder.opened(file_name) as file:
            limit = file.size
            offset = 0
            for name in sorted_names(list(shapes)):
                if offset == limit:
                    raise _combined_ends(path, name, len(records), len(shapes), limit)
                record = read_record(file.read_at, offset, limit, path, name)
                _check_shape(record, shapes[name])
                records[name] = record
                offset = record.end
    except FileNotFoundError as error:
        raise MissingParameterError(
            "there is no such parameter file", path=path, remedy="check `params_filename`"
        ) from error
    if offset != limit:
        raise ParameterError(
            f"bytes are left after the program's {counted(len(shapes), 'parameter')}",
            path=path,
            offset=offset,
            expected=counted(offset, "byte"),
            found=f"{limit}",
            remedy="the parameters belong to another program, or were exported by another run",
        )
    return Parameters(records, folder, file_name)


def _read_separate_file(folder: InputFiles, name: str) -> TensorRecord:
    with folder.opened(name) as file:
        limit = file.size
        record = read_record(file.read_at, 0, limit, file.path, name)
    if record.end != limit:
        raise ParameterError(
            "bytes are left after the parameter's record",
            path=file.path,
            tensor=name,
            offset=record.end,
            expected=counted(record.end, "byte"),
            found=f"{limit}",
            remedy="if this file holds all parameters, name it with `params_filename`",
        )
    return record


def _check_shape(record: TensorRecord, declared: tuple[int, ...]) -> None:
    scalar = record.shape == () and declared == (1,)  # Paddle 2.6's scales of activations
    if record.shape == declared or scalar:
        return
    raise ParameterError(
        "the parameter's shape differs from the program's",
        path=record.path,
        tensor=record.name,
        offset=record.offset,
        expected=list(declared),
        found=list(record.shape),
        remedy="program and parameters must come from the same export; "
        "leave out `params_filename` if every parameter has a file of its own",
    )


def _combined_ends(path: Path, name: str, read: int, count: int, limit: int) -> ParameterError:
    return ParameterError(
        f"the file ends after {read} of the program's {counted(count, 'parameter')}",
        path=path,
        tensor=name,
        offset=limit,
        remedy="leave out `params_filename` if every parameter has a file of its own; "
        "else export the model again",
    )


def _missing(folder: Path, missing: list[str], count: int, program: str) -> MissingParameterError:
    combined = twin(program)
    if len(missing) == count and combined is not None:
        return MissingParameterError(
            f"the file that belongs to {program} is missing: {combined}",
            path=folder,
            remedy="copy it beside the program; if another file holds the parameters, name it with "
            "`params_filename`",
        )
    if len(missing) == count:
        remedy = "if one file holds all parameters, name it with `params_filename`"
    else:
        remedy = "copy the missing files, or export the model again"
    return MissingParameterError(
        f"no file for {counted(len(missing), 'parameter', count)}: {listed(missing, 10)}",
        path=folder,
        remedy=remedy,
    )
