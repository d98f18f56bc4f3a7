"""New tensors."""

from __future__ import annotations

RULES = {
    "full_like": "fill_any_like | X value:float | Out | dtype:dtype",
    "full_batch_size_like": (
        "fill_constant_batch_size_like | Input | Out | shape:ints dtype:dtype value:float "
        "input_dim_idx:int output_dim_idx:int force_cpu:bool:false"
    ),
    "empty": "empty | shape:longs/ShapeTensor/ShapeTensorList | Out | dtype:dtype",
    "eye": "eye | num_rows:long num_columns:long | Out | dtype:dtype",
    "assign": "assign | X | Out |",
    "gaussian": (
        "gaussian_random | shape:longs/ShapeTensor/ShapeTensorList | Out | mean:float "
        "std:float seed:int dtype:dtype"
    ),
    "uniform": (
        "uniform_random | shape:longs/ShapeTensor/ShapeTensorList min:float max:float | Out | "
        "dtype:dtype seed:int"
    ),
    "randint": (
        "randint | shape:longs/ShapeTensor/ShapeTensorList | Out | low:int high:int dtype:dtype"
    ),
}
