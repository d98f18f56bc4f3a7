"""Small models with weights that are to be quantized by hand: one function for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tests.builders import INT64, Array, Attr, ModelBuilder, add_attribute, record
from tests.core.check.drafts import TENSOR, Draft, Exact, Tagging, exact, scales_attribute
from weightquant_cli.formats.program import AttrType
from weightquant_cli.formats.text import encode


def values(*shape: int) -> Array:
    """Something to feed."""
    return np.random.default_rng(9).normal(size=shape).astype("float32")


def even(limit: int = 127) -> dict[str, Any]:
    """A weight with one scale for all channels."""
    return {"even": True, "limit": limit}


def mul(weight: dict[str, Any] | None = None, name: str = "w", **tagging: Any) -> Draft:
    """One fully connected layer."""
    model, held = ModelBuilder(), exact(16, 6, **weight or {})
    model.fetch(model.mul(model.input("x", (-1, 16)), name, held.values))
    return Draft(model, {"x": values(3, 16)}, [Tagging(name, held, **tagging)])


def fc(weight: dict[str, Any] | None = None, **tagging: Any) -> Draft:
    """The same as one operator."""
    model, held = ModelBuilder(), exact(16, 6, **weight or {})
    model.fetch(model.fc(model.input("x", (-1, 16)), "w", held.values))
    return Draft(model, {"x": values(3, 16)}, [Tagging("w", held, **tagging)])


def matmul(
    weight: dict[str, Any] | None = None,
    op_type: str = "matmul",
    x: tuple[int, ...] = (-1, 16),
    attrs: dict[str, Any] | None = None,
    **tagging: Any,
) -> Draft:
    """A product with a square matrix."""
    model, held = ModelBuilder(), exact(16, 16, **weight or {})
    model.parameter("w", held.values)
    inputs = {"X": model.input("x", x), "Y": "w"}
    plain: dict[str, Any] = {"transpose_X": False, "transpose_Y": False, "alpha": 1.0}
    if op_type == "matmul_v2":
        plain = {"trans_x": False, "trans_y": False}
    model.fetch(model.op(op_type, inputs, {"Out": "out"}, {**plain, **(attrs or {})}, shape=x))
    feeds = {"x": values(*(2 if dim < 0 else dim for dim in x))}
    return Draft(model, feeds, [Tagging("w", held, **tagging)])


def lookup(weight: dict[str, Any] | None = None, **tagging: Any) -> Draft:
    """An embedding."""
    model, held = ModelBuilder(), exact(9, 6, **weight or {})
    model.fetch(model.lookup_table(model.input("ids", (-1, 1), INT64), "w", held.values))
    return Draft(model, {"ids": np.array([[1], [8], [3]])}, [Tagging("w", held, **tagging)])


def conv(
    weight: dict[str, Any] | None = None,
    depthwise: bool = False,
    normed: bool = False,
    **tagging: Any,
) -> Draft:
    """A convolution, with a batch_norm if `normed`."""
    model = ModelBuilder()
    held = exact(4, 1 if depthwise else 4, 3, 3, axis=0, **weight or {})
    kind: dict[str, Any] = {"type": "depthwise_conv2d", "groups": 4} if depthwise else {}
    out = model.conv2d(model.input("x", (1, 4, 8, 8)), "w", held.values, **kind)
    model.fetch(batch_norm(model, out) if normed else out)
    return Draft(model, {"x": values(1, 4, 8, 8)}, [Tagging("w", held, **tagging)])


def batch_norm(model: ModelBuilder, x: str, channels: int = 4, name: str = "bn") -> str:
    """A batch_norm with positive statistics."""
    rng = np.random.default_rng(channels)
    held = {
        slot: model.parameter(
            f"{name}.{slot}", (np.abs(rng.normal(size=channels)) + 0.5).astype("float32")
        )
        for slot in ("Bias", "Mean", "Scale", "Variance")
    }
    saved = {
        f"Saved{slot}": model.main.var(f"{name}.saved{slot}", (channels,))
        for slot in ("Mean", "Variance")
    }
    kept = {"MeanOut": held["Mean"], "VarianceOut": held["Variance"]}
    attrs = {"epsilon": 1e-5, "momentum": 0.9, "is_test": True, "data_layout": "NCHW"}
    outputs = {"Y": f"{name}.out", **kept, **saved}
    return model.op("batch_norm", {"X": x, **held}, outputs, attrs, shape=(1, channels, 6, 6))


def added(model: ModelBuilder, x: str, y: str, name: str, axis: int = -1) -> str:
    """The sum of two variables of the shape of `x`."""
    var = next(var for var in model.main.desc.vars if var.name == encode(x))
    dims = var.type.lod_tensor.tensor.dims
    return model.op("elementwise_add", {"X": x, "Y": y}, {"Out": name}, {"axis": axis}, shape=dims)


def conv_with_bias(follower: str = "", **tagging: Any) -> Draft:
    """A convolution whose Bias is quantized, with something behind it."""
    model, held = ModelBuilder(), exact(4, axis=0, even="kind" in tagging)
    out = model.conv2d(model.input("x", (1, 4, 8, 8)), "w", exact(4, 4, 3, 3, axis=0).values)
    model.main.desc.ops[-1].inputs.add(parameter=b"Bias", arguments=[b"b"])
    model.parameter("b", held.values)
    if follower == "batch_norm":
        out = batch_norm(model, out)
    elif follower == "elementwise_add":
        out = added(model, out, model.parameter("c", values(4)), "sum", axis=1)
    elif follower:
        out = model.op(follower, {"X": out}, {"Out": "after"}, shape=(1, 4, 6, 6))
    model.fetch(out)
    return Draft(model, {"x": values(1, 4, 8, 8)}, [Tagging("b", held, **tagging)])


def shared_conv(*tagged: int, normed: bool = False) -> Draft:
    """A weight that two convolutions read."""
    model, held = ModelBuilder(), exact(4, 4, 3, 3, axis=0)
    x = model.input("x", (1, 4, 8, 8))
    half = {"scale": 0.5, "bias": 0.0, "bias_after_scale": True}
    y = model.op("scale", {"X": x}, {"Out": "y"}, half, shape=(1, 4, 8, 8))
    outs = [model.conv2d(x, "w", held.values), model.conv2d(y, "w")]
    if normed:
        outs = [batch_norm(model, out, name=f"bn{index}") for index, out in enumerate(outs)]
    model.fetch(added(model, outs[0], outs[1], "sum"))
    return Draft(model, {"x": values(1, 4, 8, 8)}, [Tagging("w", held, readers=tagged)])


def two_convs(
    widths: tuple[int, int, int],
    between: str = "",
    kernel: int = 1,
    tagged: Sequence[int] = (0, 1),
    kind: str | None = None,
) -> Draft:
    """A 3x3 convolution and a second one, each with one scale."""
    model = ModelBuilder()
    before, middle, after = widths
    first = exact(middle, before, 3, 3, axis=0, even=True)
    second = exact(after, middle, kernel, kernel, axis=0, even=True, seed=1)
    out = model.conv2d(model.input("x", (1, before, 8, 8)), "v", first.values)
    if between == "bias":
        out = added(model, out, model.parameter("b", values(middle)), "sum", axis=1)
    elif between == "batch_norm":
        out = batch_norm(model, out, middle)
    elif between:
        out = model.op(between, {"X": out}, {"Out": "between"}, shape=(1, middle, 6, 6))
    model.fetch(model.conv2d(out, "w", second.values))
    single: dict[str, Any] = {"scales": first.scales[:1], "kind": kind}
    both = [Tagging("v", first, **single), Tagging("w", second, **single)]
    return Draft(model, {"x": values(1, before, 8, 8)}, [both[index] for index in tagged])


def beside(op_type: str, **attrs: Any) -> Draft:
    """A weight that a mul has the scales for, and that another operator reads as well."""
    model, held = ModelBuilder(), exact(16, 16)
    model.fetch(model.mul(model.input("x", (-1, 16)), "w", held.values))
    slot = "Input" if op_type in ("slice", "shape", "strided_slice") else "X"
    inputs: dict[str, Any] = {slot: ["w", "w"] if op_type in ("concat", "stack") else "w"}
    if op_type.startswith("lookup"):
        ids = np.array([[1], [3]] if op_type == "lookup_table" else [1, 3])
        inputs = {"W": "w", "Ids": model.parameter("i", ids)}
        attrs = {"padding_idx": Attr(AttrType.LONG, -1), "is_sparse": False}
    if op_type == "gather":
        inputs["Index"] = model.parameter("i", np.array([1, 3, 5], "int32"))
    if op_type.startswith("elementwise"):
        inputs["Y"] = model.parameter("c", np.full((16, 16), 0.5, "float32"))
    if op_type.startswith("matmul"):
        inputs = {"X": "x", "Y": "w"}
    outputs = {"Y" if op_type == "stack" else "Out": "other"}
    if op_type in ("reshape2", "squeeze2", "flatten2", "transpose2"):
        outputs["XShape"] = model.main.var("xshape", (0, 16, 16))
    out = model.op(op_type, inputs, outputs, attrs, shape=(16, 16))
    model.main.var("fetch2", kind=10, persistable=True)
    model.main.op("fetch", {"X": out}, {"Out": "fetch"}, {"col": 1})
    return Draft(model, {"x": values(3, 16)}, [Tagging("w", held)])


def two_muls(**tagging: Any) -> Draft:
    """Two fully connected layers; the first one's weight is quantized."""
    model, held = ModelBuilder(), exact(16, 6)
    out = model.mul(model.input("x", (-1, 16)), "w", held.values)
    model.fetch(model.mul(out, "v", exact(6, 6, seed=3).values))
    return Draft(model, {"x": values(3, 16)}, [Tagging("w", held, **tagging)])


