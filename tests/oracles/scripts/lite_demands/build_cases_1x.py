"""The audit's cases in Paddle 1.8.5: the operators of `fluid.layers` as older models spell them."""

import os
import sys

sys.path.insert(0, os.path.dirname(__file__))
import case_builder
import numpy as np
from paddle.fluid import layers as L

CASES = {}
IMAGE = (1, 4, 8, 8)
DYNAMIC = (-1, 4, 8, 8)


def put(name, case):
    assert name not in CASES, name
    CASES["1x/" + name] = case


def unary(name, **options):
    put(name, lambda b: getattr(L, name)(b.f(1, 4, 6, 6, low=0.1, high=0.9), **options))


for each in [
    "relu",
    "relu6",
    "sigmoid",
    "tanh",
    "swish",
    "hard_swish",
    "hard_sigmoid",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "softplus",
    "softsign",
    "softshrink",
    "hard_shrink",
    "tanh_shrink",
    "thresholded_relu",
    "logsigmoid",
    "brelu",
    "soft_relu",
    "stanh",
    "abs",
    "ceil",
    "floor",
    "round",
    "exp",
    "log",
    "sqrt",
    "rsqrt",
    "square",
    "reciprocal",
    "sign",
    "sin",
    "cos",
    "asin",
    "acos",
    "atan",
    "erf",
    "softmax",
    "log_softmax",
]:
    if hasattr(L, each):
        unary(each)
put("prelu/all", lambda b: L.prelu(b.f(*IMAGE), "all"))
put("prelu/channel", lambda b: L.prelu(b.f(*IMAGE), "channel"))
put("pow", lambda b: L.pow(b.f(2, 3, low=1, high=2), 2.0))
put("maxout", lambda b: L.maxout(b.f(*IMAGE), 2))
for each in ("relu", "relu6", "swish", "hard_swish", "leaky_relu", "sigmoid"):
    put("conv2d+" + each, lambda b, act=each: L.conv2d(b.f(*IMAGE), 8, 3, act=act))
    put("fc+" + each, lambda b, act=each: L.fc(b.f(3, 6), 5, act=act))
for each in ["add", "sub", "mul", "div", "max", "min", "pow"]:
    put(
        "elementwise_" + each,
        lambda b, op=each: getattr(L, "elementwise_" + op)(
            b.f(2, 3, low=1, high=3), b.f(2, 3, low=1, high=3)
        ),
    )
    put(
        "elementwise_%s/axis" % each,
        lambda b, op=each: getattr(L, "elementwise_" + op)(
            b.f(2, 3, 4, low=1, high=3), b.f(3, low=1, high=3), axis=1
        ),
    )
for each in ("mod", "floordiv"):
    put(
        "elementwise_" + each,
        lambda b, op=each: getattr(L, "elementwise_" + op)(b.i(2, 3, low=1), b.i(2, 3, low=1)),
    )
for each in ["sum", "mean", "max", "min", "prod"]:
    put("reduce_" + each, lambda b, op=each: getattr(L, "reduce_" + op)(b.f(2, 3, 4), dim=1))
    put("reduce_%s/all" % each, lambda b, op=each: getattr(L, "reduce_" + op)(b.f(2, 3, 4)))
    put(
        "reduce_%s/keep" % each,
        lambda b, op=each: getattr(L, "reduce_" + op)(b.f(2, 3, 4), dim=[1, 2], keep_dim=True),
    )
