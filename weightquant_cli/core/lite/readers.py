"""Operators that read a weight while another one carries its scales: which of them make opt abort.

Measured with Paddle Lite 2.12 and 2.13rc0 (FACTS.md).
"""

from __future__ import annotations

from .targets import TARGETS

ABORTING_READERS = frozenset(
    {
        "assign",
        "concat",
        "expand",
        "flatten",
        "flatten2",
        "flatten_contiguous_range",
        "gather",
        "gather_nd",
        "reshape",
        "reshape2",
        "squeeze",
        "squeeze2",
        "transpose",
        "transpose2",
        "unsqueeze",
        "unsqueeze2",
        "where",
    }
)
"""Operators beside which a weight cannot be quantized: they have kernels for any type, and opt
gives them the integers. (transpose and concat only for arm; unsqueeze not in 2.13rc0.)"""


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
"""Operators that read the dequantized values of a weight whose scales another operator carries."""
