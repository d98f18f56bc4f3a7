"""Programs made by hand: readers of weights, and neighbours that a pass of `opt` might fuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from tests.builders import COMBINED, Attr, ModelBuilder, normal
from weightquant_cli.formats.attributes import AttrType

from ..lite_demands.lab import Case

Make = Callable[[ModelBuilder], "list[str]"]

WEIGHT = "weight"
"""The name of the weight that a carrier is for, in every program here."""

CASES: dict[str, tuple[Make, Mapping[str, tuple[int, ...]]]] = {}
"""Programs by name, with the shapes of their inputs; one whose name begins with `ids` is INT64."""


def case(name: str, **inputs: tuple[int, ...]) -> Callable[[Make], Make]:
    """Register a program under a name."""

    def put(make: Make) -> Make:
        CASES[name] = make, inputs
        return make

    return put


def build(home: Path) -> Iterator[Case]:
    """Write the programs, with inputs that are the same every time."""
    for number, (name, (make, inputs)) in enumerate(CASES.items()):
        model, folder = ModelBuilder(version=2004002), home / str(number)
        values = []
        for index, (given, shape) in enumerate(inputs.items()):
            whole = given.startswith("ids")
            model.input(given, shape, 3 if whole else 5)
            feed = next(op for op in reversed(model.main.desc.ops) if op.type == b"feed")
            next(a for a in feed.attrs if a.name == b"col").i = index
            count = int(np.prod(shape))
            values.append(
                (np.arange(count).reshape(shape) % 5).astype("int64")
                if whole
                else normal(*shape, seed=index)
            )
        outputs = make(model)
        for column, output in enumerate(outputs):
            model.fetch(output)
            fetch = model.main.desc.ops[-1]
            next(a for a in fetch.attrs if a.name == b"col").i = column
        model.write(folder, COMBINED)
        np.savez(folder / "in.npz", *values)
        np.savez(folder / "out.npz", *[np.zeros(1, "float32")] * len(outputs))
        yield Case(
            name,
            "",
            folder / "__model__",
            folder / "__params__",
            tuple(inputs),
            ([],) * len(inputs),
            folder / "in.npz",
            folder / "out.npz",
        )


def weight(model: ModelBuilder, *shape: int, seed: int = 7) -> str:
    """The weight that is carried."""
    return model.parameter(WEIGHT, normal(*shape, seed=seed, std=0.3))


def op(
    model: ModelBuilder,
    kind: str,
    shape: tuple[int, ...],
    out: str = "Out",
    attrs: Mapping[str, Any] | None = None,
    extra: Mapping[str, Any] | None = None,
    **inputs: str,
) -> str:
    """An operator with one output that counts, and perhaps more (`extra`)."""
    name = f"{kind}.{len(model.main.desc.ops)}"
    outputs: dict[str, Any] = {out: name}
    for slot in extra or ():
        outputs[slot] = model.main.var(f"{name}.{slot}", (1,))
    model.op(kind, inputs, outputs, attrs, shape=shape)
    return name


def add(model: ModelBuilder, x: str, y: str, shape: tuple[int, ...], axis: int = -1) -> str:
    """elementwise_add."""
    return op(model, "elementwise_add", shape, attrs={"axis": axis}, X=x, Y=y)


V1 = {"transpose_X": False, "transpose_Y": False, "alpha": 1.0}
V2 = {"trans_x": False, "trans_y": False}


@case("matmul trans_y", x=(3, 6))
def _(m: ModelBuilder) -> list[str]:
    return [op(m, "matmul", (3, 5), attrs={**V1, "transpose_Y": True}, X="x", Y=weight(m, 5, 6))]


@case("matmul trans_y + elementwise_add", x=(3, 6))
def _(m: ModelBuilder) -> list[str]:
    y = op(m, "matmul", (3, 5), attrs={**V1, "transpose_Y": True}, X="x", Y=weight(m, 5, 6))
    return [add(m, y, m.parameter("bias", normal(5)), (3, 5), 1)]


@case("matmul + elementwise_add", x=(3, 6))
def _(m: ModelBuilder) -> list[str]:
    y = op(m, "matmul", (3, 5), attrs=V1, X="x", Y=weight(m, 6, 5))
    return [add(m, y, m.parameter("bias", normal(5)), (3, 5), 1)]


@case("matmul alpha 0.5 + elementwise_add", x=(3, 6))
def _(m: ModelBuilder) -> list[str]:
    y = op(m, "matmul", (3, 5), attrs={**V1, "alpha": 0.5}, X="x", Y=weight(m, 6, 5))
    return [add(m, y, m.parameter("bias", normal(5)), (3, 5), 1)]


@case("matmul, weight as X", x=(6, 3))
def _(m: ModelBuilder) -> list[str]:
    return [op(m, "matmul", (5, 3), attrs=V1, X=weight(m, 5, 6), Y="x")]


@case("matmul trans_x, weight as X", x=(6, 3))
def _(m: ModelBuilder) -> list[str]:
    return [op(m, "matmul", (5, 3), attrs={**V1, "transpose_X": True}, X=weight(m, 6, 5), Y="x")]


for _given, _flag in (("trans_x, weight as X", "trans_x"), ("trans_y", "trans_y")):

    @case(f"matmul_v2 {_given}", x=(6, 3) if _flag == "trans_x" else (3, 6))
    def _(m: ModelBuilder, flag: str = _flag) -> list[str]:
        attrs = {**V2, flag: True}
        if flag == "trans_x":
            return [op(m, "matmul_v2", (5, 3), attrs=attrs, X=weight(m, 6, 5), Y="x")]
        return [op(m, "matmul_v2", (3, 5), attrs=attrs, X="x", Y=weight(m, 5, 6))]


@case("matmul_v2 + elementwise_add", x=(2, 3, 6))
def _(m: ModelBuilder) -> list[str]:
    y = op(m, "matmul_v2", (2, 3, 5), attrs=V2, X="x", Y=weight(m, 6, 5))
    return [add(m, y, m.parameter("bias", normal(5)), (2, 3, 5))]


@case("mul, weight as X", x=(6, 3))
def _(m: ModelBuilder) -> list[str]:
    attrs = {"x_num_col_dims": 1, "y_num_col_dims": 1}
    return [op(m, "mul", (5, 3), attrs=attrs, X=weight(m, 5, 6), Y="x")]


CONV = {
    "strides": [1, 1],
    "paddings": [0, 0],
    "dilations": [1, 1],
    "groups": 1,
    "data_format": "NCHW",
}
IMAGE = (1, 4, 6, 6)


def transposed(m: ModelBuilder) -> str:
    attrs = {
        **CONV,
        "output_size": Attr(AttrType.INTS, []),
        "output_padding": Attr(AttrType.INTS, []),
    }
    w = weight(m, 4, 8, 3, 3)
    return op(m, "conv2d_transpose", (1, 8, 8, 8), "Output", attrs, Input="x", Filter=w)


def batch_norm(m: ModelBuilder, x: str, channels: int, kind: str = "batch_norm") -> str:
    slots = {
        s: m.parameter(f"bn.{s}", np.abs(normal(channels, seed=i)) + 0.5)
        for i, s in enumerate(("Bias", "Mean", "Scale", "Variance"))
    }
    attrs = {"epsilon": 1e-5, "momentum": 0.9, "is_test": True, "data_layout": "NCHW"}
    attrs |= {"use_global_stats": False}
    extra = dict.fromkeys(("SavedMean", "SavedVariance"))
    name = f"{kind}.out"
    outputs = {"Y": name, "MeanOut": slots["Mean"], "VarianceOut": slots["Variance"]}
    outputs |= {s: m.main.var(f"{name}.{s}", (channels,)) for s in extra}
    m.op(kind, {"X": x, **slots}, outputs, attrs, shape=(1, channels, 8, 8))
    return name


@case("conv2d_transpose", x=IMAGE)
def _(m: ModelBuilder) -> list[str]:
    return [transposed(m)]


@case("conv2d_transpose + batch_norm", x=IMAGE)
def _(m: ModelBuilder) -> list[str]:
    return [batch_norm(m, transposed(m), 8)]


@case("conv2d_transpose + sync_batch_norm", x=IMAGE)
def _(m: ModelBuilder) -> list[str]:
    return [batch_norm(m, transposed(m), 8, "sync_batch_norm")]


@case("conv2d_transpose + relu + batch_norm", x=IMAGE)
def _(m: ModelBuilder) -> list[str]:
    x = op(m, "relu", (1, 8, 8, 8), X=transposed(m))
    return [batch_norm(m, x, 8)]


@case("conv2d_transpose + batch_norm, output read twice", x=IMAGE)
def _(m: ModelBuilder) -> list[str]:
    x = transposed(m)
    return [batch_norm(m, x, 8), op(m, "relu", (1, 8, 8, 8), X=x)]


@case("conv2d_transpose + bias + batch_norm", x=IMAGE)
def _(m: ModelBuilder) -> list[str]:
    x = add(m, transposed(m), m.parameter("bias", normal(8)), (1, 8, 8, 8), 1)
    return [batch_norm(m, x, 8)]


@case("conv2d_transpose + scale", x=IMAGE)
def _(m: ModelBuilder) -> list[str]:
    attrs = {"scale": 2.0, "bias": 0.5, "bias_after_scale": True}
    return [op(m, "scale", (1, 8, 8, 8), attrs=attrs, X=transposed(m))]


@case("conv2d_transpose + bias + scale", x=IMAGE)
def _(m: ModelBuilder) -> list[str]:
    x = add(m, transposed(m), m.parameter("bias", normal(8)), (1, 8, 8, 8), 1)
    attrs = {"scale": 2.0, "bias": 0.5, "bias_after_scale": True}
    return [op(m, "scale", (1, 8, 8, 8), attrs=attrs, X=x)]


@case("conv2d_transpose + elementwise_mul by a parameter", x=IMAGE)
def _(m: ModelBuilder) -> list[str]:
    by = m.parameter("by", normal(8))
    return [op(m, "elementwise_mul", (1, 8, 8, 8), attrs={"axis": 1}, X=transposed(m), Y=by)]


@case("conv2d_transpose + 1x1 conv2d", x=IMAGE)
def _(m: ModelBuilder) -> list[str]:
    w = m.parameter("one", normal(5, 8, 1, 1))
    return [op(m, "conv2d", (1, 5, 8, 8), "Output", CONV, Input=transposed(m), Filter=w)]


@case("conv2d + 1x1 conv2d", x=IMAGE)
def _(m: ModelBuilder) -> list[str]:
    one, w = m.parameter("one", normal(6, 8, 1, 1)), weight(m, 8, 4, 3, 3)
    x = op(m, "conv2d", (1, 8, 4, 4), "Output", CONV, Input="x", Filter=w)
    return [op(m, "conv2d", (1, 6, 4, 4), "Output", CONV, Input=x, Filter=one)]


@case("conv2d + bias + scale", x=IMAGE)
def _(m: ModelBuilder) -> list[str]:
    x = op(m, "conv2d", (1, 8, 4, 4), "Output", CONV, Input="x", Filter=weight(m, 8, 4, 3, 3))
    x = add(m, x, m.parameter("bias", normal(8)), (1, 8, 4, 4), 1)
    attrs = {"scale": 2.0, "bias": 0.0, "bias_after_scale": True}
    return [op(m, "scale", (1, 8, 4, 4), attrs=attrs, X=x)]


@case("elementwise_add of a table", x=(2, 7, 6))
def _(m: ModelBuilder) -> list[str]:
    return [add(m, "x", weight(m, 7, 6), (2, 7, 6))]


@case("elementwise_add of a table, as X", x=(7, 6))
def _(m: ModelBuilder) -> list[str]:
    return [add(m, weight(m, 7, 6), "x", (7, 6))]


@case("elementwise_mul of a table", x=(2, 7, 6))
def _(m: ModelBuilder) -> list[str]:
    return [op(m, "elementwise_mul", (2, 7, 6), attrs={"axis": -1}, X="x", Y=weight(m, 7, 6))]


@case("lookup_table + matmul trans_y + bias", ids=(3, 1))
def _(m: ModelBuilder) -> list[str]:
    x = m.lookup_table("ids", weight(m, 9, 6))
    y = op(m, "matmul", (3, 9), attrs={**V1, "transpose_Y": True}, X=x, Y=WEIGHT)
    return [add(m, y, m.parameter("bias", normal(9)), (3, 9), 1)]


@case("prelu element", x=(1, 4, 6, 6))
def _(m: ModelBuilder) -> list[str]:
    attrs = {"mode": "element"}
    return [op(m, "prelu", (1, 4, 6, 6), attrs=attrs, X="x", Alpha=weight(m, 1, 4, 6, 6))]


@case("the weight is an output", x=(2, 6))
def _(m: ModelBuilder) -> list[str]:
    return [add(m, "x", weight(m, 2, 6), (2, 6)), WEIGHT]


@case("mul (tagged elsewhere) and tanh", x=(5, 6))
def _(m: ModelBuilder) -> list[str]:
    return [m.mul("x", weight(m, 6, 6)), op(m, "tanh", (6, 6), X=WEIGHT)]


@case("reshape2 + elementwise_add", x=(3, 4))
def _(m: ModelBuilder) -> list[str]:
    extra = {"XShape": None}
    y = op(m, "reshape2", (3, 4), attrs={"shape": [3, 4]}, extra=extra, X=weight(m, 2, 6))
    return [add(m, "x", y, (3, 4))]


@case("flatten_contiguous_range + elementwise_add", x=(12,))
def _(m: ModelBuilder) -> list[str]:
    attrs, extra = {"start_axis": 0, "stop_axis": 1}, {"XShape": None}
    w = weight(m, 2, 6)
    y = op(m, "flatten_contiguous_range", (12,), attrs=attrs, extra=extra, X=w)
    return [add(m, "x", y, (12,))]


@case("transpose2 + elementwise_add", x=(6, 2))
def _(m: ModelBuilder) -> list[str]:
    extra = {"XShape": None}
    y = op(m, "transpose2", (6, 2), attrs={"axis": [1, 0]}, extra=extra, X=weight(m, 2, 6))
    return [add(m, "x", y, (6, 2))]


@case("transpose2 + reshape2 + elementwise_add", x=(4, 3))
def _(m: ModelBuilder) -> list[str]:
    extra = {"XShape": None}
    y = op(m, "transpose2", (6, 2), attrs={"axis": [1, 0]}, extra=extra, X=weight(m, 2, 6))
    y = op(m, "reshape2", (4, 3), attrs={"shape": [4, 3]}, extra=extra, X=y)
    return [add(m, "x", y, (4, 3))]


@case("slice + reshape2 + elementwise_add", x=(3, 2))
def _(m: ModelBuilder) -> list[str]:
    attrs = {"axes": [0], "starts": [0], "ends": [1], "decrease_axis": Attr(AttrType.INTS, [])}
    attrs |= {"infer_flags": [1]}
    y = op(m, "slice", (1, 6), attrs=attrs, Input=weight(m, 2, 6))
    y = op(m, "reshape2", (3, 2), attrs={"shape": [3, 2]}, extra={"XShape": None}, X=y)
    return [add(m, "x", y, (3, 2))]


@case("unsqueeze2 + reshape2 + elementwise_add", x=(3, 4))
def _(m: ModelBuilder) -> list[str]:
    extra = {"XShape": None}
    y = op(m, "unsqueeze2", (1, 2, 6), attrs={"axes": [0]}, extra=extra, X=weight(m, 2, 6))
    y = op(m, "reshape2", (3, 4), attrs={"shape": [3, 4]}, extra=extra, X=y)
    return [add(m, "x", y, (3, 4))]


@case("concat + elementwise_add", x=(4, 6))
def _(m: ModelBuilder) -> list[str]:
    other = m.parameter("other", normal(2, 6))
    m.op("concat", {"X": [weight(m, 2, 6), other]}, {"Out": "both"}, {"axis": 0}, shape=(4, 6))
    return [add(m, "x", "both", (4, 6))]


@case("square matmul trans_y + elementwise_add", x=(3, 6))
def _(m: ModelBuilder) -> list[str]:
    y = op(m, "matmul", (3, 6), attrs={**V1, "transpose_Y": True}, X="x", Y=weight(m, 6, 6))
    return [add(m, y, m.parameter("bias", normal(6)), (3, 6), 1)]


@case("matmul trans_y + elementwise_add of an input", x=(3, 6), z=(3, 6))
def _(m: ModelBuilder) -> list[str]:
    y = op(m, "matmul", (3, 6), attrs={**V1, "transpose_Y": True}, X="x", Y=weight(m, 6, 6))
    return [add(m, y, "z", (3, 6))]


@case("square matmul trans_y + elementwise_add, weight read twice", x=(3, 6))
def _(m: ModelBuilder) -> list[str]:
    y = op(m, "matmul", (3, 6), attrs={**V1, "transpose_Y": True}, X="x", Y=weight(m, 6, 6))
    z = add(m, y, m.parameter("bias", normal(6)), (3, 6), 1)
    return [z, op(m, "tanh", (6, 6), X=WEIGHT)]


@case("gru_unit", x=(2, 18), h=(2, 6))
def _(m: ModelBuilder) -> list[str]:
    attrs = {"activation": 2, "gate_activation": 1, "origin_mode": False}
    extra = {"Gate": None, "ResetHiddenPrev": None}
    w = weight(m, 6, 18)
    bias = m.parameter("bias", normal(1, 18))
    out = op(
        m,
        "gru_unit",
        (2, 6),
        "Hidden",
        attrs,
        extra,
        Input="x",
        HiddenPrev="h",
        Weight=w,
        Bias=bias,
    )
    return [out]


def loop(m: ModelBuilder, body: Callable[[Any, str], str]) -> list[str]:
    """A while loop of three turns."""
    for name, value in (("i", 0.0), ("end", 3.0)):
        m.main.var(name, (1,), 3)
        attrs = {"shape": Attr(AttrType.LONGS, [1]), "dtype": 3, "value": value, "force_cpu": False}
        m.op("fill_constant", {}, {"Out": name}, attrs)
    m.main.var("more", (1,), 0)
    less = {"axis": -1, "force_cpu": False}
    m.op("less_than", {"X": "i", "Y": "end"}, {"Out": "more"}, less)
    m.op("assign", {"X": "x"}, {"Out": m.main.var("state", (3, 6))})
    block = m.program.block()
    out = body(block, "state")
    block.op("assign", {"X": out}, {"Out": "state"})
    block.op("increment", {"X": "i"}, {"Out": "i"}, {"step": 1.0})
    block.op("less_than", {"X": "i", "Y": "end"}, {"Out": "more"}, less)
    m.main.var("scopes", (), kind=11)
    m.op(
        "while",
        {"X": ["state", "i", "end", WEIGHT], "Condition": "more"},
        {"Out": ["state", "i", "more"], "StepScopes": "scopes"},
        {"sub_block": block, "is_test": True},
    )
    return [op(m, "relu6", (3, 6), attrs={"threshold": 60.0}, X="state")]


@case("while: matmul trans_y in the loop", x=(3, 6))
def _(m: ModelBuilder) -> list[str]:
    weight(m, 6, 6)

    def body(block: Any, x: str) -> str:
        attrs = {**V1, "transpose_Y": True}
        block.op("matmul", {"X": x, "Y": WEIGHT}, {"Out": block.var("y", (3, 6))}, attrs)
        block.op("tanh", {"X": "y"}, {"Out": block.var("z", (3, 6))})
        return "z"

    return loop(m, body)


@case("while: elementwise_add in the loop", x=(3, 6))
def _(m: ModelBuilder) -> list[str]:
    weight(m, 3, 6)

    def body(block: Any, x: str) -> str:
        block.op(
            "elementwise_add", {"X": x, "Y": WEIGHT}, {"Out": block.var("y", (3, 6))}, {"axis": -1}
        )
        return "y"

    return loop(m, body)
