"""Cases on images: convolution, pooling, normalization, resizing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.oracles.jobs import Array

from .operator_runs import Case

Random = np.random.Generator


def floats(rng: Random, *shape: int) -> Array:
    return rng.standard_normal(shape, dtype=np.float32)


def convolutions(rng: Random) -> Iterator[Case]:
    """Random sizes, strides, dilations, groups, both spellings of paddings, SAME and VALID."""
    inputs: Any
    attributes: Any
    for number in range(24):
        groups = int(rng.choice([1, 1, 2, 4]))
        ins, outs = groups * int(rng.integers(1, 4)), groups * int(rng.integers(1, 4))
        size = rng.integers(1, 6, 2)
        image = floats(rng, int(rng.integers(1, 3)), ins, *(rng.integers(9, 16, 2) + 4).tolist())
        pads = rng.integers(0, 4, 4 if number % 2 else 2).tolist()
        attributes = {
            "strides": rng.integers(1, 4, 2).tolist(),
            "paddings": pads,
            "dilations": rng.integers(1, 3, 2).tolist(),
            "groups": groups,
            "padding_algorithm": str(rng.choice(["EXPLICIT", "EXPLICIT", "SAME", "VALID"])),
            "data_format": "NCHW",
        }
        weight = floats(rng, outs, ins // groups, *size.tolist())
        inputs = {"Input": image, "Filter": weight}
        yield Case("conv2d", inputs, attributes, {"Output": 1}, "1.8.5" if number % 3 else "2.6.2")
    for number in range(14):
        channels, factor = int(rng.integers(2, 40)), int(rng.choice([1, 1, 2]))
        stride = 1 if number % 2 else int(rng.integers(2, 4))
        image = floats(rng, 2, channels, *(rng.integers(8, 20, 2)).tolist())
        weight = floats(rng, channels * factor, 1, *(rng.integers(1, 6, 2)).tolist())
        attributes = {
            "strides": [stride, 1 if number % 5 == 4 else stride],
            "paddings": rng.integers(0, 4, 2).tolist(),
            "dilations": [1 + number % 2] * 2 if number > 6 else [1, 1],
            "groups": channels,
            "data_format": "NCHW",
        }
        inputs = {"Input": image, "Filter": weight}
        yield Case("depthwise_conv2d", inputs, attributes, {"Output": 1})
    image, weight = floats(rng, 2, 9, 8, 6), floats(rng, 4, 3, 3, 2)
    attributes = {"groups": 2, "data_format": "NHWC", "paddings": [1, 0]}
    yield Case("conv2d", {"Input": image, "Filter": weight}, attributes, {"Output": 1})
    for number in range(12):
        groups = int(rng.choice([1, 2]))
        ins, outs = groups * int(rng.integers(1, 4)), int(rng.integers(1, 4))
        image = floats(rng, 2, ins, *rng.integers(3, 8, 2).tolist())
        weight = floats(rng, ins, outs, *rng.integers(2, 5, 2).tolist())
        attributes = {
            "strides": rng.integers(1, 4, 2).tolist(),
            "paddings": rng.integers(0, 2, 4 if number % 2 else 2).tolist(),
            "dilations": rng.integers(1, 3, 2).tolist() if number > 5 else [1, 1],
            "groups": groups,
            "padding_algorithm": "SAME" if number == 11 else "EXPLICIT",
        }
        if number == 10:
            attributes.update(strides=[2, 2], output_padding=[1, 1], dilations=[1, 1])
        inputs = {"Input": image, "Filter": weight}
        yield Case("conv2d_transpose", inputs, attributes, {"Output": 1})
    image, weight = floats(rng, 1, 6, 5, 5), floats(rng, 6, 1, 3, 3)
    attributes = {"groups": 6, "strides": [2, 2], "paddings": [1, 1]}
    inputs = {"Input": image, "Filter": weight}
    yield Case("depthwise_conv2d_transpose", inputs, attributes, {"Output": 1})
    attributes = {"strides": [1, 1], "paddings": [1, 1], "dilations": [1, 1], "groups": 1,
                  "deformable_groups": 2, "im2col_step": 1}  # fmt: skip
    inputs = {
        "Input": floats(rng, 2, 4, 7, 6),
        "Filter": floats(rng, 4, 4, 3, 3),
        "Offset": floats(rng, 2, 36, 7, 6),
        "Mask": rng.random((2, 18, 7, 6), np.float32),
    }
    yield Case("deformable_conv", inputs, attributes, {"Output": 1})


def pools(rng: Random) -> Iterator[Case]:
    """Every combination of kind, exclusive and ceil_mode; adaptive and global."""
    attributes: Any
    for number in range(32):
        size = rng.integers(1, 5, 2)
        attributes = {
            "pooling_type": "max" if number % 2 else "avg",
            "ksize": size.tolist(),
            "strides": rng.integers(1, 4, 2).tolist(),
            "paddings": [int(rng.integers(0, s)) for s in size],
            "exclusive": bool(number & 2),
            "ceil_mode": bool(number & 4),
            "padding_algorithm": "SAME" if number % 11 == 10 else "EXPLICIT",
        }
        image = floats(rng, 2, 3, *rng.integers(6, 12, 2).tolist())
        old = number % 3 == 0 and (attributes["exclusive"] or not attributes["ceil_mode"])
        yield Case("pool2d", {"X": image}, attributes, paddle="1.8.5" if old else "2.6.2")
    for kind in ("max", "avg"):
        for sides in ([1, 1], [3, 4], [7, 2]) if kind == "avg" else ():  # Paddle's max ignores it
            attributes = {"pooling_type": kind, "ksize": sides, "adaptive": True}
            yield Case("pool2d", {"X": floats(rng, 2, 3, 10, 7)}, attributes)
        attributes = {"pooling_type": kind, "ksize": [2, 2], "global_pooling": True}
        yield Case("pool2d", {"X": floats(rng, 2, 3, 10, 7)}, attributes, paddle="1.8.5")
        attributes = {"pooling_type": kind, "ksize": [3, 2], "strides": [2, 2],
                      "paddings": [1, 0, 0, 1], "data_format": "NHWC"}  # fmt: skip
        yield Case("pool2d", {"X": floats(rng, 2, 9, 8, 3)}, attributes)
    both = {"Out": 1, "Mask": 1}
    for attributes in (
        {"ksize": [3, 2], "strides": [2, 1], "paddings": [1, 0]},
        {"ksize": [3, 2], "adaptive": True},
        {"ksize": [3, 2], "global_pooling": True},
    ):
        image = floats(rng, 2, 3, 9, 8)
        dtypes = {"Mask": "int32"}
        yield Case("max_pool2d_with_index", {"X": image}, attributes, both, dtypes=dtypes)


def normalizations(rng: Random) -> Iterator[Case]:
    """Stored statistics, and those of the input."""
    inputs: Any
    attributes: Any

    def parameters(count: int, *slots: str) -> dict[str, Array]:
        return {slot: rng.uniform(0.5, 1.5, count).astype("float32") for slot in slots}

    others = ("SavedMean", "SavedVariance")
    shared = {"MeanOut": "Mean", "VarianceOut": "Variance"}
    for layout, shape in (("NCHW", (2, 5, 4, 3)), ("NHWC", (2, 4, 3, 5)), ("NCHW", (3, 5))):
        for paddle in ("1.8.5", "2.6.2"):
            inputs = {"X": floats(rng, *shape),
                      **parameters(5, "Mean", "Variance", "Scale", "Bias")}  # fmt: skip
            attributes = {"is_test": True, "data_layout": layout, "epsilon": 1e-3}
            yield Case("batch_norm", inputs, attributes, {"Y": 1}, paddle, others, shared=shared)
    for axis in (1, 2, 3):
        x = floats(rng, 3, 4, 5, 6)
        inputs = {"X": x, **parameters(int(np.prod(x.shape[axis:])), "Scale", "Bias")}
        attributes = {"begin_norm_axis": axis, "epsilon": 1e-5}
        yield Case("layer_norm", inputs, attributes, {"Y": 1, "Mean": 1, "Variance": 1})
    inputs = {"X": floats(rng, 2, 5, 4, 3), **parameters(5, "Scale", "Bias")}
    yield Case("instance_norm", inputs, {}, {"Y": 1}, others=("SavedMean", "SavedVariance"))
    for layout, shape in (("NCHW", (2, 6, 4, 3)), ("NHWC", (2, 4, 3, 6))):
        inputs = {"X": floats(rng, *shape), **parameters(6, "Scale", "Bias")}
        attributes = {"groups": 3, "data_layout": layout}
        yield Case("group_norm", inputs, attributes, {"Y": 1}, others=("Mean", "Variance"))
    inputs = {"X": floats(rng, 2, 5, 4, 3), **parameters(5, "Scale", "Bias")}
    yield Case("affine_channel", inputs, {"data_layout": "NCHW"})
    for axis in (1, -1):
        yield Case("norm", {"X": floats(rng, 2, 5, 4)}, {"axis": axis}, others=("Norm",))
    for order in (0.0, 1.0, 2.0, 3.0, float("inf"), float("-inf")):
        attributes = {"porder": order, "axis": 1, "keepdim": order == 1.0}
        yield Case("p_norm", {"X": floats(rng, 2, 5, 4)}, attributes)
    attributes = {"n": 5, "k": 1.0, "alpha": 0.5, "beta": 0.75}
    yield Case("lrn", {"X": floats(rng, 2, 7, 4, 3)}, attributes, others=("MidOut",))


def resizing(rng: Random) -> Iterator[Case]:
    """All ways to give a size, in the older and the newer spelling."""
    inputs: Any
    attributes: Any
    for kind in ("nearest", "bilinear", "bicubic"):
        for corners in (True, False):
            for mode in (0, 1):
                attributes = {"interp_method": kind, "align_corners": corners,
                              "align_mode": mode, "out_h": 9, "out_w": 5}  # fmt: skip
                x = floats(rng, 2, 3, 6, 7)
                yield Case(f"{kind}_interp_v2", {"X": x}, attributes)
                if kind != "bicubic":
                    yield Case(f"{kind}_interp", {"X": x}, attributes, paddle="1.8.5")
                    scaled = {**attributes, "scale": 1.7, "out_h": -1, "out_w": -1}
                    yield Case(f"{kind}_interp", {"X": x}, scaled, paddle="1.8.5")
                scaled = {**attributes, "scale": [2.0, 1.5], "out_h": -1, "out_w": -1}
                yield Case(f"{kind}_interp_v2", {"X": x}, scaled)
    x = floats(rng, 1, 2, 4, 5)
    attributes = {"interp_method": "bilinear", "align_corners": False, "align_mode": 0}
    tensors = [np.array([7], np.int32), np.array([3], np.int32)]
    yield Case("bilinear_interp_v2", {"X": x, "SizeTensor": tensors}, attributes)
    yield Case("bilinear_interp_v2", {"X": x, "OutSize": np.array([7, 3], np.int32)}, attributes)
    yield Case("bilinear_interp_v2", {"X": x, "Scale": np.array([2.5], np.float32)}, attributes)
    attributes = {**attributes, "data_layout": "NHWC", "out_h": 8, "out_w": 3}
    yield Case("bilinear_interp_v2", {"X": floats(rng, 1, 4, 5, 2)}, attributes)
    attributes = {"interp_method": "linear", "align_corners": False, "align_mode": 0, "out_w": 9}
    yield Case("linear_interp_v2", {"X": floats(rng, 2, 3, 6)},
               {**attributes, "data_layout": "NCHW"})  # fmt: skip
    for sampling in ("bilinear", "nearest"):
        for border in ("zeros", "border", "reflection"):
            for corners in (True, False):
                grid = rng.uniform(-1.4, 1.4, (2, 4, 3, 2)).astype("float32")
                inputs = {"X": floats(rng, 2, 3, 6, 7), "Grid": grid}
                attributes = {"mode": sampling, "padding_mode": border, "align_corners": corners}
                yield Case("grid_sampler", inputs, attributes, {"Output": 1})
    for corners in (True, False):
        attributes = {"output_shape": [2, 3, 5, 4], "align_corners": corners}
        yield Case("affine_grid", {"Theta": floats(rng, 2, 2, 3)}, attributes, {"Output": 1})
