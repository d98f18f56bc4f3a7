"""Resampling: sizes and scales that are known go into attributes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..applying import known, outputs_of, prepare, rule_of
from ..bindings import Tensor, Vector
from ..ir import ABSENT, Operation
from ..sizes import scalar_variables

if TYPE_CHECKING:
    from ..translator import Translator

# The attributes of the sizes, by the number of sizes.
_SIZES = {1: ("out_w",), 2: ("out_h", "out_w"), 3: ("out_d", "out_h", "out_w")}

_NAMES = (
    "linear_interp",
    "bilinear_interp",
    "bicubic_interp",
    "nearest_interp",
    "trilinear_interp",
)


def interpolate(translator: Translator, operation: Operation) -> None:
    """`*_interp`: operands are X, OutSize, SizeTensor (a list) and Scale."""
    rule = rule_of(operation)
    operands = list(operation.operands)
    sizes = scales = None
    for index in (1, 2):
        bound = translator.bound(operands[index]) if index < len(operands) else None
        found = known(bound) if isinstance(bound, Tensor | Vector) else None
        if found is not None and len(found) in _SIZES:
            sizes, operands[index] = found, ABSENT
    if len(operands) > 3:
        bound = translator.bound(operands[3])
        scales = known(bound) if isinstance(bound, Tensor) else None
        operands[3] = ABSENT if scales is not None else operands[3]
    plain = replace(operation, operands=tuple(operands))
    call = prepare(translator, plain, rule)
    for index, slot in ((1, "OutSize"), (2, "SizeTensor")):
        if slot in call.inputs:
            elements = translator.elements(operands[index])
            call.inputs[slot] = scalar_variables(translator, elements)
    if sizes is not None:
        for name, size in zip(_SIZES[len(sizes)], sizes, strict=True):
            call.set(name, "int", size)
    if scales is not None:
        call.set("scale", "floats", scales)
    outputs_of(call, rule)
    call.write(rule.type)


HANDLERS = {f"pd_op.{name}": interpolate for name in _NAMES}
