"""Rounding whose errors cancel: SQuant's flips, from the weights alone.

Rounding to nearest makes every element's error small, and lets the errors of a kernel add up. What
a layer does to a flat input depends on that sum: an edge detector, whose values sum to zero, begins
to answer to brightness. SQuant (Guo et al., ICLR 2022) rounds a few elements the other way, those
nearest to the middle, until the errors of every kernel, and then those of every output channel, sum
to at most half a scale. The range, the scales and the format stay the same; no element is off by a
whole scale.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .kernels import FloatArray


def flip_rounding(quotients: FloatArray, limit: int) -> FloatArray:
    """Round so that the errors of each kernel, and of each output channel, sum to about zero.

    Args:
        quotients: weight / scale, float32, of shape ``(output channels, kernels, taps)``: a kernel
            holds the taps that one input channel meets. A matrix has kernels of a single tap.
        limit: 2^(bits-1) - 1. Elements beyond it are clipped and take no part.

    Returns:
        The integers as float32, of the same shape. Each is the quotient rounded up or down. The
        errors of a channel sum to at most 0.5; those of a kernel to at most 0.5, or 1 where the
        channel's sum took one of its elements. Ties go to the earlier element, so that the result
        does not depend on the machine.
    """
    rounded = np.clip(np.rint(quotients), -limit, limit)
    errors = rounded - quotients
    errors[np.abs(errors) > 0.5] = 0  # clipped
    channels, kernels, taps = quotients.shape
    if taps == 1:
        flat_rounded, flat_errors = rounded.reshape(channels, -1), errors.reshape(channels, -1)
        _flip(flat_rounded, flat_errors)
        return flat_rounded.reshape(quotients.shape)
    candidates = _flip(rounded, errors)
    if kernels > 1:
        _flip_kernels(rounded, errors, candidates)
    return rounded


def _flip(rounded: FloatArray, errors: FloatArray) -> npt.NDArray[np.intp]:
    """Flip elements in place until each sum along the last axis is at most half.

    Returns:
        For each sum the place of the element to flip next, if it is to change by one once more: the
        next one in order, or where the flips have gone past zero, the last one, back.
    """
    sums = errors.sum(axis=-1, dtype=np.float64)
    signs = np.where(sums < 0, -1, 1).astype(np.float32)
    flips = np.rint(np.abs(sums)).astype(np.intp)
    order = np.argsort(-errors * signs[..., None], axis=-1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(errors.shape[-1]).reshape(1, -1), axis=-1)
    change = np.where(ranks < flips[..., None], -signs[..., None], np.float32(0))
    rounded += change
    errors += change
    past = flips > np.abs(sums)
    next_rank = np.minimum(np.where(past, flips - 1, flips), errors.shape[-1] - 1)
    return np.take_along_axis(order, next_rank[..., None], axis=-1)[..., 0]


def _flip_kernels(
    rounded: FloatArray, errors: FloatArray, candidates: npt.NDArray[np.intp]
) -> None:
    """Flip one element of some kernels, in place, until each channel's sum is at most half."""
    sums = errors.sum(axis=-1, dtype=np.float64)
    totals = sums.sum(axis=-1)
    signs = np.where(totals < 0, -1.0, 1.0)
    flips = np.rint(np.abs(totals)).astype(np.intp)
    order = np.argsort(-sums * signs[:, None], axis=-1, kind="stable")
    for channel in np.flatnonzero(flips):
        chosen = order[channel, : flips[channel]]
        chosen = chosen[sums[channel, chosen] * signs[channel] > 0]
        taps = candidates[channel, chosen]
        rounded[channel, chosen, taps] -= signs[channel]
        errors[channel, chosen, taps] -= signs[channel]
