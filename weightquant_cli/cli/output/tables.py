"""Tables and summaries: with rules and colours on a terminal, plain aligned columns in a pipe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import printable
from . import units

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from ...core.plan.weight_plan import WeightPlan
    from ...core.quantize.results import Quantized, WeightResult
    from ..console import Console


# To the left of what a fact is about.
LABEL_WIDTH = 14

# A column that folds is never narrower.
FOLD_WIDTH = 14

# Stands for nothing; a column of nothing else is left out on a terminal.
NOTHING = "-"

_GAP = 2


@dataclass(frozen=True)
class Column:
    """A table's column.

    Attributes:
        heading: its heading; without blanks, so that `awk` counts the same fields everywhere.
        number: whether it holds numbers (aligned to the right).
        folds: whether long cells are folded where a terminal is too narrow.
        expendable: what may be left out of a terminal that is still too narrow: the highest
            number first, 0 never.
    """

    heading: str
    number: bool = False
    folds: bool = False
    expendable: int = 0


# One name of 100,000 characters must not make every line as long.
MAX_PADDED = 300


def table(
    console: Console, columns: Sequence[Column], rows: Iterable[Sequence[str]]
) -> RenderableType:
    """A table for where `console`'s results go.

    On a terminal it has a rule, long cells of columns that fold are folded, and what does not fit
    even then is left out, and said to be. In a pipe every row is one line of all columns, with two
    spaces between them and none at the end.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    if console.is_terminal:
        return _ruled(columns, cells, console.width)
    return _aligned(columns, cells)


