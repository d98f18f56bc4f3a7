"""Pure numpy: abs-max, scale, quantize, dequantize, threshold. Arrays in, arrays out.

The arithmetic is that of PaddlePaddle 1.8.5's `WeightQuantization`, to the last bit:

    scale = absmax / (2^(bits-1) - 1)            rounded once to float32
    q     = clip(rint(w / scale), +-limit)       float32, ties to even

Paddle does not clip; that differs only where the scale is subnormal, and its integers wrap around.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

FloatArray: TypeAlias = "npt.NDArray[np.float32]"
DoubleArray: TypeAlias = "npt.NDArray[np.float64]"
IntArray: TypeAlias = "npt.NDArray[np.int8] | npt.NDArray[np.int16]"

THRESHOLD_BINS = 5000
"""Bins of the histogram from which a threshold rate finds its threshold."""

_SMALLEST_NORMAL = np.finfo(np.float32).tiny

# Of numpy's ufuncs, see `by_channel`; shorter rows do not take long.
_BUFFER_ELEMENTS = 1024

# Sums of squares beyond these have lost digits in float32.
_SMALLEST_ENERGY = 1e-25


def abs_max(values: FloatArray, axis: int | None) -> FloatArray:
    """Largest absolute value along `axis` (None: of all); NaN where there is a NaN.

    Two reductions and no temporary, instead of a whole array of absolute values.
    """
    high: FloatArray = np.asarray(values.max(axis=axis))
    low: FloatArray = np.asarray(values.min(axis=axis))
    return np.maximum(np.abs(high), np.abs(low))


def abs_max_above(floor: float, values: FloatArray, bounds: FloatArray) -> float:
    """The largest absolute value, or `floor` where that is larger.

    Looks only at channels whose bound is above the floor: few, once a value close to its bound has
    been found.

    Args:
        floor: what was found so far.
        values: float32 matrix.
        bounds: of the absolute values of each channel; in a shape that broadcasts over `values`.
    """
    above = np.flatnonzero(bounds > floor)
    if above.size == 0:
        return floor
    if above.size * 8 < bounds.size:
        values = values.take(above, axis=1 if bounds.shape[-1] > 1 else 0)
    return max(floor, float(abs_max(values, None)))


def scales(maxima: npt.NDArray[np.floating], limit: int) -> FloatArray:
    """Scales for these largest absolute values: one rounding, from float64 to float32."""
    return (maxima.astype(np.float64) / limit).astype(np.float32)


def along_axis(scale: FloatArray, axis: int | None, ndim: int) -> FloatArray:
    """A list of scales in a shape that broadcasts to its weight; a single one where `axis` is
    None.
    """
    return scale.reshape([-1 if index == axis else 1 for index in range(ndim)])


def may_exceed(scale: FloatArray) -> bool:
    """Whether a quotient of an unclipped weight can round to more than the limit.

    Not by a scale that is a normal number: it is absmax / limit (1 + e), |e| <= 2^-24, so that
    |w| / scale <= limit (1 + 2^-23), which for limits up to 2^15 rounds to the limit. Nor by a
    scale of zero, by which nothing is divided. A subnormal scale has lost digits.
    """
    return bool(((scale < _SMALLEST_NORMAL) & (scale > 0)).any())


def quantize(
    values: FloatArray, scale: FloatArray, limit: int | None, work: FloatArray, out: IntArray
) -> None:
    """``out = clip(rint(values / scale), +-limit)``; zero where the scale is zero.

    Args:
        values: float32, of any shape.
        scale: float32, broadcastable to `values`.
        limit: 2^(bits-1) - 1; None does not clip, see `may_exceed`.
        work: float32 of the shape of `values`, or `values`; holds the rounded quotients afterwards.
        out: int8 or int16 of the shape of `values`.
    """
    divisor = np.where(scale == 0, np.float32(1), scale)
    # A subnormal scale overflows, and is clipped next; NaN is detected by `exceeds`.
    with np.errstate(over="ignore", invalid="ignore"):
        by_channel(np.divide, values, divisor, work)
        np.rint(work, out=work)
        if limit is not None:
            np.clip(work, -limit, limit, out=work)
        np.copyto(out, work, casting="unsafe")


def exceeds(rounded: FloatArray, limit: int) -> bool:
    """Whether a rounded quotient lies beyond +-`limit`, or is NaN: its integer has wrapped."""
    return not (rounded.max() <= limit and rounded.min() >= -limit)


def dequantize(integers: npt.NDArray[np.number], scale: FloatArray, out: FloatArray) -> None:
    """``out = integers * scale`` in float32, as Paddle Lite computes it at load.

    Infinite or NaN, as there, where the scale is too large or not finite.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        by_channel(np.multiply, integers, scale, out)


