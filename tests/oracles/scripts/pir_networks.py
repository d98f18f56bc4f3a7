"""Whole networks as a user would export them, for Paddle 3.3.1: name -> layer, specs, inputs."""

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle import nn
from paddle.static import InputSpec
from paddle.vision import models, ops

rng = np.random.default_rng(3)


def image(size, name="x"):
    spec = InputSpec([None, 3, size, size], "float32", name)
    return [spec], {name: rng.random((2, 3, size, size), "float32")}


class Encoder(nn.Layer):
    """Embeddings, a mask from the ids, transformer layers, the token table as output layer."""

    def __init__(self, count=100, size=32):
        super().__init__()
        self.tokens = nn.Embedding(count, size, padding_idx=0)
        self.places = nn.Embedding(64, size)
        layer = nn.TransformerEncoderLayer(size, 4, 2 * size, dropout=0.1, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.norm = nn.LayerNorm(size)

    def forward(self, ids):
        mask = paddle.unsqueeze((ids == 0).astype("float32") * -1e4, [1, 2])
        x = self.tokens(ids) + self.places(paddle.arange(ids.shape[1]).unsqueeze(0))
        x = self.norm(self.encoder(x, mask))
        pooled = F.tanh(x[:, 0])
        return paddle.matmul(x, self.tokens.weight, transpose_y=True), pooled


class Recurrent(nn.Layer):
    """Convolutions, a recurrent layer over columns, and a softmax: as in text recognition."""

    def __init__(self, kind, **options):
        super().__init__()
        self.conv = nn.Conv2D(3, 8, 3, stride=2, padding=1)
        self.norm = nn.BatchNorm2D(8)
        self.rnn = kind(8 * 8, 12, **options)
        width = 24 if options.get("direction") == "bidirect" else 12
        self.head = nn.Linear(width, 11)

    def forward(self, x):
        x = F.hardswish(self.norm(self.conv(x)))
        x = x.flatten(1, 2).transpose([0, 2, 1])
        x, _ = self.rnn(x)
        return F.softmax(self.head(x), axis=2)


class Segmentation(nn.Layer):
    """An encoder and a decoder with resampling, transposed convolution, and the class map."""

    def __init__(self):
        super().__init__()
        self.down = nn.Conv2D(3, 8, 3, stride=2, padding=1)
        self.norm = nn.GroupNorm(2, 8)
        self.deep = nn.Conv2D(8, 12, 3, stride=2, padding=1)
        self.up = nn.Conv2DTranspose(12, 8, 2, stride=2)
        self.head = nn.Conv2D(16, 4, 1)

    def forward(self, x):
        low = F.relu(self.norm(self.down(x)))
        deep = F.silu(self.deep(low))
        pooled = F.interpolate(
            F.adaptive_avg_pool2d(deep, 1), size=paddle.shape(low)[2:], mode="nearest"
        )
        pooled = pooled[:, :8]
        joined = paddle.concat([self.up(deep) + pooled, low], axis=1)
        logits = F.interpolate(
            self.head(joined), size=paddle.shape(x)[2:], mode="bilinear", align_corners=False
        )
        return F.softmax(logits, axis=1), paddle.argmax(logits, axis=1, dtype="int32")


class Single(nn.Layer):
    """SSD: anchors from prior_box, box_coder, multiclass_nms3."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2D(3, 8, 3, stride=8, padding=1)
        self.boxes = nn.Conv2D(8, 4 * 4, 3, padding=1)
        self.scores = nn.Conv2D(8, 4 * 3, 3, padding=1)

    def forward(self, x):
        body = F.relu6(self.body(x))
        prior, variance = ops.prior_box(body, x, [8.0], [16.0], [1.0, 2.0], flip=True)
        prior, variance = prior.reshape([-1, 4]), variance.reshape([-1, 4])
        deltas = self.boxes(body).transpose([0, 2, 3, 1]).reshape([0, -1, 4]) * 0.1
        scores = self.scores(body).transpose([0, 2, 3, 1]).reshape([0, -1, 3])
        scores = F.softmax(scores).transpose([0, 2, 1])
        boxes = ops.box_coder(prior, variance, deltas, "decode_center_size", axis=0)
        found = paddle._C_ops.multiclass_nms3(boxes, scores, None, 0.2, 50, 20, 0.45, True, 1.0, 0)
        return found[0], found[2]


class Yolo(nn.Layer):
    """YOLOv3: two scales, yolo_box, matrix_nms."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2D(3, 8, 3, stride=16, padding=1)
        self.norm = nn.BatchNorm2D(8)
        self.large = nn.Conv2D(8, 18, 1)
        self.small = nn.Conv2D(8, 18, 1)

    def forward(self, x, size):
        body = F.leaky_relu(self.norm(self.body(x)), 0.1)
        up = F.interpolate(body, scale_factor=2.0)
        b1, s1 = ops.yolo_box(self.large(body), size, [10, 13, 33, 23], 4, 0.01, 16)
        b2, s2 = ops.yolo_box(self.small(up), size, [5, 6, 8, 15], 4, 0.01, 8)
        boxes = paddle.concat([b1, b2], axis=1)
        scores = paddle.concat([s1, s2], axis=1).transpose([0, 2, 1])
        found = ops.matrix_nms(boxes, scores, 0.05, 0.05, 100, 20, background_label=-1)
        return found[0], found[1]


class Ghost(nn.Layer):
    """A ghost module with squeeze-and-excitation, and a channel shuffle with a free batch."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2D(3, 8, 1, bias_attr=False)
        self.norm = nn.BatchNorm2D(8)
        self.cheap = nn.Conv2D(8, 8, 3, padding=1, groups=8)
        self.squeeze = nn.Conv2D(16, 4, 1)
        self.excite = nn.Conv2D(4, 16, 1)
        self.act = nn.PReLU(16)

    def forward(self, x):
        y = F.relu(self.norm(self.first(x)))
        y = paddle.concat([y, self.cheap(y)], axis=1)
        weight = F.adaptive_avg_pool2d(y, 1)
        weight = F.hardsigmoid(self.excite(F.relu(self.squeeze(weight))), slope=0.2)
        y = self.act(y * weight)
        batch, channels, height, width = y.shape
        y = y.reshape([batch, 2, channels // 2, height, width]).transpose([0, 2, 1, 3, 4])
        y = y.reshape([batch, channels, height, width])
        return F.pixel_shuffle(y, 2), paddle.chunk(y, 2, axis=1)[1]


class Writing(nn.Layer):
    """Assignments to parts of a tensor, a branch and a loop, as dy2static makes them."""

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(6, 6)

    def forward(self, x):
        y = self.linear(x)
        y[:, 1] = 0.5
        y[:, 2:4] = y[:, 0:2] * 2
        y[y < 0] = 0.25
        if y.sum() > 0:
            y = y + 1
        else:
            y = y - 1
        for _ in range(x.shape[1] // 2):
            y = y * 0.5 + x
        return y


class Deformed(nn.Layer):
    """Deformable convolution, sampling on a grid, instance norm."""

    def __init__(self):
        super().__init__()
        self.offset = nn.Conv2D(3, 18, 3, padding=1)
        self.conv = ops.DeformConv2D(3, 6, 3, padding=1)
        self.norm = nn.InstanceNorm2D(6)
        self.local = nn.Linear(6, 6)

    def forward(self, x):
        y = self.norm(self.conv(x, self.offset(x) * 0.1))
        theta = self.local(y.mean([2, 3])).reshape([-1, 2, 3])
        grid = F.affine_grid(theta, paddle.shape(y).astype("int32"), align_corners=False)
        return F.grid_sample(y, grid, align_corners=False)


class Rois(nn.Layer):
    """Faster R-CNN's head: roi_align on given boxes, linear layers, decoded boxes."""

    def __init__(self):
        super().__init__()
        self.body = nn.Conv2D(3, 6, 3, stride=4, padding=1)
        self.head = nn.Linear(6 * 9, 5)

    def forward(self, x, boxes, count):
        y = ops.roi_align(F.elu(self.body(x)), boxes, count, 3, 0.25)
        return F.sigmoid(self.head(y.flatten(1)))


def encoder():
    ids = rng.integers(1, 100, (2, 12))
    ids[0, -3:] = 0
    return Encoder(), [InputSpec([None, None], "int64", "ids")], {"ids": ids}


def yolo():
    specs, feeds = image(64)
    specs.append(InputSpec([None, 2], "int32", "size"))
    return Yolo(), specs, {**feeds, "size": np.array([[64, 64], [80, 64]], "int32")}


def rois():
    specs, feeds = image(32)
    specs += [InputSpec([None, 4], "float32", "boxes"), InputSpec([None], "int32", "count")]
    boxes = np.array([[0, 0, 20, 20], [3, 5, 30, 28], [1, 1, 9, 30]], "float32")
    return Rois(), specs, {**feeds, "boxes": boxes, "count": np.array([1, 2], "int32")}


def writing():
    return (
        Writing(),
        [InputSpec([None, 6], "float32", "x")],
        {"x": rng.standard_normal((3, 6)).astype("float32")},
    )


def single():
    specs = [InputSpec([1, 3, 64, 64], "float32", "x")]
    return Single(), specs, {"x": rng.random((1, 3, 64, 64), "float32")}


NETWORKS = {
    "mobilenet_v1": lambda: (models.mobilenet_v1(scale=0.25), *image(64)),
    "mobilenet_v2": lambda: (models.mobilenet_v2(scale=0.25), *image(64)),
    "mobilenet_v3_small": lambda: (models.mobilenet_v3_small(scale=0.5), *image(64)),
    "mobilenet_v3_large": lambda: (models.mobilenet_v3_large(scale=0.35), *image(64)),
    "shufflenet_v2": lambda: (models.shufflenet_v2_x0_25(), *image(64)),
    "shufflenet_v2_swish": lambda: (models.shufflenet_v2_swish(), *image(64)),
    "resnet18": lambda: (models.resnet18(), *image(64)),
    "resnext50": lambda: (models.resnext50_32x4d(), *image(64)),
    "squeezenet": lambda: (models.squeezenet1_1(), *image(64)),
    "densenet121": lambda: (models.densenet121(), *image(64)),
    "googlenet": lambda: (models.googlenet(), *image(224)),
    "inception_v3": lambda: (models.inception_v3(), *image(96)),
    "alexnet": lambda: (models.alexnet(), *image(224)),
    "vgg11": lambda: (models.vgg11(with_pool=False, num_classes=-1), *image(64)),
    "lenet": lambda: (
        models.LeNet(),
        [InputSpec([None, 1, 28, 28], "float32", "x")],
        {"x": rng.random((2, 1, 28, 28), "float32")},
    ),
    "encoder": encoder,
    "lstm": lambda: (Recurrent(nn.LSTM, num_layers=2, direction="bidirect"), *image(16)),
    "gru": lambda: (Recurrent(nn.GRU), *image(16)),
    "simple_rnn": lambda: (Recurrent(nn.SimpleRNN), *image(16)),
    "segmentation": lambda: (Segmentation(), *free(32)),
    "ssd": single,
    "yolo": yolo,
    "ghost": lambda: (Ghost(), *free(16)),
    "writing": writing,
    "deformed": lambda: (Deformed(), *image(12)),
    "rois": rois,
}


def free(size):
    spec = InputSpec([None, 3, None, None], "float32", "x")
    return [spec], {"x": rng.random((2, 3, size, size), "float32")}
