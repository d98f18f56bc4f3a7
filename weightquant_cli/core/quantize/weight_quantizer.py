"""One weight, streamed: its scales, its integers, and the error; written, or only measured.

`quantize` passes a writer; `quantization_error` passes none, and measures with the same code. No
thread holds more than a block of the weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from ...errors import ModelError, NonFiniteWeightError
from ...formats.lod_tensor import TensorRecord
from ...formats.model_writer import RecordWriter
from ...formats.params import TensorReader
from ...threads import CancelToken
from ..plan.options import QuantizeOptions
from ..plan.weight_plan import Quantization
from ..tensors import kernels
from ..tensors.blocks import (
    BLOCK_ELEMENTS,
    PART_BLOCKS,
    Part,
    TensorBlock,
    Tile,
    block_parts,
    spreads,
    tile_parts,
)
from ..tensors.buffers import read_floats, read_tile, thread_buffers, write_tile
from ..tensors.weight_error import WeightError
from .part_error import PartError

if TYPE_CHECKING:
    import numpy.typing as npt

ScalePass = Callable[[TensorReader, TensorBlock, CancelToken], None]


def quantization_error(
    tensor: TensorReader,
    quantization: Quantization,
    options: QuantizeOptions,
    token: CancelToken | None = None,
) -> WeightError:
    """What `quantization` would do to a weight, measured without writing anything.

    Args:
        tensor: the weight's data, FP32.
        quantization: bits and channel axis.
        options: for the threshold rate.
        token: checked between blocks.

    Raises:
        NonFiniteWeightError: NaN or infinity in the weight.
        ModelError: the file cannot be read.
    """
    token = token or CancelToken()
    quantizer = WeightQuantizer(tensor.record, quantization, options)
    quantizer.run_scale_passes(tensor, token)
    for part in quantizer.parts:
        quantizer.quantize(tensor, None, part, token)
    return quantizer.error


class WeightQuantizer:
    """Quantizes one weight, part by part, from any thread.

    First every part of `scale_parts` goes through each of `scale_passes` in turn; then `fix_scales`
    computes the scales; then every part of `parts` goes through `quantize`. Neither the order of
    the parts nor the threads change the result. Where no channel spreads over several blocks there
    are no scale passes: `quantize` finds the scales of each block, and the data is read once.

    Args:
        record: the weight, FP32.
        quantization: bits and channel axis.
        options: for the threshold rate.
        transpose: whether a matrix is written transposed.
        measure_error: whether `error` is wanted.
        block_elements: the most elements of a block, at most BLOCK_ELEMENTS.

    Attributes:
        parts: what `quantize` takes.
        scale_parts: what every scale pass takes.
        scale_passes: passes over the whole weight before `fix_scales`.
        scales: one per channel, or a single one; complete at the end.
    """

    def __init__(
        self,
        record: TensorRecord,
        quantization: Quantization,
        options: QuantizeOptions,
        *,
        transpose: bool = False,
        measure_error: bool = True,
        block_elements: int = BLOCK_ELEMENTS,
    ) -> None:
        self._record = record
        self._quantization = quantization
        self._options = options
        self._measure_error = measure_error
        self._block_elements = block_elements
        self._lock = Lock()
        self._maxima = np.zeros(quantization.channels, dtype="<f4")
        self._counts = np.zeros(kernels.THRESHOLD_BINS if options.clips else 0, dtype=np.int64)
        self._edges = self._maxima
        self._errors: dict[int, WeightError] = {}
        self._largest_change = 0.0
        self._clips = options.clips
        self.scales = np.zeros(quantization.channels, dtype="<f4")
        axis = quantization.channel_axis
        self.scale_parts = block_parts(record.shape, axis, PART_BLOCKS * block_elements)
        self.parts: Sequence[Part] = self.scale_parts
        self.scale_passes: tuple[ScalePass, ...] = ()
        if transpose:
            rows, columns = record.shape
            self.parts = tile_parts(rows, columns, block_elements)
        if options.clips:
            self.scale_passes = (self._find_maxima, self._count)
        elif transpose or spreads(record.shape, axis, block_elements):
            self.scale_passes = (self._find_maxima,)

    @property
    def error(self) -> WeightError:
        """What quantizing did, where it is measured; complete at the end.

        Summed in the order of the parts.
        """
        found = [self._errors[start] for start in sorted(self._errors)]
        return WeightError(
            sum(error.signal for error in found),
            sum(error.noise for error in found),
            max((error.max_abs for error in found), default=0.0),
        )

    def fix_scales(self) -> None:
        """Compute the scales, once all scale passes are done."""
        if not self.scale_passes:
            return
        limits: npt.NDArray[np.floating] = self._maxima
        if self._options.clips and self._maxima[0] > 0:
            rate = self._options.threshold_rate
            limits = np.asarray([kernels.threshold(self._counts, self._edges, rate)])
        self.scales = kernels.scales(limits, self._quantization.limit)
        self._clips = self._options.clips or kernels.may_exceed(self.scales)

    def find_scales(self, tensor: TensorReader, token: CancelToken) -> kernels.FloatArray:
        """The scales alone, from one thread; the same as those that `quantize` would find.

        Raises:
            NonFiniteWeightError: NaN or infinity in the weight.
            ModelError: the file cannot be read.
        """
        self.scale_passes = self.scale_passes or (self._find_maxima,)
        self.run_scale_passes(tensor, token)
        return self.scales

    def run_scale_passes(self, tensor: TensorReader, token: CancelToken) -> None:
        """Every scale pass and then the scales, from one thread; raises as `find_scales` does."""
        for scale_pass in self.scale_passes:
            for part in self.scale_parts:
                scale_pass(tensor, part, token)
        self.fix_scales()

    def quantize(
        self, tensor: TensorReader, writer: RecordWriter | None, part: Part, token: CancelToken
    ) -> None:
        """Quantize one part, and write it where there is a writer.

        Raises:
            NonFiniteWeightError: NaN or infinity in the part.
            ModelError: the file changed since the scale passes.
            ModelError, OutputError: as `tensor` and `writer` raise them.
        """
        error = PartError(self._largest_change, self._quantization.limit)
        if isinstance(part, TensorBlock):
            for block in part.cut(self._block_elements):
                token.check()
                self._quantize_block(tensor, writer, block, error)
            start = part.start
        else:
            for tile in part:
                token.check()
                self._quantize_tile(tensor, writer, tile, error)
            start = part[0].row * self._record.shape[1] + part[0].column
        self._errors[start] = error.total
        self._largest_change = max(self._largest_change, error.total.max_abs)

    def _quantize_block(
        self,
        tensor: TensorReader,
        writer: RecordWriter | None,
        block: TensorBlock,
        error: PartError,
    ) -> None:
        buffers = thread_buffers()
        values = read_floats(tensor, block, buffers)
        clips = self._clips
        if not self.scale_passes:
            scales = kernels.scales(self._abs_max(block, values), self._quantization.limit)
            self.scales[block.channels] = scales
            clips = kernels.may_exceed(scales)
        integers = self._round(block, values, clips)
        if writer is not None:
            offset = block.start * self._quantization.dtype.itemsize
            writer.write(integers.data.cast("B"), offset)
        if self._measure_error:
            error.add(values, buffers.work(block), self._scale_of(block), clips)

    def _quantize_tile(
        self, tensor: TensorReader, writer: RecordWriter | None, tile: Tile, error: PartError
    ) -> None:
        """Quantize a rectangle of a matrix, and write it transposed."""
        buffers = thread_buffers()
        values = read_tile(tensor, tile, buffers)
        integers = self._round(tile.block, values, self._clips)
        if writer is not None:
            turned = np.ascontiguousarray(integers.T)
            write_tile(writer, tile, turned, self._record.shape[0])
        if self._measure_error:
            work = buffers.work(tile.block)
            error.add(values, work, self._scale_of(tile.block), self._clips)

    def _find_maxima(self, tensor: TensorReader, part: TensorBlock, token: CancelToken) -> None:
        """First scale pass: the largest absolute value of every channel."""
        for block in part.cut(self._block_elements):
            token.check()
            highest = self._abs_max(block, read_floats(tensor, block, thread_buffers()))
            with self._lock:
                found = self._maxima[block.channels]
                np.maximum(found, highest, out=found)

    def _count(self, tensor: TensorReader, part: TensorBlock, token: CancelToken) -> None:
        """Second scale pass, for a threshold: the histogram of the absolute values."""
        if self._maxima[0] == 0:
            return
        self._edges = kernels.threshold_edges(self._maxima[0])
        buffers = thread_buffers()
        for block in part.cut(self._block_elements):
            token.check()
            values = read_floats(tensor, block, buffers)
            self._require_maxima(block, values)
            magnitudes = np.abs(values, out=buffers.work(block))
            counts = kernels.histogram(magnitudes, self._edges)
            with self._lock:
                self._counts += counts

    def _abs_max(self, block: TensorBlock, values: kernels.FloatArray) -> kernels.FloatArray:
        """The largest absolute value of every channel of the block, all of them finite."""
        highest = kernels.abs_max(values, block.reduced_axis)
        if not np.isfinite(highest).all():
            self._refuse_not_finite(block, values)
        return highest

    def _scale_of(self, block: TensorBlock) -> kernels.FloatArray:
        """The scales of a block's channels, in a shape that broadcasts over it."""
        if self._quantization.channel_axis is None:
            return self.scales
        return self.scales[block.channels].reshape(block.scale_shape)

    def _round(
        self, block: TensorBlock, values: kernels.FloatArray, clips: bool
    ) -> kernels.IntArray:
        """The block's integers; the work buffer holds them as floats.

        Where no error is measured, the values are not needed any more: the floats overwrite them.
        """
        buffers = thread_buffers()
        integers = buffers.integers(block, self._quantization.dtype.itemsize)
        work = buffers.work(block) if self._measure_error else values
        scale, limit = self._scale_of(block), self._quantization.limit
        if clips:
            self._require_maxima(block, values)
        kernels.quantize(values, scale, limit if clips else None, work, integers)
        # Without a scale pass the scales are those of these very values.
        if not clips and self.scale_passes and kernels.exceeds(work, limit):
            self._refuse_change()
        return integers

    def _require_maxima(self, block: TensorBlock, values: kernels.FloatArray) -> None:
        """Refuse values that the first scale pass has not seen."""
        if self.scale_passes:
            single = self._quantization.channel_axis is None
            seen = self._maxima if single else self._maxima[block.channels]
            highest = kernels.abs_max(values, None if single else block.reduced_axis)
            if not (highest <= seen).all():
                self._refuse_change()

    def _refuse_change(self) -> None:
        """The second time a block was read it held larger values, or NaN: integers would wrap."""
        raise ModelError(
            "the file changed while it was read",
            path=self._record.path,
            tensor=self._record.name,
            remedy="do not write to the model while it is being read",
        )

    def _refuse_not_finite(self, block: TensorBlock, values: kernels.FloatArray) -> None:
        first = int(np.flatnonzero(~np.isfinite(values))[0])
        record = self._record
        index = np.unravel_index(block.start + first, record.shape)
        raise NonFiniteWeightError(
            "the weight holds a value that is not finite",
            path=record.path,
            tensor=record.name,
            offset=record.data_offset + 4 * (block.start + first),
            found=f"{values.reshape(-1)[first]} at index {[int(i) for i in index]}",
            remedy="the training diverged or the file is damaged; "
            "`exclude` leaves the weight as it is",
        )
