"""Tables and summaries: with rules and colours on a terminal, plain aligned columns in a pipe."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..errors import printable
from . import units

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.text import Text

    from ..core.plan import WeightPlan
    from ..core.quantize import Quantized, WeightResult
    from .console import Console


@dataclass(frozen=True)
class Column:
    """A table's column: its heading, and whether it holds numbers (aligned to the right)."""

    heading: str
    number: bool = False
    folds: bool = False


def table(
    console: Console, columns: Sequence[Column], rows: Iterable[Sequence[str]]
) -> RenderableType:
    """A table for where `console`'s results go.

    On a terminal it has a rule, and long cells of columns that fold are folded. In a pipe every
    row is one line, with two spaces between columns and none at the end.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    if console.is_terminal:
        return _ruled(columns, cells)
    return _aligned(columns, cells)


def _ruled(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(box=box.SIMPLE_HEAD, padding=(0, 1), header_style="bold", show_edge=False)
    for column in columns:
        made.add_column(
            column.heading,
            justify="right" if column.number else "left",
            no_wrap=not column.folds,
            overflow="fold",
        )
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def _aligned(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> str:
    from rich.cells import cell_len

    lines = [[column.heading for column in columns], *rows]
    widths = [max(cell_len(line[index]) for line in lines) for index in range(len(columns))]

    def padded(index: int, cell: str) -> str:
        space = " " * (widths[index] - cell_len(cell))
        return space + cell if columns[index].number else cell + space

    return "\n".join(
        "  ".join(padded(index, cell) for index, cell in enumerate(line)).rstrip() for line in lines
    )


PLAN_COLUMNS = (
    Column("weight", folds=True),
    Column("operator"),
    Column("shape"),
    Column("type"),
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
