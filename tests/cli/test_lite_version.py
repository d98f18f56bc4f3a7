"""What opt makes of the program, as `inspect`, `quantize` and `dequantize-check` say it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import ModelBuilder, normal
from tests.cli.helpers import run


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """Two relu6 without a threshold, which quantize mends, and an acos, which nobody does."""
    builder = ModelBuilder()
    x = builder.mul(builder.input("x", (-1, 4)), "w", normal(4, 4))
    for number, type in enumerate(("relu6", "relu6", "acos")):
        x = builder.op(type, {"X": x}, {"Out": f"y{number}"}, shape=(-1, 4))
    builder.fetch(x)
    return builder.write(tmp_path / "model")


def test_inspect_says_what_opt_makes_of_an_fp32_model(model: Path) -> None:
    assert run("inspect", model).ok().lines[-3:] == [
        "Paddle Lite   2.13rc0: opt does not take it (2 reasons)",
        "opt aborts    2 x relu6: its attribute threshold is not there; "
        "`weightquant quantize` mends it",
        "opt aborts    acos: Paddle Lite 2.13rc0 has no such operator for ARM; "
        "change the model, or convert for another runtime",
    ]
    told = run("inspect", "--lite-version", "2.12", model).ok().stdout
    assert "Paddle Lite   2.12: opt does not take it" in told


def test_inspect_has_it_in_json_and_markdown(model: Path) -> None:
    told = run("inspect", "--json", model).ok().json["paddle_lite"]
    assert told["version"] == "2.13rc0"
    relu6, acos = told["findings"]
    assert (relu6["code"], relu6["operator"], relu6["count"]) == ("missing_attribute", "relu6", 2)
    assert (relu6["effect"], relu6["mended_by_quantize"]) == ("not_converted", True)
    assert (acos["code"], acos["mended_by_quantize"]) == ("unsupported_operator", False)
    assert "- Paddle Lite: " in run("inspect", "--format", "markdown", model).ok().stdout


def test_quantize_warns_in_one_line_where_opt_will_not_take_the_output(
    model: Path, tmp_path: Path
) -> None:
    result = run("quantize", model, tmp_path / "out")
    assert (result.code, result.stderr.count("\n")) == (0, 1)
    assert "Paddle Lite 2.13rc0: opt will not take it: acos; see weightquant deq" in result.stderr
    run("quantize", "-q", model, tmp_path / "quiet").ok()
    checked = run("dequantize-check", tmp_path / "out")
    assert checked.code == 1
    assert checked.lines == [
        "not ok: 1 quantized weight, 1 error (Paddle Lite 2.13rc0)",
        "error: acos: Paddle Lite 2.13rc0 has no such operator for ARM; opt aborts; "
        "change the model, or convert for another runtime",
    ]


def test_the_check_counts_equal_findings_and_has_them_in_json(model: Path, tmp_path: Path) -> None:
    run("quantize", "-q", "--no-mend", model, tmp_path / "out").ok()
    lines = run("dequantize-check", tmp_path / "out").lines
    assert lines[1].startswith("error: 2 x relu6: its attribute threshold is not there; opt aborts")
    document = run("dequantize-check", "--json", "--lite-version", "2.9", tmp_path / "out").json
    assert document["lite_version"] == "2.9"
    assert [(f["operator"], f["count"]) for f in document["findings"]] == [
        ("relu6", 2),
        ("acos", 1),
    ]


def test_a_version_that_was_not_measured_is_a_usage_error(model: Path) -> None:
    result = run("inspect", "--lite-version", "2.14", model)
    assert result.code == 2
    assert "2.13rc0" in result.stderr
