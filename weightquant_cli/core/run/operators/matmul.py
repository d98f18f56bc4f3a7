"""Matrix products in all of Paddle's spellings."""

from __future__ import annotations

import math

import numpy as np

from ..call import Call, Unsupported
from ..registry import kernel
from ..values import Array


@kernel("mul")
def mul(call: Call) -> Array:
    """X flattened to a matrix at `x_num_col_dims`, times Y flattened at `y_num_col_dims`."""
    x, y = call.array(), call.array("Y")
    split, rows = call.integer("x_num_col_dims", 1), call.integer("y_num_col_dims", 1)
    if not 0 < split < max(x.ndim, 2) or not 0 < rows < max(y.ndim, 2):
        raise ValueError(f"x_num_col_dims {split}, y_num_col_dims {rows}")
    left = x.reshape(math.prod(x.shape[:split]), -1)
    right = y.reshape(math.prod(y.shape[:rows]), -1)
    call.claim((len(left), right.shape[1]), x.itemsize)
    return (left @ right).reshape(*x.shape[:split], *y.shape[rows:])


@kernel("fc")
def fc(call: Call) -> Array:
    """Input flattened at `in_num_col_dims`, times W, plus Bias, and relu where fused."""
    x, weight = call.array("Input"), call.array("W")
    split = call.integer("in_num_col_dims", 1)
    left = x.reshape(math.prod(x.shape[:split]), -1)
    call.claim((len(left), weight.shape[-1]), x.itemsize)
    result = left @ weight
    if call.has("Bias"):
        result += call.array("Bias").reshape(-1)
    kind = call.one_of("activation_type", "", ("", "relu"))
    if kind == "relu":
        np.maximum(result, 0, out=result)
    return result.reshape(*x.shape[:split], weight.shape[-1])


@kernel("matmul")
def matmul(call: Call) -> Array:
    """The spelling of 1.x: alpha times the product; a vector counts as a row, or a column."""
    if call.integer("head_number", 1) > 1:
        raise Unsupported("matmul with several heads")
    x, y = call.array(), call.array("Y")
    for name in ("fused_reshape_X", "fused_reshape_Y", "fused_reshape_Out", "fused_transpose_Out"):
        if call.given(name) and call.ints(name):
            raise Unsupported(f"{name} of matmul")
    result = _product(call, x, y, call.flag("transpose_X"), call.flag("transpose_Y"))
    alpha = call.number("alpha", 1.0)
    if alpha != 1.0:
        result = result * result.dtype.type(alpha)
    return result.reshape(1) if not result.ndim else result


@kernel("matmul_v2")
def matmul_v2(call: Call) -> Array:
    """The spelling of 2.x, which is numpy's."""
    return _product(call, call.array(), call.array("Y"), call.flag("trans_x"), call.flag("trans_y"))


def _product(call: Call, x: Array, y: Array, turn_x: bool, turn_y: bool) -> Array:
    if turn_x and x.ndim > 1:
        x = x.swapaxes(-1, -2)
    if turn_y and y.ndim > 1:
        y = y.swapaxes(-1, -2)
    if x.ndim > 1 and y.ndim > 1:
        front = np.broadcast_shapes(x.shape[:-2], y.shape[:-2])
        call.claim((*front, x.shape[-2], y.shape[-1]), x.itemsize)
    if x.ndim > 2 and y.ndim == 2 and x.flags.c_contiguous:  # one product instead of many
        return (x.reshape(-1, x.shape[-1]) @ y).reshape(*x.shape[:-1], y.shape[-1])
    return np.asarray(np.matmul(x, y))


@kernel("bmm")
def bmm(call: Call) -> Array:
    """Products of matrices in a batch."""
    return _product(call, call.array(), call.array("Y"), False, False)


@kernel("mv")
def mv(call: Call) -> Array:
    """A matrix times a vector."""
    return np.asarray(call.array() @ call.array("Vec"))


@kernel("dot")
def dot(call: Call) -> Array:
    """Scalar products along the last axis."""
    x, y = call.array(), call.array("Y")
    result = (x * y).sum(axis=-1)
    return np.asarray(result)


@kernel("addmm")
def addmm(call: Call) -> Array:
    """Beta * Input + Alpha * (X @ Y)."""
    product = _product(call, call.array(), call.array("Y"), False, False)
    product = product * np.float32(call.number("Alpha", 1.0))
    return np.asarray(product + np.float32(call.number("Beta", 1.0)) * call.array("Input"))


@kernel("bilinear_tensor_product")
def bilinear_tensor_product(call: Call) -> Array:
    """Out[b, k] = X[b] @ Weight[k] @ Y[b], plus Bias."""
    result = np.einsum("bi,kij,bj->bk", call.array(), call.array("Weight"), call.array("Y"))
    return np.asarray(result + call.array("Bias") if call.has("Bias") else result)


@kernel("cos_sim")
def cos_sim(call: Call) -> dict[str, Array]:
    """The cosine between rows of X and of Y."""
    x, y = call.array(), call.array("Y")
    x_norm = np.sqrt(np.square(x).sum(axis=1, keepdims=True))
    y_norm = np.sqrt(np.square(y).sum(axis=1, keepdims=True))
    cosine = (x * y).sum(axis=1, keepdims=True) / (x_norm * y_norm)
    return {"Out": cosine, "XNorm": x_norm, "YNorm": y_norm}
