"""`weightquant dequantize-check` as a user calls it, and its page in a browser."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from tests import builders
from tests.builders import ModelBuilder, normal
from tests.cli.helpers import run, run_terminal

DIGITS = Path(__file__).resolve().parents[1] / "models" / "digits"


@pytest.fixture
def quantized(tmp_path: Path) -> Path:
    """The digits model, quantized to INT8."""
    run("quantize", "-q", "--report", tmp_path / "report.json", DIGITS, tmp_path / "out").ok()
    return tmp_path / "out"


def test_says_ok_in_one_line(quantized: Path) -> None:
    assert (
        run("dequantize-check", quantized).ok().stdout
        == "ok: 6 quantized weights (Paddle Lite 2.13rc0)\n"
    )


def test_lists_the_weights_the_worst_first(quantized: Path) -> None:
    lines = run("dequantize-check", "--reference", DIGITS, quantized).ok().lines
    assert (
        lines[0] == "ok: 6 quantized weights, 6 compared with the reference (Paddle Lite 2.13rc0)"
    )
    assert lines[2].split()[:4] == ["weight", "operator", "type", "sqnr_db"]
    ratios = [float(line.split()[3]) for line in lines[3:]]
    assert len(ratios) == 6
    assert ratios == sorted(ratios)


def test_gates_exit_with_1_and_name_the_weights(quantized: Path) -> None:
    passed = run("dequantize-check", "--reference", DIGITS, "--min-sqnr", "30", quantized)
    failed = run("dequantize-check", "-q", "--reference", DIGITS, "--min-sqnr", "43", quantized)
    assert (passed.code, failed.code) == (0, 1)
    assert "gate: fc_0.w_0: SQNR 41.50 dB, at least 43 asked for" in failed.stdout
    assert "conv2d_0.w_0:" not in failed.stdout
    alone = run("dequantize-check", "--min-cosine", "0.9", quantized)
    assert alone.code == 2
    assert "--reference" in alone.stderr


def test_a_broken_model_exits_with_1_and_says_what_to_do(quantized: Path) -> None:
    weight = builders.read_arrays(quantized)["fc_0.w_0"]
    (quantized / "fc_0.w_0").write_bytes(builders.record(weight.astype(np.int32)))
    result = run("dequantize-check", quantized)
    assert result.code == 1
    assert result.lines[0].startswith("not ok: 5 quantized weights, 1 error")
    assert re.search(r"^error: fc_0\.w_0 \(mul\): it is stored as INT32", result.stdout, re.M)
    compared = run("dequantize-check", "--reference", DIGITS, "--json", quantized).json
    assert {weight["name"] for weight in compared["weights"]} >= {"fc_1.w_0", "conv2d_0.w_0"}


def test_the_json_document_holds_the_same(quantized: Path) -> None:
    document = run("dequantize-check", "--json", "--reference", DIGITS, quantized).ok().json
    assert (document["schema"], document["version"]) == ("weightquant.dequantize-check", 1)
    assert document["ok"] is True
    worst = document["weights"][0]
    assert worst["name"] == "fc_0.w_0"
    assert worst["sqnr_db"] == pytest.approx(41.5, abs=0.01)
    assert worst["max_error_in_scales"] <= 0.5001
    assert run("dequantize-check", "--json", quantized).json["weights"] is None


def test_saves_the_fp32_model_without_a_quantization_attribute(quantized: Path) -> None:
    saved = quantized.with_name("fp32")
    run("dequantize-check", "-q", "--save-dequantized", saved, quantized).ok()
    program = (saved / "__model__").read_bytes()
    for attribute in (b"_quant_scale", b"quantization_type", b"quantize_weight_bits"):
        assert attribute not in program
    arrays = builders.read_arrays(saved)
    assert {array.dtype for array in arrays.values()} == {np.dtype("float32")}
    original = builders.read_arrays(DIGITS)["fc_0.w_0"]
    assert np.abs(arrays["fc_0.w_0"] - original).max() < 0.002
    assert run("dequantize-check", "--save-dequantized", saved, quantized).code == 4
    assert run("dequantize-check", "--save-dequantized", DIGITS, "-f", DIGITS).code == 2


def test_verifies_that_a_folder_is_what_the_report_says(quantized: Path) -> None:
    report = quantized.with_name("report.json")
    run("dequantize-check", "-q", "--verify-report", report, quantized).ok()
    path = quantized / "fc_1.b_0"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    result = run("dequantize-check", "--verify-report", report, quantized)
    assert result.code == 1
    assert "changed: fc_1.b_0 has other content than the report says" in result.stdout
    report.write_text("{}")
    assert run("dequantize-check", "--verify-report", report, quantized).code == 2


def test_writes_the_json_document_to_a_report(quantized: Path) -> None:
    report = quantized.with_name("check.json")
    printed = run("dequantize-check", "--json", "--report", report, quantized).ok().json
    assert json.loads(report.read_text()) == printed
    run("dequantize-check", "-q", "--report", report, quantized).ok()


def test_a_report_of_quantize_is_not_overwritten(quantized: Path) -> None:
    """In version 0.1 `--report` was what `--verify-report` is now."""
    report = quantized.with_name("report.json")
    before = report.read_bytes()
    result = run("dequantize-check", "--report", report, quantized)
    assert result.code == 2
    assert "--verify-report" in result.stderr
    assert report.read_bytes() == before


def test_the_two_commands_in_one_line(tmp_path: Path) -> None:
    run("quantize", "-q", "--op-type", "all", "-b16", DIGITS, tmp_path / "out").ok()
    run("dequantize-check", "--reference", DIGITS, "--min-sqnr", "80", tmp_path / "out").ok()
    run("export-opt", "-q", tmp_path / "out").ok()
    assert os.access(tmp_path / "out" / "convert_to_lite.sh", os.X_OK)


def test_a_terminal_gets_the_20_worst_weights_and_failures_and_a_pipe_all(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.input("x", (-1, 4))
    for number in range(25):
        x = builder.mul(x, f"w{number:02}", normal(4, 4, seed=number))
    builder.fetch(x)
    model = builder.write(tmp_path / "model")
    run("quantize", "-q", model, tmp_path / "out").ok()
    call = ("dequantize-check", "--reference", model, "--min-sqnr", "90", tmp_path / "out")
    shown = run_terminal(*call, "--color", "never", columns=200).stdout
    assert "25 failed gates" in shown
    assert shown.count("\ngate: ") == len(re.findall(r"^w\d", shown, re.M)) == 20
    assert shown.count("(5 more: --all)\n") == 2
    for everything in (run_terminal(*call, "--all").stdout, run(*call).stdout):
        assert everything.count("\ngate: ") == len(re.findall(r"^w\d", everything, re.M)) == 25
        assert "--all" not in everything
