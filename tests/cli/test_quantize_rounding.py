"""`weightquant quantize --accurate`, `--rounding`, `--input-shape`, `--inputs`, `--bits 32`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.formats.pir.builder import write_json_model
from weightquant_cli import Model

from .helpers import Result, run

DIGITS = Path(__file__).parents[1] / "models" / "digits"


def quantized(folder: Path, *options: str | Path, model: Path = DIGITS) -> Result:
    return run("quantize", *options, model, folder)


def test_accurate_is_adaptive_rounding_at_most_three_percent_larger(tmp_path: Path) -> None:
    nearest = quantized(tmp_path / "nearest", "--json").ok().json
    accurate = quantized(tmp_path / "accurate", "--accurate", "--json").ok().json
    assert accurate["options"]["rounding"] == "adaptive"
    assert accurate["options"]["bits"] == "auto"
    assert nearest["sizes"]["after"] <= accurate["sizes"]["after"]
    assert accurate["sizes"]["after"] <= nearest["sizes"]["after"] * 1.03
    assert accurate["unreached"] == []
    run("dequantize-check", tmp_path / "accurate").ok()


def test_the_check_takes_the_report_s_word_for_corrections_and_nothing_else(tmp_path: Path) -> None:
    quantized(tmp_path / "out", "-q", "--accurate", "--report", tmp_path / "report.json").ok()
    gate = ("dequantize-check", "--reference", DIGITS, "--min-sqnr", "30", tmp_path / "out")
    alone = run(*gate)
    assert alone.code == 1
    assert "--verify-report" in alone.stdout
    told = run(*gate, "--verify-report", tmp_path / "report.json").ok().stdout
    assert "beyond half a scale" not in told
    mean = tmp_path / "out" / "batch_norm_0.w_2"
    mean.write_bytes(mean.read_bytes()[:-4] + np.float32(7).tobytes())
    assert run(*gate, "--verify-report", tmp_path / "report.json").code == 1


def test_the_summary_tells_what_was_rounded_and_corrected(tmp_path: Path) -> None:
    told = quantized(tmp_path / "out", "--rounding", "adaptive").ok().stdout
    assert "rounding      adaptive: 6 weights by what they are multiplied with" in told
    assert "corrected     6 FP32 parameters" in told
    document = quantized(tmp_path / "again", "--rounding", "adaptive", "--json").ok().json
    assert len(document["corrected"]) == 6


def test_the_summary_says_one_weight_and_not_one_weights(tmp_path: Path) -> None:
    options = ("--rounding", "adaptive", "--include", "fc_0*")
    told = quantized(tmp_path / "out", *options).ok().stdout
    assert "rounding      adaptive: 1 weight by what it is multiplied with\n" in told
    assert "corrected     1 FP32 parameter (" in told


def test_nearest_and_adaptive_write_files_of_the_same_size(tmp_path: Path) -> None:
    for rounding in ("nearest", "adaptive"):
        quantized(tmp_path / rounding, "-q", "--rounding", rounding).ok()
    sizes = [
        {path.name: path.stat().st_size for path in (tmp_path / rounding).iterdir()}
        for rounding in ("nearest", "adaptive")
    ]
    assert sizes[0] == sizes[1]


def test_the_user_s_own_inputs_are_taken(tmp_path: Path) -> None:
    image = np.random.default_rng(0).random((4, 1, 8, 8), np.float32)
    np.savez(tmp_path / "one.npz", image=image)
    options = ("-q", "--rounding", "adaptive", "--inputs", tmp_path / "one.npz")
    quantized(tmp_path / "out", *options).ok()


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--accurate", "--bits", "8"), "--accurate and --bits contradict each other"),
        (("--accurate", "--rounding", "nearest"), "--accurate and --rounding contradict"),
        (("--input-shape", "image=1,1,8,8"), "--input-shape: the model is not run"),
        (("--inputs", "nowhere.npz"), "--inputs: the model is not run"),
        (("--accurate", "--input-shape", "image"), "NAME=1,3,48,320"),
        (("--accurate", "--input-shape", "image=1,0,8,8"), "all sizes positive"),
        (("--accurate", "--input-shape", "image=1,3,8,8"), "does not fit the model"),
        (("--accurate", "--input-shape", "other=1,1,8,8"), "no input of the model"),
        (
            ("--accurate", "--input-shape", "image=1,1,8,8", "--input-shape", "image=2,1,8,8"),
            "names an input twice",
        ),
        (("--accurate", "--inputs", "nowhere.npz"), "nowhere.npz"),
    ],
)
def test_what_does_not_fit_is_a_usage_error_and_nothing_is_written(
    options: tuple[str, ...], told: str, tmp_path: Path
) -> None:
    result = quantized(tmp_path / "out", *options)
    assert result.code == 2
    assert told in result.stderr
    assert result.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_gate_says_no_before_the_model_is_run(tmp_path: Path) -> None:
    result = quantized(tmp_path / "out", "--accurate", "--max-size", "10%")
    assert result.code == 1
    assert not (tmp_path / "out").exists()


def test_32_bits_convert_the_model_and_quantize_nothing(tmp_path: Path) -> None:
    document = quantized(tmp_path / "out", "--bits", "32", "--json").ok().json
    assert document["totals"]["quantized"] == 0
    assert "float" in document["totals"]["kept_by_reason"]
    before, after = Model.load(DIGITS), Model.load(tmp_path / "out")
    assert after.stored.parameters.size == before.stored.parameters.size


def test_a_model_of_paddle_3_becomes_a_pdmodel(tmp_path: Path) -> None:
    source = write_json_model(tmp_path / "model")
    quantized(tmp_path / "out", "-q", "--bits", "32", model=source / "inference").ok()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "inference.pdmodel",
        "inference.pdiparams",
    }
    types = [operator.type for _, operator in Model.load(tmp_path / "out").operators()]
    assert types == ["feed", "conv2d", "fetch"]


def test_the_folder_of_a_model_given_by_its_file_is_not_overwritten(tmp_path: Path) -> None:
    source = write_json_model(tmp_path / "model")
    result = quantized(source, "--force", model=source / "inference.json")
    assert result.code == 2
    assert "is the input folder" in result.stderr
    assert (source / "inference.json").exists()


def test_what_paddle_lite_demands_is_mended_unless_told_otherwise(tmp_path: Path) -> None:
    from tests.builders import ModelBuilder, normal

    builder = ModelBuilder()
    x = builder.conv2d(builder.input("x", (-1, 3, 8, 8)), "w", normal(4, 3, 3, 3))
    builder.fetch(builder.op("relu6", {"X": x}, {"Out": "y"}, shape=(-1, 4, 6, 6)))
    builder.write(tmp_path / "model")
    document = quantized(tmp_path / "out", "--json", model=tmp_path / "model").ok().json
    assert [one["operator"] for one in document["mended"]].count("relu6") == 1
    operators = {o.type: o for _, o in Model.load(tmp_path / "out").operators()}
    assert operators["relu6"].value("threshold") == 6.0
    bare = (
        quantized(tmp_path / "bare", "-q", "--json", "--no-mend", model=tmp_path / "model")
        .ok()
        .json
    )
    assert bare["mended"] == []
    operators = {o.type: o for _, o in Model.load(tmp_path / "bare").operators()}
    assert operators["relu6"].value("threshold") is None
    told = ("dequantize-check", "--reference", tmp_path / "model")
    run(*told, "-q", tmp_path / "out").ok()
    refused = run(*told, tmp_path / "bare")
    assert refused.code == 1
    assert refused.lines[1].startswith("error: relu6: its attribute threshold is not there; opt ")


@pytest.mark.parametrize("rounding", ["--rounding=adaptive", "--rounding=nearest"])
@pytest.mark.parametrize("layout", ["--separate-params", "--save-params-filename=weights"])
def test_a_compressed_target_holds_for_what_is_written(
    rounding: str, layout: str, tmp_path: Path
) -> None:
    options = ("--bits", "auto", "--target-compressed", "40kB", "--compressed", "--json")
    document = quantized(tmp_path / "out", *options, rounding, layout).ok().json
    assert 0.9 * 40_000 <= document["compressed"]["after"] <= 40_000
    assert document["options"]["target_compressed"] == 40_000
