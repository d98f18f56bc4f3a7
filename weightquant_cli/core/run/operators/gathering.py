"""Elements chosen by index, and elements put where indices say."""

from __future__ import annotations

import numpy as np

from ..call import Call, normal_axis
from ..registry import kernel
from ..values import Array
from .embedding import check_indices


@kernel("gather")
def gather(call: Call) -> Array:
    """Entries of X along `axis` (or the tensor Axis)."""
    x, index = call.array(), call.array("Index")
    axis = normal_axis(call.int_or_tensor("axis", "Axis", 0), x.ndim)
    if index.ndim == 2 and index.shape[1] == 1:
        index = index[:, 0]
    return _take(call, x, index, axis)


@kernel("gather_nd")
def gather_nd(call: Call) -> Array:
    """The last axis of Index counts along the first axes of X."""
    x, index = call.array(), call.array("Index")
    depth = index.shape[-1]
    if depth > x.ndim:
        raise ValueError(f"indices of {depth} axes into a tensor of rank {x.ndim}")
    for axis in range(depth):
        check_indices(index[..., axis], x.shape[axis], negative=True)
    call.claim((*index.shape[:-1], *x.shape[depth:]), x.itemsize)
    return np.asarray(x[tuple(index[..., axis] for axis in range(depth))])


@kernel("index_select")
def index_select(call: Call) -> Array:
    """Entries of X along `dim`."""
    x, index = call.array(), call.array("Index")
    return _take(call, x, index, call.axis(x.ndim, "dim", 0))


def _take(call: Call, x: Array, index: Array, axis: int) -> Array:
    check_indices(index, x.shape[axis], negative=True)
    call.claim((index.size, x.size // max(x.shape[axis], 1)), x.itemsize)
    return np.asarray(np.take(x, index, axis=axis))


@kernel("index_sample")
def index_sample(call: Call) -> Array:
    """For each row of X, its entries at the same row of Index."""
    x, index = call.array(), call.array("Index")
    check_indices(index, x.shape[1])
    return np.take_along_axis(x, index.astype(np.int64), axis=1)


@kernel("take_along_axis", out="Result")
def take_along_axis(call: Call) -> Array:
    """Elements of Input along `Axis`, where Index says."""
    x, index = call.array("Input"), call.array("Index")
    axis = call.axis(x.ndim, "Axis", 0)
    check_indices(index, x.shape[axis], negative=True)
    return np.take_along_axis(x, index.astype(np.int64), axis)


@kernel("put_along_axis", out="Result")
def put_along_axis(call: Call) -> Array:
    """Input with Value written, added or multiplied where Index says."""
    x, index = call.array("Input").copy(), call.array("Index").astype(np.int64)
    axis = call.axis(x.ndim, "Axis", 0)
    check_indices(index, x.shape[axis], negative=True)
    kind = call.one_of("Reduce", "assign", ("assign", "add", "mul", "multiply"))
    value = np.broadcast_to(call.array("Value"), index.shape).astype(x.dtype)
    if kind == "assign":
        np.put_along_axis(x, index, value, axis)
        return np.asarray(x)
    place: list[Array] = list(np.indices(index.shape, sparse=True))
    place[axis] = index
    (np.add if kind == "add" else np.multiply).at(x, tuple(place), value)
    return np.asarray(x)


@kernel("scatter")
def scatter(call: Call) -> Array:
    """X with rows of Updates written at Ids, or added up there if not `overwrite`."""
    x, ids = call.array().copy(), call.array("Ids").reshape(-1)
    updates = call.array("Updates")
    check_indices(ids, len(x), negative=True)
    if call.flag("overwrite", True):
        x[ids] = updates
    else:
        x[ids] = 0
        np.add.at(x, ids, updates)
    return np.asarray(x)


@kernel("scatter_nd_add")
def scatter_nd_add(call: Call) -> Array:
    """X with Updates added where the last axis of Index says."""
    x, index = call.array().copy(), call.array("Index")
    for axis in range(index.shape[-1]):
        check_indices(index[..., axis], x.shape[axis], negative=True)
    places = tuple(index[..., axis] for axis in range(index.shape[-1]))
    np.add.at(x, places, call.array("Updates"))
    return np.asarray(x)


@kernel("diag", "diag_v2")
def diag(call: Call) -> Array:
    """A matrix with the vector on a diagonal, or the diagonal of a matrix."""
    x = call.array("Diagonal") if call.has("Diagonal") else call.array()
    offset = call.integer("offset", 0)
    if x.ndim != 1 and abs(offset) > max(x.shape, default=0):
        offset = max(x.shape, default=0)  # no element; numpy itself reads beyond the array at -2^31
    if x.ndim == 1:
        side = x.size + abs(offset)
        call.claim((side, side), x.itemsize)
        result = np.full((side, side), call.number("padding_value", 0.0)).astype(x.dtype)
        np.fill_diagonal(result[max(-offset, 0) :, max(offset, 0) :], x)
        return result
    return np.ascontiguousarray(np.diagonal(x, offset))


@kernel("diagonal")
def diagonal(call: Call) -> Array:
    """The diagonals over two axes, along a new last axis."""
    x = call.array("Input")
    axes = (call.axis(x.ndim, "axis1", 0), call.axis(x.ndim, "axis2", 1))
    largest = max(x.shape)
    offset = min(max(call.integer("offset", 0), -largest), largest)
    return np.ascontiguousarray(np.diagonal(x, offset, *axes))


@kernel("tril_triu")
def tril_triu(call: Call) -> Array:
    """The lower, or upper, triangle of each matrix; zeros elsewhere."""
    x = call.array()
    function = np.tril if call.flag("lower", True) else np.triu
    return function(x, call.integer("diagonal", 0))


@kernel("roll")
def roll(call: Call) -> Array:
    """X turned round along `axis`, or flat where there is none."""
    x = call.array()
    shifts = call.ints_or_tensor("shifts", "ShiftsTensor", "-")
    axes = call.ints("axis")
    return np.roll(x, shifts, axes) if axes else np.roll(x, shifts[0])


@kernel("flip", "reverse")
def flip(call: Call) -> Array:
    """X backwards along `axis`."""
    x = call.array()
    axes = tuple(normal_axis(axis, x.ndim) for axis in call.ints("axis"))
    return np.ascontiguousarray(np.flip(x, axes))
