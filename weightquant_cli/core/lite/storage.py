"""How Paddle Lite stores a quantized weight: its integer type, and how many scales it has."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from ...formats import dtypes

if TYPE_CHECKING:
    from ..model.weights import Weight

STORAGE_BITS = {dtypes.INT8: 8, dtypes.INT16: 16}


class WeightQuantizeType(enum.Enum):
    """Granularity of the scales, spelled as Paddle spells it."""

    CHANNEL_WISE_ABS_MAX = "channel_wise_abs_max"
    ABS_MAX = "abs_max"

    @property
    def attribute(self) -> str:
        """Value of the operator attribute `quantization_type`."""
        return f"post_weight_{self.value}"


def storage_dtype(bits: int) -> dtypes.DataType:
    """The integer type that stores weights of this many bits."""
    return dtypes.INT8 if bits <= 8 else dtypes.INT16


def is_quantized(weight: Weight) -> bool:
    """Whether the weight is stored as integers of a kind that quantizing writes."""
    return weight.record.dtype in (dtypes.INT8, dtypes.INT16)
