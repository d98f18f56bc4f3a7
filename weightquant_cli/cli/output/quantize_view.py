"""What `quantize` prints: the plan of a dry run, a line per weight, the summary."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...errors import listed
from . import reasons, units
from .tables import NOTHING, Column, facts, listing

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
    Column("to", importance=8),
    Column("bytes", number=True, importance=5),
    Column("after", number=True, importance=4),
    Column("why", importance=7),
)


def plan_table(console: Console, result: Quantized, everything: bool) -> RenderableType:
    """Every weight and its verdict, the largest first.

    A terminal gets the first ones, unless `everything` is asked for, and each reason in a word:
    `summary` spells it out.
    """
    short = console.is_terminal
    weights = sorted(result.plan.weights, key=lambda weight: (-weight.size_before, weight.name))
    rows = [_plan_row(weight, short) for weight in weights]
    sizes = [weight.size_before for weight in weights]
    return listing(console, PLAN_COLUMNS, rows, everything, sizes)


def weight_line(result: WeightResult) -> str:
    """One weight's line for `-v`."""
    plan = result.plan
    record = plan.weight.record
    start = f"{plan.name} {plan.operator_type} {units.shape(record.shape)}"
    if plan.quantization is None or result.error is None:
        why = reasons.phrase(plan, plan.reason) if plan.reason else ""
        return f"{start} {record.dtype} kept: {why}"
    return (
        f"{start} {record.dtype} -> {plan.quantization.dtype} {units.size(plan.size_before)} -> "
        f"{units.size(plan.size_after)} {units.decibel(result.error.sqnr)}"
    )


def summary(console: Console, result: Quantized) -> RenderableType:
    """A quantized model in a few lines."""
    lines = [_quantized_line(result)]
    kept = ((weight, weight.reason) for weight in result.plan.kept)
    lines += [("left as it is", line) for line in reasons.grouped(kept)]
    lines += _mended_lines(result)
    lines += _rounding_lines(result)
    lines += _size_lines(result)
    lines += _naive_buffer_lines(result)
    if result.compressed is not None:
        before, after = result.compressed.before.total, result.compressed.after.total
        lines.append(("compressed", units.change(before, after)))
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
        why = reasons.words(plan, plan.reason) if short else reasons.text(plan.reason)
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
        return label, f"none of {units.count(len(result.plan.weights), 'weight')}"
    return label, (
        f"{units.count(len(done), 'weight', len(result.plan.weights))}, {units.size(before)} "
        f"({units.percent(before, everything)} of the bytes) to {' and '.join(kinds)}, "
        f"{result.plan.options.granularity.value}"
    )


def _mended_lines(result: Quantized) -> Iterator[tuple[str, str]]:
    """What Paddle Lite demands and the program lacked, one line per kind of operator."""
    places = {(one.operator, one.position) for one in result.mended}
    counts = Counter(operator for operator, _ in places)
    if counts:
        told = ", ".join(f"{count} {operator}" for operator, count in counts.most_common())
        yield "mended", f"{told}: what Paddle Lite demands of them"
    if result.dropped:
        yield "left out", f"{listed(result.dropped, 3)}: used by no operator, and opt would abort"


def _rounding_lines(result: Quantized) -> Iterator[tuple[str, str]]:
    """What adaptive rounding went by, and which FP32 parameters it changed."""
    rounding = result.rounding
    if not rounding.weights:
        return
    reached = len(rounding.weights) - len(rounding.unreached)
    flipped = f", {len(rounding.unreached)} by values alone" if rounding.unreached else ""
    told = "what it is multiplied with" if reached == 1 else "what they are multiplied with"
    yield "rounding", f"adaptive: {units.count(reached, 'weight')} by {told}{flipped}"
    if rounding.corrected:
        yield (
            "corrected",
            f"{units.count(len(rounding.corrected), 'FP32 parameter')} "
            "(biases, means of batch_norm)",
        )


def _naive_buffer_lines(result: Quantized) -> Iterator[tuple[str, str]]:
    """The size of the `.nb` to expect; a range where it is not known to 2%."""
    size = result.naive_buffer
    if size is not None and result.plan.quantized:
        told = f"about {units.size(size.middle)}"
        if not size.is_precise:
            told = f"{units.size(size.smallest)} to {units.size(size.largest)}"
        yield ".nb to expect", told


def _size_lines(result: Quantized) -> Iterator[tuple[str, str]]:
    """Weights, program and both: stack traces in the program can hide what the weights gained."""
    sizes = result.sizes
    for label, before, after in (
        ("weights", sizes.params_before, sizes.params_after),
        ("program", sizes.program_before, sizes.program_after),
        ("size", sizes.before, sizes.after),
    ):
        yield label, units.change(before, after)
