"""How far a quantized model is from its FP32 original, weight by weight.

Streamed in blocks, summed in float64. A weight that was stored transposed (`matmul` with a
transposed Y, spelled as `mul`) is compared with its original turned round.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from ..errors import ModelError
from ..formats.params import TensorReader
from . import kernels, pool
from .blocks import Tile, segments, tiles
from .dequantize import StoredScales, is_quantized, stored_scales
from .integrity import Finding, FindingCode, Severity
from .model import Model, Weight
from .streams import COPY_BYTES, read_floats, read_tile, thread_buffers
from .tags import Tag, find_tags
from .weight_stream import decibels

BINS = 44

FloatArray = kernels.FloatArray

# A block of the original, the same block dequantized, and the scales in a shape that broadcasts.
Triple = tuple[FloatArray, FloatArray, FloatArray]


@dataclass(frozen=True)
class WeightComparison:
    """One quantized weight beside its original.

    Attributes:
        name: the weight's name.
        operator: type of the operator that carries its scales.
        dtype: how it is stored.
        shape: dims of the original.
        max_abs: the largest absolute error.
        max_in_scales: the largest error in units of its channel's scale; at most 0.5, and a
            rounding error, where nothing was clipped. inf where a channel of scale 0 is not zero.
        rmse: root of the mean squared error.
        sqnr: signal-to-quantization-noise ratio in dB; inf without any error.
        cosine: cosine of the angle between the two; 1 for a weight of zeros that stayed so.
        before, after: histograms over the original's range [-limit, limit], or None.
        limit: largest absolute value of the original.
    """

    name: str
    operator: str
    dtype: str
    shape: tuple[int, ...]
    max_abs: float
    max_in_scales: float
    rmse: float
    sqnr: float
    cosine: float
    limit: float
    before: tuple[int, ...] | None = None
    after: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Comparison:
    """A quantized model beside its original.

    Attributes:
        weights: the quantized weights, the worst SQNR first.
        findings: weights that should be equal and are not, or that one side lacks.
    """

    weights: tuple[WeightComparison, ...]
    findings: tuple[Finding, ...]


def compare(
    model: Model,
    reference: Model,
    histograms: int = 0,
    jobs: int | None = None,
    broken: frozenset[str] = frozenset(),
) -> Comparison:
    """Compare every weight of `model` with `reference`.

    Args:
        model: the quantized model.
        reference: the FP32 model that it was made from.
        histograms: for how many of the worst weights to count the values.
        jobs: threads; None takes the CPUs that this process may use.
        broken: weights that cannot be dequantized, and are left out.

    Raises:
        ModelError: another shape than the reference's, or scales that do not fit.
    """
    tags = {tag.weight: tag for tag in find_tags(model)}
    findings = list(_unmatched(model, reference))
    pairs = [w for w in model.weights if w.name in reference.stored.parameters]
    quantized = [w for w in pairs if is_quantized(w) and w.name in tags and w.name not in broken]
    kept = [w for w in pairs if not is_quantized(w)]
    jobs = jobs or pool.default_jobs()

    def measure(weight: Weight, stop: pool.StopSignal) -> WeightComparison:
        stop.check()
        return _Pair(model, reference, weight, tags[weight.name]).measure(stop)

    def differs(weight: Weight, stop: pool.StopSignal) -> bool:
        stop.check()
        return not _same_bytes(model, reference, weight.name)

    found = pool.run(measure, quantized, [w.record.data_size for w in quantized], jobs)
    changed = pool.run(differs, kept, [w.record.data_size for w in kept], jobs)
    findings += [_differs(w.name) for w, c in zip(kept, changed, strict=True) if c]
    ranked = sorted(found, key=lambda w: (w.sqnr, w.name))
    for index in range(min(histograms, len(ranked))):
        weight = model.weight(ranked[index].name)
        pair = _Pair(model, reference, weight, tags[weight.name])
        ranked[index] = pair.with_histograms(ranked[index])
    return Comparison(tuple(ranked), tuple(findings))


class _Pair:
    """One weight in both models."""

    def __init__(self, model: Model, reference: Model, weight: Weight, tag: Tag) -> None:
        self._model = model
        self._reference = reference
        self._weight = weight
        self._tag = tag
        self._scales = stored_scales(weight, tag)
        self._original = reference.stored.parameters[weight.name]
        self._transposed = is_transposed(model, reference, weight)
        shape = weight.record.shape
        if (shape[::-1] if self._transposed else shape) != self._original.shape:
            raise ModelError(
                "the weight has another shape than in the reference",
                path=weight.record.path,
                tensor=weight.name,
                expected=list(self._original.shape),
                found=list(shape),
                remedy="give the FP32 model that this one was made from",
            )

    def measure(self, stop: pool.StopSignal) -> WeightComparison:
        """All measures, in one pass."""
        signal = noise = product = energy = max_abs = max_in_scales = limit = 0.0
        for original, found, scale in self._triples():
            stop.check()
            wide, other = original.astype(np.float64), found.astype(np.float64)
            signal += _dot(wide, wide)
            product += _dot(wide, other)
            energy += _dot(other, other)
            limit = max(limit, float(np.abs(original).max()))
            np.subtract(wide, other, out=wide)
            noise += _dot(wide, wide)
            np.abs(wide, out=wide)
            max_abs = max(max_abs, float(wide.max()))
            max_in_scales = max(max_in_scales, _in_scales(wide, scale))
        lengths = math.sqrt(signal) * math.sqrt(energy)
        return WeightComparison(
            name=self._weight.name,
            operator=self._tag.operator.type,
            dtype=self._weight.record.dtype.name,
            shape=self._original.shape,
            max_abs=max_abs,
            max_in_scales=max_in_scales,
            rmse=math.sqrt(noise / max(self._original.elements, 1)),
            sqnr=decibels(signal, noise),
            cosine=product / lengths if lengths else float(noise == 0),
            limit=limit,
        )

    def with_histograms(self, measured: WeightComparison) -> WeightComparison:
        """The same with the distributions before and after."""
        counts = np.zeros((2, BINS), dtype=np.int64)
        span = (-measured.limit, measured.limit) if measured.limit else (-1.0, 1.0)
        for original, found, _ in self._triples():
            for row, values in zip(counts, (original, found), strict=True):
                row += np.histogram(np.clip(values, *span), bins=BINS, range=span)[0]
        before, after = (tuple(row.tolist()) for row in counts)
        return replace(measured, before=before, after=after)

    def _triples(self) -> Iterator[Triple]:
        with (
            self._model.stored.parameters.reader(self._weight.name) as ours,
            self._reference.stored.parameters.reader(self._weight.name) as theirs,
        ):
            blocks = self._turned(ours, theirs) if self._transposed else self._plain(ours, theirs)
            yield from blocks

    def _plain(self, ours: TensorReader, theirs: TensorReader) -> Iterator[Triple]:
        buffers = thread_buffers()
        for segment in segments(ours.record.shape, self._scales.channel_axis):
            for block in segment:
                integers = buffers.integers(block, ours.record.dtype.itemsize)
                ours.read_data(integers.data.cast("B"), block.start * ours.record.dtype.itemsize)
                scale = self._scales.of(block)
                found = buffers.work(block)
                kernels.dequantize(integers, scale, found)
                yield read_floats(theirs, block, buffers), found, scale

    def _turned(self, ours: TensorReader, theirs: TensorReader) -> Iterator[Triple]:
        """Blocks of the original, whose rows are the columns of what is stored."""
        buffers = thread_buffers()
        for tile in tiles(*theirs.record.shape):
            integers = _read_turned(ours, tile, theirs.record.shape[0])
            scale = _row_scales(self._scales, tile)
            found = buffers.work(tile.block)
            kernels.dequantize(integers, scale, found)
            yield read_tile(theirs, tile, buffers), found, scale


def is_transposed(model: Model, reference: Model, weight: Weight) -> bool:
    """Whether `weight` is stored transposed: read by a matmul that transposes it, now by a mul."""
    if len(weight.record.shape) != 2:
        return False
    turns = any(
        reader.slot == "Y"
        and any(
            reference.operator(reader.operator).value(name) for name in ("trans_y", "transpose_Y")
        )
        for reader in reference.weight(weight.name).readers
    )
    return turns and all(reader.operator.type == "mul" for reader in weight.readers)


def _read_turned(reader: TensorReader, tile: Tile, rows: int) -> npt.NDArray[np.number]:
    """The integers of a tile of the original, from where they lie transposed."""
    kind = np.dtype(reader.record.dtype.numpy)
    turned = np.empty((tile.columns, tile.rows), dtype=kind)
    for index in range(tile.columns):
        start = (tile.column + index) * rows + tile.row
        reader.read_data(turned[index].data.cast("B"), start * kind.itemsize)
    return np.ascontiguousarray(turned.T)


def _row_scales(scales: StoredScales, tile: Tile) -> FloatArray:
    if scales.channel_axis is None:
        return scales.scales
    return scales.scales[tile.block.channels].reshape(-1, 1)


def _dot(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    return float(np.dot(one.reshape(-1), other.reshape(-1)))


def _in_scales(error: npt.NDArray[np.float64], scale: FloatArray) -> float:
    """The largest error in units of the scale; inf where the scale is 0 and the error is not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        units = error / scale
    units[np.isnan(units)] = 0  # no error in a channel of zeros
    return float(units.max())


