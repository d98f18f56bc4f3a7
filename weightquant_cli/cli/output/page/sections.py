"""The parts of the page that are words and numbers."""

from __future__ import annotations

from collections.abc import Iterator

from ....core.check.compare_outputs import ComparedOutputs
from ....core.check.findings import Severity
from ....core.inspect.summary import Verdict
from ....core.model.model import Model
from .. import outputs_view, reasons, units
from ..check_view import conversion_text, failure_text, finding_text, verdict
from .facts import PageFacts
from .markup import Markup, tag


def head(facts: PageFacts) -> Markup:
    """The verdict, and which models these are."""
    result, summary = facts.result, facts.summary
    folder = result.model.files.folder
    entries = [("model", _place(result.model))]
    if facts.result.reference is not None:
        entries.append(("compared with", _place(facts.result.reference)))
    entries.append(("weights", summary.headline))
    if summary.paddle_version:
        entries.append(("written by", f"PaddlePaddle {summary.paddle_version}"))
    entries.append(("checked", facts.made.strftime("%Y-%m-%d %H:%M UTC")))
    listed = [piece for name, value in entries for piece in (tag("dt", name), tag("dd", value))]
    return tag(
        "header",
        tag("h1", folder.name or str(folder)),
        tag("p", verdict(result).plain, class_="ok" if result.ok else "error"),
        tag("dl", *listed, class_="facts"),
    )


def _place(model: Model) -> str:
    return str(model.files.folder.absolute())


def tiles(facts: PageFacts) -> Markup:
    """Sizes, bits, the worst and the median."""
    found = [
        *(_size_tile(facts), _weights_tile(facts)),
        *_conversion_tiles(facts),
        *_error_tiles(facts),
    ]
    return tag("div", *found, class_="tiles")


def _tile(value: str, what: str) -> Markup:
    return tag("div", tag("b", value), tag("span", what), class_="tile")


def _size_tile(facts: PageFacts) -> Markup:
    size = facts.result.model.stored.size
    if facts.result.reference is None:
        return _tile(units.size(size), "program and parameters")
    before = facts.result.reference.stored.size
    ratio = f"{before / size:.2f} x smaller" if 0 < size < before else "not smaller"
    return _tile(units.size(size), f"from {units.size(before)}: {ratio}")


def _weights_tile(facts: PageFacts) -> Markup:
    share = units.percent(_quantized_bytes(facts), facts.fp32_weights)
    count = f"{facts.result.quantized} of {len(facts.summary.weights)}"
    weights = "weight" if len(facts.summary.weights) == 1 else "weights"
    kinds = f"{weights} quantized; {units.size(facts.weights)}, {units.size(facts.fp32_weights)}"
    return _tile(count, f"{kinds} as FP32 ({share} of the bytes)")


def _quantized_bytes(facts: PageFacts) -> int:
    kept = (w.record.data_size for w in facts.summary.weights if w.verdict is not Verdict.QUANTIZED)
    return facts.fp32_weights - sum(kept)


def _conversion_tiles(facts: PageFacts) -> Iterator[Markup]:
    conversion = facts.result.conversion
    if conversion is not None and conversion.size is not None:
        yield _tile(
            units.size(conversion.size),
            f".nb for {', '.join(conversion.targets)}, by opt {conversion.version}",
        )


def _error_tiles(facts: PageFacts) -> Iterator[Markup]:
    comparison, outputs = facts.result.comparison, facts.result.outputs
    if comparison is not None and comparison.weights:
        worst = comparison.weights[0]
        yield _tile(units.decibel(worst.sqnr), f"worst weight: {worst.name}")
        if facts.median_sqnr is not None:
            yield _tile(units.decibel(facts.median_sqnr), "median of the weights")
    compared = [output for output in outputs.outputs if output.elements] if outputs else []
    if compared:
        least = min(compared, key=lambda output: output.sqnr_db)
        yield _tile(units.decibel(least.sqnr_db), f"output {least.name}")


def findings(facts: PageFacts) -> Markup:
    """What is wrong, before anything else; nothing where all is well."""
    result = facts.result
    lines = [
        tag("li", finding_text(f), class_="error" if f.severity is Severity.ERROR else "warning")
        for f in result.findings
    ]
    lines += [tag("li", failure_text(failure), class_="error") for failure in result.failures]
    lines += [tag("li", f"changed: {line}", class_="error") for line in result.changed]
    if result.conversion is not None and not result.conversion.ok:
        lines.append(tag("li", conversion_text(result.conversion), class_="error"))
    if not lines:
        return Markup("")
    return section("findings", "What is wrong", tag("ul", *lines, class_="plain"))


def answers(facts: PageFacts) -> Markup:
    """The outputs of both models, and how the error grows along the network."""
    outputs = facts.result.outputs
    if outputs is None:
        return Markup("")
    notes = [tag("p", line, class_="soft") for line in outputs_view.notes(outputs)]
    return section(
        "answers",
        "What the model answers",
        tag("p", f"Both models ran on {units.count(outputs.samples, 'input')}.", class_="soft"),
        *notes,
        tag("div", _outputs_table(outputs), class_="scroll"),
    )


def _outputs_table(outputs: ComparedOutputs) -> Markup:
    names = ("output", "SQNR in dB", "agreement", "largest change", "cosine")  # a phone has three
    header = (
        tag("th", name, class_="number" if index else None) for index, name in enumerate(names)
    )
    rows = []
    for output in outputs.outputs:
        sqnr, change, cosine, agreement = outputs_view.measures(output)
        cells = (tag("td", v, class_="number") for v in (sqnr, agreement, change, cosine))
        rows.append(tag("tr", tag("td", output.name), *cells))
    return tag("table", tag("thead", tag("tr", *header)), tag("tbody", *rows))


def kept(facts: PageFacts) -> Markup:
    """What stays as it is, a line for each reason."""
    pairs = [(w.plan, w.reason) for w in facts.kept if w.reason is not None]
    if not pairs:
        return Markup("")
    lines = (tag("li", line) for line in reasons.grouped(pairs))
    return section("kept", "What is not quantized, and why", tag("ul", *lines, class_="plain"))


def section(name: str, title: str, *content: Markup) -> Markup:
    """A part of the page with its heading."""
    return tag("section", tag("h2", title), *content, id=name)
