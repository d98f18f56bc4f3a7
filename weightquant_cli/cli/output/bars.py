"""Histograms drawn with one character per bin."""

from __future__ import annotations

import math
from collections.abc import Sequence

BINS = 24

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = ":-=+*#%@"
EMPTY_BIN = "·"
ASCII_EMPTY_BIN = "."


def bars(counts: Sequence[int], utf8: bool = True) -> str:
    """One character per bin, the highest bin at full height. An empty bin has its own character."""
    levels, empty = (BARS, EMPTY_BIN) if utf8 else (ASCII_BARS, ASCII_EMPTY_BIN)
    highest = max(counts, default=0)
    return "".join(
        levels[math.ceil(count / highest * len(levels)) - 1] if count else empty for count in counts
    )
