"""Build networks of `paddle.vision` and heads of detectors with Paddle 2.6.2, and run them."""

import json
import os
import sys

import numpy as np
import paddle
from paddle import nn
from paddle.static import InputSpec
from paddle.vision import models

rng = np.random.default_rng(1)

NETWORKS = {
    "mobilenet_v1": lambda: models.mobilenet_v1(scale=0.5),
    "mobilenet_v2": lambda: models.mobilenet_v2(scale=0.5),
    "mobilenet_v3_small": lambda: models.mobilenet_v3_small(scale=0.5),
    "mobilenet_v3_large": lambda: models.mobilenet_v3_large(scale=0.5),
    "shufflenet": lambda: models.shufflenet_v2_x0_25(),
    "shufflenet_swish": lambda: models.shufflenet_v2_swish(),
    "squeezenet": lambda: models.squeezenet1_1(),
    "densenet": lambda: models.densenet121(),
    "inception": lambda: models.inception_v3(),
    "googlenet": lambda: models.googlenet(),
    "resnext": lambda: models.resnext50_32x4d(),
    "gru": lambda: Recurrent(nn.GRU),
    "lstm": lambda: Recurrent(nn.LSTM),
    "ernie": lambda: Ernie(),
    "ssd": lambda: Ssd(),
    "yolo": lambda: Yolo(),
    "segmentation": lambda: Segmentation(),
    "efficient": lambda: Efficient(),
    "ghost": lambda: Ghost(),
    "loop": lambda: Loop(),
}


