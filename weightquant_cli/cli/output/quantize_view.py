"""What `quantize` prints: the plan of a dry run, a line per weight, the summary."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import reasons, units
from .tables import NOTHING, Column, facts, table

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ...core.plan.weight_plan import WeightPlan
    from ...core.quantize.results import Quantized, WeightResult
    from ..console import Console

PLAN_COLUMNS = (
    Column("weight"),
    Column("operator", importance=3),
    Column("shape", importance=2),
    Column("type", importance=1),
    Column("to", importance=6),
    Column("bytes", number=True, importance=5),
    Column("after", number=True, importance=4),
    Column("why", importance=7),
)


def plan_table(console: Console, result: Quantized) -> RenderableType:
    """Every weight and its verdict. A terminal gets each reason in a word: `summary` has it all."""
    short = console.is_terminal
    rows = (_plan_row(weight, short) for weight in result.plan.weights)
    return table(console, PLAN_COLUMNS, rows)


def weight_line(number: int, count: int, result: WeightResult) -> str:
    """One weight's line for `-v`."""
    plan = result.plan
    record = plan.weight.record
    start = f"[{number}/{count}] {plan.name} {plan.operator_type} {units.shape(record.shape)}"
    if plan.quantization is None or result.error is None:
        why = reasons.text(plan.reason) if plan.reason else ""
        return f"{start} {record.dtype} kept: {why}"
    return (
        f"{start} {record.dtype} -> {plan.quantization.dtype} {units.size(plan.size_before)} -> "
        f"{units.size(plan.size_after)} {units.decibel(result.error.sqnr)}"
    )


def summary(console: Console, result: Quantized) -> RenderableType:
    """A quantized model in a few lines."""
    lines = [_quantized_line(result)]
    left = ((w.reason, w.size_before) for w in result.plan.kept if w.reason is not None)
    lines += [("left as it is", line) for line in reasons.grouped(left)]
    lines.append(("size", _size_line(result)))
    worst = result.worst
    if worst is not None and worst.error is not None:
        lines.append(("worst SQNR", f"{units.decibel(worst.error.sqnr)} ({worst.plan.name})"))
    if result.folder is not None:
        lines.append(("written", str(result.folder)))
    return facts(console, lines)


def _plan_row(plan: WeightPlan, short: bool) -> tuple[str, ...]:
    record = plan.weight.record
    why = NOTHING
    if plan.reason is not None:
        why = reasons.words(plan.reason) if short else reasons.text(plan.reason)
    return (
        plan.name,
        plan.operator_type or NOTHING,
        units.shape(record.shape),
        record.dtype.name,
        plan.quantization.dtype.name if plan.quantization else NOTHING,
        str(plan.size_before),
        str(plan.size_after),
        why,
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


def _size_line(result: Quantized) -> str:
    sizes = result.sizes
    return (
        f"{units.size(sizes.before)} -> {units.size(sizes.after)} "
        f"({sizes.ratio:.2f}x smaller, {units.percent(sizes.after, sizes.before)})"
    )
