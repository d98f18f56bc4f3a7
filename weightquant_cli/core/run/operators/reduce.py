"""Reductions over axes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ..call import Call, normal_axis
from ..registry import kernel
from ..values import Array

Axes = tuple[int, ...] | None


def _axes(call: Call, rank: int) -> Axes:
    """The axes of `dim`; None stands for all."""
    dims = call.ints_or_tensor("dim", "AxisTensor", "AxisTensorList", (0,))
    if call.flag("reduce_all") or not dims or not rank:
        return None
    axes = tuple(sorted({normal_axis(dim, rank) for dim in dims}))
    return None if len(axes) == rank else axes


def _mean(x: Array, axis: Axes, keepdims: bool) -> Array:
    if not x.size:
        raise ValueError("the mean of no elements")
    return np.asarray(x.mean(axis=axis, keepdims=keepdims, dtype=x.dtype))


def _log_sum_exp(x: Array, axis: Axes, keepdims: bool) -> Array:
    top = x.max(axis=axis, keepdims=True)
    total = np.log(np.exp(x - top).sum(axis=axis, keepdims=True)) + top
    if keepdims:
        return np.asarray(total)
    return np.asarray(total.reshape(()) if axis is None else np.squeeze(total, axis))


def _sum(x: Array, axis: Axes, keepdims: bool) -> Array:
    dtype = np.int64 if x.dtype.kind == "b" else x.dtype
    return np.asarray(x.sum(axis=axis, keepdims=keepdims, dtype=dtype))


def _product(x: Array, axis: Axes, keepdims: bool) -> Array:
    return np.asarray(x.prod(axis=axis, keepdims=keepdims, dtype=x.dtype))


def _frobenius(x: Array, axis: Axes, keepdims: bool) -> Array:
    return np.asarray(np.sqrt(np.square(x).sum(axis=axis, keepdims=keepdims)))


FUNCTIONS: dict[str, Callable[..., Array]] = {
    "reduce_sum": _sum,
    "reduce_mean": _mean,
    "reduce_prod": _product,
    "reduce_max": lambda x, axis, keepdims: np.asarray(x.max(axis=axis, keepdims=keepdims)),
    "reduce_min": lambda x, axis, keepdims: np.asarray(x.min(axis=axis, keepdims=keepdims)),
    "reduce_amax": lambda x, axis, keepdims: np.asarray(x.max(axis=axis, keepdims=keepdims)),
    "reduce_amin": lambda x, axis, keepdims: np.asarray(x.min(axis=axis, keepdims=keepdims)),
    "reduce_any": lambda x, axis, keepdims: np.asarray(x.any(axis=axis, keepdims=keepdims)),
    "reduce_all": lambda x, axis, keepdims: np.asarray(x.all(axis=axis, keepdims=keepdims)),
    "frobenius_norm": _frobenius,
}


def _register(name: str, function: Callable[..., Array]) -> None:
    @kernel(name)
    def reduction(call: Call) -> Array:
        x = call.array()
        wanted = call.integer("out_dtype", -1)
        if wanted >= 0 and name in ("reduce_sum", "reduce_prod"):
            x = x.astype(call.dtype("out_dtype"))
        return function(x, _axes(call, x.ndim), call.flag("keep_dim"))


for _name, _function in FUNCTIONS.items():
    _register(_name, _function)


@kernel("logsumexp")
def logsumexp(call: Call) -> Array:
    """log(sum of exp(X)) over `axis`."""
    x = call.array()
    dims = call.ints("axis", (0,))
    everything = call.flag("reduce_all") or not dims
    axes = None if everything else tuple(normal_axis(dim, x.ndim) for dim in dims)
    return _log_sum_exp(x, axes, call.flag("keepdim"))


@kernel("mean")
def mean(call: Call) -> Array:
    """The mean of everything; one element in 1.x, a scalar from 2.5 on, which broadcasts alike."""
    return _mean(call.array(), None, False).reshape(1)


@kernel("cumsum")
def cumsum(call: Call) -> Array:
    """Running sums along `axis`, without the element itself if `exclusive`."""
    x = call.array()
    if call.flag("flatten"):
        x = x.reshape(-1)
    axis = call.axis(x.ndim, "axis", -1)
    if call.flag("reverse"):
        x = np.flip(x, axis)
    total = np.cumsum(x, axis, dtype=x.dtype)
    if call.flag("exclusive"):
        total = total - x
    return np.flip(total, axis) if call.flag("reverse") else np.asarray(total)


@kernel("cumprod")
def cumprod(call: Call) -> Array:
    """Running products along `dim`."""
    x = call.array()
    return np.asarray(np.cumprod(x, call.axis(x.ndim, "dim", -1), dtype=x.dtype))


@kernel("squared_l2_norm")
def squared_l2_norm(call: Call) -> Array:
    """The sum of all squares."""
    return np.asarray(np.square(call.array()).sum()).reshape(1)


@kernel("l1_norm")
def l1_norm(call: Call) -> Array:
    """The sum of all absolute values."""
    return np.asarray(np.abs(call.array()).sum())
