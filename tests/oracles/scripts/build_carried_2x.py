"""Build a model with weights that only carriers quantize, with Paddle 2.6.2, and its inputs."""

import json
import os
import sys

import numpy as np
import paddle
from paddle import nn
from paddle.static import InputSpec

rng = np.random.default_rng(1)


class Recognizer(nn.Layer):
    """The end of a CRNN: a bidirectional LSTM of two layers, a GRU, a Linear."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(48, 64, num_layers=2, direction="bidirect")
        self.gru = nn.GRU(128, 40)
        self.head = nn.Linear(40, 20)

    def forward(self, x):
        x, _ = self.lstm(x)
        x, _ = self.gru(x)
        return self.head(x)


class Upsampling(nn.Layer):
    """Transposed convolutions: with a bias, with groups, and one that opt folds batch_norm into."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2D(3, 16, 3, stride=2, padding=1)
        self.plain = nn.Conv2DTranspose(16, 24, 2, stride=2)
        self.grouped = nn.Conv2DTranspose(24, 24, 4, stride=2, padding=1, groups=2)
        self.folded = nn.Conv2DTranspose(24, 8, 3, padding=1, bias_attr=False)
        self.norm = nn.BatchNorm2D(8)

    def forward(self, image):
        x = nn.functional.relu(self.first(image))
        x = nn.functional.relu(self.plain(x))
        x = nn.functional.relu(self.grouped(x))
        return self.norm(self.folded(x))


def recognizer_2x():
    spec = InputSpec([1, None, 48], "float32", "x")
    return Recognizer(), [spec], {"x": rng.standard_normal((1, 12, 48), "float32")}


def upsampling_2x():
    spec = InputSpec([None, 3, 32, 32], "float32", "image")
    return Upsampling(), [spec], {"image": rng.random((1, 3, 32, 32), "float32")}


def main(name, out):
    layer, specs, feeds = globals()[name]()
    for tensor in layer.parameters():
        value = 0.2 * rng.standard_normal(tensor.shape)
        if "norm" in tensor.name:
            value = 1 + abs(value)
        tensor.set_value(value.astype("float32"))
    layer.eval()
    paddle.jit.save(layer, os.path.join(out, "inference"), input_spec=specs)
    np.savez(os.path.join(out, "feeds.npz"), *feeds.values())
    with open(os.path.join(out, "feeds.json"), "w") as stream:
        json.dump({"names": list(feeds), "lods": [[] for _ in feeds]}, stream)


job = json.load(open(sys.argv[1]))
main(job["name"], job["out"])
