"""Softmax and its logarithm."""

from __future__ import annotations

import numpy as np

from ..call import Call
from ..registry import kernel
from ..values import Array


@kernel("softmax")
def softmax(call: Call) -> Array:
    """exp(X) over its sum along `axis`."""
    x = call.array()
    return softmaxed(x, call.axis(x.ndim, "axis", -1) if x.ndim else 0)


def softmaxed(x: Array, axis: int) -> Array:
    """The softmax along one axis."""
    if not x.ndim:
        return np.ones_like(x)
    result: Array = x - x.max(axis=axis, keepdims=True)
    np.exp(result, out=result)
    result *= 1 / result.sum(axis=axis, keepdims=True)
    return result


@kernel("log_softmax")
def log_softmax(call: Call) -> Array:
    """X less the logarithm of the sum of exp(X) along `axis`."""
    x = call.array()
    axis = call.axis(x.ndim, "axis", -1)
    shifted = x - x.max(axis=axis, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True)))
