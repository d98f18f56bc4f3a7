"""`weightquant quantize` as a user calls it."""

from __future__ import annotations

import hashlib
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest

from tests import builders
from tests.cli.helpers import (
    run,
    run_process,
    run_terminal,
)
from weightquant_cli import __version__

DIGITS = Path(__file__).resolve().parents[1] / "models" / "digits"
COMBINED = DIGITS.with_name("digits_combined")


def test_writes_a_smaller_model_of_the_same_files(tmp_path: Path) -> None:
    result = run("quantize", DIGITS, tmp_path / "out").ok()
    assert sorted(os.listdir(tmp_path / "out")) == sorted(os.listdir(DIGITS))
    arrays = builders.read_arrays(tmp_path / "out")
    assert {name for name, array in arrays.items() if array.dtype == np.int8} == {
        "conv2d_0.w_0",
        "conv2d_1.w_0",
        "conv2d_2.w_0",
        "depthwise_conv2d_0.w_0",
        "fc_0.w_0",
        "fc_1.w_0",
    }
    assert re.search(
        r"^quantized +6 of 24 weights, .* to INT8, channel_wise_abs_max$", *multi(result.stdout)
    )
    assert "left as it is 18 (2.2 KiB): biases and norms\n" in result.stdout
    for label in ("weights", "program", "size"):
        assert re.search(rf"^{label} .* smaller", *multi(result.stdout))
    assert re.search(r"^worst SQNR +\d+\.\d dB \(", *multi(result.stdout))


def multi(text: str) -> tuple[str, re.RegexFlag]:
    """Arguments for a search in lines."""
    return text, re.MULTILINE


@pytest.mark.parametrize(("bits", "kind"), [(8, np.int8), (9, np.int16), (16, np.int16)])
def test_stores_8_bits_as_int8_and_more_as_int16(bits: int, kind: type, tmp_path: Path) -> None:
    run("quantize", "--bits", str(bits), COMBINED, tmp_path / "out").ok()
    weight = builders.read_arrays(tmp_path / "out")["fc_0.w_0"]
    assert weight.dtype == kind
    assert np.abs(weight.astype(int)).max() == 2 ** (bits - 1) - 1


def test_keeps_or_changes_the_layout_as_told(tmp_path: Path) -> None:
    run("quantize", "-q", COMBINED, tmp_path / "same").ok()
    run("quantize", "-q", "--separate-params", COMBINED, tmp_path / "apart").ok()
    run(
        "quantize", "-q", "--save-model-filename", "net", "--save-params-filename", "values",
        DIGITS, tmp_path / "together",
    ).ok()  # fmt: skip
    assert sorted(os.listdir(tmp_path / "same")) == ["__model__", "__params__"]
    assert "conv2d_0.w_0" in os.listdir(tmp_path / "apart")
    assert sorted(os.listdir(tmp_path / "together")) == ["net", "values"]
    values = (tmp_path / "together" / "values").read_bytes()
    assert values == (tmp_path / "same" / "__params__").read_bytes()


def test_a_dry_run_tells_the_exact_sizes_and_writes_nothing(tmp_path: Path) -> None:
    planned = run("quantize", "--dry-run", "--json", DIGITS, tmp_path / "out").ok().json
    assert os.listdir(tmp_path) == []
    run("quantize", DIGITS, tmp_path / "out").ok()
    written = sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    assert planned["sizes"]["after"] == written
    assert planned["dry_run"] is True
    table = run("quantize", "-n", DIGITS, tmp_path / "other").ok().lines
    assert table[0].split() == [
        "weight",
        "operator",
        "shape",
        "type",
        "to",
        "bytes",
        "after",
        "why",
    ]
    assert any(line.startswith("conv2d_2.w_0 ") and " INT8 " in line for line in table)


def test_the_report_is_the_json_document(tmp_path: Path) -> None:
    printed = run(
        "quantize", "--json", "--report", tmp_path / "report.json", DIGITS, tmp_path / "out"
    ).ok()
    document = json.loads((tmp_path / "report.json").read_text())
    assert document == printed.json
    assert (document["schema"], document["version"]) == ("weightquant.quantize", 1)
    assert document["tool_version"] == __version__
    weights = {weight["name"]: weight for weight in document["weights"]}
    assert weights["fc_0.w_0"]["quantized"] is True
    assert weights["fc_0.w_0"]["scales"] == 32
    assert weights["fc_0.w_0"]["sqnr_db"] > 30
    assert weights["fc_0.b_0"]["reason"]["code"] == "no_target"
    assert document["totals"]["quantized"] + document["totals"]["kept"] == len(weights)


