"""Rewrites: the same numbers in another spelling, or no rewrite and the reason."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import FP32, INT64, RAW, Array, Attr, ModelBuilder, normal, read_arrays
from tests.core.plan import interpreter
from tests.core.plan.cases import rewrites_alone
from tests.core.quantize import reference
from weightquant_cli import (
    Model,
    OutputOptions,
    QuantizeOptions,
    ReasonCode,
    dequantize,
    make_plan,
    quantize,
)
from weightquant_cli.formats.program import AttrType

ALL = QuantizeOptions(op_types=("all",))
FP64, INT32 = 6, 2


def rewritten(source: Model, folder: Path) -> Model:
    """The model in its new spelling, nothing quantized."""
    quantize(source, rewrites_alone(make_plan(source, ALL)), OutputOptions(folder))
    return Model.load(folder)


def types(model: Model) -> list[str]:
    """The operators' types without feed and fetch."""
    return [ref.type for ref, _ in model.operators() if ref.type not in ("feed", "fetch")]


def reason(builder: ModelBuilder, folder: Path, options: QuantizeOptions = ALL) -> str | None:
    """Why the weight `w` stays, or None where it is quantized."""
    plan = make_plan(builder.load(folder), options)
    (weight,) = [weight for weight in plan.weights if weight.name == "w"]
    if weight.reason is None:
        return None
    assert weight.reason.code is ReasonCode.UNPROVEN
    return weight.reason.text


# ---- matmul and matmul_v2 ------------------------------------------------------------------------

MATMULS = [
    ("matmul_v2", {"trans_x": False, "trans_y": False}),
    ("matmul_v2", {"trans_x": False, "trans_y": True}),
    ("matmul_v2", {}),
    ("matmul", {"transpose_X": False, "transpose_Y": False, "alpha": 1.0}),
    ("matmul", {"transpose_X": False, "transpose_Y": True, "alpha": 1.0, "head_number": 1}),
]


def matmul(
    type: str, attrs: dict[str, Any], x: tuple[int, ...], depth: int = 3, columns: int = 5
) -> ModelBuilder:
    """One matmul of `x` with the weight `w`."""
    transposed = attrs.get("trans_y") or attrs.get("transpose_Y")
    builder = ModelBuilder()
    builder.input("x", x)
    builder.parameter("w", normal(*((columns, depth) if transposed else (depth, columns))))
    builder.op(type, {"X": "x", "Y": "w"}, {"Out": "y"}, attrs, shape=(*x[:-1], columns))
    builder.fetch("y")
    return builder


@pytest.mark.parametrize(("type", "attrs"), MATMULS)
@pytest.mark.parametrize("shape", [(2, 3), (2, 4, 3), (2, 1, 4, 3), (1, 1, 1, 2, 3)])
@pytest.mark.parametrize("declared", ["as it is", "batch unknown", "nothing known"])
def test_a_matmul_becomes_a_mul_of_the_same_numbers(
    type: str, attrs: dict[str, Any], shape: tuple[int, ...], declared: str, tmp_path: Path
) -> None:
    dims = {
        "as it is": shape,
        "batch unknown": (-1, *shape[1:]),
        "nothing known": (-1,) * len(shape),
    }[declared]
    source = matmul(type, attrs, dims).load(tmp_path / "in")
    result = rewritten(source, tmp_path / "out")
    assert types(result) == ["mul"]
    feeds = {"x": normal(*shape, seed=7)}
    before, after = interpreter.run(source, feeds), interpreter.run(result, feeds)
    assert after["y"].shape == before["y"].shape
    np.testing.assert_allclose(after["y"], before["y"], rtol=1e-6, atol=1e-6)


def test_the_attributes_of_a_matmul_go_and_others_stay(tmp_path: Path) -> None:
    attrs = {
        "trans_x": False, "trans_y": False, "alpha": 1.0,
        "fused_reshape_Out": Attr(AttrType.INTS, []), "op_namescope": "/fc/", "use_mkldnn": False,
    }  # fmt: skip
    result = rewritten(matmul("matmul_v2", attrs, (-1, 4, 3)).load(tmp_path / "in"), tmp_path / "o")
    (operator,) = [operator for ref, operator in result.operators() if ref.type == "mul"]
    assert {name: operator.value(name) for name in operator.attribute_names()} == {
        "op_namescope": "/fc/", "use_mkldnn": False, "x_num_col_dims": 2, "y_num_col_dims": 1,
    }  # fmt: skip
    assert (operator.inputs, operator.outputs) == ({"X": ("x",), "Y": ("w",)}, {"Out": ("y",)})


