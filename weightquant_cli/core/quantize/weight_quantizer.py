"""One weight, streamed: its scales, its integers, and the error; written, or only measured.

`quantize` gives a writer; `quantization_error` gives none, and measures by the same code. Nothing
here holds more than a block of the weight.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...errors import NonFiniteWeightError
from ...formats.lod_tensor import TensorRecord
from ...formats.model_writer import RecordWriter
from ...formats.params import TensorReader
from ..plan.options import QuantizeOptions
from ..tensors import kernels
from ..tensors.blocks import (
    BLOCK_ELEMENTS,
    Block,
    Part,
    Tile,
    parts,
    spreads,
    tile_parts,
)
from ..tensors.buffers import (
    read_floats,
    read_tile,
    thread_buffers,
    write_tile,
)
from ..tensors.threads import StopSignal
from ..tensors.weight_error import WeightError

if TYPE_CHECKING:
    from ..plan.plan import Quantization

Survey = Callable[[TensorReader, Block, StopSignal], None]


def quantization_error(
    reader: TensorReader,
    quantization: Quantization,
    options: QuantizeOptions,
    stop: StopSignal | None = None,
) -> WeightError:
    """What `quantization` would do to a weight, measured without writing anything.

    Args:
        reader: the weight's data, FP32.
        quantization: bits and channel axis.
        options: for the threshold rate.
        stop: asked between blocks.

    Raises:
        NonFiniteWeightError: NaN or infinity in the weight.
        ModelError: the file cannot be read.
    """
    stop = stop or StopSignal()
    stream = WeightStream(reader.record, quantization, options)
    for survey in stream.surveys:
        for block in stream.surveyed:
            survey(reader, block, stop)
    stream.settle()
    for part in stream.parts:
        stream.quantize(reader, None, part, stop)
    return stream.error


class WeightStream:
    """One weight on its way from the file: part by part, from any thread.

    Every part of `surveyed` goes through every one of `surveys`, in turn; then `settle` finds the
    scales; then every part of `parts` goes through `quantize`. Neither the order of the parts
    nor the threads change the result. Where no channel spreads over several blocks there is no
    survey: `quantize` finds the scales of each block, and the data is read once.

    Args:
        record: the weight, FP32.
        quantization: bits and channel axis.
        options: for the threshold rate.
        transpose: whether a matrix is written transposed.
        measure_error: whether `error` is wanted.

    Attributes:
        parts: what `quantize` takes.
        surveyed: what every survey takes.
        surveys: passes over the whole weight before `settle`.
        scales: one per channel, or a single one; complete at the end.
    """

    def __init__(
        self,
        record: TensorRecord,
        quantization: Quantization,
        options: QuantizeOptions,
        transpose: bool = False,
        measure_error: bool = True,
    ) -> None:
        self._record = record
        self._quantization = quantization
        self._options = options
        self._lock = Lock()
        self._maxima = np.zeros(quantization.channels, dtype="<f4")
        self._counts = np.zeros(kernels.HISTOGRAM_BINS if options.clips else 0, dtype=np.int64)
        self._edges = self._maxima
        self._measure_error = measure_error
        self._errors: dict[int, WeightError] = {}
        self._largest = 0.0
        self._clips = options.clips
        self.scales = np.zeros(quantization.channels, dtype="<f4")
        axis = quantization.channel_axis
        self.surveyed = parts(record.shape, axis)
        self.parts: Sequence[Part] = tile_parts(*record.shape) if transpose else self.surveyed
        self.surveys: tuple[Survey, ...] = ()
        if options.clips:
            self.surveys = (self._find_maxima, self._count)
        elif transpose or spreads(record.shape, axis, BLOCK_ELEMENTS):
            self.surveys = (self._find_maxima,)

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

    def settle(self) -> None:
        """Find the scales, once all surveys are done."""
        if not self.surveys:
            return
        limits: npt.NDArray[np.floating] = self._maxima
        if self._options.clips and self._maxima[0] > 0:
            rate = self._options.threshold_rate
            limits = np.asarray([kernels.threshold(self._counts, self._edges, rate)])
        self.scales = kernels.scales(limits, self._quantization.limit)
        self._clips = self._options.clips or kernels.may_exceed(self.scales)

    def quantize(
        self, reader: TensorReader, writer: RecordWriter | None, part: Part, stop: StopSignal
    ) -> None:
        """Quantize one part, and write it where there is a writer.

        Raises:
            NonFiniteWeightError: NaN or infinity in the part.
            ModelError, OutputError: as the reader and the writer raise them.
        """
        total = _Total(self._largest, self._quantization.limit)
        if isinstance(part, Block):
            for block in part.cut(BLOCK_ELEMENTS):
                stop.check()
                self._quantize_block(reader, writer, block, total)
            start = part.start
        else:
            for tile in part:
                stop.check()
                self._quantize_tile(reader, writer, tile, total)
            start = part[0].row * self._record.shape[1] + part[0].column
        self._errors[start] = total.error
        self._largest = max(self._largest, total.error.max_abs)

    def _quantize_block(
        self, reader: TensorReader, writer: RecordWriter | None, block: Block, total: _Total
    ) -> None:
        buffers = thread_buffers()
        values = read_floats(reader, block, buffers)
        clips = self._clips
        if not self.surveys:
            scales = kernels.scales(self._abs_max(block, values), self._quantization.limit)
            self.scales[block.channels] = scales
            clips = kernels.may_exceed(scales)
        integers = self._round(block, values, clips)
        if writer is not None:
            offset = block.start * self._quantization.dtype.itemsize
            writer.write(integers.data.cast("B"), offset)
        if self._measure_error:
            total.add(values, buffers.work(block), self._scale_of(block), clips)

    def _quantize_tile(
        self, reader: TensorReader, writer: RecordWriter | None, tile: Tile, total: _Total
    ) -> None:
        """Quantize a rectangle of a matrix, and write it transposed."""
        buffers = thread_buffers()
        values = read_tile(reader, tile, buffers)
        integers = self._round(tile.block, values, self._clips)
        if writer is not None:
            turned = np.ascontiguousarray(integers.T)
            itemsize = self._quantization.dtype.itemsize
            write_tile(writer, tile, turned, self._record.shape[0], itemsize)
        if self._measure_error:
            work = buffers.work(tile.block)
            total.add(values, work, self._scale_of(tile.block), self._clips)

    def _find_maxima(self, reader: TensorReader, part: Block, stop: StopSignal) -> None:
        """First survey: the largest absolute value of every channel."""
        for block in part.cut(BLOCK_ELEMENTS):
            stop.check()
            highest = self._abs_max(block, read_floats(reader, block, thread_buffers()))
            with self._lock:
                found = self._maxima[block.channels]
                np.maximum(found, highest, out=found)

    def _count(self, reader: TensorReader, part: Block, stop: StopSignal) -> None:
        """Second survey, for a threshold: the histogram up to the largest absolute value."""
        if self._maxima[0] == 0:
            return
        self._edges = kernels.histogram_edges(self._maxima[0])
        buffers = thread_buffers()
        for block in part.cut(BLOCK_ELEMENTS):
            stop.check()
            values = read_floats(reader, block, buffers)
            counts = kernels.histogram(values, self._edges, buffers.work(block))
            with self._lock:
                self._counts += counts

    def _abs_max(self, block: Block, values: kernels.FloatArray) -> kernels.FloatArray:
        """The largest absolute value of every channel of the block, all of them finite."""
        highest = kernels.abs_max(values, block.reduced_axis)
        if not np.isfinite(highest).all():
            self._refuse(block, values)
        return highest

    def _scale_of(self, block: Block) -> kernels.FloatArray:
        """The scales of a block's channels, in a shape that broadcasts over it."""
        if self._quantization.channel_axis is None:
            return self.scales
        return self.scales[block.channels].reshape(block.scale_shape)

    def _round(self, block: Block, values: kernels.FloatArray, clips: bool) -> kernels.IntArray:
        """The block's integers; the work buffer holds them as floats.

        Where no error is measured, nobody needs the values any more: the floats take their place.
        """
        buffers = thread_buffers()
        integers = buffers.integers(block, self._quantization.dtype.itemsize)
        limit = self._quantization.limit if clips else None
        work = buffers.work(block) if self._measure_error else values
        kernels.quantize(values, self._scale_of(block), limit, work, integers)
        return integers

    def _refuse(self, block: Block, values: kernels.FloatArray) -> None:
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
            "--exclude leaves the weight as it is",
        )


class _Total:
    """The error of one part, block by block.

    Args:
        largest: a change of the weight that was found elsewhere; smaller ones do not matter.
        limit: 2^(bits-1) - 1.
    """

    def __init__(self, largest: float, limit: int) -> None:
        self.error = WeightError(0.0, 0.0, largest)
        self._limit = limit

    def add(
        self,
        values: kernels.FloatArray,
        rounded: kernels.FloatArray,
        scale: kernels.FloatArray,
        clipped: bool,
    ) -> None:
        """Add a block: its values, and their rounded quotients, which are overwritten.

        Args:
            values: the block, FP32.
            rounded: its integers as floats.
            scale: of its channels, in a shape that broadcasts.
            clipped: whether a change may be larger than rounding makes it.
        """
        kernels.dequantize(rounded, scale, rounded)
        np.subtract(values, rounded, out=rounded)
        bounds = np.full(1, np.inf) if clipped else kernels.largest_changes(scale, self._limit)
        self.error = WeightError(
            self.error.signal + kernels.energy(values),
            self.error.noise + kernels.energy(rounded),
            kernels.abs_max_above(self.error.max_abs, rounded, bounds),
        )
