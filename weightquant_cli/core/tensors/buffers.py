"""Weights as streams: blocks read from the file into one thread's reused buffers."""

from __future__ import annotations

import math
import mmap
import threading
from collections.abc import Callable, Iterable

import numpy as np
import numpy.typing as npt

from ...formats.model_dir import StoredModel
from ...formats.model_writer import ModelWriter, RecordWriter
from ...formats.params import TensorReader
from .blocks import (
    BLOCK_ELEMENTS,
    FINE_ELEMENTS,
    Block,
    Tile,
)
from .kernels import DoubleArray, FloatArray, IntArray

COPY_BYTES = BLOCK_ELEMENTS * 4


class Buffers:
    """One thread's memory: everything that a block of a weight needs, allocated once.

    Mapped rather than from the heap, which would keep some of it for every thread that there was.
    """

    def __init__(self) -> None:
        self._values = np.frombuffer(_mapped(4 * BLOCK_ELEMENTS), dtype="<f4")
        self._work = np.frombuffer(_mapped(4 * BLOCK_ELEMENTS), dtype="<f4")
        self._integers = np.frombuffer(_mapped(2 * BLOCK_ELEMENTS), dtype="<i2")
        self._doubles: tuple[DoubleArray, ...] = ()  # few commands need them

    def values(self, block: Block) -> FloatArray:
        """The block's matrix of float32 values."""
        return self._values[: block.elements].reshape(block.rows, block.columns)

    def work(self, block: Block) -> FloatArray:
        """A second float32 matrix of the block's shape."""
        return self._work[: block.elements].reshape(block.rows, block.columns)

    def integers(self, block: Block, itemsize: int) -> IntArray:
        """The block's matrix of int8 or int16."""
        flat: IntArray = self._integers.view("|i1") if itemsize == 1 else self._integers
        return flat[: block.elements].reshape(block.rows, block.columns)

    def doubles(self, shape: tuple[int, ...]) -> tuple[DoubleArray, DoubleArray, DoubleArray]:
        """Three float64 arrays of this shape, of at most FINE_ELEMENTS elements."""
        if not self._doubles:
            self._doubles = tuple(_doubles(FINE_ELEMENTS) for _ in range(3))
        one, two, three = (array[: math.prod(shape)].reshape(shape) for array in self._doubles)
        return one, two, three

    def raw(self, size: int) -> memoryview:
        """`size` bytes, at most COPY_BYTES, for copying; shares the values' memory."""
        return self._values.data.cast("B")[:size]


def _mapped(size: int) -> mmap.mmap:
    return mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)


def _doubles(elements: int) -> DoubleArray:
    return np.frombuffer(_mapped(8 * elements), dtype="<f8")


_local = threading.local()


def thread_buffers() -> Buffers:
    """This thread's buffers."""
    buffers: Buffers | None = getattr(_local, "buffers", None)
    if buffers is None:
        buffers = _local.buffers = Buffers()
    return buffers


def read_floats(reader: TensorReader, block: Block, buffers: Buffers) -> FloatArray:
    """The block's values, read into this thread's buffer."""
    values = buffers.values(block)
    reader.read_data(values.data.cast("B"), block.start * 4)
    return values


def read_integers(reader: TensorReader, block: Block, buffers: Buffers) -> IntArray:
    """The block's stored integers, read into this thread's buffer."""
    itemsize = reader.record.dtype.itemsize
    integers = buffers.integers(block, itemsize)
    reader.read_data(integers.data.cast("B"), block.start * itemsize)
    return integers


def read_tile(reader: TensorReader, tile: Tile, buffers: Buffers) -> FloatArray:
    """A rectangle of a float32 matrix, row by row into this thread's buffer."""
    values = buffers.values(tile.block)
    columns = reader.record.shape[1]
    if tile.columns == columns:
        reader.read_data(values.data.cast("B"), 4 * tile.row * columns)
        return values
    for index in range(tile.rows):
        start = (tile.row + index) * columns + tile.column
        reader.read_data(values[index].data.cast("B"), 4 * start)
    return values


def write_tile(
    writer: RecordWriter, tile: Tile, turned: npt.NDArray[np.number], rows: int, itemsize: int
) -> None:
    """Write a tile that was transposed to its place in the transposed matrix.

    Args:
        writer: of the transposed matrix.
        tile: the rectangle, as it was read.
        turned: its transposed elements, contiguous, of shape ``(tile.columns, tile.rows)``.
        rows: rows of the matrix as it was read.
        itemsize: bytes of an element.
    """
    if tile.rows == rows:
        writer.write(turned.data.cast("B"), itemsize * tile.column * rows)
        return
    for index in range(tile.columns):
        start = (tile.column + index) * rows + tile.row
        writer.write(turned[index].data.cast("B"), itemsize * start)


def copy_transposed(reader: TensorReader, writer: RecordWriter, part: Iterable[Tile]) -> None:
    """Copy tiles of a float32 matrix to where they lie transposed."""
    buffers = thread_buffers()
    for tile in part:
        values = read_tile(reader, tile, buffers)
        write_tile(writer, tile, np.ascontiguousarray(values.T), reader.record.shape[0], 4)


def copy_record(reader: TensorReader, writer: RecordWriter, part: range | None = None) -> None:
    """Copy these bytes of a record, or all of them, header included."""
    copy_bytes(reader.read_record, writer, part or range(reader.record.size))


def copy_bytes(read: Callable[[memoryview, int], None], writer: RecordWriter, part: range) -> None:
    """Copy the bytes `part` that ``read(view, offset)`` gives, through this thread's buffer."""
    buffers = thread_buffers()
    for offset in range(part.start, part.stop, COPY_BYTES):
        view = buffers.raw(min(COPY_BYTES, part.stop - offset))
        read(view, offset)
        writer.write(view, offset)


def copy_carried(model: StoredModel, writer: ModelWriter) -> None:
    """Copy the files of variables that are no tensor records (SELECTED_ROWS)."""
    for name in model.carried:
        with model.carried_file(name) as file, writer.copied_file(name) as copy:
            copy_bytes(file.read_into, copy, range(file.size))
