"""Build a tagger with GRUs, whose weights only carriers quantize, with Paddle 1.8.5."""

import json
import os
import sys

import numpy as np
import paddle.fluid as fluid

layers = fluid.layers
rng = np.random.RandomState(1)


def tagger_1x():
    words = fluid.data("words", [None, 1], "int64", lod_level=1)
    x = layers.embedding(words, [300, 32])
    runs = []
    for reverse in (False, True):
        gates = layers.fc(x, 3 * 40)
        runs.append(layers.dynamic_gru(gates, 40, is_reverse=reverse))
    return {"words": (rng.randint(0, 300, (9, 1)), [[0, 9]])}, [
        layers.fc(layers.concat(runs, axis=1), 15)
    ]


def main(name, out):
    program, startup = fluid.Program(), fluid.Program()
    with fluid.program_guard(program, startup), fluid.unique_name.guard():
        feeds, targets = globals()[name]()
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(startup)
    for parameter in program.all_parameters():
        value = 0.2 * rng.randn(*parameter.shape)
        fluid.global_scope().find_var(parameter.name).get_tensor().set(
            value.astype("float32"), fluid.CPUPlace()
        )
    for layout, params in (("separate", None), ("combined", "__params__")):
        fluid.io.save_inference_model(
            os.path.join(out, layout), list(feeds), targets, exe, program, params_filename=params
        )
    np.savez(os.path.join(out, "feeds.npz"), *[array for array, _ in feeds.values()])
    with open(os.path.join(out, "feeds.json"), "w") as stream:
        json.dump({"names": list(feeds), "lods": [lod for _, lod in feeds.values()]}, stream)


job = json.load(open(sys.argv[1]))
main(job["name"], job["out"])