@pytest.mark.parametrize(
    ("type", "attrs", "shape", "why"),
    [
        ("matmul_v2", {"trans_x": True}, (4, 3), "its X is transposed"),
        ("matmul", {"transpose_X": True}, (4, 3), "its X is transposed"),
        ("matmul", {"alpha": 2.0}, (4, 3), "its alpha is 2.0, not 1"),
        ("matmul", {"alpha": 0.0}, (4, 3), "its alpha is 0.0, not 1"),
        ("matmul", {"head_number": 2}, (4, 3), "other operators are fused into it"),
        ("matmul_v2", {"fused_transpose_X": [1, 0]}, (4, 3), "other operators are fused into it"),
        ("matmul_v2", {}, (3,), "its X has rank 1"),
        ("matmul_v2", {}, (), "the rank of its X is unknown"),
        ("matmul_v2", {}, (4, 7), "its X has 7 columns and the weight 3 rows"),
    ],
)
def test_a_matmul_that_mul_does_not_equal_stays(
    type: str, attrs: dict[str, Any], shape: tuple[int, ...], why: str, tmp_path: Path
) -> None:
    builder = matmul(type, attrs, shape)
    assert reason(builder, tmp_path) == f"{type} cannot be spelled mul: {why}"


@pytest.mark.parametrize("kind", ["undeclared", "RAW", "several"])
def test_a_matmul_whose_input_is_not_one_known_tensor_stays(kind: str, tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(3, 5))
    if kind == "RAW":
        builder.main.var("x", kind=RAW)
    elif kind == "several":
        builder.main.var("x", (-1, 3))
    x = ["x", "x"] if kind == "several" else ["x"]
    builder.op("matmul_v2", {"X": x, "Y": "w"}, {"Out": "y"})
    assert reason(builder, tmp_path) == (
        "matmul_v2 cannot be spelled mul: the rank of its X is unknown"
    )


