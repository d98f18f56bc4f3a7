"""Depthwise convolution, in two ways.

Wide images with small kernels: every tap is one multiply and add of a shifted image. The padded
image is taken as one long row per channel, so that numpy works on long rows; the few values
computed across the border are cut off.

All others: a row of outputs is cut into tiles, and a tile is a matrix product of its inputs with
a band matrix that holds the kernel once for each output. BLAS is so much faster than element by
element arithmetic that the zeros of the band cost less than they save: two to six times for
5 x 5 kernels, and for 3 x 3 kernels on small images.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..values import Array
from .windows import Window, padded

BLOCK_BYTES = 96 << 10
"""Bytes of one block's output, of which the product of a tap takes as many again."""

TILE = 16
"""Outputs of one row that one product gives."""

GATHERED_BYTES = 512 << 10
"""Bytes of gathered tiles for one call of BLAS: they should stay in the cache."""

SMALL_KERNEL, SMALL_IMAGE = 9, 8192
"""Taps up to which, and pixels from which on, shifting is as fast as the product."""


def depthwise(image: Array, weight: Array, shape: Window, places: tuple[int, int]) -> Array:
    """image [n, c, h, w], weight [c * m, 1, kh, kw] -> [n, c * m, rows, columns]."""
    multiplier = len(weight) // image.shape[1]
    if multiplier > 1:
        image = np.repeat(image, multiplier, axis=1)
    result = np.empty((len(image), len(weight), *places), image.dtype)
    taps = weight.reshape(len(weight), *shape.size)
    large = places[0] * places[1] >= SMALL_IMAGE and taps[0].size <= SMALL_KERNEL
    method = _shifted if shape.stride == (1, 1) and large else _tiled
    for source, target in zip(image, result, strict=True):
        method(source, taps, shape, target)
    return result


def _shifted(image: Array, taps: Array, shape: Window, out: Array) -> None:
    """Stride 1: rows are shifted whole."""
    rows, columns = out.shape[1:]
    step = columns + shape.reach[1] - 1  # width of the padded image
    length = (rows - 1) * step + columns
    for channels in _blocks(len(out), BLOCK_BYTES // (length * out.itemsize)):
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


def _tiled(image: Array, taps: Array, shape: Window, out: Array) -> None:
    """Any stride and dilation: tiles of outputs as matrix products."""
    rows, columns = out.shape[1:]
    tile = min(TILE, columns)
    count = -(-columns // tile)
    reach = (tile - 1) * shape.stride[1] + shape.reach[1]  # inputs of one row of a tile
    row_bytes = count * shape.size[0] * reach * out.itemsize
    for channels in _blocks(len(out), GATHERED_BYTES // (rows * row_bytes)):
        whole = _widened(image[channels], shape, (count - 1) * tile * shape.stride[1] + reach)
        bands = _bands(taps[channels], shape, tile, reach)
        for part in _blocks(rows, GATHERED_BYTES // (len(whole) * row_bytes)):
            tiles = _tiles(whole, shape, part, (count, tile, reach))
            made = np.matmul(tiles.reshape(len(whole), -1, bands.shape[1]), bands)
            made = made.reshape(len(whole), part.stop - part.start, count * tile)
            out[channels, part] = made[:, :, :columns]


def _widened(image: Array, shape: Window, width: int) -> Array:
    """The padded image, as wide at least as the last tile reaches."""
    top_bottom, (left, right) = shape.pads
    missing = width - image.shape[2] - left - right
    return padded(image, (top_bottom, (left, right + max(missing, 0))))


def _bands(taps: Array, shape: Window, tile: int, reach: int) -> Array:
    """[channels, kh * reach, tile]: column i has each row of the kernel from i * stride on."""
    bands = np.zeros((*taps.shape[:2], reach, tile), taps.dtype)
    output = np.arange(tile)
    for tap in range(shape.size[1]):
        place = output * shape.stride[1] + tap * shape.dilation[1]
        bands[:, :, place, output] = taps[:, :, tap, None]
    return bands.reshape(len(taps), -1, tile)


def _tiles(whole: Array, shape: Window, rows: slice, sizes: tuple[int, int, int]) -> Array:
    """A view [channels, rows, tiles, kh, reach] of what the tiles of these rows read."""
    count, tile, reach = sizes
    channel, down, right = whole.strides
    return as_strided(
        whole[:, rows.start * shape.stride[0] :],
        (len(whole), rows.stop - rows.start, count, shape.size[0], reach),
        (
            channel,
            down * shape.stride[0],
            right * tile * shape.stride[1],
            down * shape.dilation[0],
            right,
        ),
        writeable=False,
    )


def _blocks(count: int, step: int) -> Iterator[slice]:
    """0 to `count` in pieces of `step`, at least one each."""
    step = max(1, step)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))
