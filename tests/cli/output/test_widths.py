"""What the commands print on terminals of 30 to 200 columns: nothing is cut or silently missing.

Each command runs once, and what it would print is printed at every width. The widest of all shows
every column, and is what the others are compared with.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from rich.cells import cell_len

from tests.builders import COMBINED
from tests.cli.helpers import run, run_terminal
from tests.core.check.check_cases import CASES
from tests.pages import DIGITS
from weightquant_cli.cli import quantize
from weightquant_cli.cli.console import Console
from weightquant_cli.cli.output import check_view, inspect_view, recommend_view

WIDTHS = range(30, 201)
WIDEST = 1000

# What is to be copied stays one line, for the terminal to wrap.
COPIED = "weightquant quantize"

FEW = ("--input-shape", "image=1,1,8,8")
CHECK = ("dequantize-check", "--reference", DIGITS)

# Name, the function that prints, the command.
SCREENS = {
    "inspect": (inspect_view, "show", ("inspect", "--compressed", DIGITS)),
    "inspect, a quantized model": (inspect_view, "show", ("inspect", "out")),
    "inspect --histogram": (
        *(inspect_view, "show"),
        ("inspect", "--histogram", "--sort", "sqnr", DIGITS),
    ),
    "inspect --recommend": (
        *(recommend_view, "show"),
        ("inspect", "--recommend", *FEW, DIGITS),
    ),
    "quantize": (quantize, "_print_summary", ("quantize", "--compressed", DIGITS, "other")),
    "quantize --dry-run": (
        *(quantize, "_print_summary"),
        ("quantize", "--dry-run", "--exclude", "fc_1*", DIGITS, "none"),
    ),
    "quantize --accurate": (
        *(quantize, "_print_summary"),
        ("quantize", "--accurate", *FEW, DIGITS, "accurate"),
    ),
    "dequantize-check": (check_view, "show", ("dequantize-check", "out")),
    "dequantize-check --reference": (
        *(check_view, "show"),
        (*CHECK, "--min-sqnr", "45", "--min-cosine", "0.99999", "out"),
    ),
    "dequantize-check --outputs": (check_view, "show", (*CHECK, "--outputs", *FEW, "out")),
    "dequantize-check --layers": (
        *(check_view, "show"),
        (*CHECK, "--layers", *FEW, "--min-output-sqnr", "90", "out"),
    ),
    "dequantize-check, changed files": (
        *(check_view, "show"),
        ("dequantize-check", "--verify-report", "report.json", "other report"),
    ),
}


@dataclass(frozen=True)
class Table:
    """A table as read from the screen.

    Attributes:
        columns: its headings.
        rows: its cells; a name that was folded is one again.
        missing: the columns that the note below says are missing.
    """

    columns: list[str]
    rows: list[list[str]]
    missing: list[str]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the commands run: with the digits in INT8, and a report of other files."""
    made = tmp_path_factory.mktemp("widths")
    run("quantize", "-q", "--report", "report.json", DIGITS, "out", cwd=made).ok()
    run("quantize", "-q", "--bits", "16", DIGITS, "other report", cwd=made).ok()
    return made


def captured(module: Any, name: str, *arguments: str | Path, cwd: Path) -> list[tuple[Any, ...]]:
    """With what the command calls the function that prints."""
    calls: list[tuple[Any, ...]] = []
    with mock.patch.object(module, name, lambda console, *given: calls.append(given)):
        result = run(*arguments, cwd=cwd)
    assert result.code in (0, 1), result.stderr
    assert len(calls) == 1
    return calls


def printed(show: Callable[..., None], given: tuple[Any, ...], width: int) -> list[str]:
    """The lines on a terminal of this width; with fewer weights than users see, which is faster."""
    stream = Terminal()
    environment = {"TERM": "dumb", "COLUMNS": str(width)}
    with mock.patch("weightquant_cli.cli.output.tables.LISTED", 6):
        show(Console(stdout=stream, stderr=io.StringIO(), environment=environment), *given)
    return stream.getvalue().splitlines()


