"""Normalizations, with stored statistics or those of the input itself."""

from __future__ import annotations

import math

import numpy as np

from ....errors import counted
from ..call import Call, Unsupported, normal_axis
from ..registry import kernel
from ..values import Array

LAYOUTS = ("NCHW", "NHWC", "AnyLayout", "NCDHW", "NDHWC", "NCL", "NLC", "NC")


def _last(call: Call, name: str = "data_layout") -> bool:
    return call.one_of(name, "NCHW", LAYOUTS) in ("NHWC", "NDHWC", "NLC")


def _along_channels(values: Array, rank: int, last: bool) -> Array:
    """Values by channel, shaped to be broadcast over a tensor of this rank."""
    flat = values.reshape(-1)
    return flat if last or rank < 2 else flat.reshape(-1, *(1,) * (rank - 2))


@kernel("batch_norm", "sync_batch_norm", out="Y")
def batch_norm(call: Call) -> Array:
    """(X - Mean) / sqrt(Variance + epsilon) * Scale + Bias, with the stored statistics."""
    x = call.array()
    if call.flag("trainable_statistics") and not call.flag("is_test"):
        raise Unsupported("batch_norm with the statistics of the batch")
    mean, variance = call.array("Mean"), call.array("Variance")
    factor = 1.0 / np.sqrt(variance + np.float32(call.number("epsilon", 1e-5)))
    if call.has("Scale"):
        factor = factor * call.array("Scale")
    shift = -mean * factor
    if call.has("Bias"):
        shift = shift + call.array("Bias")
    last = _last(call)
    factor, shift = factor.astype(x.dtype), shift.astype(x.dtype)
    result: Array = x * _along_channels(factor, x.ndim, last)
    result += _along_channels(shift, x.ndim, last)
    return result


@kernel("layer_norm", out="Y")
def layer_norm(call: Call) -> dict[str, Array]:
    """Normalizes each slice from `begin_norm_axis` on; Scale and Bias are flat over it."""
    x = call.array()
    begin = call.integer("begin_norm_axis", 1)
    if not 0 < begin < max(x.ndim, 2):
        raise ValueError(f"begin_norm_axis {begin} of a tensor of rank {x.ndim}")
    flat = x.reshape(math.prod(x.shape[:begin]), -1)
    mean, variance, result = _standardized(flat, call.number("epsilon", 1e-5))
    if call.has("Scale"):
        result *= call.array("Scale").reshape(-1)
    if call.has("Bias"):
        result += call.array("Bias").reshape(-1)
    lead = x.shape[:begin]
    return {
        "Y": result.reshape(x.shape),
        "Mean": mean.reshape(lead),
        "Variance": variance.reshape(lead),
    }


def _standardized(rows: Array, epsilon: float) -> tuple[Array, Array, Array]:
    """Mean and variance of each row, as columns, and the rows with mean 0 and variance 1."""
    if not rows.size:
        raise ValueError("the mean of no elements")
    mean = rows.mean(axis=1, keepdims=True)
    centred = rows - mean
    variance = np.einsum("ij,ij->i", centred, centred)[:, None] / np.float32(max(rows.shape[1], 1))
    centred *= 1.0 / np.sqrt(variance + np.float32(epsilon))
    return mean, variance, centred


@kernel("instance_norm", out="Y")
def instance_norm(call: Call) -> Array:
    """Normalizes each channel of each image by itself."""
    x = call.array()
    rows = x.reshape(math.prod(x.shape[:2]), -1)
    *_, result = _standardized(rows, call.number("epsilon", 1e-5))
    result = result.reshape(x.shape)
    if call.has("Scale"):
        result *= _along_channels(call.array("Scale"), x.ndim, False)
    if call.has("Bias"):
        result += _along_channels(call.array("Bias"), x.ndim, False)
    return result


