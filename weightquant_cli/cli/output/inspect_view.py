"""What `inspect` prints: headings, the table of weights in three formats, totals.

In a pipe the fifth field of the table is the bytes, so that `sort -k5 -n` works; no heading line
has a large number there.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...core.inspect.summary import ExpectedSize, ModelSummary, Verdict, WeightSummary
from . import demands_view, reasons, units
from .bars import bars
from .table_formats import code, csv_text, markdown
from .tables import NOTHING, Column, facts, listing

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..console import Console

CSV_COLUMNS = (
    *("weight", "operator", "shape", "type", "bytes", "share_percent", "bits", "scales"),
    *("scale_min", "scale_max", "sqnr_db", "min", "max", "counts", "verdict", "reason"),
)


class Format(enum.Enum):
    """How the table is written."""

    TABLE = "table"
    CSV = "csv"
    MARKDOWN = "markdown"


@dataclass(frozen=True)
class Listing:
    """What the table of weights has.

    Attributes:
        sqnr: the SQNR that INT8 would give.
        distribution: smallest and largest value, and a picture of what is between.
        everything: every weight on a terminal too.
    """

    sqnr: bool = False
    distribution: bool = False
    everything: bool = False


def show(
    console: Console,
    summary: ModelSummary,
    weights: Sequence[WeightSummary],
    shown: Listing,
    form: Format,
) -> None:
    """Print it all; if quiet, only what another program is to read."""
    if form is Format.CSV:
        console.write(csv_text(CSV_COLUMNS, map(_csv_row, weights)))
        return
    if form is Format.MARKDOWN:
        rows = (_row(weight, shown, False, True) for weight in weights)
        console.write(markdown_heading(summary) + markdown(_columns(shown), rows))
        return
    if console.quiet:
        return
    listed = weights_table(console, weights, shown)
    lite = facts(console, demands_view.lines(summary))
    for part in (heading_lines(console, summary), "", listed, "", totals(console, summary), lite):
        console.print(part)


def heading_lines(console: Console, summary: ModelSummary) -> RenderableType:
    """What the model is; the first line says it in a word."""
    from rich.console import Group
    from rich.text import Text

    return Group(Text(summary.headline, style="bold"), facts(console, _facts(summary)))


def markdown_heading(summary: ModelSummary) -> str:
    """The same as a title and a list."""
    lines = [f"**{summary.headline}**", ""]
    told = [*_facts(summary), *demands_view.lines(summary)]
    lines += [f"- {label}: {code(line)}" for label, line in told]
    return "\n".join(lines) + "\n\n"


def weights_table(
    console: Console, weights: Sequence[WeightSummary], shown: Listing
) -> RenderableType:
    """The table of weights. A terminal gets each reason in a word: `totals` spells them out."""
    short = console.is_terminal
    rows = [_row(weight, shown, short, console.is_utf8) for weight in weights]
    sizes = [weight.record.data_size for weight in weights]
    return listing(console, _columns(shown), rows, shown.everything, sizes)


def totals(console: Console, summary: ModelSummary) -> RenderableType:
    """How many weights and bytes, what is left and why, and the sizes to expect."""
    lines = [("weights", _weights_line(summary))]
    left = ((weight.plan, weight.reason) for weight in summary.weights if weight.reason is not None)
    lines += [("left as it is", line) for line in reasons.grouped(left)]
    lines += [(f"at {one.bits} bits", _expected_line(one)) for one in summary.expected]
    return facts(console, lines)


def _expected_line(expected: ExpectedSize) -> str:
    sizes = expected.sizes
    line = f"{units.size(sizes.after)} ({sizes.ratio:.2f}x smaller, {sizes.after} bytes)"
    if expected.compressed is None:
        return line
    return f"{line}, compressed {units.size(expected.compressed.total)}"


def _facts(summary: ModelSummary) -> list[tuple[str, str]]:
    files = summary.files
    params = files.params or units.count(len(summary.weights), "file")
    operators = ", ".join(f"{name} {count}" for name, count in summary.operators)
    count = sum(count for _, count in summary.operators)
    lines = [
        ("format", f"{files.layout}: {files.program} + {params}"),
        ("written by", f"Paddle {summary.paddle_version or 'of an unknown version'}"),
        (
            "size",
            f"{units.size(summary.size)} in all: program {units.size(summary.program_size)}, "
            f"parameters {units.size(summary.params_size)}",
        ),
    ]
    if summary.compressed is not None:
        whole = summary.compressed.total
        share = units.percent(whole, summary.size)
        lines.append(("compressed", f"{units.size(whole)} ({share} of the size, {whole} bytes)"))
    lines += [("input", str(port)) for port in summary.inputs]
    lines += [("output", str(port)) for port in summary.outputs]
    lines.append(
        ("operators", f"{count} of {units.count(len(summary.operators), 'type')}: {operators}")
    )
    if summary.unknown_operators:
        unknown = ", ".join(map(str, summary.unknown_operators))
        lines.append(("unknown operators", f"{unknown}: no other command takes this model"))
    return lines


def _columns(shown: Listing) -> list[Column]:
    columns = [
        Column("weight"),
        Column("operator", importance=8),
        Column("shape", importance=7),
        Column("type", importance=3),
        Column("bytes", number=True, importance=11),
        Column("share", number=True, importance=6),
        Column("bits", number=True, importance=5),
        Column("scales", importance=4),
    ]
    if shown.sqnr:
        columns.append(Column("sqnr_db", number=True, importance=10))
    if shown.distribution:
        columns += [
            Column("min", number=True, importance=1),
            Column("distribution", importance=12),
            Column("max", importance=2),
        ]
    return [*columns, Column("verdict", importance=8)]


def _row(weight: WeightSummary, shown: Listing, short: bool, utf8: bool) -> list[str]:
    record, scales = weight.record, weight.scales
    row = [
        weight.name,
        weight.operator_type or NOTHING,
        units.shape(record.shape),
        record.dtype.name,
        str(record.data_size),
        f"{weight.share:.1f}%",
        NOTHING if scales is None or scales.bits is None else str(scales.bits),
        NOTHING
        if scales is None or scales.smallest is None
        else f"{scales.smallest:.3g}..{scales.largest:.3g}",
    ]
    if shown.sqnr:
        row.append(NOTHING if weight.error is None else f"{weight.error.sqnr:.1f}")
    if shown.distribution:
        row += _distribution_cells(weight, utf8)
    return [*row, _short_verdict(weight) if short else _verdict(weight)]


def _distribution_cells(weight: WeightSummary, utf8: bool) -> tuple[str, str, str]:
    found = weight.histogram
    if found is None or not any(found.counts):
        return NOTHING, NOTHING, NOTHING
    return f"{found.minimum:.3g}", bars(found.counts, utf8), f"{found.maximum:.3g}"


def _verdict(weight: WeightSummary) -> str:
    if weight.not_measured:
        return weight.not_measured
    if weight.verdict is Verdict.KEPT:
        return reasons.text(weight.reason) if weight.reason else NOTHING
    if weight.verdict is Verdict.QUANTIZED:
        return "quantized"
    spelled = f" as {weight.rewritten_as}" if weight.rewritten_as else ""
    if weight.carrier:
        spelled = f" by a carrier ({weight.carrier})"
    option = reasons.remedy(weight.reason) if weight.reason else None
    return f"quantizable{spelled}" + (f" with {option}" if option else "")


def _short_verdict(weight: WeightSummary) -> str:
    if weight.not_measured:
        return "not finite"
    return (
        weight.verdict.value if weight.reason is None else reasons.words(weight.plan, weight.reason)
    )


def _csv_row(weight: WeightSummary) -> list[str]:
    record, scales, found = weight.record, weight.scales, weight.histogram
    return [
        weight.name,
        weight.operator_type,
        units.shape(record.shape),
        record.dtype.name,
        str(record.data_size),
        f"{weight.share:.4f}",
        "" if scales is None or scales.bits is None else str(scales.bits),
        "" if scales is None else str(scales.count),
        _number(None if scales is None else scales.smallest),
        _number(None if scales is None else scales.largest),
        _number(None if weight.error is None else weight.error.sqnr),
        _number(None if found is None else found.minimum),
        _number(None if found is None else found.maximum),
        "" if found is None else " ".join(map(str, found.counts)),
        weight.verdict.value,
        weight.not_measured or (reasons.text(weight.reason) if weight.reason else ""),
    ]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.9g}"


def _weights_line(summary: ModelSummary) -> str:
    quantizable = summary.of(Verdict.QUANTIZABLE)
    groups = (
        ("quantized", summary.of(Verdict.QUANTIZED)),
        ("quantizable", [weight for weight in quantizable if weight.reason is None]),
        ("more with an option", [weight for weight in quantizable if weight.reason is not None]),
    )
    total = sum(weight.record.data_size for weight in summary.weights)
    parts = []
    for label, weights in groups:
        size = sum(weight.record.data_size for weight in weights)
        if weights:
            parts.append(
                f"{len(weights)} {label} ({units.size(size)}, {units.percent(size, total)})"
            )
    listed = ", ".join(parts) or "none quantizable"
    return f"{len(summary.weights)} with {units.size(total)}; {listed}"
