"""Normalization, and dropout."""

from __future__ import annotations

RULES = {
    "layer_norm": "layer_norm | X Scale Bias | Y Mean Variance | epsilon:float begin_norm_axis:int",
    "group_norm": (
        "group_norm | X Scale Bias | Y Mean Variance | epsilon:float groups:int "
        "data_format=data_layout:str"
    ),
    "instance_norm": "instance_norm | X Scale Bias | Y SavedMean SavedVariance | epsilon:float",
    "dropout": (
        "dropout | X Seed p=dropout_prob:float | Out Mask | is_test:bool "
        "mode=dropout_implementation:str seed:int fix_seed:bool"
    ),
    "batch_norm_": (
        "batch_norm | X Mean Variance Scale Bias | Y MeanOut=1 VarianceOut=2 SavedMean "
        "SavedVariance - | is_test:bool momentum:float epsilon:float "
        "data_format=data_layout:str use_global_stats:bool trainable_statistics:bool"
    ),
    "sync_batch_norm_": (
        "batch_norm | X Mean Variance Scale Bias | Y MeanOut=1 VarianceOut=2 SavedMean "
        "SavedVariance - | is_test:bool momentum:float epsilon:float "
        "data_format=data_layout:str use_global_stats:bool trainable_statistics:bool"
    ),
}
