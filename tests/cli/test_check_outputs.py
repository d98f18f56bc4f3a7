"""`weightquant dequantize-check --outputs`, `--layers` and the gates on outputs, from outside."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.builders import ModelBuilder, normal
from tests.schemas.test_schemas import faults

from .helpers import Result, run, run_terminal

DIGITS = Path(__file__).parents[1] / "models" / "digits"
FEW = ("--input-shape", "image=2,1,8,8")


@pytest.fixture(scope="module")
def quantized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The digits model in INT8."""
    folder = tmp_path_factory.mktemp("outputs") / "out"
    run("quantize", "-q", DIGITS, folder).ok()
    return folder


def checked(folder: Path, *options: str | Path) -> Result:
    return run("dequantize-check", "--reference", DIGITS, *options, folder)


def test_outputs_are_a_table_of_their_own(quantized: Path) -> None:
    lines = checked(quantized, "--outputs").ok().lines
    assert "6 compared with the reference, 1 output on 12 inputs" in lines[0]
    assert lines[-4].split() == ["output", "sqnr_db", "max_change", "cosine", "agreement"]
    name, sqnr, *_, agreement = lines[-3].split()
    assert name == "save_infer_model/scale_0.tmp_0"
    assert lines[-1] == f"sqnr_db of {name} is that of fc_1.tmp_1, before it is squashed"
    assert 20 < float(sqnr) < 60
    assert agreement.endswith("%")


def test_layers_come_in_the_order_of_the_network_and_say_where_it_breaks(quantized: Path) -> None:
    told = checked(quantized, "--layers").ok().stdout
    layers = re.search(r"\nlayer .*?\n\n", told, re.S)
    assert layers is not None
    rows = [line.split() for line in layers[0].strip().splitlines()[1:]]
    assert [row[1] for row in rows][:3] == ["conv2d", "batch_norm", "relu"]
    assert rows[0][2] == "conv2d_0.w_0"
    named = re.findall(r"^most noise: operator \d+ \((\w+)\) adds 0.0\d%", told, re.M)
    assert named == ["softmax"]


def test_the_json_holds_outputs_and_layers(quantized: Path) -> None:
    document = checked(quantized, "--layers", "--json").ok().json
    assert faults("dequantize-check", document) == []
    (output,) = document["outputs"]
    assert document["run"] == {"inputs": 12, "stops": [], "non_finite": []}
    (judged,) = (one for one in document["layers"] if one["name"] == output["sqnr_of"])
    assert judged["sqnr_db"] == output["sqnr_db"]
    assert document["layers"][-1]["max_abs_change"] == output["max_abs_change"]
    assert document["layers"][0]["weight"] == "conv2d_0.w_0"
    alone = checked(quantized, "--outputs", "--json").ok().json
    assert (alone["outputs"], alone["layers"]) == ([output], None)
    none = checked(quantized, "--json").ok().json
    assert (none["run"], none["outputs"], none["layers"]) == (None, None, None)


def test_gates_run_the_models_and_name_the_output(quantized: Path) -> None:
    checked(quantized, "-q", "--min-output-sqnr", "15", "--min-agreement", "50").ok()
    failed = checked(quantized, "-q", "--min-output-sqnr", "90")
    assert failed.code == 1
    assert re.search(r"gate: save_infer_model/scale_0\.tmp_0: SQNR .* at least 90", failed.stdout)
    document = checked(quantized, "--json", "--min-agreement", "100", "--min-output-sqnr", "90")
    assert faults("dequantize-check", document.json) == []
    assert document.json["gate_failures"][0]["output"] == "save_infer_model/scale_0.tmp_0"


def test_the_user_s_own_inputs_are_taken(quantized: Path, tmp_path: Path) -> None:
    for number in range(2):
        image = normal(3, 1, 8, 8, seed=number)
        np.savez(tmp_path / f"{number}.npz", image=image)
    document = checked(quantized, "--json", "--outputs", "--inputs", tmp_path).ok().json
    assert document["run"]["inputs"] == 2


def test_a_model_without_quantized_weights_answers_alike(tmp_path: Path) -> None:
    run("quantize", "-q", "--bits", "16", DIGITS, tmp_path / "out").ok()
    document = checked(tmp_path / "out", "--json", "--outputs").ok().json
    assert document["outputs"][0]["sqnr_db"] > 70


