"""SHA-256 of files: written into a report, and compared with one later."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from ...errors import ModelError
from ..params import parameter_path
from .regular import file_size, open_regular, read_at

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
