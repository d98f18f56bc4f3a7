"""Depthwise convolution without BLAS: every tap is one multiply and add of shifted rows.

The padded image is taken as one long row per channel. A tap is then a shift of that row, so that
numpy works on long rows even where the image is narrow; the few values computed across the border
are cut off. Channels go in blocks that stay in the cache.
"""

from __future__ import annotations

import numpy as np

from ..values import Array
from .windows import Window, padded

BLOCK_BYTES = 96 << 10
"""Bytes of one block's output, of which the product of a tap takes as many again."""


def depthwise(image: Array, weight: Array, shape: Window, places: tuple[int, int]) -> Array:
    """image [n, c, h, w], weight [c * m, 1, kh, kw] -> [n, c * m, rows, columns]."""
    multiplier = len(weight) // image.shape[1]
    if multiplier > 1:
        image = np.repeat(image, multiplier, axis=1)
    result = np.empty((len(image), len(weight), *places), image.dtype)
    taps = weight.reshape(len(weight), *shape.size)
    for source, target in zip(image, result, strict=True):
        if shape.stride == (1, 1):
            _dense(source, taps, shape, target)
        else:
            _strided(source, taps, shape, target)
    return result


def _dense(image: Array, taps: Array, shape: Window, out: Array) -> None:
    """Stride 1: rows are shifted whole."""
    rows, columns = out.shape[1:]
    step = columns + shape.reach[1] - 1  # width of the padded image
    length = (rows - 1) * step + columns
    for channels in _blocks(len(out), length * out.itemsize):
        flat = padded(image[channels], shape.pads).reshape(channels.stop - channels.start, -1)
        total = np.empty((len(flat), rows * step), out.dtype)
        view, product = total[:, :length], np.empty((len(flat), length), out.dtype)
        for number, (y, x) in enumerate(np.ndindex(shape.size)):
            start = y * shape.dilation[0] * step + x * shape.dilation[1]
            tap = taps[channels, y, x, None]
            shifted = flat[:, start : start + length]
            if number == 0:
                np.multiply(shifted, tap, out=view)
            else:
                np.multiply(shifted, tap, out=product)
                np.add(view, product, out=view)
        out[channels] = total.reshape(len(flat), rows, step)[:, :, :columns]


def _strided(image: Array, taps: Array, shape: Window, out: Array) -> None:
    """Other strides: the image is first split by the rest of row and column modulo the stride,
    so that each tap reads neighbours again."""
    rows, columns = out.shape[1:]
    down, right = shape.stride
    for channels in _blocks(len(out), rows * columns * out.itemsize):
        whole = padded(image[channels], shape.pads)
        phases: dict[tuple[int, int], Array] = {}
        total = out[channels]
        product = np.empty(total.shape, out.dtype)
        for number, (u, v) in enumerate(np.ndindex(shape.size)):
            y, x = u * shape.dilation[0], v * shape.dilation[1]
            phase = (y % down, x % right)
            if phase not in phases:
                phases[phase] = np.ascontiguousarray(whole[:, phase[0] :: down, phase[1] :: right])
            y, x = y // down, x // right
            shifted = phases[phase][:, y : y + rows, x : x + columns]
            tap = taps[channels, u, v, None, None]
            if number == 0:
                np.multiply(shifted, tap, out=total)
            else:
                np.multiply(shifted, tap, out=product)
                np.add(total, product, out=total)


def _blocks(count: int, size: int) -> list[slice]:
    """Channels in blocks of about BLOCK_BYTES, where one takes `size` bytes."""
    step = max(1, BLOCK_BYTES // max(size, 1))
    return [slice(start, min(start + step, count)) for start in range(0, count, step)]