@kernel("group_norm", out="Y")
def group_norm(call: Call) -> Array:
    """Normalizes groups of channels of each image."""
    x, last = call.array(), _last(call)
    image = np.moveaxis(x, -1, 1) if last else x
    groups = call.integer("groups", 1)
    if groups < 1 or image.shape[1] % groups:
        raise ValueError(f"{counted(groups, 'group')} of {counted(image.shape[1], 'channel')}")
    rows = image.reshape(image.shape[0] * groups, -1)
    *_, result = _standardized(rows, call.number("epsilon", 1e-5))
    result = result.reshape(image.shape)
    if call.has("Scale"):
        result *= _along_channels(call.array("Scale"), x.ndim, False)
    if call.has("Bias"):
        result += _along_channels(call.array("Bias"), x.ndim, False)
    return np.moveaxis(result, 1, -1) if last else result


@kernel("affine_channel")
def affine_channel(call: Call) -> Array:
    """X * Scale + Bias by channel; the last axis unless `data_layout` says NCHW."""
    x = call.array()
    last = call.one_of("data_layout", "AnyLayout", LAYOUTS) != "NCHW"
    scale = _along_channels(call.array("Scale"), x.ndim, last)
    return np.asarray(x * scale + _along_channels(call.array("Bias"), x.ndim, last))


@kernel("norm")
def norm(call: Call) -> dict[str, Array]:
    """X / sqrt(sum of squares along `axis` + epsilon)."""
    x = call.array()
    axis = call.axis(x.ndim, "axis", -1)
    epsilon = np.float32(call.number("epsilon", 1e-10))
    size = np.sqrt(np.square(x).sum(axis=axis, keepdims=True) + epsilon)
    return {"Out": x / size, "Norm": size}


@kernel("p_norm")
def p_norm(call: Call) -> Array:
    """(sum of |X|^p along `axis`)^(1/p); largest and smallest value for p = +-infinity."""
    x = np.abs(call.array())
    order = call.number("porder", 2.0)
    axis = None if call.flag("asvector") else normal_axis(call.integer("axis", -1), x.ndim)
    keep = call.flag("keepdim")
    if order == 0:
        return np.asarray((x != 0).sum(axis=axis, keepdims=keep).astype(x.dtype))
    if math.isinf(order):
        return np.asarray((np.max if order > 0 else np.min)(x, axis=axis, keepdims=keep))
    powers = np.power(x, np.float32(order)).sum(axis=axis, keepdims=keep)
    return np.asarray(np.power(powers, np.float32(1 / order)))


@kernel("lrn")
def lrn(call: Call) -> Array:
    """X / (k + alpha * sum of squares over n neighbouring channels)^beta."""
    x, count = call.array(), call.integer("n", 5)
    if _last(call, "data_format"):
        raise Unsupported("lrn over the last axis")
    if not 0 < count <= 2 * x.shape[1]:
        raise ValueError(f"{counted(count, 'neighbour')} among {counted(x.shape[1], 'channel')}")
    half = (count - 1) // 2
    squares = np.square(x)
    total = np.full(x.shape, call.number("k", 2.0), x.dtype)
    alpha = np.float32(call.number("alpha", 1e-4))
    for shift in range(-half, count - half):
        low, high = max(0, shift), min(x.shape[1], x.shape[1] + shift)
        if low < high:
            total[:, low - shift : high - shift] += alpha * squares[:, low:high]
    return np.asarray(x * np.power(total, np.float32(-call.number("beta", 0.75))))


@kernel("data_norm", out="Y")
def data_norm(call: Call) -> Array:
    """(X - BatchSum / BatchSize) * sqrt(BatchSize / BatchSquareSum)."""
    size, total = call.array("BatchSize"), call.array("BatchSum")
    scale = np.sqrt(size / call.array("BatchSquareSum"))
    result = (call.array() - total / size) * scale
    if call.has("scale_w"):
        result = result * call.array("scale_w") + call.array("bias")
    return np.asarray(result)
