"""Sums, products and comparisons of two tensors."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..applying import apply, outputs_of, prepare, rule_of
from ..ir import ABSENT, Operation

if TYPE_CHECKING:
    from ..translator import Translator

_NAMES = (
    "add",
    "subtract",
    "multiply",
    "divide",
    "floor_divide",
    "remainder",
    "elementwise_pow",
    "maximum",
    "minimum",
    "equal",
    "not_equal",
    "less_than",
    "less_equal",
    "greater_than",
    "greater_equal",
)


def elementwise(translator: Translator, operation: Operation) -> None:
    """One of them; a constant scalar beside a tensor gets dims [1].

    The result is the same, and Paddle Lite fills no scalar without dims.
    """
    rule = rule_of(operation)
    flat = _flat_scalar(translator, operation)
    if flat is None:
        apply(translator, operation, rule)
    else:
        position, variable = flat
        operands = list(operation.operands)
        operands[position] = ABSENT
        call = prepare(translator, replace(operation, operands=tuple(operands)), rule)
        call.inputs["XY"[position]] = [variable]
        outputs_of(call, rule)
        call.write(rule.type)


def _flat_scalar(translator: Translator, operation: Operation) -> tuple[int, str] | None:
    """The position of a constant scalar beside a tensor with dims, and the variable to read."""
    if len(operation.operands) != 2:
        return None
    tensors = [translator.tensor(number) for number in operation.operands]
    for position, tensor in enumerate(tensors):
        if tensor.flat is not None and tensors[1 - position].type.dims:
            return position, tensor.flat.variable()
    return None


HANDLERS = {f"pd_op.{name}": elementwise for name in _NAMES}
