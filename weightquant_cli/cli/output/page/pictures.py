"""The parts of the page that are pictures: where the error is."""

from __future__ import annotations

import math
from collections.abc import Iterator

from .. import units
from . import charts
from .facts import PageFacts
from .markup import Markup, tag
from .sections import section


def pictures(facts: PageFacts) -> Markup:
    """Errors of the weights, how the error grows along the network, and the worst weights."""
    figures = [*_errors(facts), *_drift(facts)]
    if not figures:
        return Markup("")
    drawn = tag("div", *figures, class_="charts")
    return section("errors", "Where the error is", drawn, *_distributions(facts))


def _errors(facts: PageFacts) -> Iterator[Markup]:
    comparison = facts.result.comparison
    weights = comparison.weights if comparison else ()
    if not weights:
        return
    failing = facts.failing
    sizes = {weight.name: weight.record.data_size for weight in facts.summary.weights}
    points = [
        charts.Point(
            sizes[weight.name],
            weight.sqnr,
            f"{weight.name}: {weight.dtype}, {units.decibel(weight.sqnr)}",
            weight.dtype.lower() + (" fails" if weight.name in failing else ""),
        )
        for weight in weights
    ]
    chart = charts.sizes_and_errors(points, facts.gates.min_sqnr)
    caption = "SQNR of each quantized weight in dB, over its bytes"
    yield tag("figure", tag("figcaption", caption), chart, _legend(points))


def _legend(points: list[charts.Point]) -> Markup:
    kinds = sorted({point.class_.split()[0] for point in points})
    keys = [
        piece
        for kind in kinds
        for piece in (
            tag(
                "svg",
                tag("circle", cx=6, cy=6, r=5, class_=kind),
                viewBox="0 0 12 12",
                class_="key",
                aria_hidden="true",
            ),
            f" {kind.upper()} ",
        )
    ]
    return tag("p", *keys, class_="soft")


def _drift(facts: PageFacts) -> Iterator[Markup]:
    layers = facts.result.outputs.layers if facts.result.outputs else None
    points = [
        charts.Point(
            layer.index,
            layer.difference.sqnr_db,
            f"{layer.index}: {layer.operator}: {units.decibel(layer.difference.sqnr_db)}"
            + (f", reads {layer.weight}" if layer.weight else ""),
            "int8" if layer.weight else "",
        )
        for layer in layers or ()
        if math.isfinite(layer.difference.sqnr_db)  # shapes and the like have no error
    ]
    if points:
        chart = charts.drift(points, facts.output_gates.min_output_sqnr)
        caption = "SQNR of each operator's output in dB, in the order of the network"
        note = tag("p", "Marked: operators that read a quantized weight.", class_="soft")
        yield tag("figure", tag("figcaption", caption), chart, note)


def _distributions(facts: PageFacts) -> Iterator[Markup]:
    comparison = facts.result.comparison
    weights = comparison.weights if comparison else ()
    drawn = [weight for weight in weights if weight.before and weight.after]
    if not drawn:
        return
    yield tag("h3", "Values of the worst weights")
    yield tag("p", "Grey is the original, coloured what is stored.", class_="soft")
    figures = (
        tag(
            "figure",
            tag("figcaption", f"{weight.name}, -{weight.limit:.3g} to {weight.limit:.3g}"),
            charts.distribution(weight.before or (), weight.after or (), weight.name),
        )
        for weight in drawn
    )
    yield tag("div", *figures, class_="distributions")
