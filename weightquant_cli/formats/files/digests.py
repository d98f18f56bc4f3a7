"""SHA-256 of files: written into a report, and compared with one later."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

BLOCK_BYTES = 1 << 20


class FileDigest(NamedTuple):
    """One file of a model.

    Attributes:
        name: its path within the model's folder, parts separated by ``/``.
        size: its bytes.
        sha256: hexadecimal digest of its content.
    """

    name: str
    size: int
    sha256: str


def digest_of(name: str, read_at: Callable[[int, int], bytes]) -> FileDigest:
    """Digest of an open file.

    Args:
        name: its path within the model's folder.
        read_at: gives up to so many bytes at an offset, fewer only at the end.

    Raises:
        ModelError: it cannot be read.
    """
    import hashlib  # milliseconds that only a report needs

    hashed = hashlib.sha256()
    offset = 0
    while block := read_at(BLOCK_BYTES, offset):
        hashed.update(block)
        offset += len(block)
    return FileDigest(name, offset, hashed.hexdigest())
