"""An operator's attributes as plain values, read once when a program is prepared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from ...formats.program import AttributeValue, AttrType, Operator

Attributes: TypeAlias = Mapping[str, AttributeValue | None]

# Fields of a Scalar by its type: BOOLEAN, LONG and FLOAT64. COMPLEX128 has no use here.
_SCALAR_FIELDS = {1: "b", 2: "i", 3: "r"}

# What says where an operator came from or how it should run, never what it computes.
_OF_NO_CONCERN = {
    "op_callstack", "op_device", "op_namescope", "op_role", "op_role_var", "with_quant_attr",
}  # fmt: skip


def read_attributes(operator: Operator) -> dict[str, AttributeValue | None]:
    """All attributes that may matter to a kernel; None where the value's type is not known."""
    attributes: dict[str, AttributeValue | None] = {}
    for attribute in operator.attributes:
        if attribute.name in _OF_NO_CONCERN:
            continue
        value = attribute.value
        if attribute.type in (AttrType.SCALAR, AttrType.SCALARS):
            value = _scalars(operator, attribute.name)
        attributes[attribute.name] = value
    return attributes


def _scalars(operator: Operator, name: str) -> Any:
    """The value of a SCALAR or SCALARS attribute (Paddle 2.5 and newer), which `Program` carries
    along without reading it."""
    for desc in operator._desc.attrs:
        if desc.name != name.encode("utf-8", "surrogateescape"):
            continue
        if int(desc.type) == AttrType.SCALAR:
            return _scalar(desc.scalar)
        values = [_scalar(scalar) for scalar in desc.scalars]
        return None if any(value is None for value in values) else tuple(values)
    return None


def _scalar(scalar: Any) -> Any:
    field = _SCALAR_FIELDS.get(int(scalar.type))
    return None if field is None else getattr(scalar, field)
