"""The measures of a weight's error: absolute, in units of the scale, SQNR, cosine.

Sums are float64, block by block: the relative difference to whole-array float64 is below 1e-12.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from . import kernels
from .buffers import thread_buffers
from .kernels import DoubleArray
from .weight_error import decibels

SMALLEST_NORMAL = float(np.finfo(np.float32).tiny)
"""2^-126. Errors of channels with a smaller scale are counted in units of this: a subnormal scale
has lost digits, and PP-OCR has channels of 3e-40, whose errors do not matter."""


class PairBlock(NamedTuple):
    """A block of a weight and of its original, in the order of the original.

    Attributes:
        original: float32.
        integers: of the same shape.
        found: the integers times their scales, float32.
        scale: float32, broadcastable to the others.
    """

    original: kernels.FloatArray
    integers: npt.NDArray[np.number]
    found: kernels.FloatArray
    scale: kernels.FloatArray


class ErrorMeasures:
    """What one pass over a weight adds up.

    Args:
        bits: of the storage, 8 or 16.
        reach: the largest error that rounding can make, in scales: 0.5 for rounding to nearest.

    Attributes:
        elements: values seen.
        signal: sum of the squares of the original.
        noise: sum of the squares of the error.
        max_abs: the largest absolute error.
        max_in_scales: the largest error in units of its channel's scale.
        limit: the largest absolute value of the original.
    """

    def __init__(self, bits: int, reach: float = 0.5) -> None:
        self.elements = 0
        self.signal = self.noise = self.max_abs = self.max_in_scales = self.limit = 0.0
        self._product = self._energy = 0.0
        self._furthest = 0  # the largest absolute integer
        # And the rounding of quotient, product and scale to float32.
        self._allowed = reach + 2.0 ** (bits - 1) * 2.0**-22
        self._inward = 0
        self._outward: dict[int, int] = {}  # how many are beyond each absolute integer
        self._outermost = 2 ** (bits - 1)

    def add(self, block: PairBlock) -> bool:
        """Take a block into account; False, with nothing counted, if its original is not finite."""
        limit = float(kernels.abs_max(block.original, None))
        if not math.isfinite(limit):
            return False
        self.limit = max(self.limit, limit)
        original, found, units = thread_buffers().doubles(block.original.shape)
        np.copyto(original, block.original)
        np.copyto(found, block.found)
        self.elements += original.size
        self.signal += _dot(original, original)
        self._product += _dot(original, found)
        self._energy += _dot(found, found)
        self._furthest = max(self._furthest, int(block.integers.max()), -int(block.integers.min()))
        error = np.subtract(original, found, out=original)
        self.noise += _dot(error, error)
        np.abs(error, out=units)
        self.max_abs = max(self.max_abs, float(units.max()))
        scale = np.maximum(np.abs(block.scale.astype(np.float64)), SMALLEST_NORMAL)
        kernels.by_channel(np.divide, units, scale, units)
        self.max_in_scales = max(self.max_in_scales, float(units.max()))
        if self.max_in_scales > self._allowed:
            self._count_beyond(block, error, units > self._allowed)
        return True

    def merge(self, other: ErrorMeasures) -> None:
        """Take another part of the same weight into account."""
        self.elements += other.elements
        self.signal += other.signal
        self.noise += other.noise
        self._product += other._product
        self._energy += other._energy
        self.max_abs = max(self.max_abs, other.max_abs)
        self.max_in_scales = max(self.max_in_scales, other.max_in_scales)
        self.limit = max(self.limit, other.limit)
        self._furthest = max(self._furthest, other._furthest)
        self._inward += other._inward
        for integer, count in other._outward.items():
            self._outward[integer] = self._outward.get(integer, 0) + count

    def _count_beyond(
        self, block: PairBlock, error: DoubleArray, beyond: npt.NDArray[np.bool_]
    ) -> None:
        """Count errors beyond `reach` by integer, as far as clipping can explain them."""
        integers = block.integers[beyond].astype(np.int64)
        toward = (
            np.sign(error[beyond]) * np.broadcast_to(np.sign(block.scale), beyond.shape)[beyond]
        )
        outward = integers * toward > 0
        self._inward += int(np.count_nonzero(~outward))
        found, counts = np.unique(np.abs(integers[outward]), return_counts=True)
        for integer, count in zip(found.tolist(), counts.tolist(), strict=True):
            self._outward[integer] = self._outward.get(integer, 0) + count

    @property
    def clipped(self) -> int:
        """How many values were clipped: off by more than `reach` at an outermost integer."""
        lowest = self._furthest == self._outermost  # -128 or -32768: the highest is one less
        return sum(
            self._outward.get(integer, 0)
            for integer in range(self._furthest - lowest, self._furthest + 1)
        )

    @property
    def misrounded(self) -> int:
        """How many values are off by more than `reach` without having been clipped."""
        return self._inward + sum(self._outward.values()) - self.clipped

    @property
    def rmse(self) -> float:
        """Root of the mean squared error."""
        return math.sqrt(self.noise / max(self.elements, 1))

    @property
    def sqnr(self) -> float:
        """Signal-to-quantization-noise ratio in dB; inf without any error."""
        return decibels(self.signal, self.noise)

    @property
    def cosine(self) -> float:
        """Of the angle between the two; 1 where both are zero, 0 where one is."""
        lengths = math.sqrt(self.signal) * math.sqrt(self._energy)
        return self._product / lengths if lengths else float(self.noise == 0)


def _dot(one: DoubleArray, other: DoubleArray) -> float:
    return float(np.dot(one.reshape(-1), other.reshape(-1)))