def fits(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> bool:
    """Whether the whole table can be shown without folding a cell."""
    shown = _telling(columns, rows)
    widths = _natural_widths(columns, rows)
    needed = sum(widths[index] for index in shown) + _GAP * (len(shown) - 1)
    return not console.is_terminal or needed <= console.width


def facts(console: Console, pairs: Iterable[tuple[str, str]]) -> RenderableType:
    """Labelled lines.

    On a terminal a repeated label is shown once, and long lines are folded to the right of the
    labels. In a pipe every line has its label, for `grep`.
    """
    from rich.table import Table
    from rich.text import Text

    if not console.is_terminal:
        return "\n".join(f"{label:<{LABEL_WIDTH}}{printable(line)}" for label, line in pairs)
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

    widths = _natural_widths(columns, rows)
    shown, left_out = _fitting(columns, rows, widths, width)
    made = Table(
        box=box.SIMPLE_HEAD,
        padding=(0, _GAP - 1, 0, 0),  # the box adds one
        pad_edge=False,
        header_style="bold",
        show_edge=False,
    )
    for index in shown:
        column = columns[index]
        made.add_column(
            column.heading,
            justify="right" if column.number else "left",
            min_width=min(widths[index], FOLD_WIDTH) if column.folds else None,
            no_wrap=not column.folds,
            overflow="fold",
        )
    for row in rows:
        made.add_row(*(Text(row[index]) for index in shown))
    if not left_out:
        return made
    names = ", ".join(columns[index].heading for index in left_out)
    return Group(made, Text(f"(too narrow for: {names})", style="dim"))


def _natural_widths(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    from rich.cells import cell_len

    return [
        max(cell_len(cell) for cell in (column.heading, *(row[index] for row in rows)))
        for index, column in enumerate(columns)
    ]


def _telling(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[int]:
    """Indexes of the columns that say something."""
    return [
        index
        for index in range(len(columns))
        if not rows or any(row[index] != NOTHING for row in rows)
    ]


def _fitting(
    columns: Sequence[Column], rows: Sequence[Sequence[str]], widths: Sequence[int], width: int
) -> tuple[list[int], list[int]]:
    """Indexes of the columns to show, and of those left out because they do not fit."""
    shown = _telling(columns, rows)
    left_out: list[int] = []

    def needed() -> int:
        least = (
            min(widths[index], FOLD_WIDTH) if columns[index].folds else widths[index]
            for index in shown
        )
        return sum(least) + _GAP * (len(shown) - 1)

    while needed() > width:
        dearest = max(shown, key=lambda index: columns[index].expendable)
        if not columns[dearest].expendable:
            break
        shown.remove(dearest)
        left_out.append(dearest)
    return shown, sorted(left_out)


def _aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    from rich.cells import cell_len

    lines = [[column.heading for column in columns], *rows]
    widths = _natural_widths(columns, rows)

    def padded(index: int, cell: str) -> str:
        space = " " * (min(widths[index], MAX_PADDED) - cell_len(cell))
        return space + cell if columns[index].number else cell + space

    return "\n".join(
        "  ".join(padded(index, cell) for index, cell in enumerate(line)).rstrip() for line in lines
    )


PLAN_COLUMNS = (
    Column("weight", folds=True),
    Column("operator"),
    Column("shape", expendable=1),
    Column("type", expendable=2),
    Column("to"),
    Column("bytes", number=True),
    Column("after", number=True),
    Column("why", folds=True),
)


def plan_table(console: Console, result: Quantized) -> RenderableType:
    """Every weight and its verdict."""
    return table(console, PLAN_COLUMNS, (_plan_row(weight) for weight in result.plan.weights))


def weight_line(number: int, count: int, result: WeightResult) -> str:
    """One weight's line for `-v`."""
    plan = result.plan
    record = plan.weight.record
    start = f"[{number}/{count}] {plan.name} {plan.operator_type} {units.shape(record.shape)}"
    if plan.quantization is None or result.error is None:
        why = plan.reason.text if plan.reason else ""
        return f"{start} {record.dtype} kept: {why}"
    return (
        f"{start} {record.dtype} -> {plan.quantization.dtype} {units.size(plan.size_before)} -> "
        f"{units.size(plan.size_after)} {units.decibel(result.error.sqnr)}"
    )


def summary(result: Quantized) -> Text:
    """A quantized model in a few lines."""
    from rich.text import Text

    lines = [_quantized_line(result)]
    lines += [("left as it is", text) for text in _kept_lines(result.plan.kept)]
    lines.append(("size", _size_line(result)))
    worst = result.worst
    if worst is not None and worst.error is not None:
        lines.append(("worst SQNR", f"{units.decibel(worst.error.sqnr)} ({worst.plan.name})"))
    if result.folder is not None:
        lines.append(("written", str(result.folder)))
    text = Text()
    previous = ""
    for label, line in lines:
        text.append(f"{label if label != previous else '':<14}", style="bold")
        text.append(f"{printable(line)}\n")
        previous = label
    text.rstrip()
    return text


def _plan_row(plan: WeightPlan) -> tuple[str, ...]:
    record = plan.weight.record
    return (
        plan.name,
        plan.operator_type or "-",
        units.shape(record.shape),
        record.dtype.name,
        plan.quantization.dtype.name if plan.quantization else "-",
        str(plan.size_before),
        str(plan.size_after),
        plan.reason.text if plan.reason else "-",
    )


def _quantized_line(result: Quantized) -> tuple[str, str]:
    done = result.plan.quantized
    before = sum(weight.size_before for weight in done)
    everything = sum(weight.size_before for weight in result.plan.weights)
    kinds = sorted({str(weight.quantization.dtype) for weight in done if weight.quantization})
    label = "to quantize" if result.folder is None else "quantized"
    if not done:
        return label, f"none of {len(result.plan.weights)} weights"
    return label, (
        f"{len(done)} of {len(result.plan.weights)} weights, {units.size(before)} "
        f"({units.percent(before, everything)} of the bytes) to {' and '.join(kinds)}, "
        f"{result.plan.options.granularity.value}"
    )


def _kept_lines(kept: Sequence[WeightPlan]) -> list[str]:
    """What was left and why, the largest first."""
    groups: dict[str, list[WeightPlan]] = defaultdict(list)
    remedies: dict[str, str] = {}
    for weight in kept:
        assert weight.reason is not None
        groups[weight.reason.text].append(weight)
        if weight.reason.remedy:
            remedies[weight.reason.text] = weight.reason.remedy
    sized = sorted(
        ((sum(w.size_before for w in weights), text) for text, weights in groups.items()),
        key=lambda pair: (-pair[0], pair[1]),
    )
    return [
        f"{len(groups[text])} ({units.size(count)}): {text}"
        + (f" ({remedies[text]})" if text in remedies else "")
        for count, text in sized
    ]


def _size_line(result: Quantized) -> str:
    sizes = result.sizes
    return (
        f"{units.size(sizes.before)} -> {units.size(sizes.after)} "
        f"({sizes.ratio:.2f}x smaller, {units.percent(sizes.after, sizes.before)})"
    )
