"""An operator's attributes as plain values, read once when a program is prepared."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

from ...formats.program import AttributeValue, AttrType, Operator

Attributes: TypeAlias = Mapping[str, AttributeValue | None]

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
        if attribute.type is AttrType.SCALARS:
            value = operator.scalars(attribute.name)
        elif attribute.type is AttrType.SCALAR:
            value = next(iter(operator.scalars(attribute.name) or ()), None)
        attributes[attribute.name] = value
    return attributes
