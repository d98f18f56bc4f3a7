"""Build VGG16, 553 MB, with Paddle 1.8.5 itself: its folder is the only argument."""

import sys

import paddle.fluid as fluid

layers = fluid.layers
image = x = fluid.data("image", [None, 3, 224, 224], "float32")
for filters, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
    for _ in range(count):
        x = layers.conv2d(x, filters, 3, padding=1, act="relu")
    x = layers.pool2d(x, 2, "max", 2)
x = layers.fc(x, 4096, act="relu")
x = layers.fc(x, 4096, act="relu")
x = layers.fc(x, 1000, act="softmax")
exe = fluid.Executor(fluid.CPUPlace())
exe.run(fluid.default_startup_program())
fluid.io.save_inference_model(sys.argv[1], ["image"], [x], exe)
