"""Cases of Paddle 2.6.2: layers with weights: convolutions, norms, embeddings, recurrences."""

import paddle
import paddle.nn.functional as F
from paddle import nn

CASES = {}


def put(name, case):
    assert name not in CASES, name
    CASES[name] = case


def layer(make, *shape, **options):
    """A layer on a float input of this shape."""

    def case(b):
        made = make()
        made.eval()
        return made(b.f(*shape, **options))

    return case


IMAGE = (1, 4, 8, 8)
put("conv2d", layer(lambda: nn.Conv2D(4, 8, 3), *IMAGE))
put("conv2d/dynamic", layer(lambda: nn.Conv2D(4, 8, 3), *IMAGE, spec=(-1, 4, -1, -1)))
put("conv2d/batch", layer(lambda: nn.Conv2D(4, 8, 3, padding=1), 2, 4, 8, 8, spec=(-1, 4, 8, 8)))
put("conv2d/no_bias", layer(lambda: nn.Conv2D(4, 8, 3, bias_attr=False), *IMAGE))
put("conv2d/stride", layer(lambda: nn.Conv2D(4, 8, 3, stride=2, padding=1), *IMAGE))
put("conv2d/dilation", layer(lambda: nn.Conv2D(4, 8, 3, dilation=2), *IMAGE))
put("conv2d/groups", layer(lambda: nn.Conv2D(4, 8, 3, groups=2), *IMAGE))
put("conv2d/same", layer(lambda: nn.Conv2D(4, 8, 3, padding="SAME"), *IMAGE))
put("conv2d/four_paddings", layer(lambda: nn.Conv2D(4, 8, 3, padding=[1, 0, 2, 1]), *IMAGE))
put("conv2d/reflect", layer(lambda: nn.Conv2D(4, 8, 3, padding=1, padding_mode="reflect"), *IMAGE))
put("conv2d/nhwc", layer(lambda: nn.Conv2D(4, 8, 3, data_format="NHWC"), 1, 8, 8, 4))
put("depthwise_conv2d", layer(lambda: nn.Conv2D(4, 4, 3, groups=4), *IMAGE))
put("depthwise_conv2d/multiplier", layer(lambda: nn.Conv2D(4, 8, 3, groups=4), *IMAGE))
put("conv2d_transpose", layer(lambda: nn.Conv2DTranspose(4, 8, 2, stride=2), *IMAGE))
put(
    "conv2d_transpose/output_padding",
    layer(lambda: nn.Conv2DTranspose(4, 8, 3, stride=2, output_padding=1), *IMAGE),
)
put("conv2d_transpose/groups", layer(lambda: nn.Conv2DTranspose(4, 8, 3, groups=2), *IMAGE))
put("depthwise_conv2d_transpose", layer(lambda: nn.Conv2DTranspose(4, 4, 3, groups=4), *IMAGE))
put("pool2d/nhwc", lambda b: F.max_pool2d(b.f(1, 8, 8, 4), 2, data_format="NHWC"))
put(
    "conv2d/nhwc_no_bias",
    layer(lambda: nn.Conv2D(4, 8, 3, data_format="NHWC", bias_attr=False), 1, 8, 8, 4),
)
put("conv1d", layer(lambda: nn.Conv1D(4, 8, 3), 1, 4, 9))
put("conv1d_transpose", layer(lambda: nn.Conv1DTranspose(4, 8, 3), 1, 4, 9))
put("conv3d", layer(lambda: nn.Conv3D(2, 4, 3), 1, 2, 5, 5, 5))
put("conv3d_transpose", layer(lambda: nn.Conv3DTranspose(2, 4, 3), 1, 2, 5, 5, 5))
put("linear", layer(lambda: nn.Linear(6, 5), 3, 6))
put("linear/no_bias", layer(lambda: nn.Linear(6, 5, bias_attr=False), 3, 6))
put("linear/3d", layer(lambda: nn.Linear(6, 5), 2, 3, 6))
put("linear/dynamic", layer(lambda: nn.Linear(6, 5), 2, 3, 6, spec=(-1, -1, 6)))
put("flatten+linear", lambda b: nn.Linear(24, 5)(paddle.flatten(b.f(2, 4, 6, spec=(-1, 4, 6)), 1)))
put("bilinear", lambda b: nn.Bilinear(3, 4, 5)(b.f(2, 3), b.f(2, 4)))
put("embedding", lambda b: nn.Embedding(10, 6)(b.i(2, 3)))
put("embedding/int32", lambda b: nn.Embedding(10, 6)(b.i(2, 3, dtype="int32")))
put("embedding/padding", lambda b: nn.Embedding(10, 6, padding_idx=0)(b.i(2, 3)))
put("batch_norm", layer(lambda: nn.BatchNorm2D(4), *IMAGE))
put("batch_norm/1d", layer(lambda: nn.BatchNorm1D(4), 2, 4))
put("batch_norm/nhwc", layer(lambda: nn.BatchNorm2D(4, data_format="NHWC"), 1, 8, 8, 4))
put("conv2d+batch_norm", lambda b: eval_bn(4)(nn.Conv2D(4, 4, 3, bias_attr=False)(b.f(*IMAGE))))
put("layer_norm", layer(lambda: nn.LayerNorm(6), 2, 3, 6))
put("layer_norm/two_dims", layer(lambda: nn.LayerNorm([3, 6]), 2, 3, 6))
put(
    "layer_norm/no_affine",
    layer(lambda: nn.LayerNorm(6, weight_attr=False, bias_attr=False), 2, 3, 6),
)
put("layer_norm/no_bias", layer(lambda: nn.LayerNorm(6, bias_attr=False), 2, 3, 6))
put("layer_norm/no_scale", layer(lambda: nn.LayerNorm(6, weight_attr=False), 2, 3, 6))
put(
    "group_norm/no_affine",
    layer(lambda: nn.GroupNorm(2, 4, weight_attr=False, bias_attr=False), *IMAGE),
)
put("group_norm", layer(lambda: nn.GroupNorm(2, 4), *IMAGE))
put("instance_norm", layer(lambda: nn.InstanceNorm2D(4), *IMAGE))
put(
    "instance_norm/no_affine",
    layer(lambda: nn.InstanceNorm2D(4, weight_attr=False, bias_attr=False), *IMAGE),
)
put("local_response_norm", layer(lambda: nn.LocalResponseNorm(3), *IMAGE))
put("spectral_norm", lambda b: nn.SpectralNorm([4, 3], power_iters=0)(b.f(4, 3)))
put(
    "lrn",
    lambda b: b.raw(
        "lrn",
        {"X": b.f(*IMAGE)},
        {"n": 3, "k": 1.0, "alpha": 1e-4, "beta": 0.75},
        (("Out", "float32"), ("MidOut", "float32")),
    )[0],
)
put(
    "affine_channel",
    lambda b: b.raw(
        "affine_channel",
        {"X": b.f(*IMAGE), "Scale": b.weight(4), "Bias": b.weight(4)},
        {"data_layout": "NCHW"},
    ),
)
put(
    "fc",
    lambda b: b.raw(
        "fc",
        {"Input": b.f(3, 6), "W": b.weight(6, 5), "Bias": b.weight(1, 5)},
        {"in_num_col_dims": 1},
    ),
)


