"""The page of `dequantize-check --html`: what it says, and what a browser makes of it."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests import builders
from tests.cli.helpers import run

DIGITS = Path(__file__).resolve().parents[2] / "models" / "digits"


@pytest.fixture
def quantized(tmp_path: Path) -> Path:
    """The digits model, quantized to INT8."""
    run("quantize", "-q", DIGITS, tmp_path / "out").ok()
    return tmp_path / "out"


def page_of(quantized: Path, *options: str | Path) -> str:
    """The page that the check of `quantized` with `options` writes."""
    page = quantized.with_name("page.html")
    run("dequantize-check", "-q", "--html", page, *options, quantized)
    return page.read_text(encoding="utf-8")


def words(page: str) -> str:
    """What the page says, without its elements."""
    body = re.sub(r"<script>.*</script>", "", page, flags=re.DOTALL)
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", body)).split())


def test_it_loads_nothing_and_is_made_for_light_and_dark_and_for_phones(quantized: Path) -> None:
    page = page_of(quantized, "--reference", DIGITS)
    assert not re.search(r"(?i)https?:|<img|<link|url\(|@import|src=", page)
    assert "color-scheme: light dark" in page
    assert "width=device-width" in page
    assert page.count("<script") == 1


def test_it_names_both_models_their_sizes_and_the_worst_weight(quantized: Path) -> None:
    said = words(page_of(quantized, "--reference", DIGITS))
    assert "ok: 6 quantized weights, 6 compared with the reference" in said
    assert f"model {quantized}" in said
    assert f"compared with {DIGITS}" in said
    assert "67.5 KiB from 234 KiB: 3.47 x smaller" in said
    assert "6 of 24 weights quantized; 53.3 KiB, 207 KiB as FP32 (99.0% of the bytes)" in said
    assert "41.5 dB worst weight: fc_0.w_0" in said
    assert re.search(r"checked 20\d\d-\d\d-\d\d \d\d:\d\d UTC", said)


def test_without_a_reference_it_shows_the_weights_and_what_stays(quantized: Path) -> None:
    page = page_of(quantized)
    said = words(page)
    assert "18 (2.2 KiB): biases and norms" in said
    assert "weight type bytes operator shape scales reason fc_0.w_0 INT8 32,768 mul 1024x32" in said
    assert "<figure" not in page
    assert "SQNR" not in said


def test_what_is_wrong_stands_before_everything_else(quantized: Path) -> None:
    said = words(page_of(quantized, "--reference", DIGITS, "--min-sqnr", "45"))
    first = said.index("gate: fc_0.w_0: SQNR 41.50 dB, at least 45 asked for")
    assert first < said.index("3.47 x smaller")


def test_a_gate_is_a_line_in_the_chart_and_marks_what_it_refuses(quantized: Path) -> None:
    page = page_of(quantized, "--reference", DIGITS, "--min-sqnr", "45")
    assert ">gate 45 dB</text>" in page
    marked = re.findall(r"<circle[^>]*int8 fails[^>]*><title>([^:]*):", page)
    report = run("dequantize-check", "--json", "--reference", DIGITS, quantized).ok().stdout
    below = [w["name"] for w in json.loads(report)["weights"] if w["sqnr_db"] < 45]
    assert marked == below
    assert len(re.findall(r'<tr data-state="quantized fails"', page)) == len(below)


def test_the_outputs_have_a_table_and_the_layers_a_chart(quantized: Path) -> None:
    page = page_of(
        quantized, "--reference", DIGITS, "--outputs", "--layers", "--min-output-sqnr", "10"
    )
    assert re.search(r"save_infer_model/scale_0\.tmp_0 \d+\.\d\d ", words(page))
    assert '<polyline points="' in page
    assert ">gate 10 dB</text>" in page
    assert "most noise: operator " in words(page)
    columns = re.findall(r"<th[^>]*>([^<]+)</th>", page[page.index('id="answers"') :])
    assert columns[:3] == ["output", "SQNR in dB", "agreement"]  # what a phone has room for


def test_an_output_that_could_not_be_compared_has_no_numbers(tmp_path: Path) -> None:
    model = builders.ModelBuilder()
    x = model.op("mystery", {"X": model.input("x", (-1, 4))}, {"Out": "h"}, shape=(-1, 4))
    model.fetch(model.mul(x, "w", builders.normal(4, 64)))
    folder = model.write(tmp_path / "m", builders.COMBINED)
    run("quantize", "-q", folder, tmp_path / "out").ok()
    page = page_of(tmp_path / "out", "--reference", folder, "--outputs")
    assert ">nan<" not in page
    assert "mystery" in words(page)


def test_a_weight_without_any_error_is_drawn_above_all_others(tmp_path: Path) -> None:
    model = builders.ModelBuilder()
    weight = np.eye(4, dtype=np.float32)
    model.fetch(model.mul(model.input("x", (-1, 4)), "w", weight))
    folder = model.write(tmp_path / "m", builders.COMBINED)
    run("quantize", "-q", folder, tmp_path / "out").ok()
    page = page_of(tmp_path / "out", "--reference", folder)
    assert 'data-value="Infinity"' in page
    assert "nan" not in page.lower().replace("finance", "")


def test_names_cannot_break_out_of_the_page(tmp_path: Path) -> None:
    name = "<script>alert(1)</script>&\x1b[31m\"'"
    model = builders.ModelBuilder()
    model.fetch(model.mul(model.input("x", (-1, 4)), name, builders.normal(4, 4)))
    folder = model.write(tmp_path / "m", builders.COMBINED)
    run("quantize", "-q", folder, tmp_path / "out").ok()
    page = page_of(tmp_path / "out", "--reference", folder)
    assert page.count("<script") == 1
    assert "\x1b" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&amp;" in page


# ---- in a browser ---------------------------------------------------------------------------

LIGHT, DARK = "1", "0"

DRIVE = """{
const table = document.getElementById("weights");
const rows = () => [...table.tBodies[0].rows].filter((row) => !row.hidden);
const names = () => rows().map((row) => row.cells[0].textContent);
const press = (name) => [...table.querySelectorAll("th button")]
  .find((button) => button.textContent === name).click();
const search = document.getElementById("search"), state = document.getElementById("state");
const choose = (field, value, event) => {
  field.value = value;
  field.dispatchEvent(new Event(event));
};
const seen = {};
seen.width = document.documentElement.scrollWidth;
seen.background = getComputedStyle(document.body).backgroundColor;
seen.text = getComputedStyle(document.body).color;
press("bytes"); seen.smallest = names()[0];
press("bytes"); seen.largest = names()[0];
press("SQNR in dB"); seen.worst = names()[0]; seen.last = names().at(-1);
choose(search, "CONV2D int8", "input"); seen.found = names(); seen.count =
  document.getElementById("shown").textContent;
choose(search, "", "input"); choose(state, "kept", "change"); seen.kept = rows().length;
choose(state, "", "change"); seen.all = rows().length;
document.title = JSON.stringify(seen);
}"""


def in_browser(page: str, folder: Path, script: str, scheme: str = LIGHT, width: int = 1200) -> str:
    """The title of the page after `script` has run in it."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("no chromium: apt-get install chromium")
    probe = folder / "probe.html"
    probe.write_text(page.replace("</body>", f"<script>{script}</script></body>"), encoding="utf-8")
    done = subprocess.run(
        [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic",
            "--no-first-run", "--disable-background-networking", "--disable-component-update",
            "--disable-sync", f"--user-data-dir={folder / 'profile'}",
            f"--blink-settings=preferredColorScheme={scheme}",
            f"--window-size={width},900", "--dump-dom", probe.as_uri(),
        ],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    shown = re.search(r"<title>(.*?)</title>", done.stdout, flags=re.DOTALL)
    assert shown is not None
    return html.unescape(shown[1])


def driven(page: str, folder: Path, scheme: str, width: int) -> dict[str, object]:
    """What a browser shows of the page while it is sorted and filtered."""
    open_to_all = re.sub(r"<meta http-equiv[^>]*>", "", page)
    seen = json.loads(in_browser(open_to_all, folder, DRIVE, scheme, width))
    assert isinstance(seen, dict)
    return seen


def brightness(color: object) -> int:
    """Of a colour as CSS gives it, 0 to 765."""
    return sum(int(number) for number in re.findall(r"\d+", str(color))[:3])


@pytest.mark.parametrize(("scheme", "width"), [(LIGHT, 360), (DARK, 1600)])
def test_a_browser_sorts_and_filters_in_both_schemes(
    scheme: str, width: int, quantized: Path, tmp_path: Path
) -> None:
    seen = driven(page_of(quantized, "--reference", DIGITS), tmp_path, scheme, width)
    # Headless Chromium is no narrower than 500 pixels.
    assert int(str(seen["width"])) <= max(width, 500)
    assert seen["largest"] == "fc_0.w_0"
    assert seen["smallest"] != seen["largest"]
    assert seen["worst"] == "fc_0.w_0"
    assert str(seen["last"]).endswith((".b_0", ".w_1", ".w_2"))  # a bias has no SQNR
    assert seen["found"] == [
        "conv2d_2.w_0", "conv2d_1.w_0", "depthwise_conv2d_0.w_0", "conv2d_0.w_0",
    ]  # fmt: skip
    assert seen["count"] == "4 of 24"
    assert (seen["kept"], seen["all"]) == (18, 24)
    background, text = brightness(seen["background"]), brightness(seen["text"])
    assert (background > 600 and text < 150) if scheme == LIGHT else (background < 150 < 600 < text)


def test_no_script_but_the_page_s_own_runs(quantized: Path, tmp_path: Path) -> None:
    page = page_of(quantized, "--reference", DIGITS)
    assert in_browser(page, tmp_path, 'document.title = "intruder"') == "weightquant: out"