put("reduce_all", lambda b: L.reduce_all(b.f(2, 3) > b.f(2, 3), dim=1))
put("reduce_any", lambda b: L.reduce_any(b.f(2, 3) > b.f(2, 3), dim=1))
put("mean", lambda b: L.mean(b.f(2, 3)))
put("sums", lambda b: L.sums([b.f(2, 3), b.f(2, 3)]))
put("scale", lambda b: L.scale(b.f(2, 3), 2.0, 1.0))
put("scale/act", lambda b: L.scale(b.f(2, 3), 2.0, 1.0, act="relu"))
put("clip", lambda b: L.clip(b.f(2, 3), -0.5, 0.5))
put("cumsum", lambda b: L.cumsum(b.f(2, 3), axis=1))
put("matmul", lambda b: L.matmul(b.f(2, 3, 4), b.f(2, 4, 5)))
put("matmul/alpha", lambda b: L.matmul(b.f(2, 3, 4), b.f(2, 5, 4), transpose_y=True, alpha=0.5))
put("mul", lambda b: L.mul(b.f(3, 4), b.weight(4, 5)))
put("fc", lambda b: L.fc(b.f(3, 6, spec=(-1, 6)), 5))
put("fc/flatten", lambda b: L.fc(b.f(2, 3, 6, spec=(-1, 3, 6)), 5, num_flatten_dims=2))
put("conv2d", lambda b: L.conv2d(b.f(*IMAGE, spec=DYNAMIC), 8, 3))
put("conv2d/groups", lambda b: L.conv2d(b.f(*IMAGE), 8, 3, groups=2, padding=1, stride=2))
put("depthwise", lambda b: L.conv2d(b.f(*IMAGE), 4, 3, groups=4, use_cudnn=False))
put("conv2d_transpose", lambda b: L.conv2d_transpose(b.f(*IMAGE), 8, filter_size=2, stride=2))
put("conv3d", lambda b: L.conv3d(b.f(1, 2, 5, 5, 5), 4, 3))
put("batch_norm", lambda b: L.batch_norm(b.f(*IMAGE), is_test=True))
put(
    "conv2d+batch_norm",
    lambda b: L.batch_norm(L.conv2d(b.f(*IMAGE), 8, 3, bias_attr=False), is_test=True, act="relu"),
)
put("layer_norm", lambda b: L.layer_norm(b.f(2, 3, 6), begin_norm_axis=2))
put(
    "layer_norm/bare",
    lambda b: L.layer_norm(b.f(2, 3, 6), scale=False, shift=False, begin_norm_axis=2),
)
put("group_norm", lambda b: L.group_norm(b.f(*IMAGE), 2))
put("instance_norm", lambda b: L.instance_norm(b.f(*IMAGE)))
put("lrn", lambda b: L.lrn(b.f(*IMAGE)))
put("l2_normalize", lambda b: L.l2_normalize(b.f(2, 3), axis=1))
put("affine_channel", lambda b: L.affine_channel(b.f(*IMAGE), b.weight(4), b.weight(4)))
put("dropout", lambda b: L.dropout(b.f(2, 3), 0.4, is_test=True))
put("pool2d/max", lambda b: L.pool2d(b.f(*IMAGE), 2, "max", 2))
put("pool2d/avg", lambda b: L.pool2d(b.f(*IMAGE), 3, "avg", 2, 1))
put("pool2d/global", lambda b: L.pool2d(b.f(*IMAGE), pool_type="avg", global_pooling=True))
put("adaptive_pool2d", lambda b: L.adaptive_pool2d(b.f(*IMAGE), 2, "avg"))
put("resize_nearest", lambda b: L.resize_nearest(b.f(*IMAGE), scale=2.0))
put("resize_bilinear", lambda b: L.resize_bilinear(b.f(*IMAGE), out_shape=[12, 12]))
put("pixel_shuffle", lambda b: L.pixel_shuffle(b.f(*IMAGE), 2))
put("shuffle_channel", lambda b: L.shuffle_channel(b.f(*IMAGE), 2))
put("space_to_depth", lambda b: L.space_to_depth(b.f(*IMAGE), 2))
put("pad2d", lambda b: L.pad2d(b.f(*IMAGE), [1, 1, 2, 2], pad_value=0.5))
put("pad2d/reflect", lambda b: L.pad2d(b.f(*IMAGE), [1, 1, 2, 2], mode="reflect"))
put("pad", lambda b: L.pad(b.f(2, 3), [1, 1, 0, 2]))
put("im2sequence", lambda b: L.im2sequence(b.f(*IMAGE), 2, 2))
put("grid_sampler", lambda b: L.grid_sampler(b.f(*IMAGE), b.f(1, 8, 8, 2, low=-0.9, high=0.9)))
put("reshape", lambda b: L.reshape(b.f(2, 3, 4), [0, -1]))
put("transpose", lambda b: L.transpose(b.f(2, 3, 4), [0, 2, 1]))
put("squeeze", lambda b: L.squeeze(b.f(2, 1, 4), [1]))
put("unsqueeze", lambda b: L.unsqueeze(b.f(2, 4), [1]))
put("flatten", lambda b: L.flatten(b.f(2, 3, 4), 1))
put("concat", lambda b: L.concat([b.f(2, 3), b.f(2, 3)], 1))
put("split", lambda b: L.split(b.f(2, 6), 3, dim=1))
put("slice", lambda b: L.slice(b.f(4, 5), [0, 1], [1, 0], [3, 2]))
put("strided_slice", lambda b: L.strided_slice(b.f(4, 6), [1], [0], [6], [2]))
put("stack", lambda b: L.stack([b.f(2, 3), b.f(2, 3)], 1))
put("unstack", lambda b: L.unstack(b.f(2, 3), 0))
put("gather", lambda b: L.gather(b.f(9, 3), b.i(4)))
put("gather_nd", lambda b: L.gather_nd(b.f(9, 9, 3), b.i(4, 2)))
put("scatter", lambda b: L.scatter(b.f(9, 3), b.put(np.array([1, 5])), b.f(2, 3)))
put("expand", lambda b: L.expand(b.f(2, 3), [2, 1]))
put("expand_as", lambda b: L.expand_as(b.f(1, 3), b.f(2, 3)))
put("crop", lambda b: L.crop(b.f(4, 5), [2, 3], [1, 1]))
put("crop_tensor", lambda b: L.crop_tensor(b.f(4, 5), [2, 3], [1, 1]))
put("reverse", lambda b: L.reverse(b.f(2, 3), [1]))
put("shape", lambda b: L.shape(b.f(2, 3)))
put("cast", lambda b: L.cast(b.i(2, 3), "float32"))
put("assign", lambda b: L.assign(b.f(2, 3)))
put("one_hot", lambda b: L.one_hot(b.i(4, 1), 8))
put("argmax", lambda b: L.argmax(b.f(2, 3), axis=1))
put("argmin", lambda b: L.argmin(b.f(2, 3), axis=1))
put("argsort", lambda b: L.argsort(b.f(2, 5), axis=1))
put("topk", lambda b: L.topk(b.f(2, 5), 2))
put("where", lambda b: L.where(b.f(2, 3) > b.f(2, 3)))
put("range", lambda b: L.elementwise_add(L.range(0, 6, 1, "float32"), b.f(6)))
put("linspace", lambda b: L.elementwise_add(L.linspace(0, 1, 5, "float32"), b.f(5)))
put(
    "fill_constant", lambda b: L.elementwise_add(L.fill_constant([2, 3], "float32", 1.5), b.f(2, 3))
)
put(
    "fill_constant_batch_size_like",
    lambda b: L.fill_constant_batch_size_like(b.f(2, 3), [-1, 4], "float32", 1.5),
)
put("zeros_like", lambda b: L.zeros_like(b.f(2, 3)))
put("assign_value", lambda b: L.elementwise_add(L.assign(np.arange(6, dtype="float32")), b.f(6)))
put("increment", lambda b: L.increment(b.f(1), 2.0))
put("embedding", lambda b: L.embedding(b.i(4, 1), [10, 6]))
put("embedding/v2", lambda b: case_builder.static.embedding(b.i(4, 3), [10, 6]))
for each in ["less_than", "less_equal", "greater_than", "greater_equal", "equal", "not_equal"]:
    put(each, lambda b, op=each: L.cast(getattr(L, op)(b.f(2, 3), b.f(2, 3)), "float32"))
