"""Every path that a command writes, against all that it reads and all else that it writes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests import builders
from tests.cli.helpers import run

DIGITS = Path(__file__).parents[1] / "models" / "digits"
COMBINED = DIGITS.with_name("digits_combined")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a model, its reference's copy, the quantized model and its report."""
    shutil.copytree(COMBINED, tmp_path / "model")
    words = ("--report", "report.json", "--plan-out", "plan.json", "model", "out")
    run("quantize", "-q", *words, cwd=tmp_path).ok()
    return tmp_path


QUANTIZE = [
    ("--report", "model/__model__"),
    ("--report", "model/report.json"),
    ("--report", "model"),
    ("--report", "new/report.json"),
    ("--report", "new"),
    ("--plan-out", "model/__params__"),
    ("--plan-out", "new/plan.json"),
    ("--plan-out", "same.json", "--report", "same.json"),
    ("--plan-out", "same.json", "--report", "./same.json"),
    ("--plan", "plan.json", "--plan-out", "plan.json"),
    ("--plan", "plan.json", "--report", "link.json"),
]

CHECK = [
    ("--html", "out/__model__"),
    ("--html", "model/page.html"),
    ("--report", "out/__params__"),
    ("--report", "model/__model__"),
    ("--html", "page", "--report", "page"),
    ("--save-dequantized", "model"),
    ("--save-dequantized", "out"),
    ("--save-dequantized", "out/fp32"),
    ("--save-dequantized", "fp32", "--html", "fp32/page.html"),
    ("--verify-report", "report.json", "--html", "report.json"),
    ("--verify-report", "report.json", "--html", "link.json"),
]


@pytest.mark.parametrize("words", QUANTIZE, ids=" ".join)
@pytest.mark.parametrize("force", [(), ("-f",)], ids=["", "force"])
def test_quantize_refuses_an_output_that_is_in_the_way(
    words: tuple[str, ...], force: tuple[str, ...], home: Path
) -> None:
    refused(home, "quantize", *force, *words, "model", "new")


@pytest.mark.parametrize("words", CHECK, ids=" ".join)
@pytest.mark.parametrize("force", [(), ("-f",)], ids=["", "force"])
def test_the_check_refuses_an_output_that_is_in_the_way(
    words: tuple[str, ...], force: tuple[str, ...], home: Path
) -> None:
    refused(home, "dequantize-check", *force, *words, "--reference", "model", "out")


def refused(home: Path, *words: str) -> None:
    """It is a usage error in one line, and nothing changes."""
    (home / "link.json").symlink_to("plan.json" if "--plan" in words else "report.json")
    before = builders.tree(home)
    result = run(*words, cwd=home)
    assert (result.code, result.stdout) == (2, ""), result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert builders.tree(home) == before


@pytest.mark.parametrize(
    "words",
    [
        ("quantize", "--report", "no/r.json", "model", "new"),
        ("quantize", "--plan-out", "no/p.json", "model", "new"),
        ("dequantize-check", "--html", "no/page.html", "out"),
        ("dequantize-check", "--report", "no/r.json", "--save-dequantized", "fp32", "out"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_written_is_refused_before_any_work(
    words: tuple[str, ...], home: Path
) -> None:
    before = builders.tree(home)
    result = run(*words, cwd=home)
    assert result.code == 4
    assert "no" in result.stderr
    assert builders.tree(home) == before


@pytest.mark.parametrize("make", [os.symlink, os.link], ids=["symlink", "hard link"])
def test_a_file_of_the_model_by_another_name_is_not_overwritten(
    make: Callable[[Path, Path], None], home: Path
) -> None:
    make(home / "model" / "__model__", home / "other")
    before = (home / "model" / "__model__").read_bytes()
    for words in (("quantize", "--report", "other", "model", "new"),):
        assert run(*words, cwd=home).code == 2
    assert run("export-opt", "-f", "-o", "other", "model", cwd=home).code == 2
    assert (home / "model" / "__model__").read_bytes() == before


def test_a_report_goes_through_what_is_no_regular_file(home: Path) -> None:
    (home / "link").symlink_to("target.json")
    run("quantize", "-q", "--report", "link", "model", "new", cwd=home).ok()
    assert (home / "link").is_symlink()
    assert (home / "target.json").read_bytes().startswith(b"{")
    run("quantize", "-q", "--report", "/dev/null", "model", "again", cwd=home).ok()
    assert not Path("/dev/null").is_file()


def test_outputs_are_as_before_where_the_run_fails(home: Path) -> None:
    (home / "r.json").write_text("before")
    result = run("quantize", "--max-size", "1B", "--report", "r.json", "model", "new", cwd=home)
    assert result.code == 1
    assert (home / "r.json").read_text() == "before"
    assert not (home / "new").exists()
    assert not list(home.glob(".*"))