def parsed(lines: list[str]) -> tuple[str, list[Table]]:
    """What a screen shows: its text without blanks, and its tables."""
    text, tables = "", []
    for block in "\n".join(lines).split("\n\n"):
        heading, rule, body = [*block.split("\n", 2), "", ""][:3]
        if set(rule) != {"─"}:
            text += block
            continue
        rows, _, note = body.partition("\n(")
        missing = re.match(r"too narrow for: ([^)]*)\)", note)
        text += note[missing.end() :] if missing else note
        named = re.split(r",\s+", missing[1]) if missing else []
        tables.append(Table(heading.split(), _rows(rows), named))
    return "".join(text.split()).replace("(", ""), tables


def _rows(text: str) -> list[list[str]]:
    """The cells of each row. A line of one cell goes on with the name above it."""
    rows: list[list[str]] = []
    for line in text.split("\n"):
        cells = re.split(" {2,}", line.strip())
        if len(cells) > 1:
            rows.append(cells)
        else:
            rows[-1][0] += cells[0]
    return rows


@pytest.mark.parametrize("screen", SCREENS)
def test_whole_columns_are_shown_or_named_as_missing_and_no_text_is_cut(
    screen: str, folder: Path
) -> None:
    module, name, arguments = SCREENS[screen]
    (given,) = captured(module, name, *arguments, cwd=folder)
    show = getattr(module, name)
    widest = printed(show, given, WIDEST)
    text, tables = parsed(widest)
    for width in WIDTHS:
        lines = printed(show, given, width)
        if lines == widest:  # and so at every width up to that
            break
        assert [line for line in lines if cell_len(line) > width and COPIED not in line] == []
        text_here, tables_here = parsed(lines)
        assert text_here == text
        for here, whole in zip(tables_here, tables, strict=True):
            present = [name for name in whole.columns if name not in here.missing]
            assert here.columns == present
            assert len(present) > 1
            assert present[0] == whole.columns[0]
            indexes = [whole.columns.index(name) for name in present]
            assert here.rows == [[row[index] for index in indexes] for row in whole.rows]
    assert printed(show, given, WIDTHS[-1]) == lines


def test_findings_are_folded_between_words(tmp_path: Path) -> None:
    for number, case in enumerate(CASES[-12:]):
        model = case.draft().quantized().write(tmp_path / f"model{number}", COMBINED)
        (given,) = captured(check_view, "show", "dequantize-check", model, cwd=tmp_path)
        text = " ".join(printed(check_view.show, given, WIDEST))
        for width in range(30, 201, 17):
            lines = printed(check_view.show, given, width)
            assert max(map(len, lines)) <= width
            assert " ".join(" ".join(lines).split()) == text


@pytest.mark.parametrize("said", ["0", "", "none", "-5"])
def test_columns_that_are_no_number_of_columns_do_not_count(said: str) -> None:
    for color in ("never", "always"):  # rich takes a dumb terminal for 80 columns
        result = run_terminal(
            *("inspect", "--color", color, DIGITS),
            columns=60,
            env={"COLUMNS": said, "TERM": "dumb"},
        )
        lines = re.sub(r"\x1b\[[0-9;]*m", "", result.stdout).splitlines()
        assert max(map(cell_len, lines)) == 60


@pytest.mark.parametrize("columns", [30, 200])
def test_the_real_commands_keep_to_a_real_terminal(columns: int, folder: Path) -> None:
    for arguments in (("inspect", "--histogram", DIGITS), (*CHECK, "--layers", *FEW, "out")):
        result = run_terminal(
            *arguments, columns=columns, cwd=folder, env={"TERM": "dumb"}, stderr_too=True
        )
        assert result.code == 0
        shown = [line.rpartition("\r")[2] for line in result.lines]
        assert max(map(cell_len, shown)) <= columns
        _, tables = parsed([line.rstrip() for line in shown])
        assert [table.columns[0] for table in tables] == (
            ["weight"] if "--histogram" in arguments else ["weight", "layer", "output"]
        )
