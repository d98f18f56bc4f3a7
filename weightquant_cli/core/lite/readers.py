"""Operators that read a weight for which another operator has the scales: harmless, or aborting."""

from __future__ import annotations

from ...formats import dtypes
from .targets import TARGETS

LOADABLE = (
    dtypes.FP32,
    dtypes.INT8,
    dtypes.INT16,
    dtypes.INT32,
    dtypes.INT64,
    dtypes.UINT8,
)
"""Types of parameters that opt can read at all, read by an operator or not."""


ABORTING_READERS = frozenset(
    {
        "assign",
        "concat",
        "expand",
        "flatten",
        "flatten2",
        "flatten_contiguous_range",
        "gather",
        "reshape",
        "reshape2",
        "squeeze",
        "squeeze2",
        "transpose",
        "transpose2",
        "unsqueeze",
        "unsqueeze2",
    }
)
"""Operators beside which a weight cannot be quantized: they have kernels for any type, and opt
gives them the integers. (transpose and concat for arm alone; unsqueeze not in 2.13rc0.)"""


HARMLESS_READERS = frozenset(TARGETS) | {
    "abs",
    "arg_max",
    "cast",
    "clip",
    "dropout",
    "elementwise_add",
    "elementwise_div",
    "elementwise_max",
    "elementwise_mul",
    "elementwise_sub",
    "exp",
    "expand_v2",
    "gelu",
    "hard_swish",
    "layer_norm",
    "leaky_relu",
    "p_norm",
    "pow",
    "reduce_mean",
    "reduce_sum",
    "relu",
    "scale",
    "shape",
    "sigmoid",
    "slice",
    "softmax",
    "split",
    "square",
    "stack",
    "strided_slice",
    "tanh",
    "tile",
}
"""Operators that see the dequantized values of a weight that another one has the scales for."""
