"""What is found of one quantized weight beside its original: measures, and histograms."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class WeightComparison:
    """One quantized weight beside its original.

    Attributes:
        name: the weight's name.
        operator: type of the operator that carries its scales; of the reader, if that is a carrier.
        dtype: how it is stored.
        shape: dims of the original.
        max_abs: the largest absolute error.
        max_in_scales: the largest error in units of its channel's scale, or of 2^-126 where that
            is larger; at most 0.5 and a rounding error where nothing was clipped.
        rmse: root of the mean squared error.
        sqnr: signal-to-quantization-noise ratio in dB; inf without any error.
        cosine: cosine of the angle between the two; 1 for a weight of zeros that stayed so.
        limit: largest absolute value of the original.
        clipped: how many values lie outside the range of the integers.
        misrounded: how many are off by more than half a scale (by more than one, after adaptive
            rounding) without having been clipped.
        signal, noise: sums of the squares of the original and of the error.
        before, after: histograms over the original's range [-limit, limit], or None.
    """

    name: str
    operator: str
    dtype: str
    shape: tuple[int, ...]
    max_abs: float
    max_in_scales: float
    rmse: float
    sqnr: float
    cosine: float
    limit: float
    clipped: int
    misrounded: int
    signal: float
    noise: float
    before: tuple[int, ...] | None = None
    after: tuple[int, ...] | None = None

    @property
    def elements(self) -> int:
        """Number of values."""
        return math.prod(self.shape)
