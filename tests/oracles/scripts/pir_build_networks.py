"""Export networks with Paddle 3.3.1 as JSON and run them; convert PP-OCR's released models too."""

import json
import sys
import traceback
import warnings

warnings.filterwarnings("ignore")
import numpy as np  # noqa: E402
import paddle  # noqa: E402
import pir_save  # noqa: E402
from paddle import nn  # noqa: E402
from pir_networks import NETWORKS, rng  # noqa: E402


def fill(layer):
    """He scale for the weights, random positive statistics for the norms: no output vanishes."""
    for owner in layer.sublayers(include_self=True):
        for name, tensor in [*owner._parameters.items(), *owner._buffers.items()]:
            if tensor is None or tensor.dtype != paddle.float32:
                continue
            shape = tensor.shape
            if name in ("_mean", "bias"):
                values = rng.standard_normal(shape) * 0.1
            elif len(shape) < 2:
                values = rng.random(shape) * 0.5 + 0.75
            else:
                fan = int(np.prod(shape[1:])) if len(shape) == 4 else shape[0]
                values = rng.standard_normal(shape) * (2.0 / fan) ** 0.5
            if not isinstance(owner, nn.PReLU):
                tensor.set_value(values.astype("float32"))


def export(folder, name):
    layer, specs, feeds = NETWORKS[name]()
    fill(layer)
    layer.eval()
    prefix = "%s/%s/m" % (folder, name)
    paddle.jit.save(paddle.jit.to_static(layer, input_spec=specs, full_graph=True), prefix)
    return prefix, feeds


def convert(folder, name, source):
    prefix = "%s/%s/m" % (folder, name)
    paddle.enable_static()
    pir_save.convert(source, prefix)
    paddle.disable_static()
    return prefix


def main(job):
    told = []
    makers = [(name, lambda n=name: export(job["folder"], n)) for name in job["networks"]]
    for name, given in job["released"].items():
        feeds = {"x": np.load(given["in"])}
        makers.append(
            (name, lambda n=name, g=given, f=feeds: (convert(job["folder"], n, g["source"]), f))
        )
    for name, make in makers:
        try:
            prefix, feeds = make()
            outputs = pir_save.run(prefix, feeds)
        except Exception:
            told.append({"name": name, "error": traceback.format_exc()[-600:]})
            continue
        np.savez(prefix + ".in.npz", *feeds.values())
        np.savez(prefix + ".out.npz", *outputs)
        found = pir_save.operations(prefix + ".json")
        told.append({"name": name, "feeds": list(feeds), "operations": found})
    print("CASES" + json.dumps(told))


main(json.load(open(sys.argv[1])))
