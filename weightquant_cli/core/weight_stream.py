"""One weight, streamed: its scales, its integers, and the error; written, or only measured.

`quantize` gives a writer; `quantization_error` gives none, and measures by the same code.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ..errors import NonFiniteWeightError
from ..formats.model_writer import RecordWriter
from ..formats.params import TensorReader
from . import kernels
from .blocks import Block, Segment, segments, tiles
from .options import QuantizeOptions
from .pool import StopSignal
from .streams import read_floats, read_tile, thread_buffers, write_tile

if TYPE_CHECKING:
    from .plan import Quantization

Step = Callable[[int], None]
"""Told the bytes of the input that have been dealt with."""


@dataclass(frozen=True)
class WeightError:
    """What quantizing did to a weight, measured while it was done.

    Attributes:
        signal: sum of the squares of the weight.
        noise: sum of the squares of its change.
        max_abs: the largest absolute change.
    """

    signal: float
    noise: float
    max_abs: float

    @property
    def sqnr(self) -> float:
        """Signal-to-quantization-noise ratio in dB; inf where nothing changed."""
        return decibels(self.signal, self.noise)


def decibels(signal: float, noise: float) -> float:
    """Signal-to-quantization-noise ratio 10 log10(signal / noise); inf without noise.

    -inf where nothing of the signal is left: the largest floats overflow when they come back.
    """
    if noise <= 0:
        return math.inf
    ratio = signal / noise
    return 10 * math.log10(ratio) if ratio > 0 else -math.inf


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
    stream = WeightStream(reader, quantization, options)
    stream.run(stop or StopSignal())
    return stream.error


class WeightStream:
    """One weight on its way from the file.

    Args:
        reader: the weight's data, FP32.
        quantization: bits and channel axis.
        options: for the threshold rate.
        writer: where the integers go; None only measures.

    Attributes:
        scales: one per channel, or a single one; complete after `run`.
        error: what quantizing did, complete after `run`.
    """

    def __init__(
        self,
        reader: TensorReader,
        quantization: Quantization,
        options: QuantizeOptions,
        writer: RecordWriter | None = None,
    ) -> None:
        self._reader = reader
        self._quantization = quantization
        self._options = options
        self._writer = writer
        self._buffers = thread_buffers()
        self.scales = np.zeros(quantization.channels, dtype="<f4")
        self.error = WeightError(0.0, 0.0, 0.0)

    def run(self, stop: StopSignal, step: Step = lambda _: None, transpose: bool = False) -> None:
        """Stream the whole weight; a matrix can be written transposed.

        Raises:
            NonFiniteWeightError: NaN or infinity in the weight.
            ModelError, OutputError: as the reader and the writer raise them.
        """
        for segment in segments(self._reader.record.shape, self._quantization.channel_axis):
            if transpose:
                self._find_scales(segment, stop)
            else:
                self._segment(segment, stop, step)
        if transpose:
            self._transpose(stop, step)

    def _segment(self, segment: Segment, stop: StopSignal, step: Step) -> None:
        """Find the scales of a segment, then quantize it.

        A segment of one block is read once; of a larger one the blocks are read twice.
        """
        self._find_scales(segment, stop)
        for block in segment:
            stop.check()
            if len(segment) > 1 or self._options.clips:
                values = read_floats(self._reader, block, self._buffers)
            else:
                values = self._buffers.values(block)
            self._quantize(block, values)
            step(values.nbytes)

    def _transpose(self, stop: StopSignal, step: Step) -> None:
        """Quantize a matrix tile by tile, once its scales are known, and write it transposed."""
        itemsize = self._quantization.dtype.itemsize
        for tile in tiles(*self._reader.record.shape):
            stop.check()
            values = read_tile(self._reader, tile, self._buffers)
            integers = self._round(tile.block, values)
            if self._writer is not None:
                turned = np.ascontiguousarray(integers.T)
                write_tile(self._writer, tile, turned, self._reader.record.shape[0], itemsize)
            self._measure(tile.block, values)
            step(values.nbytes)

    def _find_scales(self, segment: Segment, stop: StopSignal) -> None:
        maxima = np.zeros(self.scales.shape, dtype="<f4")
        for block in segment:
            stop.check()
            values = read_floats(self._reader, block, self._buffers)
            highest = kernels.abs_max(values, block.reduced_axis)
            if not np.isfinite(highest).all():
                self._refuse(block, values)
            np.maximum(maxima[block.channels], highest, out=maxima[block.channels])
        if self._options.clips and maxima[0] > 0:
            limits = np.asarray([self._threshold(segment, maxima[0])])
        else:
            limits = maxima
        used = slice(segment[0].channels.start, segment[-1].channels.stop)
        if segment[0].channels_on == 1:
            used = slice(None)
        self.scales[used] = kernels.scales(limits, self._quantization.limit)[used]

    def _threshold(self, segment: Segment, maximum: np.float32) -> float:
        edges = kernels.histogram_edges(maximum)
        counts = np.zeros(kernels.HISTOGRAM_BINS, dtype=np.int64)
        for block in segment:
            values = read_floats(self._reader, block, self._buffers)
            counts += kernels.histogram(values, edges, self._buffers.work(block))
        return kernels.threshold(counts, edges, self._options.threshold_rate)

    def _quantize(self, block: Block, values: kernels.FloatArray) -> None:
        integers = self._round(block, values)
        if self._writer is not None:
            offset = block.start * self._quantization.dtype.itemsize
            self._writer.write(integers.data.cast("B"), offset)
        self._measure(block, values)

    def _scale_of(self, block: Block) -> kernels.FloatArray:
        """The scales of a block's channels, in a shape that broadcasts over it."""
        if self._quantization.channel_axis is None:
            return self.scales
        return self.scales[block.channels].reshape(block.scale_shape)

    def _round(self, block: Block, values: kernels.FloatArray) -> kernels.IntArray:
        """The block's integers; the work buffer holds them as floats."""
        integers = self._buffers.integers(block, self._quantization.dtype.itemsize)
        work = self._buffers.work(block)
        kernels.quantize(values, self._scale_of(block), self._quantization.limit, work, integers)
        return integers

    def _measure(self, block: Block, values: kernels.FloatArray) -> None:
        """Add the block's error, from the integers that `_round` left in the work buffer."""
        work = self._buffers.work(block)
        kernels.dequantize(work, self._scale_of(block), work)
        np.subtract(values, work, out=work)
        self.error = WeightError(
            self.error.signal + kernels.energy(values),
            self.error.noise + kernels.energy(work),
            max(self.error.max_abs, float(kernels.abs_max(work, None))),
        )

    def _refuse(self, block: Block, values: kernels.FloatArray) -> None:
        first = int(np.flatnonzero(~np.isfinite(values))[0])
        record = self._reader.record
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
