"""Cases of functions of elements, products, reductions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .cases_images import Random, floats
from .operator_runs import Case

PLAIN = (
    "relu", "tanh", "sigmoid", "exp", "abs", "square", "floor", "ceil", "round", "sin", "cos",
    "tan", "sinh", "cosh", "atan", "sign", "erf", "softsign", "tanh_shrink", "logsigmoid", "silu",
    "expm1",
)  # fmt: skip
POSITIVE = ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal")
WITH_ATTRIBUTES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("relu6", {}), ("brelu", {"t_min": -0.5, "t_max": 0.7}), ("leaky_relu", {"alpha": 0.1}),
    ("hard_sigmoid", {}), ("hard_sigmoid", {"slope": 0.16, "offset": 0.4}), ("hard_swish", {}),
    ("swish", {}),
    ("mish", {}), ("gelu", {}), ("gelu", {"approximate": True}),
    ("elu", {"alpha": 0.7}), ("selu", {}), ("celu", {"alpha": 1.3}),
    ("softplus", {"beta": 2.0, "threshold": 1.0}), ("hard_shrink", {"threshold": 0.3}),
    ("softshrink", {"lambda": 0.3}), ("thresholded_relu", {"threshold": 0.4}), ("soft_relu", {}),
    ("stanh", {}), ("pow", {"factor": 2.0}), ("clip", {"min": -0.3, "max": 0.4}),
    ("clip_by_norm", {"max_norm": 1.0}),
)  # fmt: skip


def activations(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    for name in PLAIN:
        yield Case(name, {"X": 2 * floats(rng, 3, 17)})
    for name in POSITIVE:
        yield Case(name, {"X": np.abs(floats(rng, 3, 17)) + np.float32(0.1)})
    for name in ("asin", "acos"):
        yield Case(name, {"X": rng.uniform(-0.9, 0.9, (3, 5)).astype("float32")})
    for name, attributes in WITH_ATTRIBUTES:
        yield Case(name, {"X": 2 * floats(rng, 3, 17)}, attributes)
    attributes = {"threshold": 5.0, "scale": 4.0, "offset": 2.0}  # which 2.6.2 does not read
    yield Case("hard_swish", {"X": 2 * floats(rng, 3, 17)}, attributes, paddle="1.8.5")
    for beta in (1.0, 1.7):
        yield Case("swish", {"X": floats(rng, 3, 17)}, {"beta": beta}, paddle="1.8.5")
    yield Case("logit", {"X": rng.random((3, 9), np.float32)}, {"eps": 1e-3})
    for mode, count in (("all", (1,)), ("channel", (4,)), ("element", (1, 4, 3))):
        inputs = {"X": floats(rng, 2, 4, 3), "Alpha": np.abs(floats(rng, *count))}
        yield Case("prelu", inputs, {"mode": mode})
    for axis in (-1, 1, 0):
        yield Case("softmax", {"X": 3 * floats(rng, 2, 5, 7)}, {"axis": axis})
        yield Case("log_softmax", {"X": 3 * floats(rng, 2, 5, 7)}, {"axis": axis})
        yield Case("softmax", {"X": 3 * floats(rng, 2, 5, 7)}, {"axis": axis}, paddle="1.8.5")
    yield Case("maxout", {"X": floats(rng, 2, 6, 3, 3)}, {"groups": 2, "axis": 1})
    x = floats(rng, 3, 4)
    limits = {"Min": np.array([-0.2], np.float32), "Max": np.array([0.3], np.float32)}
    yield Case("clip", {"X": x, **limits}, {"min": 0.0, "max": 0.0})


ARITHMETIC = ("elementwise_add", "elementwise_sub", "elementwise_mul", "elementwise_div",
              "elementwise_max", "elementwise_min", "elementwise_pow")  # fmt: skip
SHAPES = (
    ((2, 3, 4), (2, 3, 4), -1), ((2, 3, 4), (4,), -1), ((2, 3, 4), (3,), 1), ((2, 3, 4), (1,), -1),
    ((2, 3, 4), (2, 3), 0), ((2, 3, 4), (3, 1), 1), ((2, 1, 4), (1, 3, 1), -1),
)  # fmt: skip


def arithmetic(rng: Random) -> Iterator[Case]:
    inputs: Any
    for name in ARITHMETIC:
        for number, (first, second, axis) in enumerate(SHAPES):
            inputs = {"X": np.abs(floats(rng, *first)) + 1, "Y": floats(rng, *second)}
            broadcast = 1 in first or (1 in second and second != (1,))
            paddle = "2.6.2" if broadcast or number % 2 else "1.8.5"
            yield Case(name, inputs, {"axis": axis}, paddle=paddle)
    yield Case("elementwise_add", {"X": floats(rng, 4), "Y": floats(rng, 2, 3, 4)}, {"axis": -1})
    whole = {"X": np.arange(-6, 6).reshape(3, 4), "Y": np.array([3, -2, 5, 4])}
    for name in ("elementwise_mod", "elementwise_floordiv", "elementwise_add", "elementwise_mul"):
        yield Case(name, whole, {"axis": -1}, dtypes={"Out": "int64"})
    for attributes in (
        {"scale": 2.5, "bias": 1.5}, {"scale": 2.5, "bias": 1.5, "bias_after_scale": False},
    ):  # fmt: skip
        yield Case("scale", {"X": floats(rng, 3, 4)}, attributes)
        yield Case("scale", {"X": np.arange(5)}, attributes, dtypes={"Out": "int64"})
    inputs = {"X": floats(rng, 3, 4), "ScaleTensor": np.array([3], np.float32)}
    yield Case("scale", inputs, {"bias": 1.0})
    yield Case("sum", {"X": [floats(rng, 3, 4) for _ in range(3)]})
    yield Case("increment", {"X": floats(rng, 1)}, {"step": 2.0})
    for name in ("equal", "not_equal", "less_than", "less_equal", "greater_than", "greater_equal"):
        inputs = {"X": np.arange(6).reshape(2, 3), "Y": np.array([[1, 4, 2]])}
        yield Case(name, inputs, {}, dtypes={"Out": "bool"})
    for name in ("logical_and", "logical_or", "logical_xor"):
        truths = {"X": np.array([True, False, True]), "Y": np.array([True, True, False])}
        yield Case(name, truths, {}, dtypes={"Out": "bool"})
    yield Case("logical_not", {"X": np.array([True, False])}, {}, dtypes={"Out": "bool"})
    truths = {"Condition": np.array([[True, False, True]]), "X": floats(rng, 1, 3),
              "Y": floats(rng, 1, 3)}  # fmt: skip
    yield Case("where", truths, {})
    yield Case("kron", {"X": floats(rng, 2, 3), "Y": floats(rng, 3, 2)})


def products(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    yield Case("mul", {"X": floats(rng, 4, 6), "Y": floats(rng, 6, 3)}, {})
    for split in (1, 2):
        left = (3, 2, 4) if split == 2 else (3, 2, 2)
        inputs = {"X": floats(rng, *left), "Y": floats(rng, 4, 5)}
        yield Case("mul", inputs, {"x_num_col_dims": split}, paddle="1.8.5")
    for one, other in ((False, False), (True, False), (False, True), (True, True)):
        x = floats(rng, 2, 5, 3) if one else floats(rng, 2, 3, 5)
        y = floats(rng, 2, 4, 5) if other else floats(rng, 2, 5, 4)
        attributes = {"transpose_X": one, "transpose_Y": other, "alpha": 0.5}
        yield Case("matmul", {"X": x, "Y": y}, attributes)
        yield Case("matmul", {"X": x, "Y": y}, attributes, paddle="1.8.5")
        yield Case("matmul_v2", {"X": x, "Y": y}, {"trans_x": one, "trans_y": other})
        attributes = {"trans_x": one, "trans_y": other}
        yield Case("matmul_v2", {"X": x, "Y": y[0]}, attributes)
    for first, second in (((5,), (5,)), ((2, 3, 5), (5,)), ((4, 1, 3, 5), (2, 5, 3))):
        yield Case("matmul_v2", {"X": floats(rng, *first), "Y": floats(rng, *second)}, {})
    yield Case("matmul", {"X": floats(rng, 2, 3, 5), "Y": floats(rng, 5)}, {}, paddle="1.8.5")
    yield Case("bmm", {"X": floats(rng, 3, 2, 4), "Y": floats(rng, 3, 4, 5)})
    yield Case("mv", {"X": floats(rng, 3, 4), "Vec": floats(rng, 4)})
    yield Case("dot", {"X": floats(rng, 3, 4), "Y": floats(rng, 3, 4)})
    inputs = {"Input": floats(rng, 3, 5), "X": floats(rng, 3, 4), "Y": floats(rng, 4, 5)}
    yield Case("addmm", inputs, {"Alpha": 0.5, "Beta": 2.0})
    inputs = {"Input": floats(rng, 3, 2, 4), "W": floats(rng, 4, 5), "Bias": floats(rng, 5)}
    yield Case("fc", inputs, {"in_num_col_dims": 2, "activation_type": "relu"})
    inputs = {"X": floats(rng, 3, 4), "Y": floats(rng, 3, 5), "Weight": floats(rng, 2, 4, 5),
              "Bias": floats(rng, 1, 2)}  # fmt: skip
    yield Case("bilinear_tensor_product", inputs, {})
    inputs = {"X": floats(rng, 3, 4), "Y": floats(rng, 3, 4)}
    yield Case("cos_sim", inputs, {}, paddle="1.8.5", others=("XNorm", "YNorm"))


def reductions(rng: Random) -> Iterator[Case]:
    for name in ("reduce_sum", "reduce_mean", "reduce_max", "reduce_min", "reduce_prod"):
        for attributes in (
            {"dim": [1]}, {"dim": [-1], "keep_dim": True}, {"dim": [0, 2]}, {"reduce_all": True},
        ):  # fmt: skip
            yield Case(name, {"X": floats(rng, 2, 3, 4)}, attributes)
        yield Case(name, {"X": floats(rng, 2, 3, 4)}, {"dim": [0, 1]}, paddle="1.8.5")
    for name in ("reduce_any", "reduce_all"):
        truths = rng.random((3, 4)) < 0.5
        yield Case(name, {"X": truths}, {"dim": [1]}, dtypes={"Out": "bool"})
    yield Case("mean", {"X": floats(rng, 3, 4)})
    for axis in ([1], [0, 2]):
        yield Case("logsumexp", {"X": floats(rng, 2, 3, 4)}, {"axis": axis, "keepdim": True})
        yield Case("frobenius_norm", {"X": floats(rng, 2, 3, 4)}, {"dim": axis})
    for change in ({}, {"axis": 0, "reverse": True}, {"exclusive": True}):
        yield Case("cumsum", {"X": floats(rng, 3, 5)}, {"axis": 1, **change})
    yield Case("squared_l2_norm", {"X": floats(rng, 3, 4)})


def searches(rng: Random) -> Iterator[Case]:
    attributes: Any
    for name in ("arg_max", "arg_min"):
        for attributes in ({"axis": 1, "dtype": 3}, {"axis": -1, "keepdims": True, "dtype": 2},
                           {"flatten": True, "dtype": 3, "axis": 0}):  # fmt: skip
            dtypes = {"Out": "int32" if attributes["dtype"] == 2 else "int64"}
            yield Case(name, {"X": floats(rng, 2, 5, 4)}, attributes, dtypes=dtypes)
        dtypes = {"Out": "int64"}
        yield Case(name, {"X": floats(rng, 3, 4)}, {"axis": 0}, paddle="1.8.5", dtypes=dtypes)
    both = {"Out": 1, "Indices": 1}
    for attributes in ({"axis": 1}, {"axis": 0, "descending": True}):
        dtypes = {"Indices": "int64"}
        yield Case("argsort", {"X": floats(rng, 4, 5)}, attributes, both, dtypes=dtypes)
    dtypes = {"Indices": "int64"}
    yield Case("top_k", {"X": floats(rng, 4, 6)}, {"k": 3}, both, "1.8.5", dtypes=dtypes)
    yield Case("top_k_v2", {"X": floats(rng, 4, 6)}, {"k": 2, "axis": 0}, both, dtypes=dtypes)
    attributes = {"k": 2, "axis": 1, "largest": False}
    yield Case("top_k_v2", {"X": floats(rng, 4, 6)}, attributes, both, dtypes=dtypes)
    truths = rng.random((3, 4)) < 0.5
    yield Case("where_index", {"Condition": truths}, {}, dtypes={"Out": "int64"})
    yield Case("masked_select", {"X": floats(rng, 3, 4), "Mask": truths}, {}, {"Y": 1})
    numbers = rng.integers(0, 4, 9)
    attributes = {"dtype": 3, "return_index": True, "return_inverse": True,
                  "return_counts": True, "axis": [], "is_sorted": True}  # fmt: skip
    slots = {"Out": 1, "Index": 1, "Indices": 1, "Counts": 1}
    types = dict.fromkeys(slots, "int64")
    yield Case("unique", {"X": numbers}, attributes, slots, dtypes=types)
    ids = {"Ids": np.array([[1], [0], [1]], np.int32),
           "X": [floats(rng, 3, 4), floats(rng, 3, 4)]}  # fmt: skip
    yield Case("multiplex", ids, {})