def mul_and_bias(extra: str) -> Draft:
    """mul, tagged for its weight and for something else, and the addition of a bias."""
    draft = mul()
    model = draft.model
    del model.main.desc.ops[-1]  # its fetch
    model.fetch(added(model, "w.out0", model.parameter("b", values(6)), "sum"))
    scales = scales_attribute([0.5] * (16 if extra == "x" else 6))
    draft.afterwards.append(
        lambda built: add_attribute(built.main.desc.ops[1], f"{extra}_quant_scale", scales)
    )
    return draft


def weight_on_the_left(both: bool = False) -> Draft:
    """A mul whose X is the quantized weight, and its Y too if `both`."""
    model, held = ModelBuilder(), exact(16, 16)
    model.parameter("w", held.values)
    x = model.input("x", (16, 16))
    dims = {"x_num_col_dims": 1, "y_num_col_dims": 1}
    inputs = {"X": "w", "Y": "w" if both else x}
    out = model.op("mul", inputs, {"Out": "left"}, dims, shape=(16, 16))
    if both:
        out = model.op("mul", {"X": x, "Y": out}, {"Out": "out"}, dims, shape=(16, 16))
    model.fetch(out)
    return Draft(model, {"x": values(16, 16)}, [Tagging("w", held)])


def declared(number: int) -> Draft:
    """The program calls the weight something else than FP32."""
    draft = mul()

    def declare(model: ModelBuilder) -> None:
        var = next(var for var in model.main.desc.vars if var.name == b"w")
        var.type.lod_tensor.tensor.data_type = number  # type: ignore[assignment]

    draft.afterwards.append(declare)
    return draft


