"""Which of the settings to take: the smallest whose answers are those of FP32, by a fixed rule."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .comparison import Comparison, Measured

MIN_AGREEMENT = 99.0
"""Percent of the rows of every output whose largest value must be at the same place. PP-OCRv4
recognition reads 83% of the lines as FP32 does at 97.9%, and 94% at 99.5% (.docs/accuracy.md)."""

MIN_SQNR = 30.0
"""Of every output in dB: the change is 3% of the output at most, as root mean squares."""


@dataclass(frozen=True)
class Choice:
    """The setting to take.

    Attributes:
        setting: what was measured of it.
        why: in a few words.
    """

    setting: Measured
    why: str


def choose(found: Comparison) -> Choice | None:
    """The setting to take; None where no answers could be compared.

    It is the one with the fewest bytes (of two with as many, the one that compresses better) among
    those that reach `MIN_AGREEMENT`, where outputs have rows of several values, and `MIN_SQNR`.
    Where none does, it is the one with the highest agreement, and of these the highest SQNR.
    """
    compared = [one for one in found.settings if one.is_compared]
    if not compared:
        return None
    limits = f"agreement of {MIN_AGREEMENT:g}% and SQNR of {MIN_SQNR:g} dB"
    enough = [one for one in compared if _is_enough(one)]
    if enough:
        best = min(enough, key=lambda one: (one.sizes.after, one.compressed.total))
        return Choice(best, f"the smallest that reaches an {limits}")
    best = max(compared, key=lambda one: (_agreement(one), _sqnr(one)))
    return Choice(best, f"the closest to FP32; none reaches an {limits}")


def _is_enough(one: Measured) -> bool:
    return _agreement(one) >= MIN_AGREEMENT and _sqnr(one) >= MIN_SQNR


def _agreement(one: Measured) -> float:
    return 100.0 if one.agreement is None else one.agreement


def _sqnr(one: Measured) -> float:
    return -math.inf if one.sqnr_db is None else one.sqnr_db
