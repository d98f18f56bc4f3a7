"""One parameter record: parse and validate its header, make a header for new data.

Layout, all little endian (PaddlePaddle's `SerializeToStream` for LoDTensor, version 0):

    uint32  version of the LoD stream, 0
    uint64  lod_level; for each level a uint64 size in bytes and that many bytes of uint64 offsets
    uint32  version of the tensor stream, 0
    int32   size of the TensorDesc, then the TensorDesc (data_type, dims)
    bytes   the data: product(dims) * itemsize; no dims at all is a scalar

Headers are read through a `HeaderReader`, which knows where the file ends: no size in a header is
believed before it has been compared with what the file still holds.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from google.protobuf.message import DecodeError

from ..errors import ParameterError, counted
from . import dtypes, framework_pb2
from .other_files import LFS_POINTER, LFS_REMEDY, LFS_START

_UINT32 = struct.Struct("<I")
_INT32 = struct.Struct("<i")
_UINT64 = struct.Struct("<Q")

# A TensorDesc is a type and a handful of dims; ten bytes a dim at the most.
MAX_DESC_BYTES = 4096

# Paddle's own tensors have three levels at the most; parameters have none.
MAX_LOD_LEVELS = 64
MAX_LOD_LEVEL_BYTES = 1 << 20

# Paddle's tensors have nine dims at the most. Without a limit a product could have thousands of
# digits, which Python refuses to print.
MAX_RANK = 32


class TensorRecord(NamedTuple):
    """Where a parameter lies and what it is; its data stays in the file.

    Attributes:
        name: the variable's name.
        path: the file it lies in.
        offset: where the record starts in the file, in bytes.
        lod: the LoD section as it stands in the file, its version word and level count included.
        dtype: the data type on disk.
        shape: dims; ``()`` is a scalar.
        data_offset: where the data starts in the file, in bytes.
        data_size: bytes of data.
    """

    name: str
    path: Path
    offset: int
    lod: bytes
    dtype: dtypes.DataType
    shape: tuple[int, ...]
    data_offset: int
    data_size: int

    @property
    def size(self) -> int:
        """Bytes of the whole record, header and data."""
        return self.data_offset - self.offset + self.data_size

    @property
    def end(self) -> int:
        """Offset of the first byte after the record."""
        return self.offset + self.size

    @property
    def elements(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


class HeaderReader:
    """Reads a record's header piece by piece within `limit`, the file's size.

    `fetch(size, offset)` returns the file's bytes; it is asked for blocks so that the header of a
    small record costs one read.
    """

    BLOCK = 256

    def __init__(
        self, fetch: Callable[[int, int], bytes], offset: int, limit: int, path: Path, name: str
    ) -> None:
        self._fetch = fetch
        self._block = b""
        self._block_start = offset
        self._limit = limit
        self._path = path
        self._name = name
        self.offset = offset

    def take(self, size: int, what: str) -> bytes:
        """The next `size` bytes, which hold `what`; ParameterError where the file ends before."""
        if size > self._limit - self.offset:
            raise self.error(
                f"the file ends within {what}",
                expected=counted(size, "byte"),
                found=counted(max(self._limit - self.offset, 0), "byte"),
            )
        start = self.offset - self._block_start
        if start + size > len(self._block):
            self._block = self._fetch(max(size, self.BLOCK), self.offset)
            self._block_start = self.offset
            start = 0
        piece = self._block[start : start + size]
        if len(piece) < size:
            raise self.error(f"the file ends within {what}")
        self.offset += size
        return piece

    def begins_with(self, prefix: bytes) -> bool:
        """Whether the record begins with these bytes; to be asked before any is taken."""
        self._block = self._fetch(self.BLOCK, self.offset)
        return self._block.startswith(prefix)

    @property
    def left(self) -> int:
        """Bytes from here to the end of the file."""
        return self._limit - self.offset

    def number(self, layout: struct.Struct, what: str) -> int:
        """The next number."""
        value: int = layout.unpack(self.take(layout.size, what))[0]
        return value

    def error(
        self, what: str, *, expected: object = None, found: object = None, remedy: str | None = None
    ) -> ParameterError:
        """An error at the present offset."""
        return ParameterError(
            what,
            path=self._path,
            tensor=self._name,
            offset=self.offset,
            expected=expected,
            found=found,
            remedy=remedy or "export the model again, or copy it again if it was truncated",
        )


def read_record(
    fetch: Callable[[int, int], bytes], offset: int, limit: int, path: Path, name: str
) -> TensorRecord:
    """Parse and validate the header of the record at `offset`.

    Args:
        fetch: ``fetch(size, offset)`` gives that many bytes of the file, fewer only at its end.
        offset: where the record starts.
        limit: the file's size in bytes.
        path, name: for messages, and for the record.

    Raises:
        ParameterError: not a record of version 0, an unknown data type, a negative or overflowing
            shape, or a record that reaches beyond the file. The data itself is not looked at.
    """
    reader = HeaderReader(fetch, offset, limit, path, name)
    lod = _read_lod(reader)
    dtype, shape = _read_desc(reader)
    data_size = math.prod(shape) * dtype.itemsize
    if data_size > limit - reader.offset:
        raise reader.error(
            f"the file is too short for a tensor of shape {list(shape)}",
            expected=f"{counted(data_size, 'byte')} of data",
            found=counted(limit - reader.offset, "byte"),
        )
    return TensorRecord(name, path, offset, lod, dtype, shape, reader.offset, data_size)


def header_bytes(lod: bytes, dtype: dtypes.DataType, shape: tuple[int, ...]) -> bytes:
    """The header of a record with this LoD section, type and shape, as Paddle writes it."""
    desc = framework_pb2.VarType.TensorDesc(data_type=dtype.number, dims=shape)  # type: ignore[arg-type]
    encoded = desc.SerializeToString(deterministic=True)
    return lod + _UINT32.pack(0) + _INT32.pack(len(encoded)) + encoded


def _read_lod(reader: HeaderReader) -> bytes:
    if reader.begins_with(LFS_START):
        raise reader.error(LFS_POINTER, remedy=LFS_REMEDY)
    version = reader.number(_UINT32, "the version of the LoD stream")
    if version != 0:
        raise reader.error(
            "not a parameter record: unknown version of the LoD stream", expected=0, found=version
        )
    levels = reader.number(_UINT64, "the number of LoD levels")
    if levels > MAX_LOD_LEVELS:
        raise reader.error(
            "impossible number of LoD levels", expected=f"at most {MAX_LOD_LEVELS}", found=levels
        )
    pieces = [_UINT32.pack(version), _UINT64.pack(levels)]
    for _ in range(levels):
        size = reader.number(_UINT64, "the size of a LoD level")
        if MAX_LOD_LEVEL_BYTES < size <= reader.left:  # a file with holes is easily that large
            raise reader.error(
                "impossible size of a LoD level",
                expected=f"at most {MAX_LOD_LEVEL_BYTES} bytes",
                found=size,
            )
        pieces += [_UINT64.pack(size), reader.take(size, "a LoD level")]
    return b"".join(pieces)


def _read_desc(reader: HeaderReader) -> tuple[dtypes.DataType, tuple[int, ...]]:
    version = reader.number(_UINT32, "the version of the tensor stream")
    if version != 0:
        raise reader.error(
            "not a parameter record: unknown version of the tensor stream",
            expected=0,
            found=version,
        )
    size = reader.number(_INT32, "the size of the TensorDesc")
    if not 0 < size <= MAX_DESC_BYTES:
        raise reader.error("impossible size of the TensorDesc", found=size)
    desc = framework_pb2.VarType.TensorDesc()
    try:
        desc.ParseFromString(reader.take(size, "the TensorDesc"))
    except DecodeError as error:
        raise reader.error("the TensorDesc is not valid protobuf") from error
    if not desc.HasField("data_type") or desc.data_type not in dtypes.BY_NUMBER:
        raise reader.error("unknown data type in the TensorDesc")
    if len(desc.dims) > MAX_RANK:
        raise reader.error(
            "impossible number of dimensions in the TensorDesc",
            expected=f"at most {MAX_RANK}",
            found=len(desc.dims),
        )
    shape = tuple(desc.dims)
    if any(dim < 0 for dim in shape):
        raise reader.error("negative dimension in the TensorDesc", found=list(shape))
    return dtypes.BY_NUMBER[desc.data_type], shape
