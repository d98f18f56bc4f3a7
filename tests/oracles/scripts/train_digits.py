"""Train the small network that the repository carries (runs under Paddle 1.8.5, scikit-learn).

    python -m tests.oracles.zoo digits      writes tests/models/ anew

The stack traces that Paddle stores with every operator are kept, so that stripping them can be
shown, with the folders cut off: they would name the machine that trained the model.
"""

import json
import os
import re
import sys

import numpy as np
import paddle.fluid as fluid
from paddle.fluid.proto import framework_pb2
from sklearn.datasets import load_digits

SEED = 7
HELD_OUT = 500
EPOCHS = 25
BATCH = 32


def conv_bn(x, filters, size, groups=1):
    x = fluid.layers.conv2d(
        x,
        filters,
        size,
        padding=(size - 1) // 2,
        groups=groups,
        bias_attr=False,
        use_cudnn=groups == 1,  # without it a convolution of as many groups is depthwise_conv2d
    )
    return fluid.layers.batch_norm(x, act="relu")


def network(image):
    x = conv_bn(image, 16, 3)
    x = conv_bn(x, 16, 3, groups=16)
    x = conv_bn(x, 32, 1)
    x = fluid.layers.pool2d(x, 2, "max", 2)
    x = conv_bn(x, 64, 3)
    x = fluid.layers.dropout(x, 0.3, dropout_implementation="upscale_in_train")
    x = fluid.layers.fc(x, 32, act="relu")
    return fluid.layers.fc(x, 10, act="softmax")


def feed(images, labels):
    return {
        "image": (images[:, None] / 16).astype("float32"),
        "label": labels[:, None].astype("int64"),
    }


def train(exe, program, loss, images, labels):
    rng = np.random.RandomState(SEED)
    for _ in range(EPOCHS):
        order = rng.permutation(len(labels))
        for start in range(0, len(order), BATCH):
            chosen = order[start : start + BATCH]
            exe.run(program, feed(images[chosen], labels[chosen]), [loss])


def cut_folders(path):
    program = framework_pb2.ProgramDesc()
    with open(path, "rb") as stream:
        program.ParseFromString(stream.read())
    for block in program.blocks:
        for op in block.ops:
            for attr in op.attrs:
                if attr.name == "op_callstack":
                    attr.strings[:] = [re.sub(r'"[^"]*/', '"', line) for line in attr.strings]
    with open(path, "wb") as stream:
        stream.write(program.SerializeToString())


def save(exe, program, probability, folder, params_filename):
    fluid.io.save_inference_model(
        folder,
        ["image"],
        [program.global_block().var(probability.name)],
        exe,
        program,
        params_filename=params_filename,
    )
    cut_folders(os.path.join(folder, "__model__"))


def main(out):
    digits = load_digits()
    order = np.random.RandomState(SEED).permutation(len(digits.target))
    images, labels = digits.images[order], digits.target[order]
    program, startup = fluid.Program(), fluid.Program()
    program.random_seed = startup.random_seed = SEED
    with fluid.program_guard(program, startup), fluid.unique_name.guard():
        image = fluid.data("image", [None, 1, 8, 8], "float32")
        label = fluid.data("label", [None, 1], "int64")
        probability = network(image)
        loss = fluid.layers.mean(fluid.layers.cross_entropy(probability, label))
        inference = program.clone(for_test=True)
        fluid.optimizer.AdamOptimizer(2e-3).minimize(loss)
    exe = fluid.Executor(fluid.CPUPlace())
    exe.run(startup)
    train(exe, program, loss, images[HELD_OUT:], labels[HELD_OUT:])
    held = feed(images[:HELD_OUT], labels[:HELD_OUT])
    (found,) = exe.run(inference, held, [probability.name])
    print("accuracy on held-out images:", (found.argmax(1) == labels[:HELD_OUT]).mean())
    save(exe, inference, probability, os.path.join(out, "digits"), None)
    save(exe, inference, probability, os.path.join(out, "digits_combined"), "__params__")
    np.savez_compressed(
        os.path.join(out, "digits_heldout.npz"),
        images=images[:HELD_OUT].astype("uint8"),
        labels=labels[:HELD_OUT].astype("uint8"),
    )


main(json.load(open(sys.argv[1]))["out"])
