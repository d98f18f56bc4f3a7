"""The drift of the answers along the network, as a chart in SVG for the page of the check.

`drift` is all that is read from the result; the rest draws it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

from ...errors import printable
from . import units

if TYPE_CHECKING:
    from ...core.check.compare_outputs import ComparedOutputs

WIDTH, HEIGHT, MARGIN = 360, 180, 30
HIGHEST_DB = 100.0
"""What is exact is drawn here."""

STEP_DB = 20


@dataclass(frozen=True)
class Point:
    """One value of the chart: where, how many dB, and what a pointer is told."""

    place: int
    decibel: float
    label: str


@dataclass(frozen=True)
class Drift:
    """What the chart shows.

    Attributes:
        points: the operators in order, or the outputs alone where operators were not compared.
        gate: the SQNR that outputs must reach, or None.
        along: what the points are.
    """

    points: tuple[Point, ...]
    gate: float | None
    along: str


def drift(compared: ComparedOutputs, gate: float | None) -> Drift:
    """The chart's data: the SQNR of each operator's output, in the order of the network.

    Operators that give exactly the same, such as those that compute shapes, are left out.
    """
    if compared.layers:
        named = [
            (layer.difference, f"{layer.difference.name} ({layer.operator})")
            for layer in compared.layers
            if layer.difference.sqnr_db != math.inf
        ]
        along = "operators"
    else:
        named = [(output, output.name) for output in compared.outputs]
        along = "outputs"
    points = (
        Point(place, one.sqnr_db, f"{label}: {units.decibel(one.sqnr_db)}")
        for place, (one, label) in enumerate(named)
        if not math.isnan(one.sqnr_db)
    )
    return Drift(tuple(points), gate, along)


def chart(data: Drift) -> str:
    """The chart; empty where there is nothing to show."""
    if not data.points:
        return ""
    gate = [] if data.gate is None else [data.gate]
    lowest = min([0.0, *gate, *(point.decibel for point in data.points)])
    lowest = max(lowest, -HIGHEST_DB)
    highest = min(max([*gate, *(p.decibel for p in data.points), STEP_DB]), HIGHEST_DB)
    last = max(point.place for point in data.points) or 1

    def x(place: int) -> float:
        return MARGIN + (WIDTH - 2 * MARGIN) * place / last

    def y(value: float) -> float:
        inside = min(max(value, lowest), highest)
        return MARGIN / 2 + (HEIGHT - 1.5 * MARGIN) * (highest - inside) / (highest - lowest)

    first = STEP_DB * math.ceil(lowest / STEP_DB)
    rules = "".join(
        _rule(y(level), f"{level}") for level in range(first, int(highest) + 1, STEP_DB)
    )
    line = " ".join(f"{x(point.place):.1f},{y(point.decibel):.1f}" for point in data.points)
    dots = "".join(_dot(x(point.place), y(point.decibel), point.label) for point in data.points)
    limit = "" if data.gate is None else _gate(y(data.gate), data.gate)
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" width="100%" fill="currentColor" '
        'font-size="9" font-family="sans-serif">'
        f"<title>SQNR in dB along the {data.along}</title>{rules}"
        f'<polyline points="{line}" fill="none" stroke="#2a7ab8" stroke-width="1"/>{dots}{limit}'
        f'<text x="{MARGIN}" y="{HEIGHT - 4}">SQNR in dB along the {data.along}, in order</text>'
        "</svg>\n"
    )


def _rule(height: float, label: str) -> str:
    return (
        f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{height:.1f}" y2="{height:.1f}" '
        'stroke="currentColor" stroke-opacity="0.2"/>'
        f'<text x="{MARGIN - 4}" y="{height + 3:.1f}" text-anchor="end">{label}</text>'
    )


def _dot(x: float, y: float, label: str) -> str:
    told = escape(printable(label))
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2" fill="#2a7ab8"><title>{told}</title></circle>'


def _gate(height: float, value: float) -> str:
    return (
        f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{height:.1f}" y2="{height:.1f}" '
        'stroke="#d64848" stroke-dasharray="4 3"/>'
        f'<text x="{MARGIN + 3}" y="{height - 3:.1f}" fill="#d64848">'
        f"gate {value:g} dB</text>"
    )
