"""Cases of shapes, slices, indices and constants."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.oracles.jobs import Array

from .cases_images import Random, floats
from .operator_runs import Case

INTS = {"Out": "int64"}


def whole(*values: int) -> Array:
    return np.array(values, np.int32)


def shapes(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    x = floats(rng, 2, 3, 4, 5)
    yield Case("shape", {"Input": x}, {}, dtypes={"Out": "int32"})
    yield Case("size", {"Input": x}, {}, dtypes=INTS)
    for wanted in ([0, -1, 5], [6, 20], [-1], [0, 0, 2, -1]):
        yield Case("reshape2", {"X": x}, {"shape": wanted}, others=("XShape",))
        yield Case("reshape", {"X": x}, {"shape": wanted}, paddle="1.8.5")
    inputs = {"X": x, "Shape": whole(4, 30)}
    yield Case("reshape2", inputs, {"shape": [-1, 1]}, others=("XShape",))
    inputs = {"X": x, "ShapeTensor": [whole(6), whole(20)]}
    yield Case("reshape2", inputs, {"shape": [1, -1]}, others=("XShape",))
    yield Case("transpose2", {"X": x}, {"axis": [2, 0, 3, 1]}, others=("XShape",))
    yield Case("transpose", {"X": x}, {"axis": [0, 3, 2, 1]}, paddle="1.8.5")
    for axis in (0, 1, 2, 4):
        yield Case("flatten2", {"X": x}, {"axis": axis}, others=("XShape",))
        yield Case("flatten", {"X": x}, {"axis": axis}, paddle="1.8.5")
    attributes = {"start_axis": 1, "stop_axis": -2}
    yield Case("flatten_contiguous_range", {"X": x}, attributes, others=("XShape",))
    thin = floats(rng, 1, 3, 1, 4)
    for axes in ([], [0], [2, 0], [-2]):
        yield Case("squeeze2", {"X": thin}, {"axes": axes}, others=("XShape",))
    for axes in ([0], [1, 3], [-1], [-1, 1], [0, 0]):
        yield Case("unsqueeze2", {"X": floats(rng, 3, 4)}, {"axes": axes}, others=("XShape",))
    inputs = {"X": floats(rng, 3, 4), "AxesTensor": whole(1)}
    yield Case("unsqueeze2", inputs, {"axes": [0]}, others=("XShape",))
    yield Case("expand", {"X": floats(rng, 2, 3)}, {"expand_times": [2, 3]}, paddle="1.8.5")
    inputs = {"X": floats(rng, 2, 3), "expand_times_tensor": [whole(2), whole(1)]}
    yield Case("expand", inputs, {"expand_times": [-1, -1]}, paddle="1.8.5")
    for times in ([2], [2, 3], [2, 1, 3]):
        yield Case("tile", {"X": floats(rng, 2, 3)}, {"repeat_times": times})
    for wanted in ([4, 2, 3], [2, -1, -1], [-1, 5, -1]):
        x3 = floats(rng, 2, 1, 3) if wanted[1] == 5 else floats(rng, 2, 3)
        wanted = wanted if x3.ndim == 3 else [4, *wanted[1:]]
        yield Case("expand_v2", {"X": x3}, {"shape": wanted})
    inputs = {"X": floats(rng, 2, 1), "Y": floats(rng, 2, 3)}
    yield Case("expand_as_v2", inputs, {"target_shape": [2, 3]})
    inputs = {"X": floats(rng, 2, 1), "target_tensor": floats(rng, 4, 3)}
    yield Case("expand_as", inputs, {}, paddle="1.8.5")
    yield Case("shuffle_channel", {"X": floats(rng, 2, 6, 2, 3)}, {"group": 3})
    yield Case("channel_shuffle", {"X": floats(rng, 2, 6, 2, 3)}, {"groups": 2})
    yield Case("pixel_shuffle", {"X": floats(rng, 2, 8, 2, 3)}, {"upscale_factor": 2})
    yield Case("space_to_depth", {"X": floats(rng, 2, 4, 4, 6)}, {"blocksize": 2}, paddle="1.8.5")
    attributes = {"seg_num": 3, "shift_ratio": 0.25}
    yield Case("temporal_shift", {"X": floats(rng, 6, 8, 2, 2)}, attributes)
    inputs = {"X": [floats(rng, 2), floats(rng, 3)]}
    yield Case("meshgrid", inputs, {}, {"Out": 2})


def slices(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    x = floats(rng, 4, 5, 6)
    for axes, starts, ends, dropped in (
        ([0, 2], [1, -4], [3, 100], []), ([1], [2], [3], [1]), ([0, 1], [0, -1], [1, 5], [0, 1]),
        ([2], [-100], [-2], []),
    ):  # fmt: skip
        attributes = {"axes": axes, "starts": starts, "ends": ends, "decrease_axis": dropped,
                      "infer_flags": [1] * len(axes)}  # fmt: skip
        yield Case("slice", {"Input": x}, attributes)
        yield Case("slice", {"Input": x}, attributes, paddle="1.8.5")
    attributes = {"axes": [0, 1], "starts": [-1, -1], "ends": [-1, -1], "infer_flags": [-1, -1]}
    tensors = {"Input": x, "StartsTensor": whole(1, 0), "EndsTensor": whole(3, 2)}
    yield Case("slice", tensors, attributes)
    lists = {"Input": x, "StartsTensorList": [whole(1), whole(0)],
             "EndsTensorList": [whole(3), whole(2)]}  # fmt: skip
    yield Case("slice", lists, attributes)
    for starts, ends, strides in (
        ([0, 1], [4, 6], [2, 3]), ([3, -1], [0, -7], [-1, -2]), ([-1, 5], [-100, 0], [-2, -1]),
    ):  # fmt: skip
        attributes = {"axes": [0, 2], "starts": starts, "ends": ends, "strides": strides,
                      "infer_flags": [1, 1]}  # fmt: skip
        yield Case("strided_slice", {"Input": x}, attributes)
    for attributes, count in (
        ({"num": 3, "axis": 2}, 3), ({"sections": [1, 3, 1], "axis": 1}, 3),
        ({"sections": [1, -1], "axis": 2}, 2),
    ):  # fmt: skip
        yield Case("split", {"X": x}, attributes, {"Out": count})
        yield Case("split", {"X": x}, attributes, {"Out": count}, paddle="1.8.5")
    yield Case("split", {"X": x, "AxisTensor": whole(2)}, {"num": 2}, {"Out": 2})
    yield Case("unstack", {"X": x}, {"axis": 1, "num": 5}, {"Y": 5})
    yield Case("unbind", {"X": x}, {"axis": 0}, {"Out": 4})
    for axis in (0, -1):
        yield Case("concat", {"X": [x, x + 1]}, {"axis": axis})
        yield Case("stack", {"X": [x, x + 1]}, {"axis": axis}, {"Y": 1})
    yield Case("concat", {"X": [x, x], "AxisTensor": whole(1)}, {"axis": 0})
    attributes = {"offsets": [1, 0, 2], "shape": [2, 5, 3]}
    yield Case("crop_tensor", {"X": x}, attributes)
    yield Case("crop", {"X": x}, attributes, paddle="1.8.5")
    attributes = {"axes": [1], "starts": [1], "ends": [3], "steps": [1], "decrease_axes": [],
                  "none_axes": [], "dtype": 5, "shape": [1]}  # fmt: skip
    inputs = {"Input": x, "ValueTensor": floats(rng, 2, 6)}
    yield Case("set_value", inputs, attributes)
    yield Case("set_value", {"Input": x}, {**attributes, "values": [2.5]})
    attributes = {**attributes, "ends": [2], "decrease_axes": [1]}
    yield Case("set_value", {"Input": x, "ValueTensor": floats(rng, 4, 6)}, attributes)


def indices(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    x = floats(rng, 5, 4, 3)
    yield Case("gather", {"X": x, "Index": np.array([4, 0, 2])}, {})
    yield Case("gather", {"X": x, "Index": np.array([4, 0, 2])}, {}, paddle="1.8.5")
    yield Case("gather", {"X": x, "Index": np.array([3, 0]), "Axis": whole(1)}, {})
    yield Case("gather", {"X": x, "Index": np.array([2, 0])}, {"axis": 2})
    for paddle in ("1.8.5", "2.6.2"):
        inputs = {"X": x, "Index": np.array([[[0, 1], [4, 3]]])}
        yield Case("gather_nd", inputs, {}, paddle=paddle)
    yield Case("index_select", {"X": x, "Index": np.array([1, 3])}, {"dim": 1})
    inputs = {"X": floats(rng, 3, 5), "Index": rng.integers(0, 5, (3, 2))}
    yield Case("index_sample", inputs, {})
    inputs = {"Input": floats(rng, 3, 5), "Index": rng.integers(0, 3, (2, 5))}
    yield Case("take_along_axis", inputs, {"Axis": 0}, {"Result": 1})
    inputs = {"Input": floats(rng, 3, 5), "Index": np.array([[0, 2, 1, 0, 2]]),
              "Value": floats(rng, 1, 5)}  # fmt: skip
    for kind in ("assign", "add"):
        yield Case("put_along_axis", inputs, {"Axis": 0, "Reduce": kind}, {"Result": 1})
    for overwrite in (True, False):
        ids = np.array([1, 3] if overwrite else [1, 1])
        inputs = {"X": x, "Ids": ids, "Updates": floats(rng, 2, 4, 3)}
        yield Case("scatter", inputs, {"overwrite": overwrite})
    inputs = {"X": x, "Index": np.array([[1], [1], [4]]), "Updates": floats(rng, 3, 4, 3)}
    yield Case("scatter_nd_add", inputs, {})
    for offset in (0, 1, -2):
        yield Case("diag_v2", {"X": floats(rng, 3)}, {"offset": offset, "padding_value": 2.0})
        yield Case("diag_v2", {"X": floats(rng, 3, 4)}, {"offset": offset})
        yield Case("tril_triu", {"X": floats(rng, 3, 4)}, {"diagonal": offset, "lower": offset > 0})
    attributes = {"offset": 1, "axis1": 2, "axis2": 1}
    yield Case("diagonal", {"Input": floats(rng, 2, 3, 4)}, attributes)
    yield Case("roll", {"X": x}, {"shifts": [2, -1], "axis": [0, 2]})
    yield Case("roll", {"X": x}, {"shifts": [7], "axis": []})
    yield Case("flip", {"X": x}, {"axis": [0, -1]})
    yield Case("reverse", {"X": x}, {"axis": [1]}, paddle="1.8.5")
    table = floats(rng, 9, 4)
    for padding in (-1, 3):
        inputs = {"W": table, "Ids": np.array([[1], [3], [8]])}
        yield Case("lookup_table", inputs, {"padding_idx": padding}, paddle="1.8.5")
        inputs = {"W": table, "Ids": np.array([[1, 3], [8, 0]])}
        yield Case("lookup_table_v2", inputs, {"padding_idx": padding})
    yield Case("one_hot_v2", {"X": np.array([[1, 3], [0, 2]])}, {"depth": 4, "dtype": 5})
    inputs = {"X": np.array([[1], [3]])}
    yield Case("one_hot", inputs, {"depth": 4, "dtype": 5}, paddle="1.8.5")


def borders(rng: Random) -> Iterator[Case]:
    attributes: Any
    yield Case("pad", {"X": floats(rng, 2, 3)}, {"paddings": [1, 0, 2, 3], "pad_value": 1.5})
    x = floats(rng, 2, 3, 4, 5)
    for mode in ("constant", "reflect", "edge"):
        for layout in ("NCHW", "NHWC"):
            attributes = {"paddings": [1, 2, 0, 2], "mode": mode, "data_format": layout,
                          "pad_value": 0.5}  # fmt: skip
            yield Case("pad2d", {"X": x}, attributes, paddle="1.8.5")
    for mode in ("constant", "reflect", "replicate", "circular"):
        attributes = {"paddings": [1, 2, 0, 2, 1, 1], "mode": mode, "value": 0.5,
                      "data_format": "NCDHW"}  # fmt: skip
        yield Case("pad3d", {"X": floats(rng, 1, 2, 3, 4, 5)}, attributes)
    yield Case("pad_constant_like", {"X": floats(rng, 4, 5), "Y": floats(rng, 2, 5)},
               {"pad_value": 2.0}, paddle="1.8.5")  # fmt: skip


def constants(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    x = floats(rng, 3, 4)
    for attributes in (
        {"shape": [2, 3], "value": 0.1, "dtype": 5}, {"shape": [1], "str_value": "7", "dtype": 3},
        {"shape": [2], "value": 1.0, "dtype": 0},
    ):  # fmt: skip
        kind = {5: "float32", 3: "int64", 0: "bool"}[attributes["dtype"]]
        yield Case("fill_constant", {}, attributes, dtypes={"Out": kind})
    inputs = {"ShapeTensorList": [whole(2), whole(3)]}
    yield Case("fill_constant", inputs, {"shape": [-1, -1], "value": 2.0, "dtype": 5})
    attributes = {"shape": [-1, 5], "value": 2.0, "dtype": 5}
    yield Case("fill_constant_batch_size_like", {"Input": x}, attributes)
    yield Case("fill_any_like", {"X": x}, {"value": 3.0, "dtype": -1})
    yield Case("fill_any_like", {"X": x}, {"value": 3.0, "dtype": 3}, dtypes=INTS)
    yield Case("fill_zeros_like", {"X": x}, {}, paddle="1.8.5")
    attributes = {"shape": [2, 2], "dtype": 5, "fp32_values": [1.0, 2.0, 3.0, 4.0]}
    yield Case("assign_value", {}, attributes, paddle="1.8.5")
    attributes = {"shape": [3], "dtype": 3, "int64_values": [1, 2, 3]}
    yield Case("assign_value", {}, attributes, dtypes=INTS)
    inputs = {"Start": np.array([1]), "End": np.array([8]), "Step": np.array([3])}
    yield Case("range", inputs, {}, dtypes=INTS)
    inputs = {slot: np.array([v], np.float32) for slot, v in
              (("Start", 1), ("End", 0), ("Step", -0.3))}  # fmt: skip
    yield Case("range", inputs, {}, paddle="1.8.5")
    inputs = {"Start": np.array([0], np.float32), "Stop": np.array([2], np.float32),
              "Num": whole(5)}  # fmt: skip
    yield Case("linspace", inputs, {"dtype": 5})
    yield Case("eye", {}, {"num_rows": 3, "num_columns": 4, "dtype": 5})
    yield Case("cast", {"X": 3 * x}, {"in_dtype": 5, "out_dtype": 2}, dtypes={"Out": "int32"})
    yield Case("assign", {"X": x}, {})
    for kind in ("downgrade_in_infer", "upscale_in_train"):
        attributes = {"is_test": True, "dropout_prob": 0.3, "dropout_implementation": kind}
        yield Case("dropout", {"X": x}, attributes, others=("Mask",), dtypes={"Mask": "uint8"})
        yield Case("dropout", {"X": x}, attributes, others=("Mask",), dtypes={"Mask": "uint8"},
                   paddle="1.8.5")  # fmt: skip
    yield Case("label_smooth", {"X": x}, {"epsilon": 0.1})
