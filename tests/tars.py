"""Write tars, honest ones with Python's own `tarfile` and others header by header."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

BLOCK = 512


def pack(
    path: Path,
    files: Mapping[str, bytes],
    format: int = tarfile.GNU_FORMAT,
    folders: Iterable[str] = (),
) -> Path:
    """Pack files into a tar at `path`."""
    with tarfile.open(path, "w", format=format) as tar:
        for name in folders:
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.DIRTYPE
            tar.addfile(entry)
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    return path


def pack_folder(path: Path, folder: Path, within: str) -> Path:
    """Pack a folder under the name `within`."""
    with tarfile.open(path, "w") as tar:
        tar.add(folder, within)
    return path


def header(
    name: str = "a",
    size: int | bytes = 0,
    kind: bytes = b"0",
    magic: bytes = b"ustar\x0000",
    link: str = "",
) -> bytes:
    """One header, with its checksum; `size` as a number or as the field's twelve bytes."""
    field = b"%011o\0" % size if isinstance(size, int) else size
    block = (
        name.encode().ljust(100, b"\0")
        + b"0000644\0" * 3
        + field
        + b"00000000000\0"
        + b" " * 8
        + kind
        + link.encode().ljust(100, b"\0")
        + magic
    ).ljust(BLOCK, b"\0")
    return block[:148] + b"%06o\0 " % sum(block) + block[156:]


def entry(name: str, data: bytes = b"", kind: bytes = b"0") -> bytes:
    """A header and its data."""
    return header(name, len(data), kind) + data.ljust(-(-len(data) // BLOCK) * BLOCK, b"\0")


def pax(*records: tuple[str, str], kind: bytes = b"x") -> bytes:
    """An extended header of POSIX."""
    data = b""
    for key, value in records:
        rest = f" {key}={value}\n".encode()
        length = len(rest) + 1
        while len(str(length)) + len(rest) != length:
            length += 1
        data += str(length).encode() + rest
    return entry("pax", data, kind)


def write(path: Path, *pieces: bytes) -> Path:
    """A tar of these pieces and the two blocks of zeros that end it."""
    path.write_bytes(b"".join(pieces) + bytes(2 * BLOCK))
    return path
