"""plan -> quantized model: every weight streamed from the file into its place in the output.

Each thread holds a few blocks at a time, so memory does not grow with the model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import AlreadyQuantizedError, NonFiniteWeightError
from ..formats.atomic import new_folder
from ..formats.lod_tensor import header_bytes
from ..formats.model_dir import ModelFiles, opened
from ..formats.model_writer import Layout, ModelWriter, NewRecord, RecordWriter, copied_file
from ..formats.params import TensorReader
from ..formats.program import AttrType, Program
from ..formats.regular_file import read_into
from . import kernels, pool
from .blocks import Block, Segment, segments
from .model import BITS_ATTRIBUTE, SCALE_SUFFIX, TYPE_ATTRIBUTE, Model
from .output import OutputOptions
from .plan import Plan, ReasonCode, WeightPlan, decibels
from .streams import Buffers, copy_bytes, copy_record, read_floats, thread_buffers


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


@dataclass(frozen=True)
class WeightResult:
    """One weight of the result.

    Attributes:
        plan: the verdict.
        scale_range: smallest and largest scale, or None where the weight was not quantized.
        error: what quantizing did to it, likewise.
    """

    plan: WeightPlan
    scale_range: tuple[float, float] | None = None
    error: WeightError | None = None


@dataclass(frozen=True)
class Sizes:
    """Bytes on disk before and after."""

    program_before: int
    params_before: int
    program_after: int
    params_after: int

    @property
    def before(self) -> int:
        """Bytes of the input model."""
        return self.program_before + self.params_before

    @property
    def after(self) -> int:
        """Bytes of the output model."""
        return self.program_after + self.params_after

    @property
    def ratio(self) -> float:
        """How many times smaller the output is."""
        return self.before / self.after


@dataclass(frozen=True)
class Quantized:
    """A plan, and what came of it.

    Attributes:
        source: which files were read.
        folder: the folder written, or None where nothing was (a dry run).
        layout: names of the files written.
        plan: what was decided.
        sizes: bytes before and after.
        weights: every weight in byte order of the names; errors and scales only after a real run.
    """

    source: ModelFiles
    folder: Path | None
    layout: Layout
    plan: Plan
    sizes: Sizes
    weights: tuple[WeightResult, ...]

    @property
    def worst(self) -> WeightResult | None:
        """The weight with the lowest SQNR."""
        measured = [weight for weight in self.weights if weight.error is not None]
        return min(measured, key=lambda w: w.error.sqnr if w.error else 0.0, default=None)


@dataclass(frozen=True)
class Progress:
    """One step of a run.

    Attributes:
        name: the weight.
        size: bytes of the input that this step has dealt with.
        finished: the weight's result, at its last step.
    """

    name: str
    size: int
    finished: WeightResult | None = None


ProgressCallback = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """Nobody is watching."""


def preview(model: Model, plan: Plan, output: OutputOptions) -> Quantized:
    """What `quantize` would write, down to the byte, with nothing read and nothing written.

    Raises:
        AlreadyQuantizedError, OptionError: as `quantize` does.
    """
    refuse_quantized(model, plan)
    layout = output.validate(model.files, list(model.stored.parameters))
    zeros = {
        weight.name: np.zeros(weight.quantization.scales, dtype="<f4")
        for weight in plan.weights
        if weight.quantization is not None
    }
    program = tagged_program(model, plan, zeros, output.strip_callstack).serialize()
    sizes = Sizes(
        program_before=model.stored.program_size,
        params_before=model.stored.parameters.size + model.stored.carried_size,
        program_after=len(program),
        params_after=sum(_new_record(weight).size for weight in plan.weights)
        + model.stored.carried_size,
    )
    weights = tuple(WeightResult(weight) for weight in plan.weights)
    return Quantized(model.files, None, layout, plan, sizes, weights)


def quantize(
    model: Model,
    plan: Plan,
    output: OutputOptions,
    jobs: int | None = None,
    progress: ProgressCallback = ignore_progress,
) -> Quantized:
    """Carry out `plan` and write the model; the output appears whole or not at all.

    Args:
        model: the FP32 model; its files are only read.
        plan: made by `make_plan` for this model.
        output: where to, under which names.
        jobs: threads; None takes the CPUs that this process may use. The bytes do not depend on it.
        progress: called from the worker threads, one call at a time per weight.

    Raises:
        AlreadyQuantizedError: the model holds quantized weights.
        NonFiniteWeightError: NaN or infinity in a weight that is to be quantized.
        ModelError: the input cannot be read.
        OptionError: the folders overlap, or file names collide.
        OutputError: the output exists, or cannot be written.
    """
    planned = preview(model, plan, output)
    with new_folder(output.folder, output.existing) as folder:
        writer = ModelWriter(
            folder, planned.layout, [_new_record(weight) for weight in plan.weights]
        )
        run = _Run(model, plan, writer, progress)
        done = pool.run(
            run.weight,
            plan.weights,
            [weight.size_before for weight in plan.weights],
            jobs or pool.default_jobs(),
        )
        scales = {result.plan.name: scale for result, scale in done if scale is not None}
        program = tagged_program(model, plan, scales, output.strip_callstack)
        writer.write_program(program.serialize())
        for name in model.stored.carried:
            _copy_carried(model, name, folder)
    return Quantized(
        model.files,
        output.folder,
        planned.layout,
        plan,
        planned.sizes,
        tuple(result for result, _ in done),
    )


def refuse_quantized(model: Model, plan: Plan) -> None:
    """Refuse a model that holds quantized weights.

    Raises:
        AlreadyQuantizedError: quantizing the rest would not undo the loss of the first time.
    """
    done = [
        weight.name
        for weight in plan.weights
        if weight.reason is not None and weight.reason.code is ReasonCode.ALREADY_QUANTIZED
    ]
    if done:
        raise AlreadyQuantizedError(
            f"the model is quantized already: {len(done)} of its {len(plan.weights)} weights",
            path=model.files.folder,
            tensor=done[0],
            remedy="quantize the FP32 model that it was made from",
        )


def tagged_program(
    model: Model, plan: Plan, scales: Mapping[str, kernels.FloatArray], strip_callstack: bool
) -> Program:
    """A copy of the program whose operators carry the attributes that Paddle Lite reads."""
    program = model.program.copy()
    if strip_callstack:
        program.strip_callstacks()
    operators = [block.operators for block in program.blocks]
    for weight in plan.quantized:
        assert weight.quantization is not None
        ref = weight.quantization.operator
        operator = operators[ref.block][ref.index]
        operator.set_attribute(
            TYPE_ATTRIBUTE, AttrType.STRING, weight.quantization.weight_quantize_type.attribute
        )
        operator.set_attribute(BITS_ATTRIBUTE, AttrType.INT, 8 * weight.quantization.dtype.itemsize)
        operator.set_attribute(
            weight.name + SCALE_SUFFIX, AttrType.FLOATS, tuple(scales[weight.name].tolist())
        )
    return program


def _new_record(weight: WeightPlan) -> NewRecord:
    record = weight.weight.record
    dtype = record.dtype if weight.quantization is None else weight.quantization.dtype
    if weight.quantization is None:  # as it stands in the file, whatever wrote it
        return NewRecord(record.name, b"", record.size)
    return NewRecord(
        record.name,
        header_bytes(record.lod, dtype, record.shape),
        record.elements * dtype.itemsize,
    )


class _Run:
    """One run's inputs and outputs, shared by the threads."""

    def __init__(
        self, model: Model, plan: Plan, writer: ModelWriter, progress: ProgressCallback
    ) -> None:
        self._parameters = model.stored.parameters
        self._plan = plan
        self._writer = writer
        self._progress = progress

    def weight(
        self, weight: WeightPlan, stop: pool.StopSignal
    ) -> tuple[WeightResult, kernels.FloatArray | None]:
        """Write one weight's record; its result and its scales."""
        stop.check()
        with (
            self._parameters.reader(weight.name) as reader,
            self._writer.record(weight.name) as writer,
        ):
            if weight.quantization is None:

                def step(size: int) -> None:
                    stop.check()
                    self._progress(Progress(weight.name, size))

                copy_record(reader, writer, step)
                result, scales = WeightResult(weight), None
            else:
                stream = _WeightStream(weight, self._plan, reader, writer, thread_buffers())
                for segment in segments(
                    weight.weight.record.shape, weight.quantization.channel_axis
                ):
                    stop.check()
                    stream.segment(segment, self._progress, stop)
                scales = stream.scales
                span = (float(scales.min()), float(scales.max()))
                result = WeightResult(weight, span, stream.error)
        self._progress(Progress(weight.name, 0, result))
        return result, scales


