"""What `dequantize-check` prints: the verdict, the findings, the weights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import printable, readable
from ..option_names import as_options
from . import outputs_view, units
from .tables import Column, lines, listing

if TYPE_CHECKING:
    from rich.text import Text

    from ...core.check.check import CheckResult
    from ...core.check.findings import Finding
    from ...core.check.quality_gates import GateFailure
    from ...core.check.weight_comparison import WeightComparison
    from ...core.opt.convert import Conversion
    from ..console import Console

COLUMNS = (
    Column("weight"),
    Column("operator", importance=2),
    Column("type", importance=1),
    Column("sqnr_db", number=True, importance=7),
    Column("max_error", number=True, importance=6),
    Column("in_scales", number=True, importance=5),
    Column("rmse", number=True, importance=3),
    Column("cosine", number=True, importance=4),
)


def show(console: Console, result: CheckResult, everything: bool) -> None:
    """The verdict, what is wrong, then the weights, the worst first.

    A terminal gets the first ones, unless `everything` is asked for.
    """
    console.print(verdict(result))
    lines(console, map(finding_text, result.findings), everything)
    lines(console, map(failure_text, result.failures), everything)
    lines(console, (f"changed: {printable(line)}" for line in result.changed), everything)
    if result.conversion is not None:
        lines(console, [conversion_text(result.conversion)], everything)
    if result.comparison is not None and result.comparison.weights:
        console.print("")
        rows = [weight_row(weight) for weight in result.comparison.weights]
        console.print(listing(console, COLUMNS, rows, everything))
    if result.outputs is not None:
        outputs_view.show(console, result.outputs)


def verdict(result: CheckResult) -> Text:
    """Yes or no, in one line."""
    from rich.text import Text

    text = Text.assemble(("ok", "bold green") if result.ok else ("not ok", "bold red"))
    warnings = len(result.findings) - len(result.errors)
    parts = [units.count(result.quantized, "quantized weight")]
    if result.comparison is not None:
        also = ", which is quantized itself" if result.comparison.reference_quantized else ""
        parts.append(f"{len(result.comparison.weights)} compared with the reference{also}")
    if result.outputs is not None and result.outputs.outputs:
        parts.append(
            f"{units.count(len(result.outputs.outputs), 'output')} on "
            f"{units.count(result.outputs.samples, 'input')}"
        )
    for number, what in (
        (len(result.errors), "error"),
        (warnings, "warning"),
        (len(result.failures), "failed gate"),
        (len(result.changed), "changed file"),
    ):
        if number:
            parts.append(units.count(number, what))
    if result.conversion is not None and not result.conversion.ok:
        parts.append("opt does not convert it")
    told = f": {', '.join(parts)} (Paddle Lite {result.lite_version})"
    return text.append(told)


def conversion_text(conversion: Conversion) -> str:
    """What the real opt made of it, in one line."""
    targets = ", ".join(conversion.targets)
    if conversion.ok:
        size = readable(conversion.size or 0)
        return f"opt: converts it for {targets}: {size} (opt {conversion.version})"
    said = f": {conversion.said}" if conversion.said else ""
    told = f"error: opt: it does not convert it for {targets}: it {conversion.failure}{said}"
    return printable(f"{told}; it was {conversion.opt}")


def failure_text(failure: GateFailure) -> str:
    """Which gate a weight does not pass, and why, in one line."""
    where = failure.output or failure.weight or "all"
    return f"gate: {printable(where)}: {printable(as_options(failure.why))}"


def finding_text(finding: Finding) -> str:
    """One finding with its consequence and its remedy, in one line."""
    where = finding.weight or finding.operator or ""
    if finding.weight and finding.operator:
        where += f" ({finding.operator})"
    if finding.count > 1:
        where = f"{finding.count} x {where}"
    start = f"{finding.severity.value}: {where}: " if where else f"{finding.severity.value}: "
    sentence = f"{finding.what}; {finding.consequence}; {finding.remedy}"
    return printable(start + as_options(sentence))


def weight_row(weight: WeightComparison) -> tuple[str, ...]:
    """One weight's measures."""
    return (
        weight.name,
        weight.operator,
        weight.dtype,
        f"{weight.sqnr:.2f}",
        f"{weight.max_abs:.3g}",
        f"{weight.max_in_scales:.3f}",
        f"{weight.rmse:.3g}",
        f"{weight.cosine:.7f}",
    )