def test_quiet_says_nothing_and_verbose_a_line_per_weight(tmp_path: Path) -> None:
    quiet = run("quantize", "-q", DIGITS, tmp_path / "a").ok()
    assert quiet.stdout == ""
    verbose = run("quantize", "-v", "-j1", DIGITS, tmp_path / "b")
    lines = verbose.stderr.splitlines()
    assert len(lines) == 1 + 24
    assert lines[1:] == sorted(lines[1:])
    pattern = r"conv2d_2\.w_0 conv2d 64x32x3x3 FP32 -> INT8 72 KiB -> 18 KiB \d+\.\d dB"
    assert any(re.fullmatch(pattern, line) for line in lines)


@pytest.mark.parametrize("to_file", [True, False])
def test_a_document_tells_the_errors_also_when_quiet(to_file: bool, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    asked = ["--report", file] if to_file else ["--json"]
    told = run("quantize", "-q", *asked, DIGITS, tmp_path / "out").ok()
    document = json.loads(file.read_text() if to_file else told.stdout)
    assert document["worst"]["sqnr_db"] == pytest.approx(41.5, abs=0.1)


def test_quiet_writes_the_same_bytes(tmp_path: Path) -> None:
    run("quantize", "-q", DIGITS, tmp_path / "quiet").ok()
    run("quantize", DIGITS, tmp_path / "measured").ok()
    assert builders.tree(tmp_path / "quiet") == builders.tree(tmp_path / "measured")


def test_same_input_same_bytes_whatever_the_jobs(tmp_path: Path) -> None:
    for jobs in (1, 2, 7):
        run("quantize", "-q", "-j", str(jobs), DIGITS, tmp_path / str(jobs)).ok()
    assert builders.tree(tmp_path / "1") == builders.tree(tmp_path / "2")
    assert builders.tree(tmp_path / "1") == builders.tree(tmp_path / "7")


def test_strips_the_stack_traces_unless_told_to_keep_them(tmp_path: Path) -> None:
    run("quantize", "-q", DIGITS, tmp_path / "stripped").ok()
    run("quantize", "-q", "--keep-callstack", DIGITS, tmp_path / "kept").ok()
    assert b"op_callstack" in (DIGITS / "__model__").read_bytes()
    assert b"op_callstack" not in (tmp_path / "stripped" / "__model__").read_bytes()
    assert b"op_callstack" in (tmp_path / "kept" / "__model__").read_bytes()


def test_operator_types_that_were_not_chosen_stay_and_the_summary_says_so(tmp_path: Path) -> None:
    result = run("quantize", "--op-type", "mul", DIGITS, tmp_path / "out").ok()
    assert "left as it is 3 (74.6 KiB): conv2d was not chosen (--op-type conv2d or all)" in (
        result.stdout
    )


def test_excluded_weights_stay_and_the_summary_says_so(tmp_path: Path) -> None:
    result = run("quantize", "--exclude", "fc_*", DIGITS, tmp_path / "out").ok()
    assert builders.read_arrays(tmp_path / "out")["fc_0.w_0"].dtype == np.float32
    assert "excluded by name" in result.stdout


def test_filters_say_which_option_kept_a_weight(tmp_path: Path) -> None:
    words = ("--include", r"re:(fc|conv2d)_\d\.w_0", "--min-bytes", "2KiB", "--json", DIGITS)
    document = run("quantize", "--dry-run", *words, tmp_path / "out").ok().json
    options = document["options"]
    assert (options["include"], options["min_bytes"]) == ([r"re:(fc|conv2d)_\d\.w_0"], 2048)
    quantized = {weight["name"] for weight in document["weights"] if weight["quantized"]}
    assert quantized == {"fc_0.w_0", "conv2d_1.w_0", "conv2d_2.w_0"}
    result = run("quantize", "--dry-run", *words[:-2], DIGITS, tmp_path / "out").ok()
    assert "1 (576 B): not included by name (--include)" in result.stdout
    assert "2 (1.8 KiB): it has fewer than 2.00 KiB (2048 bytes) (--min-bytes)" in result.stdout


def test_force_replaces_a_model_and_nothing_else(tmp_path: Path) -> None:
    run("quantize", "-q", DIGITS, tmp_path / "out").ok()
    (tmp_path / "out" / "old.nb").write_bytes(b"\x02\x00v2.12 stale")
    refused = run("quantize", DIGITS, tmp_path / "out")
    assert refused.code == 4
    assert "--force" in refused.stderr
    run("quantize", "-q", "-f", "-b16", DIGITS, tmp_path / "out").ok()
    assert "old.nb" not in os.listdir(tmp_path / "out")
    home = tmp_path / "home"
    home.mkdir()
    (home / "thesis.txt").write_text("years of work")
    assert run("quantize", "-f", DIGITS, home).code == 4
    assert builders.tree(home) == {"thesis.txt": b"years of work"}


def test_clips_the_tail_only_per_tensor(tmp_path: Path) -> None:
    document = (
        run("quantize", "--json", "--threshold-rate", "1e-2", DIGITS, tmp_path / "out").ok().json
    )
    assert document["options"]["weight_quantize_type"] == "abs_max"
    contradiction = run(
        "quantize", "--threshold-rate", "1e-2", "--weight-quantize-type", "channel_wise_abs_max",
        DIGITS, tmp_path / "other",
    )  # fmt: skip
    assert contradiction.code == 2


def test_progress_is_shown_on_a_terminal_only(tmp_path: Path) -> None:
    shown = run_terminal("quantize", DIGITS, tmp_path / "a", stderr_too=True)
    piped = run_process("quantize", DIGITS, tmp_path / "b")
    assert shown.code == piped.code == 0
    assert "%|" in shown.stdout
    assert piped.stderr == ""


def test_colours_follow_the_option_and_no_color(tmp_path: Path) -> None:
    colored = run("quantize", "-n", "--color", "always", DIGITS, tmp_path / "a")
    plain = run_terminal("quantize", DIGITS, tmp_path / "b", env={"NO_COLOR": "1"})
    terminal = run_terminal("quantize", DIGITS, tmp_path / "c")
    assert "\x1b[" in colored.stdout
    assert "\x1b[" not in plain.stdout
    assert "\x1b[" in terminal.stdout


# ---- automatic bits, plans, gates -----------------------------------------------------------


def test_automatic_bits_reach_the_quality_asked_for(tmp_path: Path) -> None:
    document = (
        run("quantize", "--json", "--bits", "auto", "--min-sqnr", "45", DIGITS, tmp_path / "out")
        .ok()
        .json
    )
    done = [weight for weight in document["weights"] if weight["quantized"]]
    assert {weight["bits"] for weight in done} == {8, 16}
    assert all(weight["sqnr_db"] >= 45 for weight in done)


def test_automatic_bits_keep_to_a_size(tmp_path: Path) -> None:
    document = (
        run(
            "quantize", "--json", "--bits", "auto", "--target-size", "40%", DIGITS, tmp_path / "out"
        )
        .ok()
        .json
    )
    written = sum(path.stat().st_size for path in (tmp_path / "out").iterdir())
    assert written <= 0.4 * document["sizes"]["before"]
    assert {weight.get("bits") for weight in document["weights"]} == {None, 8, 16}


def test_an_impossible_size_names_the_smallest_possible(tmp_path: Path) -> None:
    smallest = run("quantize", "-n", "--json", DIGITS, tmp_path / "x").json["sizes"]["after"]
    result = run("quantize", "--bits", "auto", "--target-size", "1kB", DIGITS, tmp_path / "out")
    assert result.code == 2
    assert f"({smallest} bytes)" in result.stderr


def test_bits_for_some_names(tmp_path: Path) -> None:
    run("quantize", "-q", "--bits-for", "fc_*=12", DIGITS, tmp_path / "out").ok()
    arrays = builders.read_arrays(tmp_path / "out")
    assert arrays["fc_0.w_0"].dtype == np.int16
    assert np.abs(arrays["fc_0.w_0"]).max() == 2047
    assert arrays["conv2d_2.w_0"].dtype == np.int8


def test_a_plan_is_written_edited_and_applied(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    run("quantize", "-q", "-n", "--plan-out", plan, DIGITS, tmp_path / "x").ok()
    document = json.loads(plan.read_text())
    lines = {line["name"]: line for line in document["weights"]}
    lines["fc_0.w_0"]["bits"] = 16
    lines["conv2d_0.w_0"]["bits"] = None
    lines["depthwise_conv2d_0.w_0"]["bits"] = 8
    plan.write_text(json.dumps(document))
    result = run("quantize", "--plan", plan, DIGITS, tmp_path / "out").ok()
    kinds = {name: array.dtype for name, array in builders.read_arrays(tmp_path / "out").items()}
    assert kinds["fc_0.w_0"] == np.int16
    assert kinds["conv2d_0.w_0"] == np.float32
    assert kinds["depthwise_conv2d_0.w_0"] == np.int8
    assert "the plan keeps it" in result.stdout


def test_a_plan_for_another_model_is_refused_with_three_names_and_a_count(tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    run("quantize", "-q", "-n", "--plan-out", plan, DIGITS, tmp_path / "x").ok()
    other = builders.write_model(tmp_path / "other")
    result = run("quantize", "--plan", plan, other, tmp_path / "out")
    assert result.code == 2
    named = re.findall(r"(\S+) is not in the model", result.stderr)
    absent = {line["name"] for line in json.loads(plan.read_text())["weights"]}
    assert len(named) == 3 and set(named) < absent
    assert re.search(r" and \d+ more \(", result.stderr)
    document = json.loads(plan.read_text())
    for line in document["weights"]:
        if line["name"] == "fc_0.w_0":
            line["shape"] = [1, 2]
        if line["name"] == "fc_0.b_0":
            line["bits"] = 8
    document["weights"] = [w for w in document["weights"] if w["name"] != "batch_norm_0.b_0"]
    plan.write_text(json.dumps(document))
    result = run("quantize", "--plan", plan, DIGITS, tmp_path / "out")
    assert "fc_0.w_0 has the shape [1024, 32], the plan says [1, 2]" in result.stderr
    assert "fc_0.b_0 cannot be quantized" in result.stderr
    assert "batch_norm_0.b_0 is not in the plan" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "damage",
    [
        "not json",
        "[]",
        "{}",
        '{"schema": "weightquant.plan", "version": 2}',
        '{"schema": "weightquant.plan", "version": 1, "weight_quantize_type": "abs_max", '
        '"threshold_rate": 0, "rewrite": true, "weights": [{"name": 3}]}',
        '{"schema": "weightquant.plan", "version": 1, "weight_quantize_type": "abs_max", '
        '"threshold_rate": 0, "rewrite": true, "weights": '
        '[{"name": "a", "shape": [1], "bits": 7}]}',
    ],
)
def test_a_damaged_plan_is_a_usage_error(damage: str, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(damage)
    result = run("quantize", "--plan", plan, DIGITS, tmp_path / "out")
    assert result.code == 2
    assert len(result.stderr.splitlines()) == 1


def test_gates_say_no_and_write_nothing(tmp_path: Path) -> None:
    assert run("quantize", "-q", "--max-size", "40%", DIGITS, tmp_path / "a").code == 0
    large = run("quantize", "--max-size", "50kB", DIGITS, tmp_path / "b")
    little = run("quantize", "--min-quantized", "99.9", DIGITS, tmp_path / "c")
    assert (large.code, little.code) == (1, 1)
    assert "--max-size allows 48.83 KiB (50000 bytes), the result has 67.45 KiB (" in large.stderr
    assert "--min-quantized asks for 99.9%" in little.stderr
    assert sorted(os.listdir(tmp_path)) == ["a"]


@pytest.mark.parametrize("quiet", [(), ("-q",), ("--dry-run",)])
def test_a_run_that_quantizes_nothing_says_no_unless_that_is_allowed(
    quiet: tuple[str, ...], tmp_path: Path
) -> None:
    words = ["quantize", *quiet, "--exclude", "*", str(DIGITS), str(tmp_path / "out")]
    result = run(*words)
    assert (result.code, bool(result.stdout)) == (1, quiet == ("--dry-run",))
    assert "no weight would be quantized (--min-quantized 0 accepts that)" in result.stderr
    assert os.listdir(tmp_path) == []
    allowed = run(*words, "--min-quantized", "0")
    assert allowed.code == 0
    assert ("warning: nothing was quantized" in allowed.stderr) == (quiet != ("-q",))


CONTRADICTIONS = [
    ("--min-sqnr", "40"),
    ("--target-size", "1MB"),
    ("--bits-for", "fc_*=8", "--bits-for", "fc_0*=16"),
    ("--bits-for", "fc_*=8", "--exclude", "fc_0*"),
    ("--bits-for", "batch_norm*=8",),
    ("--separate-params", "--save-params-filename", "x"),
    ("--save-model-filename", "fc_0.w_0"),
    ("--save-model-filename", "x", "--save-params-filename", "x"),
    ("--save-model-filename", "../x"),
    ("--bits", "3"),
    ("--bits", "17"),
    ("--bits", "many"),
    ("--bits-for", "fc_*"),
    ("--bits-for", "fc_*=3"),
    ("--bits-for", "fc_*=32"),
    ("--op-type", ""),
    ("--threshold-rate", "1"),
    ("--threshold-rate", "-0.1"),
    ("--threshold-rate", "nan"),
    ("--max-size", "big"),
    ("--max-size", "0"),
    ("--min-quantized", "101"),
    ("--jobs", "0"),
    ("--color", "sometimes"),
]  # fmt: skip


@pytest.mark.parametrize("options", CONTRADICTIONS, ids=" ".join)
def test_contradictions_and_values_out_of_range_are_usage_errors(
    options: tuple[str, ...], tmp_path: Path
) -> None:
    result = run("quantize", *options, DIGITS, tmp_path / "out")
    assert result.code == 2
    assert len(result.stderr.splitlines()) == 1
    assert os.listdir(tmp_path) == []


def test_names_that_match_nothing_come_with_the_nearest(tmp_path: Path) -> None:
    excluded = run("quantize", "--exclude", "fc_0.w0", DIGITS, tmp_path / "out")
    typed = run("quantize", "--op-type", "conv2", DIGITS, tmp_path / "out")
    assert (excluded.code, typed.code) == (2, 2)
    assert "fc_0.w_0" in excluded.stderr
    assert "did you mean conv2d?" in typed.stderr


def test_the_report_holds_the_digest_of_every_file(tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    run("quantize", "-q", "--report", report, COMBINED, tmp_path / "out").ok()
    files = json.loads(report.read_text())["files"]
    for side, folder in (("input", COMBINED), ("output", tmp_path / "out")):
        assert [entry["name"] for entry in files[side]] == ["__model__", "__params__"]
        for entry in files[side]:
            content = (folder / entry["name"]).read_bytes()
            assert entry["bytes"] == len(content)
            assert entry["sha256"] == hashlib.sha256(content).hexdigest()


def test_a_parameter_may_be_called_as_a_combined_file_is(tmp_path: Path) -> None:
    model = builders.ModelBuilder()
    x = model.input("x", (-1, 4))
    x = model.mul(x, "weights", builders.normal(4, 4))
    model.mul(x, "other", builders.normal(4, 4))
    folder = model.write(tmp_path / "model")
    run("quantize", "-q", folder, tmp_path / "out").ok()
    assert sorted(os.listdir(tmp_path / "out")) == ["__model__", "other", "weights"]


def test_compressed_sizes_are_told_on_request_alone(tmp_path: Path) -> None:
    told = run("quantize", "--compressed", "--bits", "6", DIGITS, tmp_path / "a").ok().stdout
    (line,) = [line for line in told.splitlines() if line.startswith("compressed")]
    assert "x smaller" in line
    document = run("quantize", "--compressed", "--json", "--bits", "6", DIGITS, tmp_path / "b").json
    assert document["compressed"]["before"] == builders.zipped(DIGITS)
    assert document["compressed"]["after"] == builders.zipped(tmp_path / "b")
    dry = run(
        "quantize", "-n", "--compressed", "--json", "--bits", "6", DIGITS, tmp_path / "c"
    ).json
    assert dry["compressed"] == document["compressed"]
    assert not (tmp_path / "c").exists()
    assert "compressed" not in run("quantize", "--json", DIGITS, tmp_path / "d").json


@pytest.mark.parametrize("gate", [("--op-type", "gru"), ("--max-size", "10%")])
def test_a_dry_run_that_a_gate_refuses_says_why(gate: tuple[str, str], tmp_path: Path) -> None:
    result = run("quantize", "-n", *gate, DIGITS, tmp_path / "out")
    assert result.code == 1
    assert result.stderr.endswith(": --dry-run says why\n")
    assert re.search(r"^fc_0.w_0 +mul ", *multi(result.stdout))
    assert re.search(r"^left as it is ", *multi(result.stdout))
    assert run("quantize", "-nq", *gate, DIGITS, tmp_path / "out").stdout == ""
    document = run("quantize", "-n", "--json", *gate, DIGITS, tmp_path / "out").json
    assert document["schema"] == "weightquant.error"
