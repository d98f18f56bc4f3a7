"""Build a recurrent model of usual size with Paddle 1.8.5, in both layouts, and its inputs.

They are what people ship: most of their weights are read by `lstm` and `gru`.
"""

import json
import os
import sys

import numpy as np
import paddle.fluid as fluid

layers = fluid.layers
rng = np.random.RandomState(1)


def conv_bn(x, filters, stride=1):
    x = layers.conv2d(x, filters, 3, stride=stride, padding=1, bias_attr=False)
    return layers.batch_norm(x, act="relu")


def crnn_1x(hidden=96, classes=96):
    """A text recognizer: convolutions, columns as a sequence, LSTMs in both directions."""
    x = fluid.data("image", [1, 3, 32, 128], "float32")
    for filters in (16, 32, 64, 64):
        x = conv_bn(x, filters)
        x = layers.pool2d(x, 2, "max", [2, 2] if filters < 64 else [2, 1])
    x = layers.im2sequence(x, filter_size=[x.shape[2], 1], stride=[1, 1])
    for _ in range(2):
        runs = [
            layers.dynamic_lstm(layers.fc(x, 4 * hidden), 4 * hidden, is_reverse=reverse)[0]
            for reverse in (False, True)
        ]
        x = layers.concat(runs, axis=1)
    feeds = {"image": (rng.rand(1, 3, 32, 128).astype("float32"), [])}
    return feeds, [layers.softmax(layers.fc(x, classes))]


def tagger_gru_1x(count=6000, size=128, hidden=192, tags=57):
    """A lexical analyser: an embedding, two layers of GRUs in both directions, a CRF."""
    words = fluid.data("words", [None, 1], "int64", lod_level=1)
    x = layers.embedding(words, [count, size], param_attr="table")
    for _ in range(2):
        runs = [
            layers.dynamic_gru(layers.fc(x, 3 * hidden), hidden, is_reverse=reverse)
            for reverse in (False, True)
        ]
        x = layers.concat(runs, axis=1)
    scores = layers.fc(x, tags)
    layers.create_parameter([tags + 2, tags], "float32", name="crf")
    path = layers.crf_decoding(scores, fluid.ParamAttr(name="crf"))
    feeds = {"words": (rng.randint(0, count, (24, 1)).astype("int64"), [[0, 24]])}
    return feeds, [scores, layers.cast(path, "float32")]


def value_for(name, shape):
    if name.startswith("batch_norm") and name.endswith((".w_0", ".w_2")):
        return rng.uniform(0.5, 1.5, shape)
    if len(shape) < 2:
        return 0.1 * rng.randn(*shape)
    if name == "table":
        return 0.5 * rng.randn(*shape)
    fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
    gain = 2.0 if len(shape) == 4 else 1.0
    return rng.randn(*shape) * np.sqrt(gain / fan_in)


def main(name, out):
    program, startup = fluid.Program(), fluid.Program()
    with fluid.program_guard(program, startup), fluid.unique_name.guard():
        feeds, outputs = globals()[name]()
    program = program.clone(for_test=True)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(startup)
    scope = fluid.global_scope()
    for variable in sorted(program.list_vars(), key=lambda v: v.name):
        if fluid.io.is_persistable(variable) and scope.find_var(variable.name):
            tensor = scope.find_var(variable.name).get_tensor()
            value = value_for(variable.name, tuple(tensor.shape()))
            tensor.set(np.asarray(value, "float32"), fluid.CPUPlace())
    fetches = [program.global_block().var(output.name) for output in outputs]
    for layout, params in (("separate", None), ("combined", "__params__")):
        folder = os.path.join(out, layout)
        fluid.io.save_inference_model(
            folder, list(feeds), fetches, exe, program, params_filename=params
        )
    np.savez(os.path.join(out, "feeds.npz"), *[array for array, _ in feeds.values()])
    with open(os.path.join(out, "feeds.json"), "w") as stream:
        json.dump({"names": list(feeds), "lods": [lod for _, lod in feeds.values()]}, stream)


job = json.load(open(sys.argv[1]))
main(job["name"], job["out"])
