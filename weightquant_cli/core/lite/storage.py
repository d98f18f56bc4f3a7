"""How Paddle Lite stores weights: the types it loads, the integers, the granularity of scales."""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING

from ...formats import dtypes

if TYPE_CHECKING:
    from ..model.weights import Weight

STORAGE_BITS = {dtypes.INT8: 8, dtypes.INT16: 16}
"""Types of quantized weights, and the `quantize_weight_bits` of each."""

LOADABLE_TYPES = (dtypes.FP32, dtypes.INT8, dtypes.INT16, dtypes.INT32, dtypes.INT64, dtypes.UINT8)
"""Types of parameters that opt can read at all, read by an operator or not."""


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


def stores_integers(weight: Weight) -> bool:
    """Whether the weight is stored in a type that quantizing writes: INT8 or INT16."""
    return weight.record.dtype in STORAGE_BITS
