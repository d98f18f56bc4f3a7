"""Models of `paddle.vision.models` as `paddle.jit.save` writes them (Paddle 2.6.2)."""

import json
import os
import sys

import numpy as np
import paddle
from paddle.static import InputSpec

rng = np.random.RandomState(1)


def fill(layer):
    """He scale for the weights, random positive statistics: fresh ones make answers vanish."""
    for owner in layer.sublayers(include_self=True):
        norm = isinstance(owner, paddle.nn.BatchNorm2D)
        for name, tensor in list(owner._parameters.items()) + list(owner._buffers.items()):
            if tensor is None or tensor.dtype != paddle.float32:
                continue
            shape = tensor.shape
            if norm and name in ("weight", "_variance"):
                value = rng.uniform(0.5, 1.5, shape)
            elif len(shape) < 2:
                value = 0.1 * rng.standard_normal(shape)
            else:
                fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
                value = rng.standard_normal(shape) * np.sqrt(2.0 / fan_in)
            tensor.set_value(value.astype("float32"))


def main(job):
    for name in job["names"]:
        options = {"scale": 0.5} if name.startswith("mobilenet_v2") else {}
        model = getattr(paddle.vision.models, name)(**options)
        fill(model)
        model.eval()
        home = os.path.join(job["out"], name)
        os.makedirs(home)
        spec = [InputSpec([None, 3, 96, 96], "float32", "image")]
        paddle.jit.save(model, os.path.join(home, "inference"), input_spec=spec)
        image = rng.uniform(0, 1, (1, 3, 96, 96)).astype("float32")
        np.savez(os.path.join(home, "in.npz"), image)
        answers = model(paddle.to_tensor(image))
        answers = answers if isinstance(answers, (list, tuple)) else [answers]
        np.savez(os.path.join(home, "out.npz"), *[answer.numpy() for answer in answers])


if __name__ == "__main__":
    with open(sys.argv[1]) as opened:
        main(json.load(opened))
