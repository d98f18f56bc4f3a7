"""Turn PIR's attribute values into the types that Paddle 2.6 has for its attributes."""

from __future__ import annotations

import struct

from ..program import AttributeValue, AttrType
from .bindings import Untranslatable
from .ir import Attribute, DataTypeName, Opaque, Scalar
from .rules import TYPES

_INT32 = 1 << 31
_INT64 = 1 << 63
_OPEN_DTYPE = -1
"""How Paddle 2.6 says that an element type is left open."""


def coerced(value: Attribute, type: str, name: str) -> tuple[AttrType, AttributeValue]:
    """An attribute of Paddle 2.6.

    Args:
        value: PIR's value.
        type: the name of the wanted type, as in the rules.
        name: the attribute's name, for the message.

    Raises:
        Untranslatable: the value does not fit the type.
    """
    kind = TYPES[type]
    try:
        if type in ("ints", "bounds", "longs", "floats", "f64s"):
            values = value if isinstance(value, tuple) else (value,)
            if type == "floats":
                return kind, tuple(_float32(each) for each in values)
            if type == "f64s":
                return kind, tuple(_float64(each) for each in values)
            return kind, tuple(_integer(each, type) for each in values)
        if isinstance(value, tuple):
            if len(value) != 1:
                raise ValueError
            value = value[0]
        return kind, _single(value, type)
    except ValueError as error:
        raise Untranslatable(f"its {name} does not fit into the type {type}") from error


def _single(value: Scalar, type: str) -> AttributeValue:
    if type in ("int", "long"):
        return _integer(value, type)
    if type == "float":
        return _float32(value)
    if type == "bool" and isinstance(value, bool | int):
        return bool(value)
    if type == "str" and isinstance(value, str):
        return value
    if type == "dtype" and isinstance(value, DataTypeName):
        return _OPEN_DTYPE if value.dtype is None else value.dtype.number
    raise ValueError


def _integer(value: object, type: str) -> int:
    if isinstance(value, DataTypeName):
        return _OPEN_DTYPE if value.dtype is None else value.dtype.number
    if not isinstance(value, bool | int | float) or value != value // 1:
        raise ValueError
    number = int(value)
    if type == "bounds":
        return max(-_INT32, min(number, _INT32 - 1))
    limit = _INT64 if type in ("long", "longs") else _INT32
    if not -limit <= number < limit:
        raise ValueError
    return number


def _float64(value: object) -> float:
    if not isinstance(value, bool | int | float):
        raise ValueError
    return float(value)


def _float32(value: object) -> float:
    """The nearest FP32 number; one that is too large becomes infinite, as in Paddle."""
    if not isinstance(value, bool | int | float):
        raise ValueError
    try:
        rounded: float = struct.unpack("<f", struct.pack("<f", value))[0]
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    return rounded


def plain(value: Attribute) -> tuple[AttrType, AttributeValue] | None:
    """An attribute in the type nearest to PIR's; None where there is none for a mixed list."""
    if isinstance(value, tuple):
        for type, kinds in (("longs", int), ("floats", int | float)):
            if all(isinstance(each, kinds) for each in value):
                return coerced(value, type, "")
        if all(isinstance(each, str) for each in value):
            return AttrType.STRINGS, tuple(str(each) for each in value)
        return None
    if isinstance(value, bool):
        return AttrType.BOOLEAN, value
    if isinstance(value, int):
        return AttrType.LONG, value
    if isinstance(value, float):
        return coerced(value, "float", "")
    if isinstance(value, str):
        return AttrType.STRING, value
    if isinstance(value, Opaque):
        return None
    return coerced(value, "dtype", "")
