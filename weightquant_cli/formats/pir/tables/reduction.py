"""Reductions, sorting and counting."""

from __future__ import annotations

RULES = {
    "mean": "reduce_mean | X axis=dim:ints | Out | keepdim=keep_dim:bool",
    "sum": "reduce_sum | X axis=dim:ints | Out | dtype=out_dtype:dtype keepdim=keep_dim:bool",
    "max": "reduce_max | X axis=dim:ints | Out | keepdim=keep_dim:bool",
    "min": "reduce_min | X axis=dim:ints | Out | keepdim=keep_dim:bool",
    "prod": "reduce_prod | X axis=dim:ints | Out | keepdim=keep_dim:bool",
    "any": "reduce_any | X axis=dim:ints | Out | keepdim=keep_dim:bool",
    "all": "reduce_all | X axis=dim:ints | Out | keepdim=keep_dim:bool",
    "amax": "reduce_amax | X axis=dim:ints | Out | keepdim=keep_dim:bool",
    "amin": "reduce_amin | X axis=dim:ints | Out | keepdim=keep_dim:bool",
    "logsumexp": "logsumexp | X | Out | axis:ints keepdim:bool reduce_all:bool",
    "mean_all": "mean | X | Out |",
    "argmax": "arg_max | X axis:long | Out | keepdims:bool flatten:bool dtype:dtype",
    "argmin": "arg_min | X axis:long | Out | keepdims:bool flatten:bool dtype:dtype",
    "kthvalue": "kthvalue | X | Out Indices | k:int axis:int keepdim:bool",
    "mode": "mode | X | Out Indices | axis:int keepdim:bool",
    "topk": "top_k_v2 | X k:int:1/K | Out Indices | axis:int largest:bool sorted:bool",
    "argsort": "argsort | X | Out Indices | axis:int descending:bool !stable:false",
    "unique": (
        "unique | X | Out Indices Index Counts | return_index:bool return_inverse:bool "
        "return_counts:bool axis:ints dtype:dtype is_sorted:bool"
    ),
    "searchsorted": "searchsorted | SortedSequence Values | Out | out_int32:bool right:bool",
    "bincount": "bincount | X Weights minlength:int | Out |",
    "histogram": "histogram | X - | Out | bins:long min:int max:int !density:false",
}