def _same_bytes(model: Model, reference: Model, name: str) -> bool:
    one, other = model.stored.parameters[name], reference.stored.parameters[name]
    if (one.shape, one.dtype) != (other.shape, other.dtype):
        return False
    mine = np.empty(min(COPY_BYTES, max(one.data_size, 1)), dtype=np.uint8)
    theirs = np.empty_like(mine)
    with (
        model.stored.parameters.reader(name) as ours,
        reference.stored.parameters.reader(name) as original,
    ):
        for offset in range(0, one.data_size, COPY_BYTES):
            size = min(COPY_BYTES, one.data_size - offset)
            ours.read_data(mine[:size].data, offset)
            original.read_data(theirs[:size].data, offset)
            if not np.array_equal(mine[:size], theirs[:size]):
                return False
    return True


def _differs(name: str) -> Finding:
    return Finding(
        FindingCode.DIFFERS,
        Severity.WARNING,
        name,
        None,
        "it is not quantized, and not what it is in the reference",
        "the model computes with other values than the reference",
        "give the FP32 model that this one was made from",
    )


def _unmatched(model: Model, reference: Model) -> Iterator[Finding]:
    ours, theirs = model.stored.parameters, reference.stored.parameters
    for code, names, what in (
        (FindingCode.UNKNOWN_WEIGHT, [n for n in ours if n not in theirs], "not in the reference"),
        (FindingCode.MISSING_WEIGHT, [n for n in theirs if n not in ours], "only in the reference"),
    ):
        for name in names:
            yield Finding(
                code,
                Severity.WARNING,
                name,
                None,
                f"it is {what}",
                "it cannot be compared",
                "give the FP32 model that this one was made from",
            )
