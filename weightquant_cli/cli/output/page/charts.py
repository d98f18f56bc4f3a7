"""The page's charts as SVG: points over sizes, a line along the network, bars."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from .. import units
from .markup import Markup, joined, tag

WIDTH, HEIGHT = 400, 240
LEFT, RIGHT, TOP, BOTTOM = 34, 8, 10, 26

BAR_HEIGHT = 60

EXACT_ABOVE = 10.0
"""How many dB above the best finite value something without any error is drawn."""


@dataclass(frozen=True)
class Point:
    """One mark of a chart.

    Attributes:
        x: where it is on the horizontal axis: bytes, or the operator's place in the network.
        sqnr_db: SQNR; infinity is drawn above all others.
        label: what a mouse shows.
        class_: its style: ``int8``, ``int16``; ``fails`` beside it marks what a gate refuses.
    """

    x: float
    sqnr_db: float
    label: str
    class_: str


@dataclass(frozen=True)
class _Axes:
    """From values to places in the picture."""

    left: float
    right: float
    low: float
    high: float

    def x(self, value: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (value - self.left) / (self.right - self.left)

    def y(self, value: float) -> float:
        height = HEIGHT - TOP - BOTTOM
        shown = min(max(value, self.low), self.high)
        return TOP + height * (self.high - shown) / (self.high - self.low)


def sizes_and_errors(points: Sequence[Point], gate: float | None) -> Markup:
    """SQNR over a weight's bytes, on a logarithmic axis; the gate is a line."""
    places = [math.log2(max(point.x, 1.0)) for point in points]
    left, right = math.floor(min(places)), math.ceil(max(places) + 0.01)
    axes = _axes(left, right, points, gate)
    marks = (
        _mark(axes, place, point, radius=4) for place, point in zip(places, points, strict=True)
    )
    step = max(1, math.ceil((right - left) / 5))
    ticks = (_tick(axes.x(power), units.size(2**power)) for power in range(left, right + 1, step))
    name = "SQNR of each quantized weight over its bytes"
    return _chart(name, axes, gate, joined(ticks), joined(marks))


def drift(points: Sequence[Point], gate: float | None) -> Markup:
    """SQNR of the operators' outputs along the network; operators that read a weight are marked."""
    left, right = points[0].x, max(points[-1].x, points[0].x + 1)
    axes = _axes(left, right, points, gate)
    line = " ".join(f"{axes.x(point.x):.1f},{axes.y(point.sqnr_db):.1f}" for point in points)
    marks = (_mark(axes, point.x, point, radius=3) for point in points if point.class_)
    ends = joined(_tick(axes.x(place), f"{place:.0f}") for place in (left, right))
    name = "SQNR of the operators' outputs, in the order of the network"
    curve = tag("polyline", points=line, class_="drift")
    return _chart(name, axes, gate, ends, curve, joined(marks))


def distribution(before: Sequence[int], after: Sequence[int], name: str) -> Markup:
    """Two histograms of the same bins, one before the other."""
    highest = max((*before, *after), default=0) or 1
    wide = WIDTH / max(len(before), 1)
    bars = joined(
        tag(
            "rect",
            x=f"{index * wide + inset:.1f}",
            y=f"{BAR_HEIGHT * (1 - count / highest):.1f}",
            width=f"{wide - 2 * inset:.1f}",
            height=f"{BAR_HEIGHT * count / highest:.1f}",
            class_=class_,
        )
        for counts, class_, inset in ((before, "before", 0.5), (after, "int8", 2.5))
        for index, count in enumerate(counts)
        if count
    )
    return _svg(f"Values of {name} before and after", BAR_HEIGHT, bars)


def _axes(left: float, right: float, points: Sequence[Point], gate: float | None) -> _Axes:
    values = [point.sqnr_db for point in points if math.isfinite(point.sqnr_db)]
    values += [] if gate is None else [gate]
    best = max(values, default=EXACT_ABOVE)
    if any(point.sqnr_db == math.inf for point in points):
        best += EXACT_ABOVE
    low = 10 * math.floor(min(values, default=0.0) / 10)
    return _Axes(left, right, low, max(10 * math.ceil(best / 10), low + 10))


def _mark(axes: _Axes, place: float, point: Point, radius: int) -> Markup:
    return tag(
        "circle",
        tag("title", point.label),
        cx=f"{axes.x(place):.1f}",
        cy=f"{axes.y(point.sqnr_db):.1f}",
        r=radius,
        class_=point.class_,
        fill_opacity=0.7,
    )


def _chart(name: str, axes: _Axes, gate: float | None, ticks: Markup, *marks: Markup) -> Markup:
    lines = joined(_levels(axes))
    limit = Markup("") if gate is None else _gate(axes, gate)
    return _svg(name, HEIGHT, lines, ticks, *marks, limit)


def _svg(name: str, height: int, *content: Markup) -> Markup:
    return tag("svg", tag("title", name), *content, viewBox=f"0 0 {WIDTH} {height}", role="img")


def _levels(axes: _Axes) -> Iterator[Markup]:
    """Horizontal lines with their dB."""
    step = 10 * max(1, math.ceil((axes.high - axes.low) / 60))
    level = axes.low
    while level <= axes.high:
        y = f"{axes.y(level):.1f}"
        yield tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="axis")
        yield tag(
            "text", f"{level:.0f}", x=LEFT - 5, y=f"{axes.y(level) + 4:.1f}", text_anchor="end"
        )
        level += step


def _tick(x: float, label: str) -> Markup:
    anchor = "start" if x <= LEFT + 1 else "end" if x >= WIDTH - RIGHT - 1 else "middle"
    return tag("text", label, x=f"{x:.1f}", y=HEIGHT - 8, text_anchor=anchor)


def _gate(axes: _Axes, value: float) -> Markup:
    y = f"{axes.y(value):.1f}"
    line = tag("line", x1=LEFT, x2=WIDTH - RIGHT, y1=y, y2=y, class_="gate")
    label = tag(
        "text",
        f"gate {value:g} dB",
        x=WIDTH - RIGHT,
        y=f"{axes.y(value) - 4:.1f}",
        text_anchor="end",
        class_="gate",
    )
    return joined((line, label))
