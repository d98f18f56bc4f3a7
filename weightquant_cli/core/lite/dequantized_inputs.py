"""What Paddle Lite dequantizes: which input of which operator, and with how many scales.

`targets.py` says what *we* tag; other tools tag more, and some of it is right in Paddle Lite as
well: a plain `matmul`, the Bias of a convolution, and `mul` with the weight on its left. Measured
with Paddle Lite 2.12 and 2.13rc0 (FACTS.md).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from ...formats.program import Operator
from ..model.model import Model
from ..model.weights import OperatorRef, Weight
from .fusions import CONVOLUTIONS
from .tags import Tag
from .targets import TARGETS, Target


@dataclass(frozen=True)
class TaggedInput:
    """A tagged weight as an input of the operator that carries the tag.

    Attributes:
        target: how the operator holds its weight, or None where Paddle Lite does not dequantize it.
        is_bias: whether it is the Bias of a convolution.
        is_dequantized: whether Paddle Lite dequantizes this input.
        channels: how many scales it needs; None where it is not dequantized.
        expands: whether opt expands a single scale to all channels, and takes the first one for all
            unless the tag says that there is one per channel.
    """

    target: Target | None
    is_bias: bool = False
    is_dequantized: bool = False
    channels: int | None = None
    expands: bool = False


class DequantizedInputs:
    """What Paddle Lite dequantizes in one model."""

    def __init__(self, model: Model) -> None:
        self._model = model
        # Found once per operator, which may have any number of tags and attributes.
        self._targets: dict[OperatorRef, Target | None] = {}

    def find(self, tag: Tag, weight: Weight, slots: Collection[str]) -> TaggedInput:
        """What `tag`, of an operator that reads `weight` by these `slots`, stands on."""
        if tag.operator not in self._targets:
            self._targets[tag.operator] = self._find_target(tag.operator)
        target = self._targets[tag.operator]
        if target is None:
            return TaggedInput(None)
        is_bias = target.op_type in CONVOLUTIONS and "Bias" in slots
        is_dequantized = is_bias or target.op_type == "mul" or target.slot in slots
        shape = weight.record.shape
        channels = None
        if is_dequantized and len(shape) == (1 if is_bias else target.rank):
            channels = shape[0] if is_bias else shape[target.channel_axis]
        expands = target.expands_scale and target.rewrite is None
        return TaggedInput(target, is_bias, is_dequantized, channels, expands)

    def _find_target(self, ref: OperatorRef) -> Target | None:
        operator = self._model.operator(ref)
        target = TARGETS.get(ref.type)
        if target is None or target.why_unsupported(operator):
            return None
        if target.rewrite is not None and not self._is_plain_matmul(ref, operator):
            return None
        return target

    def _is_plain_matmul(self, ref: OperatorRef, operator: Operator) -> bool:
        """The one matmul that opt turns into fc: X of rank 2, nothing transposed, alpha 1."""
        names = operator.inputs.get("X", ())
        x = self._model.variable(ref.block, names[0]) if names else None
        return (
            ref.type == "matmul"
            and not operator.value("transpose_X")
            and not operator.value("transpose_Y")
            and operator.value("alpha") in (None, 1.0)
            and x is not None
            and x.shape is not None
            and len(x.shape) == 2
        )