for each in ["logical_and", "logical_or", "logical_xor"]:
    put(
        each,
        lambda b, op=each: L.cast(
            getattr(L, op)(b.f(2, 3) > b.f(2, 3), b.f(2, 3) > b.f(2, 3)), "float32"
        ),
    )
put("logical_not", lambda b: L.cast(L.logical_not(b.f(2, 3) > b.f(2, 3)), "float32"))
put("sequence_mask", lambda b: L.sequence_mask(b.i(4, low=1), 8, "float32"))

# Sequences: values with LoD offsets.
OFFSETS = [[0, 2, 5]]
put("sequence_pool/sum", lambda b: L.sequence_pool(b.f(5, 6, spec=(-1, 6), lod=OFFSETS), "sum"))
put("sequence_pool/max", lambda b: L.sequence_pool(b.f(5, 6, spec=(-1, 6), lod=OFFSETS), "max"))
put("sequence_softmax", lambda b: L.sequence_softmax(b.f(5, 1, spec=(-1, 1), lod=OFFSETS)))
put("sequence_conv", lambda b: L.sequence_conv(b.f(5, 6, spec=(-1, 6), lod=OFFSETS), 4))
put(
    "sequence_expand",
    lambda b: L.sequence_expand(b.f(2, 6, spec=(-1, 6)), b.f(5, 6, spec=(-1, 6), lod=OFFSETS)),
)
put(
    "sequence_expand_as",
    lambda b: L.sequence_expand_as(b.f(2, 6, spec=(-1, 6)), b.f(5, 6, spec=(-1, 6), lod=OFFSETS)),
)
put("sequence_reverse", lambda b: L.sequence_reverse(b.f(5, 6, spec=(-1, 6), lod=OFFSETS)))
put(
    "sequence_pad",
    lambda b: L.sequence_pad(
        b.f(5, 6, spec=(-1, 6), lod=OFFSETS), L.assign(np.zeros(1, "float32"))
    )[0],
)
put(
    "sequence_concat",
    lambda b: L.sequence_concat(
        [b.f(5, 6, spec=(-1, 6), lod=OFFSETS), b.f(5, 6, spec=(-1, 6), lod=OFFSETS)]
    ),
)
put("dynamic_gru", lambda b: L.dynamic_gru(b.f(5, 12, spec=(-1, 12), lod=OFFSETS), 4))
put(
    "dynamic_gru/reverse",
    lambda b: L.dynamic_gru(b.f(5, 12, spec=(-1, 12), lod=OFFSETS), 4, is_reverse=True),
)
put(
    "dynamic_lstm",
    lambda b: L.dynamic_lstm(b.f(5, 16, spec=(-1, 16), lod=OFFSETS), 16, use_peepholes=False)[0],
)
put(
    "crf_decoding",
    lambda b: L.crf_decoding(b.f(5, 4, spec=(-1, 4), lod=OFFSETS), param_attr=crf(b)),
)
put("ctc_greedy_decoder", lambda b: L.ctc_greedy_decoder(b.f(5, 4, spec=(-1, 4), lod=OFFSETS), 3))