@pytest.mark.parametrize("columns", [50, 80])
def test_on_a_terminal_whole_columns_go_and_names_stay(quantized: Path, columns: int) -> None:
    shown = run_terminal(
        *("dequantize-check", "--color", "never", "--reference", DIGITS, "--layers", *FEW),
        quantized,
        columns=columns,
    )
    assert shown.code == 0
    sentences = ("most noise", "sqnr_db of", "ok")
    tables = [line for line in shown.lines if not line.startswith(sentences)]
    assert max(len(line.rstrip()) for line in tables) <= columns
    headings = [line.split() for line in shown.lines if line.startswith(("layer", "output"))]
    assert all(heading[1:] and "sqnr_db" in heading for heading in headings)
    names = [line.split()[0] for line in shown.lines if line.strip()]
    assert "conv2d_0.tmp_0" in names and "save_infer_model/scale_0.tmp_0" in names


def test_a_bar_is_shown_on_a_terminal_and_nowhere_else(quantized: Path) -> None:
    call = ("dequantize-check", "--reference", DIGITS, "--outputs", *FEW, quantized)
    assert "run both models" in run_terminal(*call, stderr_too=True).stdout
    assert "run both models" not in run_terminal(*call, "-q", stderr_too=True).stdout
    assert run(*call).ok().stderr == ""


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--input-shape", "image=1,1,8,8"), "--input-shape: the model is not run"),
        (("--inputs", "nowhere.npz"), "--inputs: the model is not run"),
        (("--outputs", "--inputs", "nowhere.npz"), "nowhere.npz"),
        (("--outputs", "--input-shape", "image=1,3,8,8"), "does not fit the model"),
        (("--outputs", "--input-shape", "other=1,1,8,8"), "no input of the model"),
        (("--outputs", "--input-shape", "image=1,1,8"), "does not fit the model"),
        (("--outputs", "--input-shape", "image=999999,1,8,8"), "more memory than there is"),
        (("--outputs", *FEW, "--inputs", "x.npz"), "contradict each other"),
        (("--min-agreement", "120"), "--min-agreement: not a percentage"),
        (("--min-output-sqnr", "nan"), "--min-output-sqnr: not a number"),
    ],
)
def test_what_does_not_fit_is_one_line_and_exit_code_2(
    options: tuple[str, ...], told: str, quantized: Path
) -> None:
    result = checked(quantized, *options)
    assert result.code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"image": np.zeros((1, 1, 8, 8), np.int64)}, "another type than the model's"),
        ({"image": np.zeros((1, 3, 8, 8), np.float32)}, "does not fit the model"),
        ({"picture": np.zeros((1, 1, 8, 8), np.float32)}, "no input of the model"),
        ({}, "lacks inputs of the model"),
        ({"image": np.full((1, 1, 8, 8), np.nan, np.float32)}, "NaN or infinity"),
    ],
)
@pytest.mark.parametrize("command", ["check", "quantize"])
def test_a_file_of_inputs_that_does_not_fit_is_told(
    arrays: dict[str, np.ndarray], told: str, command: str, quantized: Path, tmp_path: Path
) -> None:
    file = tmp_path / "inputs.npz"
    np.savez(file, **arrays)  # type: ignore[arg-type]
    if command == "check":
        result = checked(quantized, "--outputs", "--inputs", file)
    else:
        result = run("quantize", "--accurate", "--inputs", file, DIGITS, tmp_path / "out")
        assert not (tmp_path / "out").exists()
    assert result.code == 2
    assert told in result.stderr
    assert str(file) in result.stderr
    assert result.stderr.count("\n") == 1


def test_outputs_without_a_reference_are_a_usage_error(quantized: Path) -> None:
    for options in (("--outputs",), ("--layers",), ("--min-output-sqnr", "3")):
        result = run("dequantize-check", *options, quantized)
        assert result.code == 2
        assert "add --reference" in result.stderr


