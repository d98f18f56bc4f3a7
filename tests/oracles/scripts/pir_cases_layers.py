"""Cases of layers: convolutions, pooling, resampling, normalization, recurrence."""

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn
from pir_cases_math import normal, one, positive
from pir_cases_shapes import dim, free

IMAGE = (2, 4, 9, 8)


def image():
    return normal(*IMAGE)


def batch_norm(x):
    return evaluated(nn.BatchNorm2D(4))(x)


def evaluated(layer):
    layer.eval()
    return layer


def norm_parameters(x):
    scale = paddle.static.create_parameter([4], "float32", default_initializer=uniform())
    mean = paddle.static.create_parameter([4], "float32", default_initializer=uniform())
    variance = paddle.static.create_parameter([4], "float32", default_initializer=uniform())
    return F.batch_norm(x, mean, variance, scale, scale, training=False)


def uniform():
    return nn.initializer.Uniform(0.5, 1.5)


def recurrent(kind, **options):
    def function(x):
        layer = kind(5, 6, **options)
        layer.eval()
        outputs, states = layer(x)
        states = states if isinstance(states, tuple) else (states,)
        return [outputs, *states]

    return function


def attention(x):
    layer = nn.MultiHeadAttention(8, 2)
    layer.eval()
    return layer(x, x, x)


def encoder(x):
    layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, activation="gelu")
    layer.eval()
    return layer(x)


def resize(**options):
    return free(lambda x: F.interpolate(x, **options), image())


