"""Recurrent layers with a dynamic batch, and answers for several batch sizes (Paddle 2.6.2)."""

import json
import os
import sys

import numpy as np
import paddle
from paddle import nn
from paddle.static import InputSpec

BATCHES = (1, 2, 3, 7)


class Last(nn.Layer):
    """A recurrent layer whose outputs are those of every step."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


def build(kind, direction, layers, home):
    paddle.seed(3)
    model = Last(getattr(nn, kind)(6, 5, num_layers=layers, direction=direction))
    model.eval()
    spec = [InputSpec([None, None, 6], "float32", "x")]
    paddle.jit.save(model, os.path.join(home, "inference"), input_spec=spec)
    for batch in BATCHES:
        x = np.random.RandomState(batch).standard_normal((batch, 4 + batch, 6)).astype("float32")
        np.savez(os.path.join(home, "in%d.npz" % batch), x)
        np.savez(os.path.join(home, "out%d.npz" % batch), model(paddle.to_tensor(x)).numpy())


def main(job):
    built = []
    for kind in ("LSTM", "GRU"):
        for direction in ("forward", "bidirect"):
            for layers in (1, 2):
                name = "%s-%s-%d" % (kind, direction, layers)
                home = os.path.join(job["out"], name)
                os.makedirs(home)
                build(kind, direction, layers, home)
                built.append(name)
    with open(job["manifest"], "w") as stream:
        json.dump({"models": built, "batches": BATCHES}, stream)


if __name__ == "__main__":
    with open(sys.argv[1]) as opened:
        main(json.load(opened))
