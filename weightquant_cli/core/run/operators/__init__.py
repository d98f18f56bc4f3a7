"""Kernels, one file per family of operators; importing this package registers all of them.

Kernels know arrays and attributes (`Call`), not programs, names or files. They never write to
their inputs. Semantics are Paddle's on a CPU, in the spellings of 1.x and 2.x; what a program
cannot say at inference (dropout masks, batch statistics in training) is left out.
May import `core.run`.
"""

from . import (
    activation,
    compare,
    convolution,
    creation,
    decoding,
    detection,
    elementwise,
    embedding,
    gathering,
    interpolate,
    joining,
    matmul,
    nms,
    normalization,
    padding,
    pooling,
    proposals,
    recurrent,
    reduce,
    regions,
    search,
    sequence,
    shape,
    slicing,
    softmax,
)

__all__ = [
    "activation",
    "compare",
    "convolution",
    "creation",
    "decoding",
    "detection",
    "elementwise",
    "embedding",
    "gathering",
    "interpolate",
    "joining",
    "matmul",
    "nms",
    "normalization",
    "padding",
    "pooling",
    "proposals",
    "recurrent",
    "reduce",
    "regions",
    "search",
    "sequence",
    "shape",
    "slicing",
    "softmax",
]
