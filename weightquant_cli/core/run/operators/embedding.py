"""Rows of tables, and numbers as vectors."""

from __future__ import annotations

import numpy as np

from ....errors import counted
from ..call import Call
from ..registry import kernel
from ..values import Array


@kernel("lookup_table", "lookup_table_v2")
def lookup_table(call: Call) -> Array:
    """Rows of W by Ids; zeros for `padding_idx`. The spelling of 1.x has Ids [..., 1]."""
    table, ids = call.array("W"), call.array("Ids")
    if call.type == "lookup_table" and ids.ndim and ids.shape[-1] == 1:
        ids = ids[..., 0]
    check_indices(ids, len(table))
    call.claim((*ids.shape, *table.shape[1:]), table.itemsize)
    rows = np.asarray(table[ids])
    padding = call.integer("padding_idx", -1)
    if padding < -1:
        padding += len(table)
    if padding != -1:
        rows[ids == padding] = 0
    return rows


def check_indices(indices: Array, count: int, negative: bool = False) -> None:
    """Refuse indices outside a table of `count` rows."""
    if not indices.size:
        return
    low, high = int(indices.min()), int(indices.max())
    if low < (-count if negative else 0) or high >= count:
        raise ValueError(f"indices from {low} to {high} into {counted(count, 'row')}")


@kernel("one_hot", "one_hot_v2")
def one_hot(call: Call) -> Array:
    """1 at the index that X gives, 0 elsewhere along a new last axis of `depth`."""
    ids, depth = call.array(), call.int_or_tensor("depth", "depth_tensor", -1)
    if call.type == "one_hot" and ids.ndim and ids.shape[-1] == 1:
        ids = ids[..., 0]
    if depth < 1:
        raise ValueError(f"depth {depth}")
    if not call.flag("allow_out_of_range"):
        check_indices(ids, depth)
    dtype = call.dtype("dtype", 5)
    call.claim((*ids.shape, depth), dtype.itemsize)
    return np.asarray((ids[..., None] == np.arange(depth)).astype(dtype))
