"""Save an LSTM with the static API of Paddle 3.3.1, which leaves an empty parameter; run it."""

import json
import sys

import numpy as np
import paddle
import pir_save


def network(x):
    found, _ = paddle.nn.LSTM(16, 32)(x)
    return paddle.nn.Linear(32, 10)(found)


def main(job):
    paddle.enable_static()
    feeds = {"x": np.random.default_rng(1).standard_normal((2, 6, 16)).astype("float32")}
    prefix = job["folder"] + "/static_lstm/m"
    outputs = pir_save.build(prefix, network, feeds)
    np.savez(prefix + ".in.npz", *feeds.values())
    np.savez(prefix + ".out.npz", *outputs)
    found = pir_save.operations(prefix + ".json")
    told = {"name": "static_lstm", "feeds": list(feeds), "operations": found}
    print("CASES" + json.dumps([told]))


main(json.load(open(sys.argv[1])))