def crf(b):
    attr = case_builder.static.ParamAttr(name="crf_transition")
    L.create_parameter([6, 4], "float32", attr=attr)
    return attr


# Detectors.
def boxes(b):
    corner, size = b.rng.uniform(0, 4, (1, 6, 2)), b.rng.uniform(1, 4, (1, 6, 2))
    return b.put(np.concatenate([corner, corner + size], 2).astype("float32"))


def box_coder(b):
    return L.box_coder(
        L.reshape(boxes(b), [6, 4]), [0.1, 0.1, 0.2, 0.2], b.f(6, 6, 4), "decode_center_size"
    )


put(
    "yolo_box",
    lambda b: L.yolo_box(
        b.f(1, 14, 4, 4), b.put(np.array([[32, 32]], "int32")), [10, 13, 16, 30], 2, 0.01, 8
    ),
)
put(
    "prior_box",
    lambda b: L.prior_box(b.f(1, 4, 4, 4), b.f(1, 3, 32, 32), [8.0], [16.0], [2.0], flip=True),
)
put(
    "density_prior_box",
    lambda b: L.density_prior_box(b.f(1, 4, 4, 4), b.f(1, 3, 32, 32), [2], [8.0], [1.0]),
)
put("box_coder", box_coder)
put("multiclass_nms", lambda b: L.multiclass_nms(boxes(b), b.f(1, 3, 6, low=0, high=1), 0.1, 6, 4))
put("matrix_nms", lambda b: L.matrix_nms(boxes(b), b.f(1, 3, 6, low=0, high=1), 0.1, 0.05, 6, 4))
put(
    "box_clip",
    lambda b: L.box_clip(
        b.f(5, 4, spec=(-1, 4), lod=OFFSETS), b.put(np.array([[32, 32, 1], [32, 32, 1]], "float32"))
    ),
)
put(
    "anchor_generator",
    lambda b: L.anchor_generator(b.f(1, 4, 4, 4), [16.0], [1.0], [0.1, 0.1, 0.2, 0.2], [8.0, 8.0]),
)
put("polygon_box_transform", lambda b: L.polygon_box_transform(b.f(1, 8, 4, 4)))

if __name__ == "__main__":
    case_builder.main(CASES)
