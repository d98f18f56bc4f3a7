"""Operators that older opts lack, and the operator of the same meaning that all of them have.

Each pair computes the same numbers from the same inputs; slots have the same names. Which version
lacks which operator is measured (DEMANDS.md); where every version has it, it is not listed here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from ....formats.program import AttributeValue, AttrType, Operator


class Spelling(NamedTuple):
    """Another spelling of an operator.

    Attributes:
        type: the operator's new type.
        attributes: what is set with it.
        renamed: attributes that keep their value under another name.
        why: the identity that makes it exact.
    """

    type: str
    attributes: Mapping[str, tuple[AttrType, AttributeValue]]
    renamed: Mapping[str, str]
    why: str


_UNTRANSPOSED = {
    "trans_x": (AttrType.BOOLEAN, False),
    "trans_y": (AttrType.BOOLEAN, False),
}

SPELLINGS: Mapping[str, Spelling] = {
    "silu": Spelling(
        "swish", {"beta": (AttrType.FLOAT, 1.0)}, {}, "silu(x) = x * sigmoid(x) = swish(x, beta 1)"
    ),
    "bmm": Spelling("matmul_v2", _UNTRANSPOSED, {}, "a batched product is matmul_v2 untransposed"),
    "brelu": Spelling(
        "clip", {}, {"t_min": "min", "t_max": "max"}, "brelu(x) = min(max(x, t_min), t_max)"
    ),
    "reduce_amax": Spelling("reduce_max", {}, {}, "they differ in the gradient alone"),
    "reduce_amin": Spelling("reduce_min", {}, {}, "they differ in the gradient alone"),
}


def respell(operator: Operator) -> str | None:
    """Replace an operator by an equivalent one, in place; what was changed, or None."""
    spelling = SPELLINGS.get(operator.type)
    if spelling is None:
        return None
    values = {old: operator.attribute(old) for old in spelling.renamed}
    if any(attribute is None or attribute.value is None for attribute in values.values()):
        return None
    for old, attribute in values.items():
        assert attribute is not None and attribute.value is not None  # asked above
        operator.remove_attribute(old)
        operator.set_attribute(spelling.renamed[old], attribute.type, attribute.value)
    for name, (kind, value) in spelling.attributes.items():
        operator.set_attribute(name, kind, value)
    operator.type = spelling.type
    return f"spelled as {spelling.type}"
