"""Paddle's tensor data types: number in the schema, name, bytes per element, numpy type.

numpy types are spelled as strings, little endian by name, so that this module needs no numpy.
"""

from __future__ import annotations

from typing import NamedTuple


class DataType(NamedTuple):
    """One data type of Paddle.

    Attributes:
        number: value of `VarType.Type` on disk.
        name: as a person writes it, such as ``FP32``.
        itemsize: bytes per element.
        numpy: numpy's little-endian type string, or None where numpy has no such type.
    """

    number: int
    name: str
    itemsize: int
    numpy: str | None

    def __str__(self) -> str:
        return self.name


BOOL = DataType(0, "BOOL", 1, "|b1")
INT16 = DataType(1, "INT16", 2, "<i2")
INT32 = DataType(2, "INT32", 4, "<i4")
INT64 = DataType(3, "INT64", 8, "<i8")
FP16 = DataType(4, "FP16", 2, "<f2")
FP32 = DataType(5, "FP32", 4, "<f4")
FP64 = DataType(6, "FP64", 8, "<f8")
SIZE_T = DataType(19, "SIZE_T", 8, "<u8")
UINT8 = DataType(20, "UINT8", 1, "|u1")
INT8 = DataType(21, "INT8", 1, "|i1")
BF16 = DataType(22, "BF16", 2, None)
COMPLEX64 = DataType(23, "COMPLEX64", 8, "<c8")
COMPLEX128 = DataType(24, "COMPLEX128", 16, "<c16")
FP8_E4M3FN = DataType(32, "FP8_E4M3FN", 1, None)
FP8_E5M2 = DataType(33, "FP8_E5M2", 1, None)
UINT16 = DataType(36, "UINT16", 2, "<u2")
UINT32 = DataType(37, "UINT32", 4, "<u4")
UINT64 = DataType(38, "UINT64", 8, "<u8")

BY_NUMBER: dict[int, DataType] = {
    data_type.number: data_type
    for data_type in (
        BOOL,
        INT16,
        INT32,
        INT64,
        FP16,
        FP32,
        FP64,
        SIZE_T,
        UINT8,
        INT8,
        BF16,
        COMPLEX64,
        COMPLEX128,
        FP8_E4M3FN,
        FP8_E5M2,
        UINT16,
        UINT32,
        UINT64,
    )
}
