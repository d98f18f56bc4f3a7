"""SHA-256 of files: written into a report, and compared with one later."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .regular import file_size, read_at

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


def digest_of(name: str, descriptor: int, path: Path) -> FileDigest:
    """Digest of an open file.

    Raises:
        ModelError: it cannot be read.
    """
    import hashlib  # milliseconds that only a report needs

    hashed = hashlib.sha256()
    offset = 0
    while block := read_at(descriptor, BLOCK_BYTES, offset, path):
        hashed.update(block)
        offset += len(block)
    return FileDigest(name, file_size(descriptor, path), hashed.hexdigest())
