"""A model of one weight, one input and one output: one of them is not called several."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.builders import COMBINED, SEPARATE, ModelBuilder, normal
from tests.cli.helpers import run
from weightquant_cli import Model, OutputOptions, QuantizeOptions, check, make_plan, quantize

# Of "6 of 24 weights" the last number counts.
SEVERAL = re.compile(
    r"(?<![\d.,x=-])1 (?:[a-z]+ )?(?:weight|parameter|byte|file|input|output|value|operator|type"
    r"|scale|channel|gate|error|warning|step|model|folder)s\b"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Holds the model in both layouts, and results of quantizing it."""
    builder = ModelBuilder()
    builder.fetch(builder.mul(builder.input("x", (-1, 8)), "w", normal(8, 1)))
    builder.write(tmp_path / "model", COMBINED)
    builder.write(tmp_path / "separate", SEPARATE)
    run("quantize", "-q", "model", "out", cwd=tmp_path).ok()
    run("quantize", "-q", "--bits", "16", "model", "out16", cwd=tmp_path).ok()
    (tmp_path / "empty").mkdir()
    (tmp_path / "separate" / "w").rename(tmp_path / "empty" / "w")
    (tmp_path / "plan.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        "inspect model",
        "inspect out",
        "inspect separate",
        "inspect .",
        "inspect --histogram --compressed model",
        "inspect --recommend --input-shape x=1,8 model",
        "quantize -n model new",
        "quantize -v --accurate model new",
        "quantize --exclude * model new",
        "quantize --max-size 1% model new",
        "quantize --bits 16 --max-size 51% model new",
        "quantize out new",
        "quantize --plan plan.json model new",
        "dequantize-check out",
        "dequantize-check model",
        "dequantize-check --reference model --layers --input-shape x=1,8 out",
        "dequantize-check --reference model --min-sqnr 99 --min-output-sqnr 99 out",
        "dequantize-check --reference out16 --min-sqnr 10 out",
        "dequantize-check --reference out out",
    ],
)
def test_one_is_not_called_several(line: str, folder: Path) -> None:
    result = run(*line.split(), cwd=folder)
    assert result.code in (0, 1, 2, 3)
    assert SEVERAL.findall(result.stdout + result.stderr) == []
    assert result.stdout + result.stderr


def test_one_is_not_called_several_on_the_page_nor_in_python(folder: Path) -> None:
    call = ("dequantize-check", "-q", "--html", "page.html", "--reference", "model", "out")
    run(*call, cwd=folder).ok()
    text = re.sub(r"<[^>]+>", " ", (folder / "page.html").read_text("utf-8"))
    assert SEVERAL.findall(" ".join(text.split())) == []
    model = Model.load(folder / "model")
    plan = make_plan(model, QuantizeOptions())
    result = quantize(model, plan, OutputOptions(folder / "python"))
    checked = check(Model.load(folder / "python"), model)
    for shown in (model, plan, result, checked):
        assert SEVERAL.findall(repr(shown)) == []
