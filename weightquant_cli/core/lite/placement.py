"""What Paddle Lite dequantizes: which input of which operator, and with how many scales.

`targets.py` says what *we* tag; other tools tag more, and some of it is right in Paddle Lite as
well: a plain `matmul`, the Bias of a convolution, and `mul` with the weight on its left. Measured
with Paddle Lite 2.12 and 2.13rc0.
"""

from __future__ import annotations

import functools
from collections.abc import Collection
from dataclasses import dataclass

from ...formats.program import Operator
from ..model.model import Model
from ..model.weights import OperatorRef, Weight
from .fusions import CONVOLUTIONS
from .tags import Tag
from .targets import TARGETS, Target


@dataclass(frozen=True)
class Place:
    """Where a tagged weight stands in the operator that carries the tag.

    Attributes:
        target: how the operator holds its weight, or None where Paddle Lite does not dequantize it.
        is_bias: whether it is the Bias of a convolution.
        in_slot: whether it is an input that is dequantized.
        channels: how many scales are due; None where it is not dequantized.
        expands: whether opt expands a single scale to all channels, and takes the first for all
            where it is not told that there is one for each.
    """

    target: Target | None
    is_bias: bool
    in_slot: bool
    channels: int | None
    expands: bool


def find_place(model: Model, tag: Tag, weight: Weight, slots: Collection[str]) -> Place:
    """Where `tag`, of an operator that reads `weight` by these `slots`, stands."""
    target = _target(model, tag.operator)
    if target is None:
        return Place(None, False, False, None, False)
    is_bias = target.op_type in CONVOLUTIONS and "Bias" in slots
    in_slot = is_bias or target.op_type == "mul" or target.slot in slots
    shape = weight.record.shape
    channels = None
    if in_slot and len(shape) == (1 if is_bias else target.rank):
        channels = shape[0] if is_bias else shape[target.channel_axis]
    expands = target.expands_scale and target.rewrite is None
    return Place(target, is_bias, in_slot, channels, expands)


@functools.lru_cache(maxsize=64)  # an operator may have any number of tags and attributes
def _target(model: Model, ref: OperatorRef) -> Target | None:
    operator = model.operator(ref)
    target = TARGETS.get(ref.type)
    if target is None or target.objection(operator):
        return None
    if target.rewrite is not None and not _is_plain_matmul(model, ref, operator):
        return None
    return target


def _is_plain_matmul(model: Model, ref: OperatorRef, operator: Operator) -> bool:
    """The one form of matmul that opt turns into fc: X of rank 2, nothing transposed, alpha 1."""
    names = operator.inputs.get("X", ())
    x = model.variable(ref.block, names[0]) if names else None
    return (
        ref.type == "matmul"
        and not operator.value("transpose_X")
        and not operator.value("transpose_Y")
        and operator.value("alpha") in (None, 1.0)
        and x is not None
        and x.shape is not None
        and len(x.shape) == 2
    )
