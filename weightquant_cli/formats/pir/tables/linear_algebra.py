"""Products of matrices, and norms."""

from __future__ import annotations

RULES = {
    "dist": "dist | X Y | Out | p:float",
    "matmul": "matmul_v2 | X Y | Out | transpose_x=trans_x:bool transpose_y=trans_y:bool",
    "legacy_matmul": (
        "matmul | X Y | Out | transpose_x=transpose_X:bool transpose_y=transpose_Y:bool alpha:float"
    ),
    "matmul_with_flatten": "mul | X Y | Out | x_num_col_dims:int y_num_col_dims:int",
    "bmm": "bmm | X Y | Out |",
    "mv": "mv | X Vec | Out |",
    "dot": "dot | X Y | Out |",
    "cross": "cross | X Y | Out | axis=dim:int",
    "p_norm": "p_norm | X | Out | porder:float axis:int epsilon:float keepdim:bool asvector:bool",
    "frobenius_norm": "frobenius_norm | X axis=dim:ints | Out | keep_dim:bool reduce_all:bool",
    "squared_l2_norm": "squared_l2_norm | X | Out |",
    "clip_by_norm": "clip_by_norm | X | Out | max_norm:float",
    "inverse": "inverse | Input | Output |",
    "cholesky": "cholesky | X | Out | upper:bool",
    "det": "determinant | Input | Out |",
    "bilinear": "bilinear_tensor_product | X Y Weight Bias | Out |",
    "trace": "trace | Input | Out | offset:int axis1:int axis2:int",
    "einsum": "einsum | Operands | Out - - | equation:str",
}
