"""Cut a tensor into blocks that fit the cache, along its channel axis.

A tensor is seen as a matrix: one row per channel (channel axis first), one column per channel
(channel axis last), or a single row (one scale for all). A segment is a part whose scales depend
on nothing outside it: some whole rows, or everything. A block is a piece of a segment that is
contiguous in the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TypeAlias

BLOCK_ELEMENTS = 512 * 1024
"""2 MiB of float32. A quarter of it would stay within a core's second-level cache, and be slower:
every numpy call lets go of the interpreter's lock, and short calls of several threads spend their
time in getting it back."""

PART_ELEMENTS = 4 * BLOCK_ELEMENTS
"""8 MiB of float32: what one thread takes at a time, so that all threads end together."""

FINE_ELEMENTS = 128 * 1024
"""A block of which float64 copies are made."""

TILE_COLUMNS = 512
"""With 1024 rows a full tile: runs of 2 KiB are read, and of 1024 integers written."""


@dataclass(frozen=True, slots=True)
class Block:
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

    def cut(self, most: int) -> Iterator[Block]:
        """The block in pieces of at most `most` elements: whole rows, or parts of a row."""
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
    ) -> Block:
        skipped = {None: 0, 0: row, 1: column}[self.channels_on]
        start = self.start + row * self.columns + column
        return Block(start, rows, columns, self.channel + skipped, channels_on)


Segment = tuple[Block, ...]


def segments(
    shape: tuple[int, ...], channel_axis: int | None, block_elements: int = BLOCK_ELEMENTS
) -> Iterator[Segment]:
    """The segments of a tensor, in order; none of one without elements.

    Args:
        shape: the tensor's dims.
        channel_axis: 0, the last axis, or None for one channel in all.
        block_elements: the most elements of a block.

    Raises:
        ValueError: a channel axis between the first and the last.
    """
    elements = math.prod(shape)
    if elements == 0:
        return
    if channel_axis is None:
        yield tuple(_pieces(0, elements, 0, block_elements))
    elif channel_axis == 0:
        yield from _row_segments(shape[0], elements // shape[0], block_elements)
    elif channel_axis == len(shape) - 1:
        yield tuple(_column_blocks(elements // shape[-1], shape[-1], block_elements))
    else:
        raise ValueError(f"channel axis {channel_axis} of {len(shape)} is not supported")


def parts(
    shape: tuple[int, ...], channel_axis: int | None, most: int = PART_ELEMENTS
) -> list[Block]:
    """A tensor in large pieces, in order, each to be cut into blocks by the thread that takes it.

    Args, raises: as `segments`.
    """
    return [part for segment in segments(shape, channel_axis, most) for part in segment]


def spreads(shape: tuple[int, ...], channel_axis: int | None, most: int = BLOCK_ELEMENTS) -> bool:
    """Whether a channel lies in more than one block, so that its scale takes a pass of its own."""
    elements = math.prod(shape)
    return (elements // shape[0] if channel_axis == 0 and elements else elements) > most


def _pieces(start: int, elements: int, channel: int, most: int) -> Iterator[Block]:
    """Blocks of a run of elements that share one channel."""
    for offset in range(0, elements, most):
        yield Block(start + offset, 1, min(most, elements - offset), channel, None)


def _row_segments(rows: int, columns: int, most: int) -> Iterator[Segment]:
    if columns > most:
        for row in range(rows):
            yield tuple(_pieces(row * columns, columns, row, most))
        return
    step = most // columns
    for row in range(0, rows, step):
        yield (Block(row * columns, min(step, rows - row), columns, row, 0),)


def _column_blocks(rows: int, columns: int, most: int) -> Iterator[Block]:
    if columns > most:
        for row in range(rows):
            for column in range(0, columns, most):
                width = min(most, columns - column)
                yield Block(row * columns + column, 1, width, column, 1)
        return
    step = most // columns
    for row in range(0, rows, step):
        yield Block(row * columns, min(step, rows - row), columns, 0, 1)


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of a matrix: `rows` from `row` on, `columns` from `column` on."""

    row: int
    rows: int
    column: int
    columns: int

    @property
    def block(self) -> Block:
        """The tile's elements once they lie together: one channel per row."""
        return Block(0, self.rows, self.columns, self.row, 0)


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


Part: TypeAlias = "Block | tuple[Tile, ...]"
"""What one thread takes at a time: a large block, or tiles where the weight is transposed."""


def part_elements(part: Part) -> int:
    """Number of elements of a part."""
    pieces = (part,) if isinstance(part, Block) else part
    return sum(piece.rows * piece.columns for piece in pieces)


def tile_parts(rows: int, columns: int, most: int = BLOCK_ELEMENTS) -> list[tuple[Tile, ...]]:
    """The tiles of a matrix, so many together as make a part."""
    cut = tiles(rows, columns, most)
    return list(iter(lambda: tuple(islice(cut, PART_ELEMENTS // BLOCK_ELEMENTS)), ()))