def with_parameter(dtype: str) -> Draft:
    """A model with one more parameter, of this type, that nobody reads."""
    draft = mul()
    draft.afterwards.append(lambda model: model.parameter("p", np.zeros(4, dtype)))
    return draft


def outermost(lowest: int, dtype: str) -> Draft:
    """A weight that holds the lowest integer of its type."""
    draft = mul({"limit": -lowest - 1}, dtype=dtype, bits=8 * np.dtype(dtype).itemsize)
    held = draft.taggings[0].weight
    held.integers[2, 3] = lowest
    draft.model.records["w"] = record(held.values)
    return draft


def channel_of_zeros(scale: float) -> Draft:
    """The first channel is zero, and so may be its scale."""
    draft = mul()
    held = draft.taggings[0].weight
    held.integers[:, 0] = 0
    draft.model.records["w"] = record(held.values)
    draft.taggings[0] = replace(draft.taggings[0], scales=[scale, *held.scales[1:]])
    return draft


def negative(normed: bool = False) -> Draft:
    """Scales and integers with their signs turned: the same values."""
    draft = conv(normed=True) if normed else mul()
    tagging = draft.taggings[0]
    turned = Exact(-tagging.weight.integers, -tagging.weight.scales, tagging.weight.axis)
    draft.taggings[0] = replace(tagging, weight=turned)
    return draft


def one(scale: float = 2.0**-6) -> dict[str, Any]:
    """One scale for the whole tensor."""
    return {"scales": [scale], "kind": TENSOR}
