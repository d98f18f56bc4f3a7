"""`weightquant inspect --recommend`: rows that are true, lines to copy, widths, formats."""

from __future__ import annotations

import csv
import io
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.builders import ModelBuilder, normal
from tests.cli.helpers import run, run_terminal
from tests.pages import COMBINED, DIGITS

NAMES = ["nearest-8", "accurate", "accurate-30%", "accurate-35%", "nearest-16", "adaptive-6"]


@pytest.fixture(scope="module")
def document() -> Any:
    return run("inspect", "--recommend", "--json", COMBINED).ok().json


@pytest.mark.parametrize("name", NAMES)
def test_a_row_is_what_writing_and_checking_it_says(
    name: str, document: Any, tmp_path: Path
) -> None:
    row = next(one for one in document["recommend"] if one["setting"] == name)
    program, *arguments = shlex.split(row["command"])
    assert program == "weightquant"
    done = run(*arguments, "--compressed", "--json", cwd=tmp_path).ok().json
    assert row["bytes"] == done["sizes"]["after"]
    assert row["naive_buffer"] == done["naive_buffer"]
    assert row["compressed"] == done["compressed"]["after"]
    check = ["dequantize-check", "--json", "--outputs", "--reference", str(COMBINED), "out"]
    if "--report" in arguments:  # then the check says no without it
        assert run(*check, cwd=tmp_path).code == 1
        check += ["--verify-report", "report.json"]
    (output,) = run(*check, cwd=tmp_path).ok().json["outputs"]
    assert row["sqnr_db"] == pytest.approx(output["sqnr_db"], abs=1e-3)
    assert row["agreement_percent"] == pytest.approx(output["agreement_percent"], abs=1e-3)


def test_one_setting_is_recommended_with_its_reason(document: Any) -> None:
    assert [one["setting"] for one in document["recommend"]] == NAMES
    taken = [one for one in document["recommend"] if one["recommended"]]
    assert [one["setting"] for one in taken] == ["adaptive-6"]
    assert "99%" in taken[0]["reason"]


def test_lines_have_a_report_where_parameters_are_corrected(document: Any) -> None:
    rows = {one["setting"]: one["command"] for one in document["recommend"]}
    assert [name for name in rows if "--report report.json" in rows[name]] == [
        name for name in NAMES if not name.startswith("nearest")
    ]


def test_sizes_that_were_not_tried_are_told_with_the_reason(document: Any, tmp_path: Path) -> None:
    assert document["left_out"] == []
    builder = ModelBuilder()
    builder.fetch(builder.mul(builder.input("x", (-1, 40)), "w", normal(40, 40)))
    builder.write(tmp_path / "m")
    found = run("inspect", "--recommend", "--json", tmp_path / "m").ok().json
    (one, *_) = found["left_out"]
    assert one["setting"] == "accurate-30%"
    assert one["allowed"] == found["sizes"]["total"] * 3 // 10
    assert "too small" in one["reason"]


def test_names_and_digits_are_whole_on_a_narrow_terminal(document: Any) -> None:
    columns = 50  # tests/cli/output/test_widths.py has all widths
    result = run_terminal(
        *("inspect", "--recommend", "--color", "never", COMBINED), columns=columns
    )
    assert result.code == 0
    lines = [line.split() for line in result.lines]
    start = next(index for index, line in enumerate(lines) if line[:1] == ["setting"])
    heading, rows = lines[start], lines[start + 2 : start + 8]
    assert [row[0].removesuffix("*") for row in rows] == NAMES
    assert [row[1] for row in rows] == [str(one["bytes"]) for one in document["recommend"]]
    assert all(len(row) == len(heading) for row in rows)
    assert {"bytes", "agreement"} <= set(heading)
    copied = [line for line in result.lines if "weightquant quantize" in line]
    commands = [one["command"] for one in document["recommend"]]
    assert [line[14:] for line in copied] == commands  # whole, for the terminal to wrap
    assert all(len(line) <= columns for line in result.lines if line not in copied)


def test_csv_has_a_line_for_each_setting_and_nothing_else() -> None:
    printed = run("inspect", "--recommend", "--format", "csv", DIGITS).ok().stdout
    rows = list(csv.DictReader(io.StringIO(printed)))
    assert [row["setting"] for row in rows] == NAMES
    assert [row["setting"] for row in rows if row["recommended"]] == ["adaptive-6"]
    assert all(float(row["agreement_percent"]) <= 100 for row in rows)


def test_given_inputs_are_run_and_are_in_the_lines_that_need_them(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(3, 1, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "in.npz", image=values)
    call = ("inspect", "--recommend", "--inputs", "in.npz", DIGITS)
    lines = run(*call, cwd=tmp_path).ok().lines
    assert any(line.endswith("with FP32 on 1 input") for line in lines)
    copied = [line for line in lines if "weightquant quantize" in line]
    assert ["--inputs in.npz" in line for line in copied] == [False, True, True, True, False, True]


def test_a_quantized_model_is_a_usage_error(tmp_path: Path) -> None:
    run("quantize", "-q", DIGITS, tmp_path / "out").ok()
    result = run("inspect", "--recommend", tmp_path / "out")
    assert (result.code, result.stdout) == (2, "")
    assert "quantized already" in result.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--recommend", "--histogram"), "--recommend and --histogram contradict each other"),
        (("--recommend", "--sort", "name"), "--recommend and --sort contradict each other"),
        (("--recommend", "--all"), "--recommend and --all contradict each other"),
        (("--inputs", "x.npz"), "--inputs: the model is not run; it goes with --recommend"),
    ],
)
def test_options_that_make_no_sense_together_are_refused(
    options: tuple[str, ...], told: str
) -> None:
    result = run("inspect", *options, DIGITS)
    assert (result.code, result.stdout) == (2, "")
    assert told in result.stderr
