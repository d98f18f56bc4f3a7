"""The table of what can be quantized: operator type -> weight slot, channel axis, ranks.

Measured against Paddle Lite 2.6.0 to 2.13rc0: these are the operators whose weights it dequantizes
at load, and the axis along which it expects one scale per channel. Every other operator is either
left alone by Paddle Lite (it then computes with the bare integers) or makes it abort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..formats.program import Operator


@dataclass(frozen=True)
class Target:
    """How one operator type holds its weight.

    Attributes:
        op_type: the operator's type.
        slot: the input slot of the weight.
        channel_axis: axis of the output channels, one scale for each; negative counts from the end.
        rank: the weight's rank that Paddle Lite dequantizes.
    """

    op_type: str
    slot: str
    channel_axis: int
    rank: int

    def objection(self, operator: Operator) -> str | None:
        """Why Paddle Lite would not compute rightly with this operator's weight quantized."""
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
        Target("fc", "W", -1, 2),
    )
}

DEFAULT_OP_TYPES = ("conv2d", "mul")
"""What is quantized unless the user says otherwise: nearly all of a model's bytes."""

ALL_OP_TYPES = tuple(TARGETS)
"""Every operator type that can be chosen."""
