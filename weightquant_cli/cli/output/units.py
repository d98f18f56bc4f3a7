"""Numbers as a person reads them: bytes, decibels, shapes, shares."""

from __future__ import annotations

import enum
import math

from ...errors import counted


def size(count: int) -> str:
    """Bytes with a binary unit: ``288 KiB``, ``10.3 MiB``."""
    if count < 1024:
        return f"{count} B"
    value = float(count)
    for unit in ("KiB", "MiB", "GiB", "TiB"):
        value /= 1024
        if value < 1000 or unit == "TiB":
            break
    return f"{value:.0f} {unit}" if value >= 100 or value == round(value) else f"{value:.1f} {unit}"


def change(before: int, after: int) -> str:
    """Bytes before and after: ``207 KiB -> 53.8 KiB (3.85x smaller, 26.0%)``."""
    smaller = f"{before / after:.2f}x smaller, " if after < before else ""
    return f"{size(before)} -> {size(after)} ({smaller}{percent(after, before)})"


def decibel(value: float) -> str:
    """A ratio in dB; ``exact`` where there is no error at all."""
    return "exact" if math.isinf(value) and value > 0 else f"{value:.1f} dB"


def shape(dims: tuple[int, ...]) -> str:
    """Dims as ``64x3x3x3``; ``scalar`` for none."""
    return "x".join(str(dim) for dim in dims) or "scalar"


def percent(part: int, whole: int) -> str:
    """`part` of `whole`, such as ``91.7%``."""
    return f"{100 * part / whole:.1f}%" if whole else "0.0%"


def count(number: int, what: str, of: int | None = None) -> str:
    """A number of things: ``1 weight``, ``2 weights``, ``1 of 2 weights``."""
    return counted(number, what, of)


def words(code: enum.Enum) -> str:
    """A code as words: ``not selected``."""
    return str(code.value).replace("_", " ")