def conv_bn(ins, outs, size=3, stride=1, groups=1, act=None):
    layers = [nn.Conv2D(ins, outs, size, stride, size // 2, groups=groups, bias_attr=False)]
    layers += [nn.BatchNorm2D(outs)] + ([act] if act else [])
    return nn.Sequential(*layers)


class Recurrent(nn.Layer):
    def __init__(self, kind):
        super().__init__()
        self.embedding = nn.Embedding(50, 12)
        self.layers = kind(12, 10, 2, direction="bidirect")
        self.head = nn.Linear(20, 7)

    def forward(self, ids, lengths):
        out, _ = self.layers(self.embedding(ids), sequence_length=lengths)
        return nn.functional.log_softmax(self.head(out))


class Ernie(nn.Layer):
    """Token, position and type embeddings, an attention mask, a pooled output."""

    def __init__(self, size=32):
        super().__init__()
        self.tables = nn.LayerList([nn.Embedding(n, size) for n in (100, 40, 2)])
        self.norm = nn.LayerNorm(size)
        layer = nn.TransformerEncoderLayer(size, 4, 4 * size, activation="gelu", dropout=0.1)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.pooler = nn.Linear(size, size)

    def forward(self, ids, types):
        mask = paddle.unsqueeze((ids == 0).astype("float32") * -1e4, axis=[1, 2])
        ones = paddle.ones_like(ids, dtype="int64")
        places = paddle.cumsum(ones, axis=-1) - ones
        x = sum(table(i) for table, i in zip(self.tables, (ids, places, types)))  # noqa: B905  (Paddle's zip takes no more)
        x = self.encoder(self.norm(x), mask)
        return x, paddle.tanh(self.pooler(x[:, 0]))


class Ssd(nn.Layer):
    def __init__(self):
        super().__init__()
        self.body = conv_bn(3, 16, 3, 4, act=nn.ReLU6())
        self.boxes, self.scores = nn.Conv2D(16, 16, 3, padding=1), nn.Conv2D(16, 20, 3, padding=1)

    def forward(self, image):
        x = self.body(image)
        priors, variances = paddle.vision.ops.prior_box(
            x, image, [10.0], [20.0], [2.0], flip=True, clip=True
        )
        priors, variances = priors.reshape([-1, 4]), variances.reshape([-1, 4])
        offsets = self.boxes(x).transpose([0, 2, 3, 1]).reshape([0, -1, 4])
        boxes = paddle.vision.ops.box_coder(priors, variances, offsets, "decode_center_size")
        scores = self.scores(x).transpose([0, 2, 3, 1]).reshape([0, -1, 5])
        scores = nn.functional.softmax(scores).transpose([0, 2, 1])
        return nms(boxes, scores)


def nms(boxes, scores):
    from paddle.base.layer_helper import LayerHelper

    helper = LayerHelper("multiclass_nms3")
    out = helper.create_variable_for_type_inference("float32")
    index, count = (helper.create_variable_for_type_inference("int32") for _ in range(2))
    helper.append_op(
        type="multiclass_nms3",
        inputs={"BBoxes": boxes, "Scores": scores},
        outputs={"Out": out, "Index": index, "NmsRoisNum": count},
        attrs={
            "background_label": -1,
            "score_threshold": 0.05,
            "nms_top_k": 40,
            "nms_threshold": 0.45,
            "keep_top_k": 20,
            "normalized": True,
            "nms_eta": 1.0,
        },
    )
    return out, count


class Yolo(nn.Layer):
    def __init__(self):
        super().__init__()
        self.body = conv_bn(3, 16, 3, 8, act=nn.LeakyReLU(0.1))
        self.deep = conv_bn(16, 16, 3, 2, act=nn.Silu())
        self.heads = nn.LayerList([nn.Conv2D(n, 21, 1) for n in (32, 16)])

    def forward(self, image, im_shape, scale_factor):
        x = self.body(image)
        deep = self.deep(x)
        wide = paddle.concat([nn.functional.interpolate(deep, scale_factor=2.0), x], axis=1)
        size = paddle.cast(im_shape / scale_factor, "int32")
        boxes, scores = [], []
        for level, (head, feature) in enumerate(zip(self.heads, (wide, deep))):  # noqa: B905  (Paddle's zip takes no more)
            box, score = paddle.vision.ops.yolo_box(
                head(feature), size, [10, 13, 16, 30, 33, 23], 2, 0.01, 8 << level, scale_x_y=1.05
            )
            boxes.append(box)
            scores.append(score.transpose([0, 2, 1]))
        return nms(paddle.concat(boxes, axis=1), paddle.concat(scores, axis=2))


class Segmentation(nn.Layer):
    """Dilated convolutions, pyramid pooling, and a resize to the size of the image."""

    def __init__(self):
        super().__init__()
        self.body = conv_bn(3, 16, 3, 2, act=nn.ReLU())
        self.dilated = nn.Conv2D(16, 16, 3, padding=4, dilation=4)
        self.branches = nn.LayerList([nn.Conv2D(16, 4, 1) for _ in range(3)])
        self.up = nn.Conv2DTranspose(28, 8, 2, 2)
        self.head = nn.Conv2D(8, 5, 1)

    def forward(self, image):
        x = nn.functional.relu(self.dilated(self.body(image)))
        size, pieces = paddle.shape(x)[2:], [x]
        for bins, branch in zip((1, 2, 3), self.branches):  # noqa: B905  (Paddle's zip takes no more)
            pooled = branch(nn.functional.adaptive_avg_pool2d(x, bins))
            pieces.append(nn.functional.interpolate(pooled, size, mode="bilinear"))
        x = self.head(nn.functional.relu(self.up(paddle.concat(pieces, axis=1))))
        logits = nn.functional.interpolate(
            x, paddle.shape(image)[2:], mode="bilinear", align_corners=True
        )
        return paddle.argmax(logits, axis=1, dtype="int32"), nn.functional.softmax(logits, axis=1)


class Efficient(nn.Layer):
    """Expansion, squeeze and excitation, SAME padding, swish."""

    def __init__(self):
        super().__init__()
        self.expand = conv_bn(3, 18, 1, act=nn.Swish())
        self.depth = nn.Conv2D(18, 18, 5, 2, "SAME", groups=18)
        self.squeeze, self.excite = nn.Conv2D(18, 4, 1), nn.Conv2D(4, 18, 1)
        self.head = nn.Linear(18, 9)

    def forward(self, image):
        x = nn.functional.swish(self.depth(self.expand(image)))
        pooled = nn.functional.adaptive_avg_pool2d(x, 1)
        gate = self.excite(nn.functional.swish(self.squeeze(pooled)))
        x = x * nn.functional.sigmoid(gate)
        x = nn.functional.dropout(x.mean([2, 3]), 0.2, training=self.training)
        return self.head(x)


class Ghost(nn.Layer):
    """Half of the features from a cheap depthwise convolution; slices, pads and splits."""

    def __init__(self):
        super().__init__()
        self.first = conv_bn(3, 12, 1, act=nn.ReLU())
        self.cheap = conv_bn(12, 12, 3, groups=12, act=nn.Hardswish())
        self.head = nn.Linear(24, 6)

    def forward(self, image):
        x = self.first(image)
        x = paddle.concat([x, self.cheap(x)], axis=1)[:, :23]
        x = nn.functional.pad(x, [1, 0, 1, 0]).flatten(2).max(axis=-1)
        one, other = paddle.split(x, [11, -1], axis=1)
        return self.head(paddle.concat([other, one, paddle.full([x.shape[0], 1], 0.5)], axis=1))


class Loop(nn.Layer):
    """A loop whose turns the input decides, and a branch within it."""

    def __init__(self):
        super().__init__()
        self.step = nn.Linear(8, 8)

    def forward(self, x):
        i = paddle.zeros([1], "int64")
        while i < 5:
            x = self.step(x)
            if paddle.mean(x) > 0:
                x = paddle.tanh(x)
            else:
                x = x * 0.5
            i = i + 1
        return x


SIDES = {"inception": 139, "googlenet": 224, "ssd": 32, "yolo": 64, "segmentation": 48}


def inputs_of(name):
    if name in ("gru", "lstm"):
        specs = [InputSpec([None, None], "int64", "ids"), InputSpec([None], "int64", "lengths")]
        return specs, {"ids": rng.integers(0, 50, (3, 6)), "lengths": np.array([6, 2, 5])}
    if name == "ernie":
        specs = [InputSpec([None, None], "int64", name) for name in ("ids", "types")]
        ids = rng.integers(1, 100, (2, 9))
        ids[0, -3:] = 0
        return specs, {"ids": ids, "types": rng.integers(0, 2, (2, 9))}
    if name == "loop":
        return [InputSpec([None, 8], "float32", "x")], {"x": rng.standard_normal((2, 8), "float32")}
    side = SIDES.get(name, 64)
    count = None if name in ("segmentation",) else 2
    specs = [InputSpec([count, 3, None if name == "segmentation" else side, side], name="image")]
    feeds = {"image": rng.standard_normal((2, 3, side, side), "float32")}
    if name == "yolo":
        specs += [InputSpec([2, 2], name="im_shape"), InputSpec([2, 2], name="scale_factor")]
        feeds["im_shape"] = np.full((2, 2), side, "float32")
        feeds["scale_factor"] = np.ones((2, 2), "float32")
    return specs, feeds


def fill(layer):
    """Random positive statistics for the norms, and a scale that keeps deep networks alive."""
    for owner in layer.sublayers(include_self=True):
        norm = isinstance(owner, (nn.BatchNorm2D, nn.LayerNorm))
        for key, tensor in [*owner._parameters.items(), *owner._buffers.items()]:
            if tensor is None or (not norm and len(tensor.shape) < 4):
                continue
            if norm and key in ("weight", "_variance"):
                tensor.set_value(rng.uniform(0.5, 1.5, tensor.shape).astype("float32"))
            elif norm:
                tensor.set_value(0.1 * rng.standard_normal(tensor.shape, "float32"))
            else:
                scale = np.sqrt(2.0 / np.prod(tensor.shape[1:]))
                tensor.set_value((rng.standard_normal(tensor.shape) * scale).astype("float32"))


def build(name, out):
    layer = NETWORKS[name]()
    fill(layer)
    layer.eval()
    specs, feeds = inputs_of(name)
    paddle.jit.save(layer, os.path.join(out, name, "inference"), input_spec=specs)
    loaded = paddle.jit.load(os.path.join(out, name, "inference"))
    outputs = loaded(*[paddle.to_tensor(value) for value in feeds.values()])
    outputs = outputs if isinstance(outputs, (list, tuple)) else [outputs]
    np.savez(os.path.join(out, name, "feeds.npz"), **feeds)
    np.savez(os.path.join(out, name, "outputs.npz"), *[output.numpy() for output in outputs])


job = json.load(open(sys.argv[1]))
for each in job["names"]:
    build(each, job["out"])
