"""Tables and labelled lines: with rules on a terminal, plain aligned columns in a pipe."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from ...errors import printable
from ..options.shared import LISTED
from . import units

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..console import Console

# Width of the labels of `facts`.
LABEL_WIDTH = 14

# An empty cell; a column with only empty cells is dropped on a terminal.
NOTHING = "-"

# Columns between two columns.
GAP = 2


@dataclass(frozen=True)
class Column:
    """A table's column. The first of a table has the names, and is always shown.

    Attributes:
        heading: its heading; without blanks, so that `awk` counts the same fields everywhere.
        number: whether it holds numbers (aligned to the right).
        importance: where a terminal is too narrow, the least important column goes first.
    """

    heading: str
    number: bool = False
    importance: int = 0


# One name of 100,000 characters must not make every line as long.
MAX_PADDED = 300


def table(
    console: Console, columns: Sequence[Column], rows: Iterable[Sequence[str]]
) -> RenderableType:
    """A table for where `console`'s results go.

    On a terminal it has a rule, and columns that do not fit are left out whole, with a note. Only
    names that are wider than half the terminal are folded; nothing is cut. In a pipe every row is
    one line of all columns, with two spaces between them and none at the end.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    if console.is_terminal:
        return _ruled(columns, cells, console.width)
    return _aligned(columns, cells)


def listing(
    console: Console,
    columns: Sequence[Column],
    rows: Sequence[Sequence[str]],
    everything: bool,
    sizes: Sequence[int] = (),
) -> RenderableType:
    """A table of weights, of which a terminal gets the first ones unless `everything` is true.

    Args:
        console: where it goes.
        columns, rows: as for `table`.
        everything: whether `--all` was given.
        sizes: the bytes of each row's weight, for the note on the others.
    """
    count = shown(console, len(rows), everything)
    if count == len(rows):
        return table(console, columns, rows)
    from rich.console import Group
    from rich.text import Text

    size = f", {units.size(sum(sizes[count:]))}" if sizes else ""
    note = f"({len(rows) - count} more{size}: --all)"
    return Group(table(console, columns, rows[:count]), Text(note, style="dim"))


def lines(console: Console, texts: Iterable[str], everything: bool = True) -> None:
    """Print sentences; a terminal folds them between words, and gets the first ones."""
    told = list(texts)
    if told and not console.is_terminal:  # at once, since rich takes its time for each
        console.print("\n".join(told))
        return
    from rich.text import Text

    count = shown(console, len(told), everything)
    for text in told[:count]:
        console.print(Text(text))
    if count < len(told):
        console.print(Text(f"({len(told) - count} more: --all)", style="dim"))


def shown(console: Console, count: int, everything: bool) -> int:
    """How many of so many rows or lines are shown."""
    return count if everything or not console.is_terminal else min(count, LISTED)


def facts(console: Console, pairs: Iterable[tuple[str, str]]) -> RenderableType:
    """Labelled lines.

    On a terminal a repeated label is shown once, and long lines are folded to the right of the
    labels. In a pipe every line has its label, for `grep`.
    """
    if console.is_plain(console.stdout):
        return "\n".join(f"{label:<{LABEL_WIDTH}}{printable(line)}" for label, line in pairs)
    from rich.table import Table
    from rich.text import Text

    if not console.is_terminal:
        lines = (
            Text.assemble((f"{label:<{LABEL_WIDTH}}", "bold"), printable(line))
            for label, line in pairs
        )
        return Text("\n").join(lines)
    grid = Table.grid(padding=0)
    grid.add_column(width=LABEL_WIDTH, style="bold")
    grid.add_column(overflow="fold")
    previous = ""
    for label, line in pairs:
        grid.add_row(Text(label if label != previous else ""), Text(printable(line)))
        previous = label
    return grid


def _ruled(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int) -> RenderableType:
    from rich import box
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    shown, left_out = _fitting(columns, rows, width)
    made = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, GAP - 1, 0, 0),  # the box adds one
        pad_edge=False,
        header_style="bold",
        show_edge=False,
    )
    for index, column_width in shown.items():
        column = columns[index]
        justify: Literal["left", "right"] = "right" if column.number else "left"
        made.add_column(column.heading, justify=justify, width=column_width, overflow="fold")
    for row in rows:
        made.add_row(*(Text(row[index]) for index in shown))
    if not left_out:
        return made
    names = ", ".join(columns[index].heading for index in left_out)
    return Group(made, Text(f"(too narrow for: {names})", style="dim"))


def _fitting(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int
) -> tuple[dict[int, int], list[int]]:
    """Index and width of each column to show, and indexes of those that do not fit."""
    widths = _widths(columns, rows)
    filled = [
        index
        for index in range(len(columns))
        if index == 0 or not rows or any(row[index] != NOTHING for row in rows)
    ]
    least_name = min(widths[0], width // 2)
    # One that does not fit beside the names alone must not drive out those that do.
    others = [index for index in filled[1:] if least_name + GAP + widths[index] <= width]
    while others and least_name + sum(GAP + widths[index] for index in others) > width:
        others.remove(min(others, key=lambda index: columns[index].importance))
    name = min(widths[0], width - sum(GAP + widths[index] for index in others))
    shown = {0: name, **{index: widths[index] for index in others}}
    return shown, [index for index in filled if index not in shown]


def _widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    from rich.cells import cell_len

    return [
        max(cell_len(cell) for cell in (column.heading, *(row[index] for row in rows)))
        for index, column in enumerate(columns)
    ]


def _aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    from rich.cells import cell_len

    lines = [[column.heading for column in columns], *rows]
    widths = _widths(columns, rows)

    def padded(index: int, cell: str) -> str:
        space = " " * (min(widths[index], MAX_PADDED) - cell_len(cell))
        return space + cell if columns[index].number else cell + space

    return "\n".join(
        "  ".join(padded(index, cell) for index, cell in enumerate(line)).rstrip() for line in lines
    )
