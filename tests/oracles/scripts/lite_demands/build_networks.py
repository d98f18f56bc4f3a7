"""The networks of `pir_networks.py` as `paddle.jit.save` of Paddle 2.6.2 writes them."""

import json
import os
import sys
import traceback

import numpy as np
import paddle
from build_vision import fill

sys.path.append(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
from pir_networks import NETWORKS


def save(name, out):
    """Save a network, run it in dygraph, and tell its inputs' names."""
    layer, specs, arrays = NETWORKS[name]()
    fill(layer)
    layer.eval()
    home = os.path.join(out, name)
    os.makedirs(home)
    np.savez(os.path.join(home, "in.npz"), *arrays.values())
    answers = layer(*[paddle.to_tensor(array) for array in arrays.values()])
    answers = answers if isinstance(answers, (list, tuple)) else [answers]
    np.savez(os.path.join(home, "out.npz"), *[answer.numpy() for answer in answers])
    paddle.jit.save(layer, os.path.join(home, "inference"), input_spec=specs)
    return list(arrays)


def main(job):
    told = {"saved": {}, "failed": {}}
    for name in job["names"]:
        try:
            told["saved"][name] = save(name, job["out"])
        except Exception:
            told["failed"][name] = traceback.format_exc()[-600:]
    with open(job["manifest"], "w") as file:
        json.dump(told, file)


if __name__ == "__main__":
    with open(sys.argv[1]) as opened:
        main(json.load(opened))
