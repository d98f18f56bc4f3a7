"""Build one model of the zoo with Paddle 2.6.2, as `paddle.jit.save` writes it, and its inputs."""

import json
import os
import sys

import numpy as np
import paddle
from paddle import nn
from paddle.static import InputSpec

rng = np.random.default_rng(1)


class Encoder(nn.Layer):
    """Token and position embeddings, transformer layers, and the token table as output layer."""

    def __init__(self, count=2000, size=64, layers=4, positions=64):
        super().__init__()
        self.tokens = nn.Embedding(count, size, padding_idx=0)
        self.positions = nn.Embedding(positions, size)
        layer = nn.TransformerEncoderLayer(size, 4, 4 * size, dropout=0.0, activation="gelu")
        self.encoder = nn.TransformerEncoder(layer, layers)
        self.norm = nn.LayerNorm(size)
        self.head = nn.Linear(size, 30)

    def forward(self, ids, places):
        x = self.norm(self.encoder(self.tokens(ids) + self.positions(places)))
        return paddle.matmul(x, self.tokens.weight, transpose_y=True), self.head(x)


class Linears(nn.Layer):
    """Every way in which a Linear of Paddle 2.x meets its input, one weight read transposed."""

    def __init__(self):
        super().__init__()
        self.first = nn.Linear(24, 40)
        self.second = nn.Linear(40, 24, bias_attr=False)
        self.turned = self.create_parameter([12, 24])
        self.twice = self.create_parameter([12, 12])

    def forward(self, x):
        y = self.second(nn.functional.relu(self.first(x)))
        y = paddle.matmul(y, self.turned, transpose_y=True)
        y = paddle.tanh(paddle.matmul(y, self.twice))
        return paddle.matmul(y, self.twice)


def image(size):
    return [InputSpec([None, 3, size, size], "float32", "image")], {
        "image": rng.random((1, 3, size, size), "float32")
    }


def resnet18_2x():
    return paddle.vision.models.resnet18(), *image(224)


def vgg16_2x():
    return paddle.vision.models.vgg16(), *image(224)


def transformer_2x():
    specs = [InputSpec([1, None], "int64", "ids"), InputSpec([1, None], "int64", "places")]
    ids = rng.integers(0, 2000, (1, 12))
    ids[0, -2:] = 0  # padding
    return Encoder(), specs, {"ids": ids, "places": np.arange(12)[None]}


def linears_2x():
    specs = [InputSpec([None, None, 24], "float32", "x")]
    return Linears(), specs, {"x": rng.standard_normal((2, 5, 24), "float32")}


def fill(layer):
    """He scale for the weights, random positive statistics for the norms."""
    for owner in layer.sublayers(include_self=True):
        norm = isinstance(owner, (nn.BatchNorm2D, nn.LayerNorm))
        tensors = list(owner._parameters.items()) + list(owner._buffers.items())
        for name, tensor in tensors:
            if tensor is None:
                continue
            shape = tensor.shape
            if norm and name in ("weight", "_variance"):
                value = rng.uniform(0.5, 1.5, shape)
            elif len(shape) < 2:
                value = 0.1 * rng.standard_normal(shape)
            elif isinstance(owner, nn.Embedding):
                value = 0.5 * rng.standard_normal(shape)
            else:
                fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
                value = rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)
            tensor.set_value(value.astype("float32"))


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
