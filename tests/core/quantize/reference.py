"""Quantization in plain numpy on whole arrays: what the streamed code is compared with.

Written from the rules in the design alone, with none of the code under test.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int8] | npt.NDArray[np.int16]


def limit(bits: int) -> int:
    """The largest integer that so many bits use, on both sides of zero."""
    return int(2 ** (bits - 1)) - 1


def spread(scale: Floats, shape: tuple[int, ...], axis: int | None) -> Floats:
    """The scale of every element: one for all, or one per channel along `axis`."""
    if axis is None:
        return np.full(shape, scale[0], np.float32)
    lengths = [1] * len(shape)
    lengths[axis] = -1
    return np.broadcast_to(scale.reshape(lengths), shape)


def find_scales(weight: Floats, bits: int, axis: int | None) -> Floats:
    """The largest absolute value of each channel (or of all), over the limit, as float32."""
    magnitudes = np.abs(weight.astype(np.float64))
    if axis is None:
        largest = magnitudes.max().reshape(1)
    else:
        largest = np.moveaxis(magnitudes, axis, 0).reshape(weight.shape[axis], -1).max(axis=1)
    scale: Floats = (largest / limit(bits)).astype(np.float32)
    return scale


def find_edges(maximum: float) -> Floats:
    """5001 edges from 0 to the largest value, made in float64 as numpy 1 made them for Paddle."""
    edges: Floats = np.linspace(0.0, maximum, 5001, dtype=np.float64).astype(np.float32)
    return edges


def find_threshold(weight: Floats, rate: float) -> float:
    """Where to clip: walk up the histogram until all but `rate` of the values are below."""
    magnitudes = np.abs(weight).reshape(-1)
    edges = find_edges(float(magnitudes.max()))
    counts = np.histogram(magnitudes, bins=edges)[0]
    bins, below = 0, 0.0
    while below < 1.0 - rate:
        below += float(counts[bins]) / float(magnitudes.size)
        bins += 1
    return bins * float(edges[1] - edges[0])


def round_to(weight: Floats, scale: Floats, bits: int, axis: int | None) -> Integers:
    """Every element over its scale, to the nearest integer within the limit, ties to even."""
    step = spread(scale, weight.shape, axis)
    with np.errstate(all="ignore"):
        quotient = (weight / step).astype(np.float32)
    quotient = np.where(step == 0, np.float32(0), quotient)
    dtype = np.int8 if bits == 8 else np.int16
    clipped: Integers = np.clip(np.rint(quotient), -limit(bits), limit(bits)).astype(dtype)
    return clipped


def quantized(
    weight: Floats, bits: int = 8, axis: int | None = None, rate: float = 0.0
) -> tuple[Integers, Floats]:
    """The integers and the scales of a weight."""
    if rate:
        clip = find_threshold(weight, rate)
        scale = np.asarray([clip / limit(bits)], np.float64).astype(np.float32)
    else:
        scale = find_scales(weight, bits, axis)
    return round_to(weight, scale, bits, axis), scale


def dequantized(integers: Integers, scale: Floats, axis: int | None = None) -> Floats:
    """Integers times their scales, in float32."""
    product: Floats = integers.astype(np.float32) * spread(scale, integers.shape, axis)
    return product


def sqnr(weight: Floats, restored: Floats) -> float:
    """Signal-to-quantization-noise ratio in dB."""
    signal = weight.astype(np.float64)
    noise = signal - restored.astype(np.float64)
    return float(10 * np.log10((signal**2).sum() / (noise**2).sum()))
