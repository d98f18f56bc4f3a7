"""The chart of the answers' drift, and how it stands in the page."""

from __future__ import annotations

import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.cli.helpers import run
from weightquant_cli.cli.output.drift_chart import HEIGHT, WIDTH, Drift, Point, chart

DIGITS = Path(__file__).parents[2] / "models" / "digits"


@pytest.mark.parametrize("worst", [12.5, -math.inf, -30.0, math.inf])
def test_every_point_lies_inside_and_lower_is_worse(worst: float) -> None:
    points = (Point(0, 40.0, "first"), Point(3, worst, "<b>&"))
    svg = ET.fromstring(chart(Drift(points, 20.0, "operators")))
    circles = [(float(c.get("cx", "")), float(c.get("cy", ""))) for c in svg if c.tag == "circle"]
    assert all(0 < x < WIDTH and 0 < y < HEIGHT for x, y in circles)
    assert (circles[1][1] > circles[0][1]) == (worst < 40)
    assert any("gate 20 dB" in (text.text or "") for text in svg if text.tag == "text")


def test_nothing_compared_draws_nothing() -> None:
    assert chart(Drift((), 20.0, "operators")) == ""


def test_the_page_shows_the_drift_and_the_outputs(tmp_path: Path) -> None:
    run("quantize", "-q", DIGITS, tmp_path / "out").ok()
    page = tmp_path / "page.html"
    run(
        *("dequantize-check", "-q", "--reference", DIGITS, "--layers", "--min-output-sqnr", "20"),
        *("--html", page, tmp_path / "out"),
    ).ok()
    text = page.read_text(encoding="utf-8")
    assert text.count("<svg") == 1
    assert len(re.findall("<circle", text)) > 10
    assert "gate 20 dB" in text
    assert "Outputs beside the reference" in text
    assert not re.search(r"(?i)https?:|<script|<img|<link|url\(|@import", text)
    run("dequantize-check", "-q", "--reference", DIGITS, "--html", page, tmp_path / "out").ok()
    assert "<svg" not in page.read_text(encoding="utf-8")
