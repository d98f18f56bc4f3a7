"""Reading and writing at indexes."""

from __future__ import annotations

RULES = {
    "gather": "gather | X Index axis:int:0/Axis | Out |",
    "gather_nd": "gather_nd | X Index | Out |",
    "gather_tree": "gather_tree | Ids Parents | Out |",
    "scatter": "scatter | X Ids Updates | Out | overwrite:bool",
    "scatter_nd_add": "scatter_nd_add | X Index Updates | Out |",
    "index_select": "index_select | X Index | Out | axis=dim:int",
    "index_sample": "index_sample | X Index | Out |",
    "index_add": "index_add | X Index AddValue | Out | axis:int",
    "index_put": "index_put | x indices value | out | accumulate:bool",
    "take_along_axis": "take_along_axis | Input Index | Result | axis=Axis:int",
    "put_along_axis": (
        "put_along_axis | Input Index Value | Result | axis=Axis:int reduce=Reduce:str "
        "include_self=Include_self:bool"
    ),
    "embedding": "lookup_table_v2 | Ids W | Out | padding_idx:long sparse=is_sparse:bool",
    "one_hot": (
        "one_hot_v2 | X num_classes=depth:int/depth_tensor | Out | dtype:int:5 "
        "allow_out_of_range:bool:false"
    ),
    "shard_index": (
        "shard_index | X | Out | index_num:int nshards:int shard_id:int ignore_value:int"
    ),
    "sequence_mask": "sequence_mask | X max_len=maxlen:int/MaxLenTensor | Y | out_dtype:dtype",
    "fill_diagonal": "fill_diagonal | X | Out | value:float offset:int wrap:bool",
    "set_value": (
        "set_value | Input starts:longs//StartsTensorList "
        "ends:longs//EndsTensorList steps:longs//StepsTensorList | Out | axes:longs "
        "decrease_axes:longs none_axes:longs shape:longs:1"
    ),
    "set_value_with_tensor": (
        "set_value | Input ValueTensor starts:longs//StartsTensorList "
        "ends:longs//EndsTensorList steps:longs//StepsTensorList | Out | axes:longs "
        "decrease_axes:longs none_axes:longs shape:longs:1"
    ),
}