def unknown(folder: Path) -> Path:
    """A model of which nothing but the weight's own operator is known."""
    builder = ModelBuilder()
    x = builder.op("mystery", {"X": builder.input("x", (-1, 4))}, {"Out": "h"}, shape=(-1, 4))
    builder.fetch(builder.mul(x, "w", normal(4, 6)))
    return builder.write(folder)


def test_gates_on_a_model_that_cannot_be_run_say_no(tmp_path: Path) -> None:
    model = unknown(tmp_path / "model")
    run("quantize", "-q", model, tmp_path / "out").ok()
    call = ("dequantize-check", "--reference", model, "--min-output-sqnr", "1", tmp_path / "out")
    result = run(*call)
    assert result.code == 1
    assert "no output could be compared" in result.stdout
    assert "operator 1 (mystery)" in result.stdout
    assert faults("dequantize-check", run(*call, "--json").json) == []


def test_adaptive_rounding_of_a_model_that_cannot_be_run_flips_and_says_so(tmp_path: Path) -> None:
    model = unknown(tmp_path / "model")
    result = run("quantize", "--rounding", "adaptive", model, tmp_path / "out")
    assert result.code == 0
    line = result.stderr.splitlines()[0]
    assert "1 weight rounded without known inputs: w" in line
    assert "operator 1 (mystery)" in line
    again = run("quantize", "--accurate", "--json", model, tmp_path / "accurate")
    assert again.code == 0
    assert again.json["unreached"] == ["w"]


def test_nan_on_the_way_is_told_with_its_operator(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.mul(builder.input("x", (-1, 4)), "w", normal(4, 6))
    builder.fetch(builder.op("log", {"X": x}, {"Out": "y"}, shape=(-1, 6)))
    model = builder.write(tmp_path / "model")
    run("quantize", "-q", model, tmp_path / "out").ok()
    result = run("dequantize-check", "--outputs", "--reference", model, tmp_path / "out")
    assert result.code == 1
    assert "the reference gives NaN from operator 2 (log) on, in y" in result.stdout


def test_adaptive_rounding_says_from_which_operator_on_there_is_nan(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.mul(builder.input("x", (-1, 4)), "w", normal(4, 6))
    x = builder.op("log", {"X": x}, {"Out": "y"}, shape=(-1, 6))
    builder.fetch(builder.mul(x, "v", normal(6, 5)))
    model = builder.write(tmp_path / "model")
    result = run("quantize", "--rounding", "adaptive", model, tmp_path / "out")
    assert result.code == 0
    assert "without known inputs: v" in result.stderr
    assert "from here on: NaN from operator 2 (log) on, in y" in result.stderr


def test_two_results_are_compared_and_the_reference_is_said_to_be_quantized(
    quantized: Path, tmp_path: Path
) -> None:
    run("quantize", "-q", "--bits", "16", DIGITS, tmp_path / "out16").ok()
    call = ("dequantize-check", "--outputs", "--reference", quantized, tmp_path / "out16")
    told = run(*call).ok().stdout
    assert "6 compared with the reference, which is quantized itself, 1 output" in told
    document = run(*call, "--json").ok().json
    assert faults("dequantize-check", document) == []
    assert document["reference_quantized"] == 6
    assert 20 < document["outputs"][0]["sqnr_db"] < 60


def test_a_model_and_a_reference_that_are_swapped_are_said_to_be(quantized: Path) -> None:
    result = run("dequantize-check", "--reference", quantized, DIGITS)
    assert result.code == 1
    assert "reference, which is quantized itself: the two are swapped" in result.stdout


@pytest.mark.parametrize("gate", ["--min-sqnr", "--min-agreement"])
def test_a_gate_beside_a_quantized_reference_is_warned_of_once(quantized: Path, gate: str) -> None:
    call = ("dequantize-check", "--reference", quantized, gate, "30", quantized)
    told = run(*call).ok().lines
    assert ", 1 warning (Paddle Lite" in told[0]
    assert told[1] == (
        "warning: the reference is quantized itself (6 weights); the gates hold how far two "
        "results are apart, not how far this one is from FP32; give the FP32 model that this one "
        "was made from"
    )
    document = run(*call, "--min-output-sqnr", "20", "--json").ok().json
    assert faults("dequantize-check", document) == []
    assert [one["code"] for one in document["findings"]] == ["reference_quantized"]
    assert document["ok"]
