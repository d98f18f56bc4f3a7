"""SHA-256 of a model's files: written into a report, and compared with one later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import ModelError, OptionError
from ..formats.params import parameter_path
from ..formats.regular_file import file_size, open_regular, read_at
from .model import Model

BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class FileDigest:
    """One file of a model.

    Attributes:
        name: its path within the model's folder, parts separated by ``/``.
        size: its bytes.
        sha256: hexadecimal digest of its content.
    """

    name: str
    size: int
    sha256: str


def model_digests(model: Model) -> tuple[FileDigest, ...]:
    """Digests of the program, of every parameter file, and of what is carried along.

    Raises:
        ModelError: a file cannot be read.
    """
    files = model.files
    stored = model.stored
    names = [files.program]
    if files.params is not None:
        names.append(files.params)
    else:
        names += [*stored.parameters, *stored.carried]
    return tuple(digest(files.folder, name) for name in names)


def digest(folder: Path, name: str) -> FileDigest:
    """Digest of one file within `folder`.

    Raises:
        ModelError: it is missing, cannot be read, or is no regular file of the folder.
    """
    path = parameter_path(folder, name)
    hashed = hashlib.sha256()
    offset = 0
    try:
        with open_regular(path, folder) as descriptor:
            size = file_size(descriptor, path)
            while block := read_at(descriptor, BLOCK_BYTES, offset, path):
                hashed.update(block)
                offset += len(block)
    except FileNotFoundError as error:
        raise ModelError("the file is missing", path=path) from error
    return FileDigest(name, size, hashed.hexdigest())


def differences(folder: Path, expected: Iterable[FileDigest]) -> tuple[str, ...]:
    """What of `folder` is no longer as `expected` says, a line per file."""
    found = []
    for file in expected:
        try:
            now = digest(folder, file.name)
        except ModelError as error:
            found.append(str(error))
            continue
        if now.size != file.size:
            found.append(f"{file.name} has {now.size} bytes, the report says {file.size}")
        elif now.sha256 != file.sha256:
            found.append(f"{file.name} has other content than the report says")
    return tuple(found)


def parse_digests(document: object) -> tuple[FileDigest, ...]:
    """The output files of a report that `quantize --report` has written.

    Raises:
        OptionError: not such a report.
    """
    files = document.get("files") if isinstance(document, dict) else None
    output = files.get("output") if isinstance(files, dict) else None
    if not isinstance(output, list) or not output:
        raise OptionError(
            "not a report with the digests of the output", remedy="make it with quantize --report"
        )
    return tuple(_parse(entry) for entry in output)


def _parse(entry: object) -> FileDigest:
    if isinstance(entry, Mapping):
        name, size, sha256 = entry.get("name"), entry.get("bytes"), entry.get("sha256")
        if isinstance(name, str) and type(size) is int and isinstance(sha256, str):
            return FileDigest(name, size, sha256)
    raise OptionError("the report's list of files is damaged", found=repr(entry)[:80])
