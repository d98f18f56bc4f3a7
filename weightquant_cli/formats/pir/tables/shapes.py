"""Shapes: reshaping, joining, cutting, padding."""

from __future__ import annotations

RULES = {
    "reshape": "reshape2 | X shape:ints/Shape/ShapeTensor | Out +XShape |",
    "transpose": "transpose2 | X | Out | perm=axis:ints",
    "squeeze": "squeeze2 | X axis=axes:ints | Out |",
    "unsqueeze": "unsqueeze2 | X axis=axes:ints/AxesTensor/AxesTensorList | Out |",
    "flatten": "flatten_contiguous_range | X | Out +XShape | start_axis:int stop_axis:int",
    "expand": "expand_v2 | X shape:ints/Shape/expand_shapes_tensor | Out |",
    "expand_as": "expand_as_v2 | X Y | Out | target_shape:ints",
    "tile": "tile | X repeat_times:ints/RepeatTimes/repeat_times_tensor | Out |",
    "concat": "concat | X axis:int:0/AxisTensor | Out |",
    "stack": "stack | X | Y | axis:int",
    "unstack": "unstack | X | Y | axis:int num:int",
    "unbind": "unbind | X | Out | axis:int",
    "slice": (
        "slice | Input starts:bounds/StartsTensor/StartsTensorList "
        "ends:bounds/EndsTensor/EndsTensorList | Out | axes:ints infer_flags:ints "
        "decrease_axis:ints"
    ),
    "strided_slice": (
        "strided_slice | Input starts:bounds/StartsTensor/StartsTensorList "
        "ends:bounds/EndsTensor/EndsTensorList strides:ints/StridesTensor/StridesTensorList | "
        "Out | axes:ints"
    ),
    "crop": (
        "crop_tensor | X shape:ints/Shape/ShapeTensor offsets:ints/Offsets/OffsetsTensor | Out |"
    ),
    "flip": "flip | X | Out | axis:ints",
    "reverse": "reverse | X axis:ints | Out |",
    "roll": "roll | X shifts:longs/ShiftsTensor | Out | axis:longs",
    "meshgrid": "meshgrid | X | Out |",
    "broadcast_tensors": "broadcast_tensors | X | Out |",
    "repeat_interleave": (
        "repeat_interleave | X | Out | repeats=Repeats:int axis=dim:int !output_size:-1"
    ),
    "diag": "diag_v2 | X | Out | offset:int padding_value:float",
    "diag_embed": "diag_embed | Input | Out | offset:int dim1:int dim2:int",
    "diagonal": "diagonal | Input | Out | offset:int axis1:int axis2:int",
    "pad": "pad | X pad_value:float | Out | paddings:ints",
    "pad3d": (
        "pad3d | X paddings:ints/Paddings | Out | mode:str pad_value=value:float data_format:str"
    ),
    "numel": "size | Input | Out |",
    "pixel_shuffle": "pixel_shuffle | X | Out | upscale_factor:int data_format:str",
    "pixel_unshuffle": "pixel_unshuffle | X | Out | downscale_factor:int data_format:str",
    "channel_shuffle": "channel_shuffle | X | Out | groups:int data_format:str",
    "shuffle_channel": "shuffle_channel | X | Out | group:int",
    "unfold": "unfold | X | Y | kernel_sizes:ints strides:ints paddings:ints dilations:ints",
    "fold": (
        "fold | X | Y | output_sizes:ints kernel_sizes:ints strides:ints paddings:ints "
        "dilations:ints"
    ),
    "temporal_shift": "temporal_shift | X | Out | seg_num:int shift_ratio:float data_format:str",
    "unpool": (
        "unpool | X Indices output_size:ints | Out | ksize:ints strides:ints "
        "padding=paddings:ints data_format:str "
        "unpooling_type:str:max"
    ),
    "split": "split | X sections:ints//SectionsTensorList axis:int:0/AxisTensor | Out | num:int:0",
    "split_with_num": "split | X axis:int:0/AxisTensor | Out | num:int sections:ints:",
    "tril": "tril_triu | X | Out | diagonal:int lower:bool:true",
    "triu": "tril_triu | X | Out | diagonal:int lower:bool:false",
    "shape": "shape | Input | Out |",
    "repeat_interleave_with_tensor_index": (
        "repeat_interleave | X RepeatsTensor | Out | axis=dim:int Repeats:int:0 !output_size:-1"
    ),
}
