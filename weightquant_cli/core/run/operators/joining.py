"""Tensors put together."""

from __future__ import annotations

import numpy as np

from ..call import Call, normal_axis
from ..registry import kernel
from ..values import Array


@kernel("concat")
def concat(call: Call) -> Array:
    """All inputs one after another along `axis`; those without elements count for nothing."""
    arrays = call.arrays()
    axis = normal_axis(call.int_or_tensor("axis", "AxisTensor", 0), arrays[0].ndim)
    rank = max(array.ndim for array in arrays)
    kept = [array for array in arrays if array.size or array.ndim == rank] or arrays[:1]
    call.claim((sum(array.size for array in kept),), kept[0].itemsize)
    return np.concatenate(kept, axis)


@kernel("stack", out="Y")
def stack(call: Call) -> Array:
    """All inputs one after another along a new axis."""
    arrays = call.arrays()
    axis = normal_axis(call.integer("axis", 0), arrays[0].ndim + 1)
    call.claim((len(arrays), arrays[0].size), arrays[0].itemsize)
    return np.stack(arrays, axis)


@kernel("partial_concat")
def partial_concat(call: Call) -> Array:
    """Columns from `start_index` on of all inputs, side by side."""
    start, length = call.integer("start_index", 0), call.integer("length", -1)
    arrays = call.arrays()
    start += arrays[0].shape[1] if start < 0 else 0
    end = arrays[0].shape[1] if length < 0 else start + length
    return np.concatenate([array[:, start:end] for array in arrays], axis=1)