def eval_bn(channels):
    made = nn.BatchNorm2D(channels)
    made.eval()
    return made


def recurrent(kind, spec=None, **options):
    def case(b):
        made = getattr(nn, kind)(6, 5, **options)
        made.eval()
        return made(b.f(2, 4, 6, spec=spec))[0]

    return case


for kind in ("LSTM", "GRU", "SimpleRNN"):
    put(kind.lower(), recurrent(kind))
    put(kind.lower() + "/dynamic", recurrent(kind, (-1, -1, 6)))
put("lstm/bidirectional", recurrent("LSTM", direction="bidirect"))
put(
    "lstm/dynamic_bidirectional_two_layers",
    recurrent("LSTM", (-1, -1, 6), direction="bidirect", num_layers=2),
)
put("lstm/dynamic_time", recurrent("LSTM", (2, -1, 6)))


def lstm_states(b):
    made = nn.LSTM(6, 5)
    made.eval()
    return made(
        b.f(2, 4, 6, spec=(-1, -1, 6)),
        (b.f(1, 2, 5, spec=(1, -1, 5)), b.f(1, 2, 5, spec=(1, -1, 5))),
    )[0]


def lstm_lengths(b):
    made = nn.LSTM(6, 5)
    made.eval()
    return made(b.f(2, 4, 6), sequence_length=b.i(2, low=2, high=4))[0]


def lstm_cell(b):
    return nn.LSTMCell(6, 5)(b.f(2, 6), (b.f(2, 5), b.f(2, 5)))[0]


put("lstm/states", lstm_states)
put("lstm/lengths", lstm_lengths)
put("lstm_cell", lstm_cell)
put("gru_cell", lambda b: nn.GRUCell(6, 5)(b.f(2, 6), b.f(2, 5))[0])


def attention(b, spec=None):
    made = nn.MultiHeadAttention(8, 2)
    made.eval()
    return made(b.f(2, 4, 8, spec=spec))


def encoder(b):
    made = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, activation="gelu")
    made.eval()
    return made(b.f(2, 4, 8, spec=(-1, -1, 8)))


put("attention", attention)
put("attention/dynamic", lambda b: attention(b, (-1, -1, 8)))
put("encoder/dynamic", encoder)
put(
    "scaled_dot_product",
    lambda b: F.softmax(
        paddle.matmul(b.f(2, 2, 4, 8) * 0.35, b.f(2, 2, 4, 8), transpose_y=True), axis=-1
    ),
)
