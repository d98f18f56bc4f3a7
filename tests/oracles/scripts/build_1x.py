"""Build one model of the zoo with Paddle 1.8.5, in both layouts, and its inputs.

Weights get a He scale and the batch norms random positive statistics: a freshly initialised deep
network has vanishing or constant outputs, which would hide errors.
"""

import json
import os
import sys

import numpy as np
import paddle.fluid as fluid

layers = fluid.layers
rng = np.random.RandomState(1)


# ---- pieces ---------------------------------------------------------------------------------


def conv_bn(x, filters, size, stride=1, groups=1, act="relu", depthwise=False):
    x = layers.conv2d(
        x,
        filters,
        size,
        stride=stride,
        padding=(size - 1) // 2,
        groups=groups,
        bias_attr=False,
        use_cudnn=not depthwise,
    )
    return layers.batch_norm(x, act=act)


def image(channels, size):
    return (
        fluid.data("image", [None, channels, size, size], "float32"),
        {"image": (rng.rand(1, channels, size, size).astype("float32"), [])},
    )


def words(count, length):
    ids = rng.randint(0, count, (length, 1)).astype("int64")
    return fluid.data("words", [None, 1], "int64", lod_level=1), {"words": (ids, [[0, length]])}


def vector(size, name="x"):
    return (
        fluid.data(name, [None, size], "float32"),
        {name: (rng.randn(3, size).astype("float32"), [])},
    )


def parameter(name, shape):
    return layers.create_parameter(shape, "float32", name=name)


# ---- models ---------------------------------------------------------------------------------


def mobilenet_v1():
    x, feeds = image(3, 224)
    x = conv_bn(x, 32, 3, 2)
    plan = [(64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)] + [(512, 1)] * 5
    for filters, stride in [*plan, (1024, 2), (1024, 1)]:
        x = conv_bn(x, x.shape[1], 3, stride, groups=x.shape[1], depthwise=True)
        x = conv_bn(x, filters, 1)
    x = layers.pool2d(x, pool_type="avg", global_pooling=True)
    return feeds, [layers.softmax(layers.fc(x, 1000))]


def grouped():
    x, feeds = image(3, 32)
    x = conv_bn(x, 24, 3)
    x = conv_bn(x, 48, 3, groups=4)
    x = conv_bn(x, 48, 3, groups=48, depthwise=True)
    x = layers.conv2d(x, 32, 1, groups=2, act="relu6")
    x = layers.pool2d(x, pool_type="avg", global_pooling=True)
    return feeds, [layers.fc(x, 10)]


def resnet():
    x, feeds = image(3, 32)
    x = conv_bn(x, 32, 3)
    for filters, stride in ((32, 1), (64, 2), (128, 2)):
        side = x if stride == 1 else conv_bn(x, filters, 1, stride, act=None)
        y = conv_bn(conv_bn(x, filters, 3, stride), filters, 3, act=None)
        x = layers.elementwise_add(side, y, act="relu")
    x = layers.pool2d(x, pool_type="avg", global_pooling=True)
    return feeds, [layers.fc(x, 100, act="softmax")]


def text(count=500, size=32):
    ids, feeds = words(count, 12)
    x = layers.embedding(ids, [count, size], param_attr="table")
    x = layers.fc(x, 3 * size)
    x = layers.dynamic_gru(x, size)
    x = layers.sequence_pool(x, "max")
    return feeds, [layers.fc(x, 5, act="softmax")]


def text_large():
    return text(20000, 64)


def subblock():
    x, feeds = vector(24)
    # The loop writes its result back into x: were that the input, saving would prune the loop.
    x = layers.fc(x, 24, act="tanh")
    i = layers.fill_constant([1], "int64", 0)
    end = layers.fill_constant([1], "int64", 3)

    def body(i, x):
        x = layers.fc(x, 24, act="tanh", param_attr="looped", bias_attr="looped_bias")
        return [layers.increment(i), x]

    _, x = layers.while_loop(lambda i, x: layers.less_than(i, end), body, [i, x])
    return feeds, [layers.fc(x, 7)]


