"""Tables on terminals of every width, and in a pipe."""

from __future__ import annotations

import io
from collections.abc import Sequence

import pytest
from rich.cells import cell_len

from weightquant_cli.cli.console import Console
from weightquant_cli.cli.output import inspect_view
from weightquant_cli.cli.output.tables import NOTHING, Column, facts, listing, table

WIDTHS = range(30, 201)


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    encoding = "utf-8"

    def isatty(self) -> bool:
        return True


COLUMNS = (
    Column("weight"),
    Column("operator", importance=2),
    Column("bits", number=True, importance=3),
    Column("bytes", number=True, importance=4),
    Column("why", importance=1),
)
ROWS = [
    ("encoder_layer_11_multi_head_att_output_fc.w_0_" + "x" * 30, "mul", NOTHING, "1234567", "no"),
    ("fc_0.w_0", "depthwise_conv2d", NOTHING, "12", "bias or norm"),
]


def terminal_of(width: int) -> dict[str, str]:
    """The environment of a terminal."""
    return {"TERM": "dumb", "COLUMNS": str(width)}


def shown(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> list[str]:
    """The lines on a terminal of this width."""
    stream = Terminal()
    console = Console(stream, io.StringIO(), environment=terminal_of(width))
    console.print(table(console, columns, rows))
    return stream.getvalue().splitlines()


def test_at_every_width_whole_columns_are_shown_or_named_as_missing() -> None:
    filled = [0, 1, 3, 4]
    for width in WIDTHS:
        lines = shown(COLUMNS, ROWS, width)
        assert max(map(cell_len, lines)) <= width
        heading, rule, *body = lines
        assert set(rule) == {"─"}
        start = _note(body)
        note = " ".join(" ".join(body[body.index(start) :]).split()) if start else ""
        present = [index for index in filled if COLUMNS[index].heading in heading.split()]
        missing = [COLUMNS[index].heading for index in filled if index not in present]
        assert heading.split() == [COLUMNS[index].heading for index in present]
        assert note == (f"(too narrow for: {', '.join(missing)})" if missing else "")
        assert present[0] == 0
        assert _cells(body[: body.index(start)] if start else body, len(present)) == [
            [row[index] for index in present] for row in ROWS
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


def test_in_a_pipe_every_column_is_there_and_no_line_ends_in_blanks() -> None:
    stream = io.StringIO()
    console = Console(stdout=stream, stderr=io.StringIO())
    console.print(table(console, COLUMNS, ROWS))
    lines = stream.getvalue().splitlines()
    assert lines[0].split() == [column.heading for column in COLUMNS]
    assert len(lines) == 1 + len(ROWS)
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize(("everything", "count"), [(False, 20), (True, 25)])
def test_a_terminal_gets_the_first_weights_and_how_many_more_there_are(
    everything: bool, count: int
) -> None:
    columns = (Column("weight"), Column("bytes", number=True, importance=1))
    rows = [(f"w{number}", "1024") for number in range(25)]
    for stream in (Terminal(), io.StringIO()):
        console = Console(stdout=stream, stderr=io.StringIO(), environment={"TERM": "dumb"})
        console.print(listing(console, columns, rows, everything, [1024] * 25))
        shown = [line for line in stream.getvalue().splitlines() if line.startswith("w")]
        assert len(shown) == 1 + (count if console.is_terminal else 25)
        cut = "(5 more, 5 KiB: --all)" in stream.getvalue()
        assert cut == (console.is_terminal and not everything)


def test_what_was_asked_for_stays_the_longest() -> None:
    columns = inspect_view._columns(inspect_view.Listing(sqnr=True, distribution=True))
    row = [
        *("depthwise_conv2d_0.w_0", "conv2d", "16x1x3x3", "FP32", "131072", "62.0%", NOTHING),
        *(NOTHING, "41.5", "-0.1", "▁" * 24, "0.1", "quantizable"),
    ]
    assert shown(columns, [row], 50)[0].split() == ["weight", "distribution"]
    assert shown(columns, [row], 30)[0].split() == ["weight", "bytes"]


def test_labelled_lines_lose_nothing_at_any_width() -> None:
    pairs = [("size", "234 KiB in all: program 27.1 KiB, parameters 207 KiB"), ("input", "x" * 99)]
    for width in WIDTHS:
        stream = Terminal()
        console = Console(stream, io.StringIO(), environment=terminal_of(width))
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
