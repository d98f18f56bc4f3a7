"""Tables on terminals of every width, and in a pipe."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from rich.cells import cell_len

from weightquant_cli import Model, OutputOptions, check, preview, quantize
from weightquant_cli.cli.console import Console
from weightquant_cli.cli.output import check_view, inspect_view, quantize_view
from weightquant_cli.cli.output.tables import NOTHING, Column, facts, listing, table
from weightquant_cli.core.inspect.measure import measure
from weightquant_cli.core.inspect.summary import summarize
from weightquant_cli.core.plan.options import QuantizeOptions
from weightquant_cli.core.plan.plan import make_plan

DIGITS = Path(__file__).parents[2] / "models" / "digits"
WIDTHS = range(30, 201)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


Rows = tuple[Sequence[Column], list[Sequence[str]]]


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rows]:
    """Every table that a command prints."""
    model = Model.load(DIGITS)
    plan = make_plan(model, QuantizeOptions())
    out = OutputOptions(tmp_path_factory.mktemp("tables") / "out")
    quantize(model, plan, out)
    compared = check(Model.load(out.folder), model).comparison
    assert compared is not None
    planned = preview(model, plan, replace(out, folder=out.folder.with_name("other")))
    measured = measure(model, summarize(model), sqnr=True, bins=24)
    both = inspect_view.Listing(True, True)
    return {
        "inspect": (
            inspect_view._columns(both),
            [inspect_view._row(weight, both, True, True) for weight in measured.weights],
        ),
        "quantized": (
            inspect_view._columns(inspect_view.Listing()),
            [
                inspect_view._row(weight, inspect_view.Listing(), True, True)
                for weight in summarize(Model.load(out.folder)).weights
            ],
        ),
        "dry run": (
            quantize_view.PLAN_COLUMNS,
            [quantize_view._plan_row(weight, True) for weight in planned.plan.weights],
        ),
        "check": (check_view.COLUMNS, [check_view.weight_row(w) for w in compared.weights]),
        "long names": (
            (Column("weight"), Column("bytes", number=True, importance=1)),
            [("encoder_layer_11_multi_head_att_output_fc.w_0_" + "x" * 30, "1234567")],
        ),
    }


def shown(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The lines on a terminal of this width."""
    stream = Terminal()
    console = Console(stdout=stream, stderr=io.StringIO(), environment={"TERM": "dumb"})
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(width))
        console.print(table(console, columns, rows))
    return stream.getvalue().splitlines()


@pytest.mark.parametrize("name", ["inspect", "quantized", "dry run", "check", "long names"])
def test_at_every_width_whole_columns_are_shown_or_named_as_missing(
    tables: dict[str, Rows], name: str
) -> None:
    columns, rows = tables[name][0], tables[name][1][:8]
    filled = [index for index in range(len(columns)) if any(row[index] != NOTHING for row in rows)]
    for width in WIDTHS:
        lines = shown(columns, rows, width)
        assert max(map(cell_len, lines)) <= width
        heading, rule, *body = lines
        assert set(rule) == {"─"}
        start = _note(body)
        note = " ".join(" ".join(body[body.index(start) :]).split()) if start else ""
        present = [index for index in filled if columns[index].heading in heading.split()]
        missing = [columns[index].heading for index in filled if index not in present]
        assert heading.split() == [columns[index].heading for index in present]
        assert note == (f"(too narrow for: {', '.join(missing)})" if missing else "")
        assert present[0] == 0
        assert _cells(body[: body.index(start)] if start else body, len(present)) == [
            [row[index] for index in present] for row in rows
        ]


def _note(body: list[str]) -> str | None:
    return next((line for line in body if line.startswith("(too narrow")), None)


def _cells(body: list[str], count: int) -> list[list[str]]:
    """The rows' cells; a line with fewer goes on with the name above it."""
    rows: list[list[str]] = []
    for line in body:
        cells = [cell for cell in line.strip().split("  ") if cell.strip()]
        cells = [cell.strip() for cell in cells]
        if len(cells) == count and (count > 1 or not rows):
            rows.append(cells)
        else:
            rows[-1][0] += cells[0]
    return rows


def test_in_a_pipe_every_column_is_there_and_no_line_ends_in_blanks(
    tables: dict[str, Rows],
) -> None:
    for columns, rows in tables.values():
        stream = io.StringIO()
        console = Console(stdout=stream, stderr=io.StringIO())
        console.print(table(console, columns, rows))
        lines = stream.getvalue().splitlines()
        assert lines[0].split() == [column.heading for column in columns]
        assert len(lines) == 1 + len(rows)
        assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize(("everything", "count"), [(False, 20), (True, 25)])
def test_a_terminal_gets_the_first_weights_and_how_many_more_there_are(
    everything: bool, count: int
) -> None:
    columns = (Column("weight"), Column("bytes", number=True, importance=1))
    rows = [(f"w{number}", "1024") for number in range(25)]
    for stream in (Terminal(), io.StringIO()):
        console = Console(stdout=stream, stderr=io.StringIO(), environment={"TERM": "dumb"})
        console.print(listing(console, columns, rows, [1024] * 25, everything))
        shown = [line for line in stream.getvalue().splitlines() if line.startswith("w")]
        assert len(shown) == 1 + (count if console.is_terminal else 25)
        cut = "(5 more, 5 KiB: --all)" in stream.getvalue()
        assert cut == (console.is_terminal and not everything)


def test_what_was_asked_for_stays_the_longest(tables: dict[str, Rows]) -> None:
    columns, rows = tables["inspect"]
    assert shown(columns, rows, 50)[0].split() == ["weight", "distribution"]
    assert shown(columns, rows, 30)[0].split() == ["weight", "bytes"]


def test_labelled_lines_lose_nothing_at_any_width() -> None:
    pairs = [("size", "234 KiB in all: program 27.1 KiB, parameters 207 KiB"), ("input", "x" * 99)]
    for width in WIDTHS:
        stream = Terminal()
        console = Console(stdout=stream, stderr=io.StringIO(), environment={"TERM": "dumb"})
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("COLUMNS", str(width))
            console.print(facts(console, pairs))
        assert max(map(cell_len, stream.getvalue().splitlines())) <= width
        printed = "".join(stream.getvalue().split())
        assert printed == "".join("".join(pair) for pair in pairs).replace(" ", "")


def test_a_label_is_repeated_in_a_pipe_and_not_on_a_terminal() -> None:
    pairs = [("size", "1"), ("size", "2")]
    for stream, expected in ((io.StringIO(), 2), (Terminal(), 1)):
        console = Console(stdout=stream, stderr=io.StringIO(), environment={"TERM": "dumb"})
        console.print(facts(console, pairs))
        assert stream.getvalue().count("size") == expected