def test_a_matmul_of_other_floats_stays(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.input("x", (-1, 3), FP64)
    builder.matmul_v2("x", "w", normal(3, 5))
    assert reason(builder, tmp_path) == "matmul_v2 cannot be spelled mul: its X is FP64, not FP32"


def test_a_matmul_in_a_sub_block_knows_the_variables_around_it(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.main.var("x", (-1, 7, 3))
    builder.parameter("w", normal(3, 5))
    inner = builder.program.block()
    inner.op("matmul_v2", {"X": "x", "Y": "w"}, {"Out": "y"})
    builder.op("while", {"X": ["x", "w"]}, {}, {"sub_block": inner})
    result = rewritten(builder.load(tmp_path / "in"), tmp_path / "out")
    (operator,) = [operator for ref, operator in result.operators() if ref.block == 1]
    assert (operator.type, operator.value("x_num_col_dims")) == ("mul", 2)


@pytest.mark.parametrize("attributes", [{}, {"trans_y": True}])
def test_all_readers_of_a_shared_weight_are_spelled_anew(
    attributes: dict[str, bool], tmp_path: Path
) -> None:
    builder = matmul("matmul_v2", attributes, (-1, 3), columns=3)
    builder.op("matmul_v2", {"X": "y", "Y": "w"}, {"Out": "z"}, attributes)
    source = builder.load(tmp_path / "in")
    result = rewritten(source, tmp_path / "out")
    assert types(result) == ["mul", "mul"]
    feeds = {"x": normal(4, 3, seed=1)}
    np.testing.assert_allclose(
        interpreter.run(result, feeds)["z"], interpreter.run(source, feeds)["z"], rtol=1e-5
    )


# ---- lookup_table_v2 -----------------------------------------------------------------------------


def lookup(ids: tuple[int, ...], dtype: int = INT64, padding: int = -1) -> ModelBuilder:
    """One lookup_table_v2 of `ids` in the weight `w`."""
    builder = ModelBuilder()
    builder.input("ids", ids, dtype)
    builder.parameter("w", normal(10, 4))
    attrs = {"padding_idx": Attr(AttrType.LONG, padding), "is_sparse": False}
    builder.op("lookup_table_v2", {"Ids": "ids", "W": "w"}, {"Out": "y"}, attrs)
    builder.fetch("y")
    return builder


@pytest.mark.parametrize("shape", [(6,), (2, 6), (2, 1), (2, 3, 4), ()])
@pytest.mark.parametrize("padding", [-1, 3])
def test_a_lookup_becomes_an_unsqueeze_and_a_lookup_of_the_same_rows(
    shape: tuple[int, ...], padding: int, tmp_path: Path
) -> None:
    source = lookup(tuple(-1 for _ in shape), padding=padding).load(tmp_path / "in")
    result = rewritten(source, tmp_path / "out")
    assert types(result) == ["unsqueeze2", "lookup_table"]
    feeds = {"ids": np.random.default_rng(0).integers(0, 10, shape)}
    assert np.array_equal(interpreter.run(result, feeds)["y"], interpreter.run(source, feeds)["y"])
    unsqueezed = result.variable(0, "ids.unsqueezed")
    assert unsqueezed is not None
    assert unsqueezed.shape == (*(-1 for _ in shape), 1)
    assert str(unsqueezed.dtype) == "INT64"
    assert not unsqueezed.persistable


def test_a_lookup_of_narrow_ids_stays(tmp_path: Path) -> None:
    assert reason(lookup((-1, 5), INT32), tmp_path) == (
        "lookup_table_v2 cannot be spelled lookup_table: its Ids are INT32: "
        "lookup_table needs INT64"
    )


def test_several_lookups_get_names_of_their_own(tmp_path: Path) -> None:
    builder = lookup((-1, 5))
    builder.main.var("ids.unsqueezed", (1,), FP32)
    for name in ("v", "u"):
        builder.lookup_table("ids", name, normal(10, 2), type="lookup_table_v2")
    source = builder.load(tmp_path / "in")
    result = rewritten(source, tmp_path / "out")
    assert types(result) == ["unsqueeze2", "lookup_table"] * 3
    names = [variable.name for _, variable in result.variables()]
    assert len(names) == len(set(names))
    feeds = {"ids": np.arange(10).reshape(2, 5)}
    before, after = interpreter.run(source, feeds), interpreter.run(result, feeds)
    for name in ("y", "v.out0", "u.out0"):
        assert np.array_equal(after[name], before[name])


def test_ids_of_an_outer_block_are_unsqueezed_in_the_block_that_uses_them(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.main.var("ids", (-1, 5), INT64)
    builder.parameter("w", normal(10, 4))
    inner = builder.program.block()
    inner.op("lookup_table_v2", {"Ids": "ids", "W": "w"}, {"Out": "y"})
    builder.op("while", {"X": ["ids", "w"]}, {}, {"sub_block": inner})
    result = rewritten(builder.load(tmp_path / "in"), tmp_path / "out")
    block = result.program.blocks[1]
    assert [operator.type for operator in block.operators] == ["unsqueeze2", "lookup_table"]
    assert {v.name for v in block.variables} == {"ids.unsqueezed", "ids.unsqueezed_shape"}


# ---- together ------------------------------------------------------------------------------------


def chain() -> ModelBuilder:
    """Lookups and matmuls in turn, with other operators between them."""
    builder = lookup((-1, 5))
    builder.main.var("y", (-1, 5, 4))
    builder.op("matmul_v2", {"X": "y", "Y": builder.parameter("a", normal(4, 6))},
               {"Out": "h"}, {"trans_y": False}, shape=(-1, 5, 6))  # fmt: skip
    builder.op("matmul", {"X": "h", "Y": builder.parameter("b", normal(4, 6))},
               {"Out": "g"}, {"transpose_Y": True}, shape=(-1, 5, 4))  # fmt: skip
    builder.lookup_table("ids", "v", normal(10, 4), type="lookup_table_v2")
    builder.op("mul", {"X": "g", "Y": builder.parameter("c", normal(4, 2))},
               {"Out": "z"}, {"x_num_col_dims": 2, "y_num_col_dims": 1})  # fmt: skip
    return builder


def test_every_operator_is_rewritten_in_its_own_place(tmp_path: Path) -> None:
    source = chain().load(tmp_path / "in")
    result = rewritten(source, tmp_path / "out")
    assert types(result) == [
        "unsqueeze2", "lookup_table", "mul", "mul", "unsqueeze2", "lookup_table", "mul",
    ]  # fmt: skip
    feeds = {"ids": np.arange(10).reshape(2, 5)}
    before, after = interpreter.run(source, feeds), interpreter.run(result, feeds)
    for name in ("y", "h", "g", "z", "v.out0"):
        np.testing.assert_allclose(after[name], before[name], rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_rewritten_and_quantized_model_computes_with_the_dequantized_weights(
    bits: int, tmp_path: Path
) -> None:
    builder = chain()
    source = builder.load(tmp_path / "in")
    plan = make_plan(source, QuantizeOptions(bits, op_types=("all",)))
    assert {weight.name for weight in plan.quantized} == {"a", "b", "c", "v", "w"}
    quantize(source, plan, OutputOptions(tmp_path / "int"))
    dequantize(Model.load(tmp_path / "int"), OutputOptions(tmp_path / "out"))
    feeds = {"ids": np.arange(10).reshape(2, 5)}
    found = interpreter.run(Model.load(tmp_path / "out"), feeds)["z"]
    rounded = ModelBuilder()
    rounded.program = builder.program
    for name, axis in {"w": 1, "v": 1, "a": 1, "b": 0, "c": 1}.items():
        array = read_arrays(source)[name]
        integers, scale = reference.quantized(array, bits, axis)
        rounded.parameter(name, reference.dequantized(integers, scale, axis), declare=False)
    expected = interpreter.run(rounded.load(tmp_path / "rounded"), feeds)["z"]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_without_rewrites_the_program_keeps_its_spelling(tmp_path: Path) -> None:
    source = chain().load(tmp_path / "in")
    plan = make_plan(source, QuantizeOptions(op_types=("all",), rewrite=False))
    quantize(source, plan, OutputOptions(tmp_path / "out"))
    assert types(Model.load(tmp_path / "out")) == types(source)


def test_operators_whose_weight_stays_keep_their_spelling(tmp_path: Path) -> None:
    source = chain().load(tmp_path / "in")
    plan = make_plan(source, QuantizeOptions(op_types=("all",), exclude=("a", "v")))
    quantize(source, plan, OutputOptions(tmp_path / "out"))
    assert types(Model.load(tmp_path / "out")) == [
        "unsqueeze2", "lookup_table", "matmul_v2", "mul", "lookup_table_v2", "mul",
    ]  # fmt: skip


makers: list[Callable[[ModelBuilder, int], str]] = [
    lambda b, n: b.matmul_v2("x", f"w{n}", normal(4, 4, seed=n)),
    lambda b, n: b.matmul_v2("x", f"w{n}", normal(4, 4, seed=n), trans_y=True),
    lambda b, n: b.matmul_v2("x", f"w{n}", normal(4, 4, seed=n), trans_x=True),
    lambda b, n: b.mul("x", f"w{n}", normal(4, 4, seed=n)),
    lambda b, n: b.lookup_table("ids", f"w{n}", normal(6, 4, seed=n), type="lookup_table_v2"),
    lambda b, n: b.matmul_v2("x", "shared", trans_y=bool(n % 2)),
]


@given(st.lists(st.integers(0, len(makers) - 1), min_size=1, max_size=7))
def test_any_sequence_of_operators_computes_the_same_numbers(
    tmp_path_factory: pytest.TempPathFactory, chosen: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("sequence")
    builder = ModelBuilder()
    builder.input("x", (-1, 4))
    builder.input("ids", (-1,), INT64)
    builder.parameter("shared", normal(4, 4))
    outputs = [makers[kind](builder, number) for number, kind in enumerate(chosen)]
    source = builder.load(folder / "in")
    result = rewritten(source, folder / "out")
    feeds: dict[str, Array] = {"x": normal(4, 4, seed=9), "ids": np.arange(6)}
    before, after = interpreter.run(source, feeds), interpreter.run(result, feeds)
    for name in outputs:
        np.testing.assert_allclose(after[name], before[name], rtol=1e-4, atol=1e-5)
