"""Answers of a quantized model beside those of its reference, and the gates on them."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from tests.builders import COMBINED, ModelBuilder, normal, small_model
from weightquant_cli import (
    Model,
    OptionError,
    OutputOptions,
    QuantizeOptions,
    check,
    dequantize,
    make_plan,
    quantize,
)
from weightquant_cli.core.check.check_outputs import check_outputs
from weightquant_cli.core.check.compare_outputs import (
    ComparedOutputs,
    RunOptions,
    compare_model_outputs,
)
from weightquant_cli.core.check.quality_gates import OutputGates
from weightquant_cli.core.lite import tags
from weightquant_cli.core.run import Network, stored
from weightquant_cli.core.run.inputs import SampleOptions, samples

DIGITS = Path(__file__).resolve().parents[2] / "models" / "digits"
FEW = SampleOptions(count=3)


def quantized(model: Model, folder: Path) -> Model:
    plan = make_plan(model, QuantizeOptions(op_types=("all",)))
    quantize(model, plan, OutputOptions(folder))
    return Model.load(folder)


def compared(ours: Model, reference: Model, gates: OutputGates | None = None) -> ComparedOutputs:
    result = check_outputs(check(ours, reference), RunOptions(FEW), gates)
    assert result.outputs is not None
    return result.outputs


@pytest.fixture
def digits() -> Model:
    return Model.load(DIGITS)


def test_the_figures_are_those_of_the_dequantized_model(digits: Model, tmp_path: Path) -> None:
    """Against the FP32 model that `dequantize` writes, run by itself; SQNR is of the logits."""
    ours = quantized(digits, tmp_path / "out")
    dequantize(ours, OutputOptions(tmp_path / "fp32"))
    back = Model.load(tmp_path / "fp32")
    (found,) = compared(ours, digits).outputs

    def run(model: Model, name: str) -> npt.NDArray[np.float64]:
        network = Network(model.program, stored(model.stored))
        outcomes = [network.run(x, keep=(name,)) for x in samples(digits, FEW)]
        return np.concatenate([one.outputs[name] for one in outcomes]).astype(np.float64)

    before, after = (run(model, found.sqnr_of) for model in (digits, back))
    assert before.min() < 0  # no probabilities
    noise = ((before - after) ** 2).sum()
    assert found.sqnr_db == pytest.approx(10 * math.log10((before**2).sum() / noise), abs=1e-3)
    before, after = (run(model, found.name) for model in (digits, back))
    assert found.max_change == pytest.approx(np.abs(before - after).max(), rel=1e-4)
    assert found.agreement == 100 * (before.argmax(1) == after.argmax(1)).mean()


def test_the_number_of_threads_does_not_show(digits: Model, tmp_path: Path) -> None:
    ours = quantized(digits, tmp_path / "out")
    one, two = (
        compare_model_outputs(ours, digits, RunOptions(FEW, jobs=jobs)).outputs for jobs in (1, 2)
    )
    assert one == two


def test_the_tags_of_the_quantized_model_are_found_once(
    digits: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, searched = quantized(digits, tmp_path / "out"), []
    original = tags.find_tags

    def counted(model: Model) -> object:
        searched.append(model)
        return original(model)

    monkeypatch.setattr(tags, "find_tags", counted)
    compared(ours, digits)
    assert searched.count(ours) == 1


def test_layers_name_operators_and_weights_in_order(digits: Model, tmp_path: Path) -> None:
    ours = quantized(digits, tmp_path / "out")
    found = compare_model_outputs(ours, digits, RunOptions(FEW, layers=True))
    assert found.layers is not None
    assert [layer.index for layer in found.layers] == sorted(layer.index for layer in found.layers)
    weights = [layer.weight for layer in found.layers if layer.weight]
    assert weights[0] == "conv2d_0.w_0"
    assert weights[-1] == "fc_1.w_0"
    assert len(weights) == 6
    (output,) = found.outputs
    assert found.layers[-1].difference.max_change == pytest.approx(output.max_change)
    (judged,) = (one.difference for one in found.layers if one.difference.name == output.sqnr_of)
    assert judged.sqnr_db == pytest.approx(output.sqnr_db)
    assert all(0 < one.added < 1 for one in found.breaks)
    worst = found.breaks[0]
    assert worst.added == max(layer.added for layer in found.layers)


def test_rewrites_and_embeddings_are_matched(tmp_path: Path) -> None:
    """matmul_v2 has become mul, and lookup_table_v2 an unsqueeze2 and a lookup_table."""
    builder = small_model()
    ids = builder.input("words", (-1, 4), 3)
    builder.fetch(builder.lookup_table(ids, "words.w", normal(9, 3), type="lookup_table_v2"))
    reference = builder.load(tmp_path / "model", COMBINED)
    ours = quantized(reference, tmp_path / "out")
    types = [operator.type for _, operator in ours.operators()]
    assert "unsqueeze2" in types and "matmul_v2" not in types
    found = compare_model_outputs(ours, reference, RunOptions(FEW, layers=True))
    assert [output.mismatched for output in found.outputs] == [0, 0, 0]
    assert all(20 < output.sqnr_db < 70 for output in found.outputs)
    assert {layer.operator for layer in found.layers or ()} >= {"matmul_v2", "lookup_table_v2"}


def test_outputs_that_were_named_anew_are_matched_by_their_order(tmp_path: Path) -> None:
    def saved(copies: int, folder: str) -> Model:
        builder = ModelBuilder()
        x = builder.mul(builder.input("x", (-1, 4)), "w", normal(4, 5))
        for copy in range(copies):
            x = builder.op("scale", {"X": x}, {"Out": f"scale_{copy}"}, {"scale": 1.0},
                           shape=(-1, 5))  # fmt: skip
        builder.fetch(x)
        return builder.load(tmp_path / folder)

    reference = saved(0, "model")
    found = compare_model_outputs(quantized(saved(1, "again"), tmp_path / "out"), reference)
    (output,) = found.outputs
    assert (output.name, output.mismatched) == ("w.out0", 0)
    assert output.sqnr_db > 30


def test_gates_name_the_outputs_that_fail(digits: Model, tmp_path: Path) -> None:
    ours = quantized(digits, tmp_path / "out")
    result = check(ours, digits)
    options = RunOptions(FEW)
    passed = check_outputs(result, options, OutputGates(10, 0))
    assert passed.ok
    failed = check_outputs(result, options, OutputGates(min_output_sqnr=90))
    (failure,) = failed.failures
    assert failure.output == digits.program.blocks[0].operators[-1].inputs["X"][0]
    assert "at least 90 asked for" in failure.why
    assert not failed.ok


@pytest.mark.parametrize(
    ("gates", "told"),
    [
        ({"min_agreement": 101.0}, "not a percentage"),
        ({"min_output_sqnr": math.nan}, "not a number"),
    ],
)
def test_gates_are_numbers(gates: dict[str, float], told: str) -> None:
    with pytest.raises(OptionError, match=told):
        OutputGates(**gates)


def model_of(kind: str, folder: Path) -> Model:
    """x -> mul -> an operator of this type."""
    builder = ModelBuilder()
    x = builder.mul(builder.input("x", (-1, 4)), "w", -np.abs(normal(4, 5)))
    builder.fetch(builder.op(kind, {"X": x}, {"Out": "y"}, shape=(-1, 5)))
    return builder.load(folder)


def test_an_output_behind_an_unknown_operator_measures_nothing_and_says_so(tmp_path: Path) -> None:
    reference = model_of("nobody_knows_it", tmp_path / "model")
    ours = quantized(reference, tmp_path / "out")
    result = check_outputs(check(ours, reference), RunOptions(FEW))
    assert not result.ok
    (failure,) = result.failures
    assert "no output could be compared" in failure.why
    assert "operator 2 (nobody_knows_it)" in failure.why


def test_nan_on_the_way_is_told_with_the_operator_that_makes_it(tmp_path: Path) -> None:
    reference = model_of("log", tmp_path / "model")
    ours = quantized(reference, tmp_path / "out")
    result = check_outputs(check(ours, reference), RunOptions(FEW))
    assert not result.ok
    assert result.outputs is not None
    first, second = result.outputs.non_finite
    assert first == "the reference gives NaN from operator 2 (log) on, in y"
    assert second.startswith("the model gives NaN from operator 2 (log)")
    assert "operator 2 (log)" in result.failures[0].why


def test_an_agreement_without_rows_of_values_is_a_gate_that_measured_nothing(
    tmp_path: Path,
) -> None:
    builder = ModelBuilder()
    builder.fetch(builder.mul(builder.input("x", (-1, 4)), "w", normal(4, 1)))
    reference = builder.load(tmp_path / "model")
    ours = quantized(reference, tmp_path / "out")
    result = check_outputs(check(ours, reference), RunOptions(FEW), OutputGates(min_agreement=1))
    assert [failure.output for failure in result.failures] == [None]
    assert "rows of several values" in result.failures[0].why


def test_a_model_that_paddle_lite_runs_wrongly_is_not_run(digits: Model, tmp_path: Path) -> None:
    ours = quantized(digits, tmp_path / "out")
    operators = ours.program.blocks[0].operators
    for operator in operators:
        operator.remove_attribute("fc_1.w_0_quant_scale")
    (tmp_path / "out" / "__model__").write_bytes(ours.program.serialize())
    broken = Model.load(tmp_path / "out")
    result = check_outputs(check(broken, digits), RunOptions(FEW))
    assert result.outputs is not None and result.outputs.samples == 0
    assert "fc_1.w_0" in result.failures[-1].why


def test_the_inputs_are_others_than_those_of_adaptive_rounding() -> None:
    assert RunOptions().samples.seed != SampleOptions().seed
