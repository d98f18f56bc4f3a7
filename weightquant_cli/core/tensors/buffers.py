"""One thread's reused buffers, and blocks of weights read from the file into them."""

from __future__ import annotations

import math
import mmap
import threading
from typing import TYPE_CHECKING

import numpy as np

from ...formats.model_writer import RecordWriter
from ...formats.params import TensorReader
from .blocks import BLOCK_ELEMENTS, FINE_ELEMENTS, TensorBlock, Tile
from .kernels import DoubleArray, FloatArray, IntArray

if TYPE_CHECKING:
    import numpy.typing as npt

COPY_BYTES = BLOCK_ELEMENTS * 4


class Buffers:
    """One thread's memory: everything that a block of a weight needs, allocated once.

    Mapped rather than from the heap, which would keep some of it for every thread that has ended.
    """

    def __init__(self) -> None:
        self._values = np.frombuffer(_mapped(4 * BLOCK_ELEMENTS), dtype="<f4")
        self._work = np.frombuffer(_mapped(4 * BLOCK_ELEMENTS), dtype="<f4")
        self._integers = np.frombuffer(_mapped(2 * BLOCK_ELEMENTS), dtype="<i2")
        self._doubles: tuple[DoubleArray, ...] = ()  # few commands need them

    def values(self, block: TensorBlock) -> FloatArray:
        """The block's matrix of float32 values."""
        return self._values[: block.elements].reshape(block.rows, block.columns)

    def work(self, block: TensorBlock) -> FloatArray:
        """A second float32 matrix of the block's shape."""
        return self._work[: block.elements].reshape(block.rows, block.columns)

    def integers(self, block: TensorBlock, itemsize: int) -> IntArray:
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


def read_floats(tensor: TensorReader, block: TensorBlock, buffers: Buffers) -> FloatArray:
    """The block's values, read into this thread's buffer."""
    values = buffers.values(block)
    tensor.read_data(values.data.cast("B"), block.start * 4)
    return values


def read_integers(tensor: TensorReader, block: TensorBlock, buffers: Buffers) -> IntArray:
    """The block's stored integers, read into this thread's buffer."""
    itemsize = tensor.record.dtype.itemsize
    integers = buffers.integers(block, itemsize)
    tensor.read_data(integers.data.cast("B"), block.start * itemsize)
    return integers


def read_tile(tensor: TensorReader, tile: Tile, buffers: Buffers) -> FloatArray:
    """A rectangle of a float32 matrix, row by row into this thread's buffer."""
    values = buffers.values(tile.block)
    read_rectangle(tensor, tile, values)
    return values


def read_rectangle(tensor: TensorReader, tile: Tile, out: npt.NDArray[np.number]) -> None:
    """A rectangle of a matrix, row by row into `out`, which is contiguous and of its type."""
    columns, itemsize = tensor.record.shape[1], out.itemsize
    if tile.columns == columns:
        tensor.read_data(out.data.cast("B"), itemsize * tile.row * columns)
        return
    for index in range(tile.rows):
        start = (tile.row + index) * columns + tile.column
        tensor.read_data(out[index].data.cast("B"), itemsize * start)


def write_tile(writer: RecordWriter, tile: Tile, turned: npt.NDArray[np.number], rows: int) -> None:
    """Write a tile that was transposed to its place in the transposed matrix.

    Args:
        writer: of the transposed matrix.
        tile: the rectangle, as it was read.
        turned: its transposed elements, contiguous, of shape ``(tile.columns, tile.rows)``.
        rows: rows of the matrix as it was read.
    """
    itemsize = turned.itemsize
    if tile.rows == rows:
        writer.write(turned.data.cast("B"), itemsize * tile.column * rows)
        return
    for index in range(tile.columns):
        start = (tile.column + index) * rows + tile.row
        writer.write(turned[index].data.cast("B"), itemsize * start)
