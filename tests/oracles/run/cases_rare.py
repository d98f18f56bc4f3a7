"""Cases of operators that few models have."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from weightquant_cli.core.run import Tensor

from .cases_images import Random, floats
from .cases_sequences import LOD
from .operator_runs import Case

TRUTH = {"Out": "bool"}


def elements(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    x, y = floats(rng, 3, 4), floats(rng, 3, 4)
    for name in ("elementwise_fmax", "elementwise_fmin", "elementwise_heaviside", "grad_add"):
        yield Case(name, {"X": x, "Y": y}, {"axis": -1})
    yield Case("minus", {"X": x, "Y": y}, {}, paddle="1.8.5")
    yield Case("atan2", {"X1": x, "X2": y}, {})
    yield Case("lerp", {"X": x, "Y": y, "Weight": floats(rng, 1)}, {})
    yield Case("trunc", {"X": 3 * x}, {})
    whole = {"X": rng.integers(0, 9, (3, 4)), "Y": rng.integers(0, 9, (3, 4))}
    for name in ("bitwise_and", "bitwise_or", "bitwise_xor"):
        yield Case(name, whole, {}, dtypes={"Out": "int64"})
    yield Case("bitwise_not", {"X": whole["X"]}, {}, dtypes={"Out": "int64"})
    for other in (x, y):
        yield Case("equal_all", {"X": x, "Y": other}, {}, dtypes=TRUTH)
        inputs = {"Input": x, "Other": other + np.float32(1e-7)}
        attributes = {"rtol": "1e-5", "atol": "1e-8"}
        for name in ("allclose", "isclose"):
            yield Case(name, inputs, attributes, dtypes=TRUTH)
    odd = np.array([1, np.nan, np.inf, -np.inf], np.float32)
    for name in ("isnan_v2", "isinf_v2", "isfinite_v2"):
        yield Case(name, {"X": odd}, {}, dtypes=TRUTH)
    yield Case("isfinite", {"X": odd}, {}, paddle="1.8.5", dtypes=TRUTH)
    yield Case("is_empty", {"X": x}, {}, dtypes=TRUTH)
    for functors in (["relu", "elementwise_add"], ["elementwise_add", "relu"]):
        attributes = {"functor_list": functors, "axis": -1, "save_intermediate_out": False}
        yield Case("fused_elemwise_activation", {"X": x, "Y": y}, attributes, paddle="1.8.5",
                   others=("IntermediateOut",))  # fmt: skip
    for name in ("reduce_amax", "reduce_amin"):
        yield Case(name, {"X": x}, {"dim": [1]})
    yield Case("l1_norm", {"X": x}, {}, paddle="1.8.5")
    yield Case("cumprod", {"X": x}, {"dim": 1})
    for right in (True, False):
        inputs = {"SortedSequence": np.arange(5, dtype=np.float32),
                  "Values": np.array([0.5, 2, 9], np.float32)}  # fmt: skip
        yield Case("searchsorted", inputs, {"right": right}, dtypes={"Out": "int64"})
        inputs = {"SortedSequence": np.sort(floats(rng, 2, 5)), "Values": floats(rng, 2, 3)}
        attributes = {"right": right, "out_int32": True}
        yield Case("searchsorted", inputs, attributes, dtypes={"Out": "int32"})
    slots = {"Out": 1, "Index": 1, "Count": 1}
    types = {"Out": "int64", "Index": "int32", "Count": "int32"}
    numbers = np.array([2, 3, 3, 1, 5, 3])
    yield Case("unique_with_counts", {"X": numbers}, {"dtype": 2}, slots, "1.8.5", dtypes=types)


def tensors(rng: Random) -> Iterator[Case]:
    inputs: Any
    x = floats(rng, 1, 3, 1)
    yield Case("squeeze", {"X": x}, {"axes": [0]}, paddle="1.8.5")
    yield Case("unsqueeze", {"X": x}, {"axes": [1, 3]}, paddle="1.8.5")
    yield Case("fill_zeros_like2", {"X": x}, {"dtype": 5}, paddle="1.8.5")
    yield Case("share_data", {"X": x}, {}, paddle="2.6.2")
    inputs = {"X": [floats(rng, 2, 1), floats(rng, 1, 3)]}
    yield Case("broadcast_tensors", inputs, {}, {"Out": 2})
    inputs = {"X": [floats(rng, 2, 5), floats(rng, 2, 5)]}
    yield Case("partial_concat", inputs, {"start_index": 1, "length": 3}, paddle="1.8.5")
    yield Case("diag", {"Diagonal": floats(rng, 3)}, {}, paddle="1.8.5")
    values = floats(rng, 1, 2, 2, 3)
    places = np.array([0, 4, 7, 15, 19, 21], np.int32).reshape(1, 1, 2, 3).repeat(2, axis=1)
    attributes = {"ksize": [2, 2], "strides": [2, 2], "paddings": [0, 0],
                  "unpooling_type": "max", "output_size": [4, 6]}  # fmt: skip
    yield Case("unpool", {"X": values, "Indices": places}, attributes)


def images(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    shape = {"interp_method": "bicubic", "align_corners": True, "out_h": 9, "out_w": 5}
    yield Case("bicubic_interp", {"X": floats(rng, 1, 2, 4, 6)}, shape, paddle="1.8.5")
    for mode in (0, 1):
        attributes = {"interp_method": "linear", "align_corners": False, "align_mode": mode,
                      "out_w": 9, "data_layout": "NCHW"}  # fmt: skip
        yield Case("linear_interp", {"X": floats(rng, 1, 2, 6)}, attributes)
        volume = {"interp_method": "trilinear", "align_corners": False, "align_mode": mode,
                  "out_d": 5, "out_h": 3, "out_w": 9, "data_layout": "NCHW"}  # fmt: skip
        image = {"X": floats(rng, 1, 2, 3, 4, 6)}
        yield Case("trilinear_interp", image, volume, paddle="1.8.5")
        yield Case("trilinear_interp_v2", image, volume)
    attributes = {"strides": [1, 1], "paddings": [1, 1], "dilations": [1, 1], "groups": 1,
                  "deformable_groups": 1, "im2col_step": 1}  # fmt: skip
    inputs = {"Input": floats(rng, 2, 4, 7, 6), "Filter": floats(rng, 4, 4, 3, 3),
              "Offset": floats(rng, 2, 18, 7, 6)}  # fmt: skip
    yield Case("deformable_conv_v1", inputs, attributes, {"Output": 1}, "1.8.5")
    sums = {"X": floats(rng, 4, 5), "BatchSize": np.full(5, 100, np.float32),
            "BatchSum": floats(rng, 5), "BatchSquareSum": np.full(5, 90, np.float32)}  # fmt: skip
    yield Case("data_norm", sums, {}, {"Y": 1}, "1.8.5", ("Means", "Scales"))


def fused(rng: Random) -> Iterator[Case]:
    size = 5
    x = Tensor(floats(rng, 9, 4), LOD)
    inputs = {"X": x, "WeightX": floats(rng, 4, 3 * size), "WeightH": floats(rng, size, 3 * size),
              "Bias": floats(rng, 1, 3 * size)}  # fmt: skip
    attributes = {"is_reverse": False, "use_seq": True, "activation": "tanh",
                  "gate_activation": "sigmoid", "origin_mode": False}  # fmt: skip
    others = ("XX", "ReorderedH0", "BatchedInput", "BatchedOut")
    yield Case("fusion_gru", inputs, attributes, {"Hidden": 1}, "1.8.5", others)
    inputs = {"X": x, "WeightX": floats(rng, 4, 4 * size), "WeightH": floats(rng, size, 4 * size),
              "Bias": floats(rng, 1, 4 * size)}  # fmt: skip
    attributes = {"use_peepholes": False, "is_reverse": False, "use_seq": True}
    more = ("XX", "BatchedInput", "BatchedHidden", "BatchedCell", "ReorderedH0", "ReorderedC0",
              "CheckedCell")  # fmt: skip
    yield Case("fusion_lstm", inputs, attributes, {"Hidden": 1, "Cell": 1}, "1.8.5", more)
