"""Cut a tensor into blocks that fit the cache, along its channel axis.

A tensor is seen as a matrix: one row per channel (channel axis first), one column per channel
(channel axis last), or a single row (one scale for all). One thread takes a part at a time, which
is a large block, and cuts it into blocks that fit the cache. A matrix that is to be transposed is
cut into tiles instead.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple, TypeAlias

BLOCK_ELEMENTS = 512 * 1024
"""2 MiB of float32. A quarter of it would stay within a core's second-level cache, and be slower:
every numpy call lets go of the interpreter's lock, and short calls of several threads spend their
time in getting it back."""

PART_BLOCKS = 4
PART_ELEMENTS = PART_BLOCKS * BLOCK_ELEMENTS
"""8 MiB of float32: what one thread takes at a time, so that all threads end together."""

FINE_ELEMENTS = 128 * 1024
"""A block of which float64 copies are made."""

TILE_COLUMNS = 512
"""With 1024 rows a full tile: runs of 2 KiB are read, and of 1024 integers written."""


class TensorBlock(NamedTuple):
    """A contiguous piece of a tensor, seen as a matrix.

    Attributes:
        start: its first element, counted from the tensor's start.
        rows, columns: its shape as a matrix.
        channel: its first channel.
        channels_on: axis of the matrix along which the channels lie, or None where all elements
            have one channel.
    """

    start: int
    rows: int
    columns: int
    channel: int
    channels_on: int | None

    @property
    def elements(self) -> int:
        """Number of elements."""
        return self.rows * self.columns

    @property
    def channels(self) -> slice:
        """The channels that lie in the block."""
        if self.channels_on is None:
            return slice(self.channel, self.channel + 1)
        count = self.rows if self.channels_on == 0 else self.columns
        return slice(self.channel, self.channel + count)

    @property
    def scale_shape(self) -> tuple[int, int]:
        """Shape in which the scales of `channels` broadcast over the block."""
        return (1, -1) if self.channels_on == 1 else (-1, 1)

    @property
    def reduced_axis(self) -> int | None:
        """Axis to reduce for one value per channel of the block; None reduces everything."""
        return None if self.channels_on is None else 1 - self.channels_on

    def cut(self, most: int) -> Iterator[TensorBlock]:
        """Blocks of at most `most` elements: whole rows, or runs of one row."""
        if self.columns <= most:
            step = most // self.columns
            for row in range(0, self.rows, step):
                rows = min(step, self.rows - row)
                yield self._piece(row, rows, 0, self.columns, self.channels_on)
            return
        for row in range(self.rows):
            for column in range(0, self.columns, most):
                width = min(most, self.columns - column)
                on = 1 if self.channels_on == 1 else None
                yield self._piece(row, 1, column, width, on)

    def _piece(
        self, row: int, rows: int, column: int, columns: int, channels_on: int | None
    ) -> TensorBlock:
        skipped = {None: 0, 0: row, 1: column}[self.channels_on]
        start = self.start + row * self.columns + column
        return TensorBlock(start, rows, columns, self.channel + skipped, channels_on)


class Tile(NamedTuple):
    """A rectangle of a matrix: `rows` from `row` on, `columns` from `column` on."""

    row: int
    rows: int
    column: int
    columns: int

    @property
    def block(self) -> TensorBlock:
        """The tile's elements once they lie together: one channel per row."""
        return TensorBlock(0, self.rows, self.columns, self.row, 0)


Part: TypeAlias = "TensorBlock | tuple[Tile, ...]"
"""What one thread takes at a time: a large block, or tiles where the weight is transposed."""


def block_parts(
    shape: tuple[int, ...], channel_axis: int | None, most: int = PART_ELEMENTS
) -> list[TensorBlock]:
    """A tensor in large blocks, in order, each to be cut by the thread that takes it.

    Args:
        shape: the tensor's dims.
        channel_axis: 0, the last axis, or None for one channel in all.
        most: the most elements of a part.

    Raises:
        ValueError: a channel axis between the first and the last.
    """
    elements = math.prod(shape)
    if elements == 0:
        return []
    if channel_axis is None:
        whole = TensorBlock(0, 1, elements, 0, None)
    elif channel_axis == 0:
        whole = TensorBlock(0, shape[0], elements // shape[0], 0, 0)
    elif channel_axis == len(shape) - 1:
        whole = TensorBlock(0, elements // shape[-1], shape[-1], 0, 1)
    else:
        raise ValueError(f"channel axis {channel_axis} of {len(shape)} is not supported")
    return list(whole.cut(most))


def tile_parts(rows: int, columns: int, most: int = BLOCK_ELEMENTS) -> list[tuple[Tile, ...]]:
    """The tiles of a matrix, as many together as make a part."""
    remaining = tiles(rows, columns, most)
    return list(iter(lambda: tuple(islice(remaining, PART_BLOCKS)), ()))


def tiles(rows: int, columns: int, most: int = BLOCK_ELEMENTS) -> Iterator[Tile]:
    """Cut a matrix that is to be transposed so that reads and writes are runs of a fair length.

    Args:
        rows, columns: the matrix's shape, as it is read.
        most: the most elements of a tile.
    """
    width = min(columns, max(TILE_COLUMNS, most // rows))
    height = max(1, most // width)
    for row in range(0, rows, height):
        for column in range(0, columns, width):
            yield Tile(row, min(height, rows - row), column, min(width, columns - column))


def part_elements(part: Part) -> int:
    """Number of elements of a part."""
    pieces = (part,) if isinstance(part, TensorBlock) else part
    return sum(piece.rows * piece.columns for piece in pieces)


def spreads(shape: tuple[int, ...], channel_axis: int | None, most: int = BLOCK_ELEMENTS) -> bool:
    """Whether a channel lies in several blocks, so that finding its scale takes an extra pass."""
    elements = math.prod(shape)
    return (elements // shape[0] if channel_axis == 0 and elements else elements) > most
