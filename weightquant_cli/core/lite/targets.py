"""The table of what can be quantized: operator type -> weight slot, channel axis, rank, rewrite.

The place to add an operator type; only adaptive rounding knows more of it, the slot of its inputs
(`quantize/adaptive/statistics.py`). Measured with Paddle Lite 2.6.0 to 2.13rc0 (FACTS.md): the
operators without a rewrite are those whose weights it dequantizes at load, and the axis is the one
along which it expects one scale per channel. The others compute the same once they are rewritten as
one of these (`plan/rewrites.py`); tagged as they are, Paddle Lite gives NaN or aborts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from ...formats.program import Operator
    from ..model.weights import Reader, Weight


class Target(NamedTuple):
    """How one operator type holds its weight.

    Attributes:
        op_type: the operator's type.
        slot: the input slot of the weight.
        channel_axis: axis of the output channels, one scale for each; negative counts from the end.
        rank: the only rank of the weight that Paddle Lite dequantizes.
        rewrite: the operator type that it must be rewritten as to be dequantized, or None.
        expands_scale: whether Paddle Lite itself expands a single scale to all channels; where it
            does not, the one scale is repeated.
    """

    op_type: str
    slot: str
    channel_axis: int
    rank: int
    rewrite: str | None = None
    expands_scale: bool = True

    def why_unsupported(self, operator: Operator) -> str | None:
        """Why Paddle Lite would compute wrongly with this operator's weight quantized, or None."""
        if self.op_type == "mul" and operator.value("y_num_col_dims") not in (None, 1):
            return "mul with y_num_col_dims other than 1"
        if self.op_type == "fc" and operator.value("padding_weights"):
            return "fc with padded weights"
        return None


TARGETS: dict[str, Target] = {
    target.op_type: target
    for target in (
        Target("conv2d", "Filter", 0, 4),
        Target("depthwise_conv2d", "Filter", 0, 4),
        Target("mul", "Y", -1, 2),
        Target("matmul", "Y", -1, 2, rewrite="mul"),
        Target("matmul_v2", "Y", -1, 2, rewrite="mul"),
        Target("fc", "W", -1, 2, expands_scale=False),
        Target("lookup_table", "W", -1, 2, expands_scale=False),
        Target("lookup_table_v2", "W", -1, 2, rewrite="lookup_table", expands_scale=False),
    )
}

DEFAULT_OP_TYPES = ("conv2d", "mul", "matmul", "matmul_v2")
"""What is quantized unless the user says otherwise: nearly all of a model's bytes."""

RESERVED_NAME_PART = "/target_trans"
"""Paddle Lite appends this to names of its own; it aborts on a weight whose name has it already."""


def target_readers(weight: Weight) -> list[tuple[Reader, Target]]:
    """The readers that hold the weight in the slot that can be quantized."""
    return [
        (reader, TARGETS[reader.operator.type])
        for reader in weight.readers
        if reader.operator.type in TARGETS and TARGETS[reader.operator.type].slot == reader.slot
    ]
