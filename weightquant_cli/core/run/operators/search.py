"""Largest elements and order."""

from __future__ import annotations

from typing import Literal

import numpy as np

from ..call import Call
from ..registry import kernel
from ..values import Array
from .embedding import check_indices


@kernel("arg_max", "arg_min")
def arg_max(call: Call) -> Array:
    """Index of the largest, or smallest, element along `axis`; the first of several."""
    x = call.array()
    keep = call.flag("keepdims")
    number = call.integer("dtype", -1)
    dtype = np.dtype(np.int64) if number < 0 else call.dtype("dtype")
    function = np.argmax if call.type == "arg_max" else np.argmin
    if call.flag("flatten"):
        index = np.asarray(function(x))
        return index.reshape((1,) * x.ndim if keep else ()).astype(dtype)
    axis = call.axis(x.ndim, "axis", -1)
    index = np.asarray(function(x, axis=axis))
    return (np.expand_dims(index, axis) if keep else index).astype(dtype)


@kernel("argsort")
def argsort(call: Call) -> dict[str, Array]:
    """Sorted values and where they were; stable."""
    x = call.array()
    axis = call.axis(x.ndim, "axis", -1)
    order = _order(x, axis, call.flag("descending"))
    return {"Out": np.take_along_axis(x, order, axis), "Indices": order.astype(np.int64)}


def _order(x: Array, axis: int, descending: bool) -> Array:
    if not descending:
        return np.argsort(x, axis=axis, kind="stable")
    turned = np.flip(x, axis)  # so that of equal elements the first stays first
    order = np.flip(np.argsort(turned, axis=axis, kind="stable"), axis)
    return np.asarray(x.shape[axis] - 1 - order)


@kernel("top_k")
def top_k(call: Call) -> dict[str, Array]:
    """The k largest elements along the last axis, and their indices."""
    x = call.array()
    return _largest(x, call.int_or_tensor("k", "K", 1), x.ndim - 1, True)


@kernel("top_k_v2")
def top_k_v2(call: Call) -> dict[str, Array]:
    """The k largest, or smallest, elements along `axis`."""
    x = call.array()
    count = call.int_or_tensor("k", "K", 1)
    return _largest(x, count, call.axis(x.ndim, "axis", -1), call.flag("largest", True))


def _largest(x: Array, count: int, axis: int, largest: bool) -> dict[str, Array]:
    if not 0 < count <= x.shape[axis]:
        raise ValueError(f"the {count} largest of {x.shape[axis]}")
    order = np.take(_order(x, axis, largest), np.arange(count), axis)
    return {"Out": np.take_along_axis(x, order, axis), "Indices": order.astype(np.int64)}


@kernel("where_index")
def where_index(call: Call) -> Array:
    """Indices of the elements that are not zero, one row each."""
    return np.argwhere(call.array("Condition")).astype(np.int64)


@kernel("where")
def where(call: Call) -> Array:
    """X where Condition holds, Y elsewhere."""
    condition, x, y = call.array("Condition"), call.array(), call.array("Y")
    call.claim(np.broadcast_shapes(condition.shape, x.shape, y.shape), x.itemsize)
    return np.where(condition, x, y)


@kernel("masked_select", out="Y")
def masked_select(call: Call) -> Array:
    """The elements of X where Mask holds, in order."""
    x, mask = np.broadcast_arrays(call.array(), call.array("Mask").astype(bool))
    return np.asarray(x[mask])


@kernel("unique", "unique_with_counts")
def unique(call: Call) -> dict[str, Array]:
    """The different elements of X: in order of appearance, or sorted (`is_sorted`)."""
    x = call.array().reshape(-1)
    dtype = call.dtype("dtype", 3)
    values, first, inverse, counts = np.unique(
        x, return_index=True, return_inverse=True, return_counts=True
    )
    inverse = inverse.reshape(-1)
    if not call.flag("is_sorted"):
        order = np.argsort(first)
        rank = np.empty_like(order)
        rank[order] = np.arange(len(order))
        values, inverse, counts, first = values[order], rank[inverse], counts[order], first[order]
    return {
        "Out": values,
        "Index": inverse.astype(dtype),
        "Indices": first.astype(dtype),
        "Counts": counts.astype(dtype),
        "Count": counts.astype(dtype),
    }


@kernel("searchsorted")
def searchsorted(call: Call) -> Array:
    """Where in the sorted sequence each value belongs."""
    sequence, values = call.array("SortedSequence"), call.array("Values")
    side: Literal["left", "right"] = "right" if call.flag("right") else "left"
    dtype = np.int32 if call.flag("out_int32") else np.int64
    if sequence.ndim == 1:
        return np.asarray(np.searchsorted(sequence, values, side).astype(dtype))
    rows = sequence.reshape(-1, sequence.shape[-1])
    found = [
        np.searchsorted(row, value, side)
        for row, value in zip(rows, values.reshape(len(rows), -1), strict=True)
    ]
    return np.asarray(found).reshape(values.shape).astype(dtype)


@kernel("multiplex")
def multiplex(call: Call) -> Array:
    """Row i of the input that Ids names for it."""
    ids, candidates = call.array("Ids").reshape(-1), np.stack(call.arrays())
    check_indices(ids, len(candidates))
    return np.asarray(candidates[ids, np.arange(len(ids))])
