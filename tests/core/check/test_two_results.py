"""A reference that is quantized itself: two results beside each other."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import small_model
from tests.core.check.pairs import one_matmul
from weightquant_cli import (
    Model,
    OutputOptions,
    QuantizeOptions,
    check,
    check_outputs,
    dequantize,
    plan_model,
    quantize,
)
from weightquant_cli.core.quantize.dequantized import dequantized
from weightquant_cli.formats import framework_pb2 as pb

DIGITS = Path(__file__).resolve().parents[2] / "models" / "digits"


def results(source: Model, folder: Path, *many: QuantizeOptions) -> list[Model]:
    made = []
    for number, options in enumerate(many):
        out = folder / f"out{number}"
        quantize(source, plan_model(source, options), OutputOptions(out))
        made.append(Model.load(out))
    return made


def test_a_result_is_exactly_itself(tmp_path: Path) -> None:
    one, again = results(Model.load(DIGITS), tmp_path, *[QuantizeOptions(op_types=("all",))] * 2)
    found = check(one, again)
    assert found.ok
    assert found.findings == ()
    assert found.comparison is not None
    assert found.comparison.reference_quantized == 6
    assert {weight.sqnr for weight in found.comparison.weights} == {float("inf")}
    answered = check_outputs(found).outputs
    assert answered is not None
    assert answered.outputs[0].sqnr_db == float("inf")


def test_the_error_between_two_results_is_that_of_their_dequantized_values(tmp_path: Path) -> None:
    eight, sixteen = results(
        Model.load(DIGITS),
        tmp_path,
        QuantizeOptions(op_types=("all",)),
        QuantizeOptions(op_types=("all",), bits=16),
    )
    found = check(eight, sixteen)
    assert found.ok and not found.findings
    assert found.comparison is not None
    for weight in found.comparison.weights:
        one, other = dequantized(eight)(weight.name), dequantized(sixteen)(weight.name)
        error = np.abs(one.astype(np.float64) - other).max()
        assert weight.max_abs == pytest.approx(error)
        assert 0.4 < weight.max_in_scales < 0.51  # of the coarser one, which is ours
        assert weight.dtype == "INT8"


def test_a_weight_that_only_one_of_them_has_quantized_is_compared(tmp_path: Path) -> None:
    whole, without = results(
        small_model().load(tmp_path / "model"),
        tmp_path,
        QuantizeOptions(op_types=("all",)),
        QuantizeOptions(op_types=("all",), exclude=("fc2.w", "table.w")),
    )
    for one, other in ((whole, without), (without, whole)):
        found = check(one, other)
        assert found.findings == ()
        assert found.comparison is not None
        errors = {weight.name: weight.max_in_scales for weight in found.comparison.weights}
        assert 0 < errors["fc2.w"] <= 0.5001
        assert errors["fc1.w"] == 0


@pytest.mark.parametrize("shape", [(6, 6), (4, 7)])
def test_a_matrix_that_one_of_them_has_turned_is_turned_back(
    shape: tuple[int, int], tmp_path: Path
) -> None:
    values = np.random.default_rng(0).normal(size=shape).astype("<f4")
    source = one_matmul(values, transpose=True).load(tmp_path / "model")
    turned, plain = results(
        source,
        tmp_path,
        QuantizeOptions(op_types=("all",)),
        QuantizeOptions(op_types=("all",), rewrite=False),
    )
    for one, other in ((turned, plain), (plain, turned)):
        found = check(one, other)
        assert found.comparison is not None
        compared = {weight.name: weight for weight in found.comparison.weights}
        if other is plain and not compared:
            continue  # plain is FP32: the usual comparison
        assert compared["w"].max_in_scales <= 0.5001


def test_the_dequantized_load_is_what_dequantize_writes(tmp_path: Path) -> None:
    (ours,) = results(
        small_model().load(tmp_path / "model"), tmp_path, QuantizeOptions(op_types=("all",))
    )
    dequantize(ours, OutputOptions(tmp_path / "fp32"))
    written = Model.load(tmp_path / "fp32")
    for weight in ours.weights:
        np.testing.assert_array_equal(
            dequantized(ours)(weight.name), dequantized(written)(weight.name)
        )


def test_values_beyond_the_largest_float_are_compared_without_a_warning(tmp_path: Path) -> None:
    (model,) = results(Model.load(DIGITS), tmp_path, QuantizeOptions())
    path = tmp_path / "out0" / model.files.program
    program = pb.ProgramDesc.FromString(path.read_bytes())
    every = [attr for op in program.blocks[0].ops for attr in op.attrs]
    for attr in (attr for attr in every if b"_quant_scale" in attr.name):
        attr.floats[0] = 3e38
    path.write_bytes(program.SerializeToString())
    damaged = Model.load(tmp_path / "out0")
    assert check(damaged, damaged).comparison is not None
