"""Arrays from the bytes of .npy and .npz files, strictly: no pickles, no archive that unpacks to
more than it says, nothing allocated that the bytes do not justify.

An .npz is a zip archive of .npy files, plain or deflated. Only what numpy writes is read: one part,
no encryption, no zip64 (that is for archives of 4 GB and more).
"""

from __future__ import annotations

import math
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ..values import Array

MAGIC = b"\x93NUMPY"
MAX_HEADER = 10_000
# As numpy writes it, for plain numbers.
HEADER = re.compile(
    r"\{'descr': '([<>|=]?[biufc]\d{1,2})', 'fortran_order': (True|False), "
    r"'shape': \(([0-9, ]*)\), \} *\n"
)
END = b"PK\x05\x06"
ENTRY = b"PK\x01\x02"
LOCAL = b"PK\x03\x04"
STORED, DEFLATED = 0, 8
MAX_MEMBERS = 10_000


@dataclass(frozen=True)
class _Member:
    name: str
    method: int
    packed: int
    size: int
    offset: int


def read_npy(data: bytes) -> Array:
    """The array in the bytes of an .npy file.

    Raises:
        ValueError: damaged, of another length than its header says, or holding Python objects.
    """
    start, text = _header(data)
    match = HEADER.fullmatch(text)
    if match is None:
        raise ValueError("an .npy header that is not that of an array of numbers")
    kind, fortran, sizes = match.groups()
    shape = tuple(int(size) for size in sizes.replace(" ", "").split(",") if size)
    try:
        dtype = np.dtype(kind)
    except TypeError as error:
        raise ValueError(f"an array of the type {kind}") from error
    found = len(data) - start
    if math.prod(shape) * dtype.itemsize != found:
        raise ValueError(f"{found} bytes for the shape {list(shape)} of {dtype}")
    flat = np.frombuffer(data, dtype, offset=start)
    return np.asarray(flat.reshape(shape, order="F" if fortran == "True" else "C").copy())


def _header(data: bytes) -> tuple[int, str]:
    """Where the values start, and the header's text: a Python dict."""
    if data[:6] != MAGIC or len(data) < 12:
        raise ValueError("not an .npy file, or one that is cut off")
    if data[6] == 1:
        first, (size,) = 10, struct.unpack_from("<H", data, 8)
    elif data[6] == 2:
        first, (size,) = 12, struct.unpack_from("<I", data, 8)
    else:
        raise ValueError(f"version {data[6]} of the .npy format")
    if size > min(MAX_HEADER, len(data) - first):
        raise ValueError("an .npy header that is cut off, or far too long")
    return first + size, data[first : first + size].decode("latin-1")


def read_npz(data: bytes, limit: int) -> dict[str, Array]:
    """The arrays in the bytes of an .npz file, by name.

    Args:
        limit: bytes that all members may unpack to.

    Raises:
        ValueError: damaged, of a kind that numpy does not write, or larger than the limit.
    """
    members = list(_members(data))
    if sum(member.size for member in members) > limit:
        raise ValueError(f"the archive unpacks to more than {limit} bytes")
    arrays: dict[str, Array] = {}
    for member in members:
        name = member.name.removesuffix(".npy")
        if name in arrays or name == member.name:
            raise ValueError(f"a member {member.name!r}, twice or not an .npy file")
        arrays[name] = read_npy(_unpacked(data, member))
    return arrays


def _members(data: bytes) -> Iterator[_Member]:
    """The central directory at the end of the archive."""
    end = data.rfind(END, max(0, len(data) - 22 - 0xFFFF))
    if end < 0 or len(data) < end + 22:
        raise ValueError("not a zip archive, or one that is cut off")
    count, _, start = struct.unpack_from("<HII", data, end + 10)
    if count > MAX_MEMBERS or start == 0xFFFFFFFF:
        raise ValueError("an archive of too many members, or in the zip64 form")
    for _ in range(count):
        if data[start : start + 4] != ENTRY or start + 46 > end:
            raise ValueError("the archive's directory is damaged")
        flags, method = struct.unpack_from("<HH", data, start + 8)
        packed, size, names, extra, comment = struct.unpack_from("<IIHHH", data, start + 20)
        (offset,) = struct.unpack_from("<I", data, start + 42)
        if flags & 1 or 0xFFFFFFFF in (packed, size, offset):
            raise ValueError("a member that is encrypted, or in the zip64 form")
        name = data[start + 46 : start + 46 + names].decode("utf-8")
        yield _Member(name, method, packed, size, offset)
        start += 46 + names + extra + comment


def _unpacked(data: bytes, member: _Member) -> bytes:
    if data[member.offset : member.offset + 4] != LOCAL or member.offset + 30 > len(data):
        raise ValueError(f"the member {member.name!r} is not where the directory says")
    names, extra = struct.unpack_from("<HH", data, member.offset + 26)
    start = member.offset + 30 + names + extra
    packed = data[start : start + member.packed]
    if member.method == STORED:
        whole = packed
    elif member.method == DEFLATED:
        try:
            whole = zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, member.size + 1)
        except zlib.error as error:
            raise ValueError(f"the member {member.name!r} is damaged") from error
    else:
        raise ValueError(f"the member {member.name!r} is packed by method {member.method}")
    if len(whole) != member.size:
        raise ValueError(f"the member {member.name!r} has another size than the directory says")
    return whole
