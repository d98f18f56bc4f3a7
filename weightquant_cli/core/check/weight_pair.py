"""One weight in two models, as it was and as Paddle Lite dequantizes it, streamed side by side.

A weight that was stored transposed (`matmul` with a transposed Y, rewritten as `mul`) is read
transposed back. Values are float32, as in Paddle Lite; their differences are float64.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import numpy.typing as npt

from ...errors import ModelError
from ...formats import dtypes
from ...formats.params import TensorReader
from ...threads import CancelToken
from ..lite.scales import Scales, decode_scales
from ..lite.tags import Tag
from ..model.model import Model
from ..model.weights import Weight
from ..tensors import kernels
from ..tensors.blocks import (
    FINE_ELEMENTS,
    PART_ELEMENTS,
    Part,
    TensorBlock,
    Tile,
    block_parts,
    tile_parts,
    tiles,
)
from ..tensors.buffers import (
    COPY_BYTES,
    read_floats,
    read_integers,
    read_rectangle,
    read_tile,
    thread_buffers,
)
from ..tensors.error_measures import PairBlock
from .findings import FITTING_REFERENCE


class WeightPair:
    """A quantized weight and its original.

    Args:
        model: the quantized model.
        reference: the FP32 model that it was made from.
        weight: a quantized weight that the reference has as well.
        tag: what holds its scales.
        part_elements: the most elements that one thread takes at a time.

    Raises:
        ParameterError: scales that do not fit the weight.
        ModelError: in the reference the weight has another shape, or is not FP32.
    """

    def __init__(
        self,
        model: Model,
        reference: Model,
        weight: Weight,
        tag: Tag,
        part_elements: int = PART_ELEMENTS,
    ) -> None:
        self._model = model
        self._reference = reference
        self.weight = weight
        self.tag = tag
        self.original = reference.stored.parameters[weight.name]
        self._scales = decode_scales(weight, tag)
        self._part_elements = part_elements
        self._transposed = is_transposed(reference, weight)
        self._require_fit()

    def _require_fit(self) -> None:
        record = self.weight.record
        shape = record.shape[::-1] if self._transposed else record.shape
        if shape != self.original.shape:
            what, expected, found = "has another shape than", self.original.shape, record.shape
            raise ModelError(
                f"the weight {what} in the reference",
                path=record.path,
                tensor=record.name,
                expected=list(expected),
                found=list(found),
                remedy=FITTING_REFERENCE,
            )
        if self.original.dtype is not dtypes.FP32:
            raise ModelError(
                "the reference's weight is not FP32",
                path=self.original.path,
                tensor=record.name,
                found=self.original.dtype,
                remedy=FITTING_REFERENCE,
            )

    @property
    def parts(self) -> Sequence[Part]:
        """What one thread takes at a time, in order; nothing of a weight without elements."""
        if not self.weight.record.elements:
            return ()
        if self._transposed:
            rows, columns = self.original.shape
            return tile_parts(rows, columns, FINE_ELEMENTS)
        shape, axis = self.weight.record.shape, self._scales.channel_axis
        return block_parts(shape, axis, self._part_elements)

    def blocks(self, part: Part, token: CancelToken) -> Iterator[PairBlock]:
        """A part of both weights, block by block, in buffers that the next block overwrites."""
        name = self.weight.name
        with (
            self._model.stored.parameters.reader(name) as ours,
            self._reference.stored.parameters.reader(name) as theirs,
        ):
            blocks = (
                _plain(ours, theirs, self._scales, part)
                if isinstance(part, TensorBlock)
                else _transposed(ours, theirs, self._scales, part)
            )
            for block in blocks:
                token.check()
                yield block


def is_transposed(reference: Model, weight: Weight) -> bool:
    """Whether `weight` is stored transposed, beside the reference.

    Its shape says so, or, for a square matrix, its readers: a matmul that transposes it there, and
    a mul here.
    """
    shape, original = weight.record.shape, reference.stored.parameters[weight.name].shape
    if len(shape) != 2:
        return False
    if shape != original:
        return shape == original[::-1]
    turns = any(
        reader.slot == "Y"
        and any(
            reference.operator(reader.operator).value(name) for name in ("trans_y", "transpose_Y")
        )
        for reader in reference.weight(weight.name).readers
    )
    return turns and all(reader.operator.type == "mul" for reader in weight.readers)


def is_same(model: Model, reference: Model, weight: Weight, token: CancelToken) -> bool:
    """Whether a weight that was not quantized is, byte for byte, what it is in the reference."""
    one, other = weight.record, reference.stored.parameters[weight.name]
    if one.dtype is not other.dtype or one.data_size != other.data_size:
        return False
    transposed = is_transposed(reference, weight)
    if not transposed and one.shape != other.shape:
        return False
    if not one.data_size:
        return True
    with (
        model.stored.parameters.reader(weight.name) as ours,
        reference.stored.parameters.reader(weight.name) as theirs,
    ):
        compared = _compared_transposed(ours, theirs) if transposed else _compared(ours, theirs)
        for same in compared:
            token.check()
            if not same:
                return False
    return True


def _plain(
    ours: TensorReader, theirs: TensorReader, scales: Scales, part: TensorBlock
) -> Iterator[PairBlock]:
    buffers = thread_buffers()
    for block in part.cut(FINE_ELEMENTS):
        integers = read_integers(ours, block, buffers)
        scale, found = scales.of(block.channels, block.scale_shape), buffers.work(block)
        kernels.dequantize(integers, scale, found)
        yield PairBlock(read_floats(theirs, block, buffers), integers, found, scale)


def _transposed(
    ours: TensorReader, theirs: TensorReader, scales: Scales, part: Iterable[Tile]
) -> Iterator[PairBlock]:
    """Blocks of the original, whose rows are the columns of what is stored."""
    buffers = thread_buffers()
    for tile in part:
        integers = _read_transposed(ours, tile)
        scale = scales.of(tile.block.channels, tile.block.scale_shape)
        found = buffers.work(tile.block)
        kernels.dequantize(integers, scale, found)
        yield PairBlock(read_tile(theirs, tile, buffers), integers, found, scale)


def _read_transposed(tensor: TensorReader, tile: Tile) -> npt.NDArray[np.number]:
    """A tile of the original, from where it lies transposed."""
    turned = np.empty((tile.columns, tile.rows), dtype=tensor.record.dtype.numpy)
    read_rectangle(tensor, Tile(tile.column, tile.columns, tile.row, tile.rows), turned)
    return np.ascontiguousarray(turned.T)


def _compared(ours: TensorReader, theirs: TensorReader) -> Iterator[bool]:
    size = ours.record.data_size
    mine = np.empty(min(COPY_BYTES, size), dtype=np.uint8)
    original = np.empty_like(mine)
    for offset in range(0, size, COPY_BYTES):
        length = min(COPY_BYTES, size - offset)
        ours.read_data(mine[:length].data, offset)
        theirs.read_data(original[:length].data, offset)
        yield np.array_equal(mine[:length], original[:length])


def _compared_transposed(ours: TensorReader, theirs: TensorReader) -> Iterator[bool]:
    if ours.record.dtype is not dtypes.FP32:
        yield False  # nothing but a float matrix is ever stored transposed
        return
    buffers = thread_buffers()
    for tile in tiles(*theirs.record.shape):
        original = read_tile(theirs, tile, buffers)
        yield np.array_equal(_read_transposed(ours, tile).view("<u4"), original.view("<u4"))
