"""Convolutions, pooling, and resampling."""

from __future__ import annotations

RULES = {
    "conv2d": (
        "conv2d | Input Filter | Output | strides:ints paddings:ints padding_algorithm:str "
        "dilations:ints groups:int data_format:str"
    ),
    "depthwise_conv2d": (
        "depthwise_conv2d | Input Filter | Output | strides:ints paddings:ints "
        "padding_algorithm:str groups:int dilations:ints data_format:str"
    ),
    "conv3d": (
        "conv3d | Input Filter | Output | strides:ints paddings:ints padding_algorithm:str "
        "groups:int dilations:ints data_format:str"
    ),
    "conv2d_transpose": (
        "conv2d_transpose | Input Filter output_size:ints | Output | strides:ints "
        "paddings:ints output_padding:ints padding_algorithm:str groups:int dilations:ints "
        "data_format:str"
    ),
    "depthwise_conv2d_transpose": (
        "depthwise_conv2d_transpose | Input Filter output_size:ints | Output | strides:ints "
        "paddings:ints output_padding:ints padding_algorithm:str groups:int dilations:ints "
        "data_format:str"
    ),
    "conv3d_transpose": (
        "conv3d_transpose | Input Filter | Output | strides:ints paddings:ints "
        "output_padding:ints output_size:ints padding_algorithm:str groups:int dilations:ints "
        "data_format:str"
    ),
    "deformable_conv": (
        "deformable_conv | Input Offset Filter Mask | Output | strides:ints paddings:ints "
        "dilations:ints deformable_groups:int groups:int im2col_step:int"
    ),
    "pool2d": (
        "pool2d | X kernel_size=ksize:ints | Out | strides:ints paddings:ints ceil_mode:bool "
        "exclusive:bool data_format:str pooling_type:str global_pooling:bool adaptive:bool "
        "padding_algorithm:str"
    ),
    "pool3d": (
        "pool3d | X | Out | kernel_size=ksize:ints strides:ints paddings:ints ceil_mode:bool "
        "exclusive:bool data_format:str pooling_type:str global_pooling:bool adaptive:bool "
        "padding_algorithm:str"
    ),
    "max_pool2d_with_index": (
        "max_pool2d_with_index | X | Out Mask | kernel_size=ksize:ints strides:ints "
        "paddings:ints global_pooling:bool adaptive:bool !ceil_mode:false"
    ),
    "max_pool3d_with_index": (
        "max_pool3d_with_index | X | Out Mask | kernel_size=ksize:ints strides:ints "
        "paddings:ints global_pooling:bool adaptive:bool !ceil_mode:false"
    ),
    "bilinear_interp": (
        "bilinear_interp_v2 | X OutSize SizeTensor Scale | Out | data_format=data_layout:str "
        "out_d:int out_h:int out_w:int scale:floats interp_method:str align_corners:bool "
        "align_mode:int"
    ),
    "nearest_interp": (
        "nearest_interp_v2 | X OutSize SizeTensor Scale | Out | data_format=data_layout:str "
        "out_d:int out_h:int out_w:int scale:floats interp_method:str align_corners:bool "
        "align_mode:int"
    ),
    "bicubic_interp": (
        "bicubic_interp_v2 | X OutSize SizeTensor Scale | Out | data_format=data_layout:str "
        "out_d:int out_h:int out_w:int scale:floats interp_method:str align_corners:bool "
        "align_mode:int"
    ),
    "linear_interp": (
        "linear_interp_v2 | X OutSize SizeTensor Scale | Out | data_format=data_layout:str "
        "out_d:int out_h:int out_w:int scale:floats interp_method:str align_corners:bool "
        "align_mode:int"
    ),
    "trilinear_interp": (
        "trilinear_interp_v2 | X OutSize SizeTensor Scale | Out | data_format=data_layout:str "
        "out_d:int out_h:int out_w:int scale:floats interp_method:str align_corners:bool "
        "align_mode:int"
    ),
    "grid_sample": "grid_sampler | X Grid | Output | mode:str padding_mode:str align_corners:bool",
    "affine_grid": (
        "affine_grid | Theta output_shape:ints/OutputShape | Output | align_corners:bool"
    ),
    "affine_channel": "affine_channel | X Scale Bias | Out | data_layout:str",
    "im2sequence": (
        "im2sequence | X Y | Out | kernels:ints strides:ints paddings:ints out_stride:ints"
    ),
    "row_conv": "row_conv | X Filter | Out |",
    "lrn": "lrn | X | Out MidOut | n:int k:float alpha:float beta:float data_format:str",
}
