"""Attributes that Paddle Lite demands: those that are missing, and those of another type.

Paddle Lite reads most attributes without asking whether they are there, and in one type only. Newer
Paddle leaves some out (relu6 without threshold), and writes others in a wider type (LONGS).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from ....formats.program import Attribute, AttributeValue, AttrType, Operator, Program
from . import measured
from .position import Position

_ELEMENTS = {
    AttrType.INTS: AttrType.INT,
    AttrType.LONGS: AttrType.LONG,
    AttrType.FLOATS: AttrType.FLOAT,
}

_INT_RANGE = (-(1 << 31), (1 << 31) - 1)


class Missing(NamedTuple):
    """An attribute that some opt demands, that the program lacks, and that Paddle would fill in.

    Attributes:
        position: the operator's place.
        operator: its type.
        attribute: the attribute's name.
        type: its type.
        default: Paddle's own value for it.
        source: the Paddle that registers this default.
    """

    position: Position
    operator: str
    attribute: str
    type: AttrType
    default: AttributeValue
    source: str


def missing_attributes(program: Program) -> tuple[Missing, ...]:
    """The attributes that `mend` would set, in the order of the program.

    Only attributes that at least one measured opt demands, and whose default Paddle registers.
    """
    found: list[Missing] = []
    wanted = _with_defaults()
    for block, index, operator in program.operators():
        names = wanted.get(operator.type)
        if names is None:
            continue
        present = set(operator.attribute_names())
        for name, default in names.items():
            if name not in present:
                found.append(
                    Missing(
                        Position(block, index),
                        operator.type,
                        name,
                        default.type,
                        default.value,
                        default.source,
                    )
                )
    return tuple(found)


def wrong_types(
    operator: Operator, facts: measured.Measured
) -> Iterator[tuple[Attribute, AttrType]]:
    """The attributes of a type that this opt does not read, with the type that it reads."""
    for name, type in facts.types.get(operator.type, {}).items():
        attribute = operator.attribute(name)
        if attribute is not None and attribute.type != type:
            yield attribute, type


def narrowed(attribute: Attribute, type: AttrType) -> AttributeValue | None:
    """The attribute's value in another type, or None where it cannot be represented exactly."""
    value = attribute.value
    if isinstance(value, tuple):
        element = _ELEMENTS.get(type)
        items = [_exactly(item, element) for item in value] if element is not None else [None]
        return None if None in items else tuple(items)  # type: ignore[return-value]
    return _exactly(value, type)


def _exactly(value: object, type: AttrType) -> int | float | None:
    """A number as INT, LONG or FLOAT holds it; None where that is not the same number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if type is AttrType.FLOAT:
        return float(value) if _is_float32(float(value)) else None
    if isinstance(value, float) or type not in (AttrType.INT, AttrType.LONG):
        return None
    low, high = _INT_RANGE
    return value if type is AttrType.LONG or low <= value <= high else None


def _with_defaults() -> dict[str, dict[str, measured.Default]]:
    tables: dict[str, dict[str, measured.Default]] = {}
    for (operator, name), default in measured.defaults().items():
        tables.setdefault(operator, {})[name] = default
    return tables


def _is_float32(value: float) -> bool:
    try:
        return bool(struct.unpack("<f", struct.pack("<f", value))[0] == value)
    except OverflowError:
        return False