class _WeightStream:
    """One weight on its way from file to file."""

    def __init__(
        self,
        weight: WeightPlan,
        plan: Plan,
        reader: TensorReader,
        writer: RecordWriter,
        buffers: Buffers,
    ) -> None:
        assert weight.quantization is not None
        self._weight = weight
        self._quantization = weight.quantization
        self._options = plan.options
        self._reader = reader
        self._writer = writer
        self._buffers = buffers
        self.scales = np.zeros(weight.quantization.scales, dtype="<f4")
        self.error = WeightError(0.0, 0.0, 0.0)

    def segment(self, segment: Segment, progress: ProgressCallback, stop: pool.StopSignal) -> None:
        """Find the scales of a segment, quantize it and write it.

        A segment of one block is read once; of a larger one the blocks are read twice.
        """
        self._find_scales(segment, stop)
        for block in segment:
            stop.check()
            if len(segment) > 1 or self._options.clips:
                values = read_floats(self._reader, block, self._buffers)
            else:
                values = self._buffers.values(block)
            self._write(block, values)
            progress(Progress(self._weight.name, values.nbytes))

    def _find_scales(self, segment: Segment, stop: pool.StopSignal) -> None:
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

    def _write(self, block: Block, values: kernels.FloatArray) -> None:
        itemsize = self._quantization.dtype.itemsize
        work = self._buffers.work(block)
        integers = self._buffers.integers(block, itemsize)
        scale = self.scales[block.channels].reshape(block.scale_shape)
        kernels.quantize(values, scale, self._quantization.limit, work, integers)
        self._writer.write(integers.data.cast("B"), block.start * itemsize)
        signal = kernels.energy(values)
        kernels.dequantize(work, scale, work)
        np.subtract(values, work, out=work)
        self.error = WeightError(
            self.error.signal + signal,
            self.error.noise + kernels.energy(work),
            max(self.error.max_abs, float(kernels.abs_max(work, None))),
        )

    def _refuse(self, block: Block, values: kernels.FloatArray) -> None:
        first = int(np.flatnonzero(~np.isfinite(values))[0])
        record = self._weight.weight.record
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


def _copy_carried(model: Model, name: str, folder: Path) -> None:
    with opened(model.stored, name) as (descriptor, size), copied_file(folder, name) as writer:
        path = model.files.folder / name
        copy_bytes(lambda view, at: read_into(descriptor, view, at, path), writer, size)
