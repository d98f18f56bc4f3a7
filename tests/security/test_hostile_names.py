"""Names chosen to break out of the script's quoting, the page's HTML, tables, CSV and Markdown."""

from __future__ import annotations

import html
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests import builders
from tests.builders import Layout, ModelBuilder, normal
from tests.cli.helpers import environment, run, run_terminal
from tests.security.hostile import NAMES
from tests.security.sandbox import refuse_active_page, refuse_controls
from weightquant_cli.errors import printable

# What can be a file's name here, with room for a suffix.
FILE_NAMES = sorted(
    {n for n in NAMES if n not in ("", ".", "..") and not set(n) & set("/\0") and len(n) < 60}
)
WEIGHTS = [n for n in NAMES if n not in ("", "feed", "fetch")]

FAKE_OPT = r"""#!/bin/sh
# Writes what it was asked for, and notes its arguments, each with a NUL after it.
for argument in "$@"; do
    printf '%s\0' "$argument" >>"$NOTES"
    case $argument in --optimize_out=*) echo model >"${argument#--optimize_out=}.nb" ;; esac
done
"""


@pytest.mark.parametrize("name", FILE_NAMES, ids=ascii)
def test_no_name_breaks_out_of_the_script(name: str, tmp_path: Path) -> None:
    opt, notes = tmp_path / "opt", tmp_path / "notes"
    opt.write_text(FAKE_OPT)
    opt.chmod(0o755)
    place = tmp_path / "place"
    folder = place / name
    layout = Layout(f"{name}.pdmodel", f"{name}.pdiparams")
    model = ModelBuilder()
    model.mul(model.input("x", (-1, 4)), "w", normal(4, 4))
    model.write(folder, layout)
    before = builders.tree(place)
    run("export-opt", "-q", "--", folder)
    done = subprocess.run(
        ["sh", folder / "convert_to_lite.sh"],
        cwd=tmp_path,
        env=environment({"OPT": str(opt), "NOTES": str(notes)}),
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    refuse_controls((folder / "convert_to_lite.sh").read_bytes(), "the script")
    arguments = notes.read_bytes().split(b"\0")
    wanted = [f"--model_file=./{name}.pdmodel", f"--param_file=./{name}.pdiparams"]
    for argument in wanted:
        encoded = argument.encode("utf-8", "surrogateescape")
        assert any(a.replace(b"=./", b"=").replace(b"./", b"") == encoded.replace(b"=./", b"=")
                   for a in arguments), arguments  # fmt: skip
    new = builders.tree(place).keys() - before.keys()
    assert new == {f"{name}/convert_to_lite.sh", f"{name}/{name}.nb"}


@pytest.fixture(scope="module")
def quantized(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A quantized model all of whose weights have hostile names, in a folder that has one too."""
    place = tmp_path_factory.mktemp("names")
    model = ModelBuilder()
    x = model.input("<b>in\x1b[1m</b>", (-1, 4))
    for name in dict.fromkeys(WEIGHTS):
        x = model.mul(x, name, normal(4, 4))
    model.op("<script>op()</script>\x1b]0;t\x07", {"X": x}, {"Out": "out"})
    model.fetch(x)
    folder = model.write(place / "<img src=x onerror=f()>" / "[red]model", builders.COMBINED)
    run("quantize", "-q", folder, place / "out").ok()
    shutil.copytree(folder, place / "fp32")
    return place


def test_no_name_becomes_markup_on_the_page(quantized: Path, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    run("dequantize-check", "-q", "--reference", quantized / "fp32", "--html", page,
        quantized / "out")  # fmt: skip
    text = page.read_text("utf-8")
    refuse_controls(page.read_bytes(), "the page")
    refuse_active_page(text)
    shown = html.unescape(re.sub(r"<[^>]*>", "", text)).replace("\n", "")  # names are folded
    for name in WEIGHTS:
        if len(name) < 60:
            assert printable(name) in shown


@pytest.mark.parametrize("form", [(), ("--format", "csv"), ("--format", "markdown"), ("--json",)])
def test_names_stay_names_in_every_format_of_inspect(
    form: tuple[str, ...], quantized: Path
) -> None:
    shown = run("inspect", "--histogram", *form, quantized / "out").ok()
    refuse_controls(shown.out, "inspect")
    if not form:
        for name in ("[red]x[/red]", "[/]", "{0.__class__}", "%s%n", "$(id)"):
            assert name in shown.stdout


@pytest.mark.parametrize("command", ["inspect", "dequantize-check"])
def test_a_terminal_gets_colours_of_ours_and_nothing_else(command: str, quantized: Path) -> None:
    shown = run_terminal(command, quantized / "out", columns=120)
    _only_colours(shown.out)


def test_the_progress_bar_shows_names_escaped(quantized: Path, tmp_path: Path) -> None:
    shown = run_terminal(
        "quantize", "-v", "-j", "1", quantized / "fp32", tmp_path / "out", stderr_too=True
    )
    assert shown.code == 0
    _only_colours(shown.out)


def _only_colours(shown: bytes) -> None:
    """Nothing but SGR sequences, cursor movements of the progress bar, and its carriage returns."""
    text = re.sub(rb"\x1b\[[0-9;]*m|\x1b\[A|\r", b"", shown)
    refuse_controls(text, "the terminal")


def test_a_markdown_heading_holds_a_backtick_in_a_file_s_name(tmp_path: Path) -> None:
    name = "a`b``c\x1b[2J"
    builders.write_model(tmp_path / "m", Layout(f"{name}.pdmodel", f"{name}.pdiparams"))
    shown = run("inspect", "--format", "markdown", tmp_path / "m").ok()
    assert "``` combined: a`b``c\\x1b[2J.pdmodel + a`b``c\\x1b[2J.pdiparams ```" in shown.stdout
