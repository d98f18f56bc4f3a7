"""Attributes of operators: their types, and how a value is read from and written to its field."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from . import framework_pb2
from .text import decode, encode

AttributeValue: TypeAlias = (
    int
    | float
    | bool
    | str
    | tuple[int, ...]
    | tuple[float, ...]
    | tuple[bool, ...]
    | tuple[str, ...]
)


class AttrType(enum.IntEnum):
    """Types of operator attributes, numbered as in Paddle's schema."""

    INT = 0
    FLOAT = 1
    STRING = 2
    INTS = 3
    FLOATS = 4
    STRINGS = 5
    BOOLEAN = 6
    BOOLEANS = 7
    BLOCK = 8
    LONG = 9
    BLOCKS = 10
    LONGS = 11
    FLOAT64S = 12
    VAR = 13
    VARS = 14
    FLOAT64 = 15
    SCALAR = 16
    SCALARS = 17


# The field of OpDesc.Attr that holds the value of each type. Scalars are read by `read_scalars`.
_VALUE_FIELD = {
    AttrType.INT: "i",
    AttrType.FLOAT: "f",
    AttrType.STRING: "s",
    AttrType.INTS: "ints",
    AttrType.FLOATS: "floats",
    AttrType.STRINGS: "strings",
    AttrType.BOOLEAN: "b",
    AttrType.BOOLEANS: "bools",
    AttrType.BLOCK: "block_idx",
    AttrType.LONG: "l",
    AttrType.BLOCKS: "blocks_idx",
    AttrType.LONGS: "longs",
    AttrType.FLOAT64S: "float64s",
    AttrType.VAR: "var_name",
    AttrType.VARS: "vars_name",
    AttrType.FLOAT64: "float64",
}
_REPEATED = {
    AttrType.INTS,
    AttrType.FLOATS,
    AttrType.STRINGS,
    AttrType.BOOLEANS,
    AttrType.BLOCKS,
    AttrType.LONGS,
    AttrType.FLOAT64S,
    AttrType.VARS,
}


# As plain integers, since every attribute of a program is compared with them.
_BLOCK = int(AttrType.BLOCK)
_BLOCK_TYPES = (_BLOCK, int(AttrType.BLOCKS))

# Fields of a Scalar by its type: BOOLEAN, LONG and FLOAT64. COMPLEX128 has no use here.
_SCALAR_FIELDS = {1: "b", 2: "i", 3: "r"}


class Attribute(NamedTuple):
    """An attribute's name, type and value; the value is None where its type is not read here."""

    name: str
    type: AttrType
    value: AttributeValue | None


def block_indexes(attr: framework_pb2.OpDesc.Attr) -> Sequence[int]:
    """Indexes of the blocks that an attribute names."""
    if attr.type not in _BLOCK_TYPES:
        return ()
    return (attr.block_idx,) if attr.type == _BLOCK else attr.blocks_idx


def read_attribute(attr: framework_pb2.OpDesc.Attr) -> Attribute:
    """The attribute in a field of OpDesc."""
    type = AttrType(attr.type)
    field = _VALUE_FIELD.get(type)
    value: AttributeValue | None = None
    if field is not None and type in _REPEATED:
        value = tuple(decode(v) if isinstance(v, bytes) else v for v in getattr(attr, field))
    elif field is not None:
        raw = getattr(attr, field)
        value = decode(raw) if isinstance(raw, bytes) else raw
    return Attribute(decode(attr.name), type, value)


def read_scalars(attr: framework_pb2.OpDesc.Attr) -> tuple[bool | int | float, ...] | None:
    """The numbers of a SCALAR or SCALARS attribute; None for another type, or complex numbers."""
    type = int(attr.type)
    if type not in (AttrType.SCALAR, AttrType.SCALARS):
        return None
    numbers = []
    for scalar in (attr.scalar,) if type == AttrType.SCALAR else attr.scalars:
        field = _SCALAR_FIELDS.get(int(scalar.type))
        if field is None:
            return None
        numbers.append(getattr(scalar, field))
    return tuple(numbers)


def write_attribute(attr: framework_pb2.OpDesc.Attr, type: AttrType, value: AttributeValue) -> None:
    """Put a value of this type into a new field of OpDesc, whose name is set already."""
    attr.type = int(type)  # type: ignore[assignment]
    field = _VALUE_FIELD[type]
    if type in (AttrType.STRINGS, AttrType.VARS):
        assert isinstance(value, tuple)
        getattr(attr, field).extend(encode(str(text)) for text in value)
    elif type in _REPEATED:  # tens of thousands of scales, for one
        getattr(attr, field).extend(value)
    else:
        setattr(attr, field, encode(value) if isinstance(value, str) else value)
