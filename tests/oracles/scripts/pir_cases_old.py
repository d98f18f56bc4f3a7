"""Cases of single operators of Paddle 2, which Paddle 3 translates when it loads an old model."""

import numpy as np
from pir_cases_math import normal, numbers

F32, I32, I64, U8 = "float32", "int32", "int64", "uint8"


def old(type, inputs, outputs, feeds, **attributes):
    return (type, inputs, outputs, attributes), feeds


X = {"X": "x"}
XY = {"X": "x", "Y": "y"}
OUT = {"Out": F32}


def x(*shape):
    return {"x": normal(*shape)}


def xy(first, second):
    return {"x": normal(*first), "y": normal(*second)}


CASES = {
    "old_mul": old("mul", XY, OUT, xy((2, 3, 4), (12, 5)), x_num_col_dims=1, y_num_col_dims=1),
    "old_mul_2": old("mul", XY, OUT, xy((2, 3, 4), (4, 5)), x_num_col_dims=2, y_num_col_dims=1),
    "old_matmul": old(
        "matmul", XY, OUT, xy((2, 4, 3), (2, 4, 5)), transpose_X=True, transpose_Y=False, alpha=0.5
    ),
    "old_mean": old("mean", X, OUT, x(2, 3)),
    "old_lrn": old(
        "lrn", X, {"Out": F32, "MidOut": F32}, x(2, 6, 3, 3), n=3, k=1.0, alpha=1e-3, beta=0.75
    ),
    "old_affine_channel": old(
        "affine_channel",
        {"X": "x", "Scale": "s", "Bias": "b"},
        OUT,
        {"x": normal(2, 3, 4, 4), "s": normal(3), "b": normal(3)},
        data_layout="NCHW",
    ),
    "old_clip_by_norm": old("clip_by_norm", X, OUT, x(3, 4), max_norm=0.7),
    "old_squared_l2_norm": old("squared_l2_norm", X, OUT, x(3, 4)),
    "old_reverse": old("reverse", X, OUT, x(3, 4), axis=[1]),
    "old_shuffle_channel": old("shuffle_channel", X, OUT, x(1, 6, 3, 3), group=3),
    "old_batch_size_like": old(
        "fill_constant_batch_size_like",
        {"Input": "x"},
        OUT,
        x(5, 2),
        shape=[-1, 3],
        dtype=5,
        value=1.5,
        input_dim_idx=0,
        output_dim_idx=0,
    ),
    "old_anchors": old(
        "anchor_generator",
        {"Input": "x"},
        {"Anchors": F32, "Variances": F32},
        x(1, 3, 4, 4),
        anchor_sizes=[16.0, 32.0],
        aspect_ratios=[0.5, 1.0],
        variances=[0.1, 0.1, 0.2, 0.2],
        stride=[8.0, 8.0],
        offset=0.5,
    ),
    "old_shape": old("shape", {"Input": "x"}, {"Out": I32}, x(3, 4)),
    "old_increment": old("increment", X, OUT, x(1), step=2.0),
    "old_frobenius": old(
        "frobenius_norm", X, OUT, x(2, 3, 4), dim=[1, 2], keep_dim=True, reduce_all=False
    ),
    "old_row_conv": old(
        "row_conv", {"X": "x", "Filter": "f"}, OUT, {"x": normal(2, 5, 3), "f": normal(2, 3)}
    ),
    "old_ctc_align": old(
        "ctc_align",
        {"Input": "x", "InputLength": "n"},
        {"Output": I32, "OutputLength": I32},
        {
            "x": numbers(2, 6, high=4, dtype="int32"),
            "n": np.array([[6], [4]], "int32"),
        },
        blank=0,
        merge_repeated=True,
        padding_value=0,
    ),
    "old_viterbi": old(
        "viterbi_decode",
        {"Input": "x", "Transition": "t", "Length": "n"},
        {"Scores": F32, "Path": I64},
        {"x": normal(2, 5, 4), "t": normal(4, 4), "n": np.array([5, 3])},
        include_bos_eos_tag=False,
    ),
    "old_crf": old(
        "crf_decoding",
        {"Emission": "x", "Transition": "t", "Length": "n"},
        {"ViterbiPath": I64},
        {"x": normal(2, 5, 4), "t": normal(6, 4), "n": np.array([5, 3])},
    ),
    "old_im2sequence": old(
        "im2sequence",
        X,
        OUT,
        x(1, 2, 6, 6),
        kernels=[2, 2],
        strides=[2, 2],
        paddings=[0, 0, 0, 0],
        out_stride=[1, 1],
    ),
    "old_max_pool3d": old(
        "max_pool3d_with_index",
        X,
        {"Out": F32, "Mask": I32},
        x(1, 2, 4, 4, 4),
        ksize=[2, 2, 2],
        strides=[2, 2, 2],
        paddings=[0, 0, 0],
    ),
    "old_relu6": old("relu6", X, OUT, {"x": normal(3, 4) * 5}),
    "old_sum": old("sum", {"X": "x y"}, OUT, xy((3, 4), (3, 4))),
    "old_allclose": old(
        "allclose",
        {"Input": "x", "Other": "y"},
        {"Out": "bool"},
        {"x": np.ones((2, 3), "float32"), "y": np.ones((2, 3), "float32")},
        rtol="1e-05",
        atol="1e-08",
        equal_nan=False,
    ),
}