def attention(x, heads):
    size = x.shape[-1]
    split = [
        layers.transpose(
            layers.reshape(layers.fc(x, size, num_flatten_dims=2), [0, 0, heads, size // heads]),
            [0, 2, 1, 3],
        )
        for _ in range(3)
    ]
    weights = layers.softmax(
        layers.matmul(split[0], split[1], transpose_y=True, alpha=(size // heads) ** -0.5)
    )
    mixed = layers.transpose(layers.matmul(weights, split[2]), [0, 2, 1, 3])
    return layers.fc(layers.reshape(mixed, [0, 0, size]), size, num_flatten_dims=2)


def transformer_1x(count=1000, size=64, length=10):
    ids = fluid.data("ids", [1, length, 1], "int64")
    places = fluid.data("places", [1, length, 1], "int64")
    feeds = {
        "ids": (rng.randint(0, count, (1, length, 1)).astype("int64"), []),
        "places": (np.arange(length).reshape(1, length, 1).astype("int64"), []),
    }
    x = layers.embedding(ids, [count, size], param_attr="tokens")
    x = x + layers.embedding(places, [32, size], param_attr="positions")
    for _ in range(2):
        x = layers.layer_norm(x + attention(x, 4), begin_norm_axis=2)
        y = layers.fc(x, 4 * size, num_flatten_dims=2, act="relu")
        x = layers.layer_norm(x + layers.fc(y, size, num_flatten_dims=2), begin_norm_axis=2)
    untied = layers.matmul(x, parameter("untied", [size, 50]))
    tied = fluid.default_main_program().global_block().var("tokens")
    return feeds, [layers.matmul(x, tied, transpose_y=True), untied]


# ---- weights with several readers -----------------------------------------------------------


def shared_mul_mul():
    x, feeds = vector(16)
    weight = parameter("shared", [16, 16])
    return feeds, [layers.mul(layers.tanh(layers.mul(x, weight)), weight)]


def shared_mul_matmul():
    x, feeds = vector(16)
    weight = parameter("shared", [16, 16])
    return feeds, [layers.matmul(layers.tanh(layers.mul(x, weight)), weight)]


def shared_mul_three_times():
    x, feeds = vector(16)
    weight = parameter("shared", [16, 16])
    for _ in range(3):
        x = layers.tanh(layers.mul(x, weight))
    return feeds, [x]


def _two_convolutions(with_batch_norm, groups=1):
    x, feeds = image(8, 16)
    for _ in range(2):
        x = layers.conv2d(
            x,
            8,
            3,
            padding=1,
            groups=groups,
            use_cudnn=groups == 1,
            param_attr="shared",
            bias_attr=False if with_batch_norm else None,
        )
        x = layers.batch_norm(x, act="relu") if with_batch_norm else layers.relu(x)
    return feeds, [x]


def shared_conv_conv():
    return _two_convolutions(False)


def shared_depthwise():
    return _two_convolutions(False, groups=8)


def shared_conv_conv_bn():
    return _two_convolutions(True)


def shared_fc_fc():
    x, feeds = vector(16)
    for _ in range(2):
        x = layers.fc(x, 16, act="tanh", param_attr="shared")
    return feeds, [x]


def shared_lookup_matmul():
    ids = fluid.data("ids", [1, 6, 1], "int64")
    feeds = {"ids": (rng.randint(0, 40, (1, 6, 1)).astype("int64"), [])}
    x = layers.tanh(layers.embedding(ids, [40, 16], param_attr="shared"))
    weight = fluid.default_main_program().global_block().var("shared")
    return feeds, [layers.matmul(x, weight, transpose_y=True)]


def shared_mul_subblock():
    x, feeds = vector(24)
    x = layers.fc(x, 24, act="tanh", param_attr="shared")
    i = layers.fill_constant([1], "int64", 0)
    end = layers.fill_constant([1], "int64", 2)

    def body(i, x):
        return [
            layers.increment(i),
            layers.fc(x, 24, act="tanh", param_attr="shared", bias_attr="looped_bias"),
        ]

    _, x = layers.while_loop(lambda i, x: layers.less_than(i, end), body, [i, x])
    return feeds, [x]


# ---- weights, files -------------------------------------------------------------------------


def value_for(name, shape):
    if name.startswith("batch_norm") and name.endswith((".w_0", ".w_2")):
        return rng.uniform(0.5, 1.5, shape)
    if name.startswith("layer_norm") and name.endswith(".w_0"):
        return rng.uniform(0.5, 1.5, shape)
    if len(shape) < 2:
        return 0.1 * rng.randn(*shape)
    if name in ("table", "tokens", "positions"):
        return 0.5 * rng.randn(*shape)
    fan_in = np.prod(shape[1:]) if len(shape) == 4 else shape[0]
    return rng.randn(*shape) * np.sqrt(2.0 / fan_in)


def fill_weights(program, scope):
    for variable in sorted(program.list_vars(), key=lambda v: v.name):
        if fluid.io.is_persistable(variable) and scope.find_var(variable.name):
            tensor = scope.find_var(variable.name).get_tensor()
            value = value_for(variable.name, tuple(tensor.shape()))
            tensor.set(np.asarray(value, "float32"), fluid.CPUPlace())


def main(name, out):
    program, startup = fluid.Program(), fluid.Program()
    with fluid.program_guard(program, startup), fluid.unique_name.guard():
        feeds, outputs = globals()[name]()
    program = program.clone(for_test=True)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(startup)
    fill_weights(program, fluid.global_scope())
    fetches = [program.global_block().var(output.name) for output in outputs]
    for layout, params_filename in (("separate", None), ("combined", "__params__")):
        fluid.io.save_inference_model(
            os.path.join(out, layout),
            list(feeds),
            fetches,
            exe,
            program,
            params_filename=params_filename,
        )
    np.savez(os.path.join(out, "feeds.npz"), *[array for array, _ in feeds.values()])
    with open(os.path.join(out, "feeds.json"), "w") as stream:
        json.dump({"names": list(feeds), "lods": [lod for _, lod in feeds.values()]}, stream)


job = json.load(open(sys.argv[1]))
main(job["name"], job["out"])
