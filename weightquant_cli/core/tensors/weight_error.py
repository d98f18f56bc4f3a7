"""What quantizing did to a weight: signal, noise, largest change; SQNR in dB."""

from __future__ import annotations

import math
from typing import NamedTuple


class WeightError(NamedTuple):
    """What quantizing did to a weight, measured while it was done.

    Attributes:
        signal: sum of the squares of the weight.
        noise: sum of the squares of its change.
        max_abs: the largest absolute change.
    """

    signal: float
    noise: float
    max_abs: float

    @property
    def sqnr(self) -> float:
        """Signal-to-quantization-noise ratio in dB; inf where nothing changed."""
        return decibels(self.signal, self.noise)


def decibels(signal: float, noise: float) -> float:
    """Signal-to-quantization-noise ratio 10 log10(signal / noise); inf without noise.

    -inf where nothing of the signal is left: the largest floats overflow when they come back.
    """
    if noise <= 0:
        return math.inf
    ratio = signal / noise
    return 10 * math.log10(ratio) if ratio > 0 else -math.inf
