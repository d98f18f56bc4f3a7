"""Depthwise convolution, in two ways.

Where rows are not skipped and images are not tiny: the input is copied once for each column of the
kernel, shifted, so that what a tap is multiplied with is one long row, and einsum adds up the taps.

All others: a row of outputs is cut into tiles, and a tile is a matrix product of its inputs with
a band matrix that holds the kernel once for each output. BLAS is so much faster than element by
element arithmetic that the zeros of the band cost less than they save.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..values import Array
from .windows import Window, padded

SHIFTED_BYTES = 1 << 20
"""Bytes of shifted inputs for one call of einsum: they should stay in the cache."""

TILE = 16
"""Outputs of one row that one product gives."""

GATHERED_BYTES = 512 << 10
"""Bytes of gathered tiles for one call of BLAS: they should stay in the cache."""

SMALL_IMAGE = 150
"""Pixels up to which a row is too short for einsum."""


def depthwise(image: Array, weight: Array, shape: Window, places: tuple[int, int]) -> Array:
    """image [n, c, h, w], weight [c * m, 1, kh, kw] -> [n, c * m, rows, columns]."""
    multiplier = len(weight) // image.shape[1]
    if multiplier > 1:
        image = np.repeat(image, multiplier, axis=1)
    result = np.empty((len(image), len(weight), *places), image.dtype)
    taps = weight.reshape(len(weight), *shape.size)
    large = places[0] * places[1] > SMALL_IMAGE
    method = _shifted if shape.stride[0] == 1 and large else _tiled
    for source, target in zip(image, result, strict=True):
        method(source, taps, shape, target)
    return result


def _shifted(image: Array, taps: Array, shape: Window, out: Array) -> None:
    """Vertical stride 1: all rows of an output are one long row, as those of its inputs are."""
    rows, columns = out.shape[1:]
    height = rows + shape.reach[0] - 1
    sizes = (shape.size[1], height, columns)
    for channels in _blocks(len(out), SHIFTED_BYTES // (math.prod(sizes) * out.itemsize)):
        whole = padded(image[channels], shape.pads)
        channel, down, right = whole.strides
        steps = (channel, right * shape.dilation[1], down, right * shape.stride[1])
        shifted = np.ascontiguousarray(as_strided(whole, (len(whole), *sizes), steps))
        channel, shift, down, right = shifted.strides
        windows = as_strided(
            shifted,
            (len(whole), *shape.size, rows * columns),
            (channel, down * shape.dilation[0], shift, right),
            writeable=False,
        )
        flat = out[channels].reshape(len(whole), -1)
        np.einsum("cuv,cuvl->cl", taps[channels], windows, out=flat)


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