CASES = {
    "conv2d": one(lambda x: nn.Conv2D(4, 6, 3)(x), image()),
    "conv2d_same": one(lambda x: nn.Conv2D(4, 6, 3, padding="SAME")(x), image()),
    "conv2d_pads": one(lambda x: nn.Conv2D(4, 6, 3, stride=2, padding=[1, 2, 0, 1])(x), image()),
    "conv2d_groups": one(lambda x: nn.Conv2D(4, 6, 3, groups=2, dilation=2)(x), image()),
    "conv2d_pointwise": one(lambda x: nn.Conv2D(4, 6, 1, bias_attr=False)(x), image()),
    "depthwise": one(lambda x: nn.Conv2D(4, 4, 3, groups=4, padding=1)(x), image()),
    "depthwise_twice": one(lambda x: nn.Conv2D(4, 8, 3, groups=4, padding=1)(x), image()),
    "conv1d": one(lambda x: nn.Conv1D(4, 6, 3, padding=1)(x), normal(2, 4, 9)),
    "conv3d": one(lambda x: nn.Conv3D(2, 3, 3)(x), normal(1, 2, 5, 6, 4)),
    "conv_transpose": one(lambda x: nn.Conv2DTranspose(4, 5, 2, stride=2)(x), image()),
    "conv_transpose_pads": one(
        lambda x: nn.Conv2DTranspose(4, 5, 3, stride=2, padding=1, output_padding=1)(x), image()
    ),
    "conv_transpose_size": one(
        lambda x: nn.Conv2DTranspose(4, 5, 3, stride=2)(x, output_size=[19, 18]), image()
    ),
    "conv_transpose_groups": one(lambda x: nn.Conv2DTranspose(4, 4, 3, groups=4)(x), image()),
    "conv3d_transpose": one(lambda x: nn.Conv3DTranspose(2, 3, 2)(x), normal(1, 2, 3, 4, 3)),
    "deformable": (
        lambda x, offset, mask: paddle.vision.ops.DeformConv2D(4, 5, 3, padding=1)(x, offset, mask),
        {"x": image(), "offset": normal(2, 18, 9, 8), "mask": positive(2, 9, 9, 8)},
    ),
    "max_pool": one(lambda x: F.max_pool2d(x, 3, 2, 1), image()),
    "max_pool_ceil": one(lambda x: F.max_pool2d(x, 2, 2, ceil_mode=True), image()),
    "max_pool_mask": one(lambda x: F.max_pool2d(x, 2, 2, return_mask=True), image()),
    "avg_pool": one(lambda x: F.avg_pool2d(x, 3, 2, 1), image()),
    "avg_pool_inclusive": one(lambda x: F.avg_pool2d(x, 3, 2, 1, exclusive=False), image()),
    "avg_pool_same": one(lambda x: F.avg_pool2d(x, 3, 2, "SAME"), image()),
    "adaptive_avg": one(lambda x: F.adaptive_avg_pool2d(x, 1), image()),
    "adaptive_avg_3": one(lambda x: F.adaptive_avg_pool2d(x, [3, 2]), image()),
    "adaptive_max": one(lambda x: F.adaptive_max_pool2d(x, 2), image()),
    "pool1d": one(lambda x: F.avg_pool1d(x, 2, 2), normal(2, 3, 8)),
    "max_pool1d": one(lambda x: F.max_pool1d(x, 2, 2), normal(2, 3, 8)),
    "pool3d": one(lambda x: F.max_pool3d(x, 2, 2), normal(1, 2, 4, 6, 4)),
    "unpool": one(
        lambda x: F.max_unpool2d(*F.max_pool2d(x, 2, 2, return_mask=True), 2, 2),
        normal(1, 2, 6, 8),
    ),
    "bilinear_scale": resize(scale_factor=2, mode="bilinear"),
    "bilinear_size": resize(size=[5, 12], mode="bilinear"),
    "bilinear_corners": resize(size=[5, 12], mode="bilinear", align_corners=True),
    "bilinear_mode": resize(size=[5, 12], mode="bilinear", align_mode=1),
    "nearest_scale": resize(scale_factor=2, mode="nearest"),
    "nearest_scales": resize(scale_factor=[2.0, 1.5], mode="nearest"),
    "nearest_size": resize(size=[5, 12], mode="nearest"),
    "bicubic": resize(size=[5, 12], mode="bicubic"),
    "interp_like": (
        lambda x, y: F.interpolate(x, size=[dim(y, 2), dim(y, 3)], mode="bilinear"),
        {"x": image(), "y": normal(1, 1, 13, 7)},
        {"dynamic": ("x", "y")},
    ),
    "interp_shape": (
        lambda x, y: F.interpolate(x, size=paddle.shape(y)[2:], mode="bilinear"),
        {"x": image(), "y": normal(1, 1, 13, 7)},
        {"dynamic": ("x", "y")},
    ),
    "interp_computed": free(
        lambda x: F.interpolate(x, size=[dim(x, 2) * 2, dim(x, 3) + 1], mode="nearest"), image()
    ),
    "linear_interp": one(
        lambda x: F.interpolate(x, size=[7], mode="linear", data_format="NCW"), normal(2, 3, 4)
    ),
    "trilinear": one(
        lambda x: F.interpolate(x, size=[3, 4, 5], mode="trilinear", data_format="NCDHW"),
        normal(1, 2, 2, 3, 3),
    ),
    "upsample": resize(scale_factor=4, mode="nearest"),
    "grid_sample": (
        lambda x, grid: F.grid_sample(x, grid, align_corners=False),
        {"x": image(), "grid": (normal(2, 5, 6, 2) / 2)},
    ),
    "grid_sample_nearest": (
        lambda x, grid: F.grid_sample(x, grid, mode="nearest", padding_mode="border"),
        {"x": image(), "grid": (normal(2, 5, 6, 2) / 2)},
    ),
    "affine_grid": one(lambda x: F.affine_grid(x, [2, 3, 4, 5]), normal(2, 2, 3)),
    "batch_norm": one(batch_norm, image()),
    "batch_norm_parameters": one(norm_parameters, image()),
    "batch_norm_1d": one(lambda x: evaluated(nn.BatchNorm1D(4))(x), normal(3, 4)),
    "layer_norm": one(lambda x: nn.LayerNorm(8)(x), image()),
    "layer_norm_axes": one(lambda x: nn.LayerNorm([9, 8])(x), image()),
    "layer_norm_plain": one(
        lambda x: nn.LayerNorm(8, weight_attr=False, bias_attr=False)(x), image()
    ),
    "group_norm": one(lambda x: nn.GroupNorm(2, 4)(x), image()),
    "instance_norm": one(lambda x: nn.InstanceNorm2D(4)(x), image()),
    "local_response": one(lambda x: F.local_response_norm(x, 3), image()),
    "dropout": one(lambda x: F.dropout(x, 0.3, training=False), image()),
    "dropout_down": one(
        lambda x: F.dropout(x, 0.3, training=False, mode="downscale_in_infer"), image()
    ),
    "dropout_axis": one(lambda x: F.dropout2d(x, 0.3, training=False).tanh(), image()),
    "lstm": one(recurrent(nn.LSTM), normal(2, 7, 5)),
    "lstm_two": one(recurrent(nn.LSTM, num_layers=2, direction="bidirect"), normal(2, 7, 5)),
    "gru": one(recurrent(nn.GRU), normal(2, 7, 5)),
    "gru_two": one(recurrent(nn.GRU, direction="bidirect"), normal(2, 7, 5)),
    "rnn_tanh": one(recurrent(nn.SimpleRNN), normal(2, 7, 5)),
    "rnn_relu": one(recurrent(nn.SimpleRNN, activation="relu"), normal(2, 7, 5)),
    "lstm_free": (recurrent(nn.LSTM), {"x": normal(3, 7, 5)}, {}),
    "attention": one(attention, normal(2, 6, 8)),
    "encoder": one(encoder, normal(2, 6, 8)),
    "attention_scores": one(
        lambda x: F.softmax(paddle.matmul(x, x, transpose_y=True) * 0.3), normal(2, 6, 8)
    ),
    "simam": one(lambda x: x * F.sigmoid(x.mean([2, 3], keepdim=True)), image()),
    "squeeze_excite": one(
        lambda x: (
            x
            * F.hardsigmoid(
                nn.Conv2D(2, 4, 1)(F.relu(nn.Conv2D(4, 2, 1)(F.adaptive_avg_pool2d(x, 1))))
            )
        ),
        image(),
    ),
    "spectral": one(lambda x: nn.functional.normalize(x, p=2, axis=1, epsilon=1e-6), image()),
    "embedding": (
        lambda ids: nn.Embedding(9, 5)(ids),
        {"ids": np.array([[1, 3, 8], [0, 2, 2]])},
    ),
    "embedding_padding": (
        lambda ids: nn.Embedding(9, 5, padding_idx=0)(ids),
        {"ids": np.array([[1, 3, 8], [0, 2, 2]])},
    ),
    "mask_attention": (
        lambda x, lengths: F.softmax(
            paddle.matmul(x, x, transpose_y=True)
            + (1.0 - (paddle.arange(6) < lengths).astype("float32").unsqueeze(1)) * -1e9
        ),
        {"x": normal(2, 6, 8), "lengths": np.array([[3], [6]])},
    ),
}
