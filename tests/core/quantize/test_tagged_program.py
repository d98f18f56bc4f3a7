"""The output's program: tagged once for every weight, and otherwise carried along."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import ModelBuilder, normal, small_model
from tests.core.quantize.cases import ABS_MAX, AXES, one_matrix, run, tagged
from weightquant_cli import Model, QuantizeOptions
from weightquant_cli.formats.program import AttrType


@pytest.mark.parametrize(("bits", "stored"), [(8, 8), (9, 16), (15, 16), (16, 16)])
def test_the_attributes_are_those_that_paddle_lite_reads(
    bits: int, stored: int, tmp_path: Path
) -> None:
    run(small_model().load(tmp_path / "in"), tmp_path / "out", QuantizeOptions(bits))
    (operator,) = tagged(Model.load(tmp_path / "out"), "conv.w")
    found = {attribute.name: attribute for attribute in operator.attributes}
    assert found["quantization_type"].type is AttrType.STRING
    assert found["quantization_type"].value == "post_weight_channel_wise_abs_max"
    assert found["quantize_weight_bits"].type is AttrType.INT
    assert found["quantize_weight_bits"].value == stored
    assert found["conv.w_quant_scale"].type is AttrType.FLOATS
    assert found["groups"].value == 1


def test_one_scale_per_tensor_says_so(tmp_path: Path) -> None:
    options = QuantizeOptions(weight_quantize_type=ABS_MAX, op_types=("all",))
    run(small_model().load(tmp_path / "in"), tmp_path / "out", options)
    result = Model.load(tmp_path / "out")
    kinds = {name: tagged(result, name)[0].value("quantization_type") for name in AXES}
    assert kinds.pop("table.w") == "post_weight_channel_wise_abs_max"
    assert set(kinds.values()) == {"post_weight_abs_max"}


def test_declared_types_stay_fp32(tmp_path: Path) -> None:
    run(small_model().load(tmp_path / "in"), tmp_path / "out")
    model = Model.load(tmp_path / "out")
    variables = {variable.name: variable for _, variable in model.variables()}
    assert all(str(variables[name].dtype) == "FP32" for name in AXES)


def test_a_shared_weight_is_tagged_once(tmp_path: Path) -> None:
    builder = one_matrix(normal(3, 3))
    builder.mul("x", "w")
    builder.matmul_v2("x", "w")
    run(builder.load(tmp_path / "in"), tmp_path / "out")
    result = Model.load(tmp_path / "out")
    assert len(tagged(result, "w")) == 1
    assert [ref.type for ref, _ in result.operators() if ref.type in ("mul", "matmul_v2")] == [
        "mul"
    ] * 3


def test_a_weight_of_a_sub_block_is_tagged_there(tmp_path: Path) -> None:
    builder = ModelBuilder()
    inner = builder.program.block()
    builder.parameter("w", normal(2, 2))
    inner.op("mul", {"X": "x", "Y": "w"}, {"Out": "y"})
    builder.op("while", {"X": ["x", "w"]}, {"Out": ["y"]}, {"sub_block": inner})
    run(builder.load(tmp_path / "in"), tmp_path / "out")
    result = Model.load(tmp_path / "out")
    assert [ref.block for ref, op in result.operators() if op.attribute("w_quant_scale")] == [1]


@pytest.mark.parametrize("keep", [True, False])
def test_callstacks_are_dropped_unless_they_are_kept(keep: bool, tmp_path: Path) -> None:
    builder = ModelBuilder()
    stack = ["File /home/somebody/export.py, line 3"]
    builder.mul("x", "w", normal(2, 2), op_callstack=stack)
    source = builder.load(tmp_path / "in")
    result = run(source, tmp_path / "out", strip_callstack=not keep)
    assert (b"somebody" in (tmp_path / "out" / "__model__").read_bytes()) is keep
    assert result.sizes.program_after == (tmp_path / "out" / "__model__").stat().st_size


def test_what_the_schema_does_not_know_is_carried_along(tmp_path: Path) -> None:
    builder = one_matrix(normal(2, 2))
    later = b"\xc2\x0c\x13from a later Paddle"
    program = builder.program.bytes() + later
    builder.write(tmp_path / "in")
    (tmp_path / "in" / "__model__").write_bytes(program)
    run(Model.load(tmp_path / "in"), tmp_path / "out")
    assert (tmp_path / "out" / "__model__").read_bytes().endswith(later)
