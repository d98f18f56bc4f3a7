"""Build a model of usual size with Paddle 2.6.2 whose weights Paddle's own API leaves FP32."""

import json
import os
import sys

import numpy as np
import paddle
from paddle import nn
from paddle.static import InputSpec

rng = np.random.default_rng(1)


def conv_bn(ins, outs, stride=1):
    convolution = nn.Conv2D(ins, outs, 3, stride, 1, bias_attr=False)
    return nn.Sequential(convolution, nn.BatchNorm2D(outs), nn.ReLU())


class Crnn(nn.Layer):
    """A text recognizer: convolutions, columns as a sequence, LSTMs in both directions."""

    def __init__(self, hidden=96, classes=96):
        super().__init__()
        self.body = nn.LayerList(
            [conv_bn(a, b) for a, b in ((3, 16), (16, 32), (32, 64), (64, 64))]
        )
        self.lstm = nn.LSTM(64 * 2, hidden, num_layers=2, direction="bidirect")
        self.head = nn.Linear(2 * hidden, classes)

    def forward(self, image):
        x = image
        for number, layer in enumerate(self.body):
            x = nn.functional.max_pool2d(layer(x), 2, 2 if number < 2 else [2, 1])
        x = x.transpose([0, 3, 1, 2]).flatten(2)
        return self.head(self.lstm(x)[0])


class UNet(nn.Layer):
    """A U-Net that goes up by transposed convolutions, half of them followed by batch_norm."""

    def __init__(self, width=16):
        super().__init__()
        sizes = [width, 2 * width, 4 * width, 8 * width]
        self.down = nn.LayerList([conv_bn(a, b) for a, b in zip([3, *sizes], sizes)])  # noqa: B905  (Paddle's zip takes no more)
        self.up = nn.LayerList(
            [
                nn.Conv2DTranspose(2 * s, s, 2, 2, bias_attr=None if s != width else False)
                for s in sizes[2::-1]
            ]
        )
        self.norm = nn.BatchNorm2D(width)
        self.join = nn.LayerList([conv_bn(2 * s, s) for s in sizes[2::-1]])
        self.head = nn.Conv2D(width, 4, 1)

    def forward(self, image):
        x, kept = image, []
        for number, layer in enumerate(self.down):
            x = layer(x)
            if number < 3:
                kept.append(x)
                x = nn.functional.max_pool2d(x, 2, 2)
        for number, (up, join) in enumerate(zip(self.up, self.join)):  # noqa: B905  (Paddle's zip takes no more)
            x = up(x)
            if number == 2:
                x = nn.functional.relu(self.norm(x))
            x = join(paddle.concat([x, kept[2 - number]], axis=1))
        return self.head(x)


def crnn_2x():
    spec = InputSpec([1, 3, 32, 128], "float32", "image")
    return Crnn(), [spec], {"image": rng.random((1, 3, 32, 128), "float32")}


def unet_2x():
    spec = InputSpec([1, 3, 96, 96], "float32", "image")
    return UNet(), [spec], {"image": rng.random((1, 3, 96, 96), "float32")}


def fill(layer):
    """A scale that keeps the layers' outputs alive, random positive statistics for the norms."""
    for owner in layer.sublayers(include_self=True):
        norm = isinstance(owner, nn.BatchNorm2D)
        for name, tensor in [*owner._parameters.items(), *owner._buffers.items()]:
            if tensor is None or tensor.dtype != paddle.float32:
                continue
            shape = tensor.shape
            if norm and name in ("weight", "_variance"):
                value = rng.uniform(0.5, 1.5, shape)
            elif len(shape) < 2:
                value = 0.1 * rng.standard_normal(shape)
            else:
                fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[-1]
                value = rng.standard_normal(shape) * np.sqrt(
                    (2.0 if len(shape) == 4 else 1) / fan_in
                )
            tensor.set_value(np.asarray(value, "float32"))


def main(name, out):
    layer, specs, feeds = globals()[name]()
    fill(layer)
    layer.eval()
    paddle.jit.save(layer, os.path.join(out, "inference"), input_spec=specs)
    np.savez(os.path.join(out, "feeds.npz"), *feeds.values())
    with open(os.path.join(out, "feeds.json"), "w") as stream:
        json.dump({"names": list(feeds), "lods": [[] for _ in feeds]}, stream)


job = json.load(open(sys.argv[1]))
main(job["name"], job["out"])