def by_channel(
    ufunc: np.ufunc,
    values: npt.NDArray[np.number],
    scale: npt.NDArray[np.number],
    out: npt.NDArray[np.floating],
) -> None:
    """``ufunc(values, scale, out=out)`` in the type of `out`, broadcast without copies.

    With rows shorter than its buffer (8192 elements), numpy copies every operand into buffers
    first, though none needs a cast, which doubles the time: hence a smaller buffer.

    Args:
        ufunc: np.divide or the like.
        values: of any shape.
        scale: broadcastable to `values`.
        out: of the shape of `values`; may be `values`.
    """
    before = np.setbufsize(_BUFFER_ELEMENTS)
    try:
        ufunc(values, scale, out=out, casting="unsafe", dtype=out.dtype)
    finally:
        np.setbufsize(before)


def largest_changes(scale: FloatArray, limit: int) -> FloatArray:
    """Upper bounds of how much quantizing changes a weight of each channel, without clipping.

    |w - q s| <= s/2 for the exact quotient. The rounded one, of at most `limit`, is off by
    limit 2^-24 s, the product q s and the difference by as much each: less than limit 2^-22 s.
    """
    bounds: FloatArray = scale * np.float32(0.5 + limit * 2.0**-22)
    return bounds


def energy(values: FloatArray) -> float:
    """Sum of squares; in float64 where float32 would overflow or underflow."""
    flat = values.reshape(-1)
    with np.errstate(over="ignore", under="ignore"):
        fast = float(np.dot(flat, flat))
    if np.isfinite(fast) and fast > _SMALLEST_ENERGY:
        return fast
    exact = flat.astype(np.float64)
    return float(np.dot(exact, exact))


def threshold_edges(maximum: np.float32) -> FloatArray:
    """Edges of the bins over [0, maximum], as ``numpy.histogram`` of numpy 1 makes them.

    In float64, then rounded to float32; numpy 2 computes them in float32, which Paddle never saw.
    """
    edges = np.arange(THRESHOLD_BINS + 1, dtype=np.float64) * (float(maximum) / THRESHOLD_BINS)
    edges[-1] = maximum
    return edges.astype(np.float32)


def even_edges(low: float, high: float, bins: int) -> DoubleArray:
    """The edges of `bins` bins that divide [low, high] evenly."""
    if math.isfinite(high - low):
        return np.linspace(low, high, bins + 1)
    return np.linspace(low / 4, high / 4, bins + 1) * 4  # the span of the largest floats overflows


def histogram(
    values: npt.NDArray[np.floating], edges: npt.NDArray[np.floating]
) -> npt.NDArray[np.int64]:
    """Counts of the values per bin ``edges[i] <= x < edges[i+1]``, the last one closed.

    Args:
        values: of any shape, within the edges, finite.
        edges: from `threshold_edges` or `even_edges`, of a range that is not empty.
    """
    bins = len(edges) - 1
    low, high = float(edges[0]), float(edges[-1])
    flat = values.reshape(-1)
    # The division finds the bin or its neighbour; the edges decide.
    share = flat.astype(np.float64)
    if low:
        share /= 2
        share -= low / 2
        share /= high / 2 - low / 2
        share *= bins
    elif bins / high < np.inf:
        share *= bins / high
    else:
        share /= high
        share *= bins
    index = share.astype(np.int64)
    np.clip(index, 0, bins - 1, out=index)
    index -= flat < edges[index]
    index += (flat >= edges[index + 1]) & (index < bins - 1)
    return np.bincount(index, minlength=bins)


def threshold(counts: npt.NDArray[np.int64], edges: FloatArray, rate: float) -> float:
    """The value above which the tail is clipped, as Paddle's `_calculate_threshold` finds it.

    The upper edge of the first bin at which the share of values at or below it reaches 1 - rate,
    counted in widths of the first bin. Summed bin by bin in float64, as there.
    """
    shares = np.cumsum(counts / float(counts.sum()))
    reached = np.flatnonzero(shares >= 1.0 - rate)
    bins = int(reached[0]) + 1 if reached.size else THRESHOLD_BINS
    return bins * float(edges[1] - edges[0])
