"""plan -> quantized model: every weight streamed from the file into its place in the output.

Each thread holds a few blocks at a time, so memory does not grow with the model.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import AlreadyQuantizedError
from ..formats.atomic import new_folder
from ..formats.lod_tensor import header_bytes
from ..formats.model_dir import ModelFiles
from ..formats.model_writer import Layout, ModelWriter, NewRecord
from ..formats.program import AttrType, Operator, Program
from . import kernels, pool
from .blocks import PART_ELEMENTS, Block, Part, part_elements, tile_parts
from .gates import Gates
from .model import BITS_ATTRIBUTE, SCALE_SUFFIX, TYPE_ATTRIBUTE, Model
from .output import OutputOptions
from .plan import Plan, Quantization, ReasonCode, WeightPlan
from .rewrite import apply
from .streams import copy_carried, copy_record, copy_transposed
from .weight_stream import Survey, WeightError, WeightStream

PART_BYTES = 4 * PART_ELEMENTS

BATCH_BYTES = 1 << 30
"""Surveyed and quantized before the next: the page cache then holds what is read again."""


@dataclass(frozen=True)
class WeightResult:
    """One weight of the result.

    Attributes:
        plan: the verdict.
        scale_range: smallest and largest scale, or None where the weight was not quantized.
        error: what quantizing did to it, likewise; or None where that was not measured.
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
        """The weight with the lowest SQNR; None where no error was measured."""
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


NO_GATES = Gates()

ProgressCallback = Callable[[Progress], None]


def ignore_progress(_: Progress) -> None:
    """Nobody is watching."""


def preview(model: Model, plan: Plan, output: OutputOptions, gates: Gates = NO_GATES) -> Quantized:
    """What `quantize` would write, down to the byte, with nothing read and nothing written.

    Raises:
        AlreadyQuantizedError, GateError, OptionError: as `quantize` does.
    """
    refuse_quantized(model, plan)
    layout = output.validate(model.stored)
    sizes = exact_sizes(model, plan, output.strip_callstack)
    gates.enforce(sizes.before, sizes.after, plan.quantized_share)
    weights = tuple(WeightResult(weight) for weight in plan.weights)
    return Quantized(model.files, None, layout, plan, sizes, weights)


def exact_sizes(model: Model, plan: Plan, strip_callstack: bool) -> Sizes:
    """Bytes of input and output, from the headers alone: scales take the same place whatever
    their values.
    """
    zeros = {
        weight.name: np.broadcast_to(np.float32(0), weight.quantization.channels)
        for weight in plan.weights
        if weight.quantization is not None
    }
    program = tagged_program(model, plan, zeros, strip_callstack).serialize()
    return Sizes(
        program_before=model.stored.program_size,
        params_before=model.stored.parameters.size + model.stored.carried_size,
        program_after=len(program),
        params_after=sum(_new_record(weight).size for weight in plan.weights)
        + model.stored.carried_size,
    )


def quantize(
    model: Model,
    plan: Plan,
    output: OutputOptions,
    jobs: int | None = None,
    progress: ProgressCallback = ignore_progress,
    gates: Gates = NO_GATES,
    measure_errors: bool = True,
) -> Quantized:
    """Carry out `plan` and write the model; the output appears whole or not at all.

    Args:
        model: the FP32 model; its files are only read.
        plan: made by `make_plan` for this model.
        output: where to, under which names.
        jobs: threads; None takes the CPUs that this process may use. The bytes do not depend on it.
        progress: called from the worker threads, one call at a time per weight.
        gates: what the result must reach.
        measure_errors: whether somebody will look at the errors, which take a seventh of the time.

    Raises:
        GateError: the result would not meet a gate; nothing was written.
        AlreadyQuantizedError: the model holds quantized weights.
        NonFiniteWeightError: NaN or infinity in a weight that is to be quantized.
        ModelError: the input cannot be read.
        OptionError: the folders overlap, or file names collide.
        OutputError: the output exists, or cannot be written.
    """
    planned = preview(model, plan, output, gates)
    with new_folder(output.folder, output.existing) as folder:
        writer = ModelWriter(
            folder, planned.layout, [_new_record(weight) for weight in plan.weights]
        )
        run = _Run(model, plan, writer, progress, jobs or pool.default_jobs(), measure_errors)
        done = run.weights()
        program = tagged_program(model, plan, run.scales, output.strip_callstack)
        writer.write_program(program.serialize())
        copy_carried(model.stored, folder)
    return Quantized(
        model.files,
        output.folder,
        planned.layout,
        plan,
        planned.sizes,
        done,
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
    """A copy of the program, rewritten, with the attributes that Paddle Lite reads.

    Args:
        model: the model.
        plan: its plan.
        scales: of every quantized weight, one per channel or a single one.
        strip_callstack: drop the exporter's stack traces.
    """
    program = model.program.copy()
    if strip_callstack:
        program.strip_callstacks()
    operators = [block.operators for block in program.blocks]
    for weight in plan.quantized:
        assert weight.quantization is not None
        ref = weight.quantization.operator
        _tag(operators[ref.block][ref.index], weight, weight.quantization, scales[weight.name])
    apply(
        program,
        [rewrite for weight in plan.weights for rewrite in weight.rewrites],
        [weight.name for weight in plan.weights if weight.transpose],
    )
    return program


def _tag(
    operator: Operator,
    weight: WeightPlan,
    quantization: Quantization,
    scales: kernels.FloatArray,
) -> None:
    values = scales.tolist()
    if len(values) < quantization.scales:  # a single one, which Paddle Lite would not expand
        values *= quantization.scales
    kind = quantization.stored_type
    operator.set_attribute(TYPE_ATTRIBUTE, AttrType.STRING, kind.attribute)
    operator.set_attribute(BITS_ATTRIBUTE, AttrType.INT, 8 * quantization.dtype.itemsize)
    operator.set_attribute(weight.name + SCALE_SUFFIX, AttrType.FLOATS, tuple(values))


def _new_record(weight: WeightPlan) -> NewRecord:
    record = weight.weight.record
    if weight.quantization is None and not weight.transpose:
        return NewRecord(record.name, b"", record.size)  # as it stands in the file
    dtype = weight.quantization.dtype if weight.quantization else record.dtype
    return NewRecord(
        record.name,
        header_bytes(record.lod, dtype, weight.stored_shape),
        record.elements * dtype.itemsize,
    )


@dataclass(frozen=True, slots=True)
class _Task:
    """A part of a weight, or the bytes of one that is copied."""

    weight: WeightPlan
    part: Part | range
    size: int


def _batches(weights: Sequence[WeightPlan]) -> Iterator[Sequence[WeightPlan]]:
    """The weights in order, so many together as make BATCH_BYTES; a larger one by itself."""
    first = size = 0
    for index, weight in enumerate(weights):
        if size and size + weight.size_before > BATCH_BYTES:
            yield weights[first:index]
            first, size = index, 0
        size += weight.size_before
    if weights:
        yield weights[first:]


class _Run:
    """One run's inputs and outputs, shared by the threads.

    The surveys of a batch come before its first integer is written: a scale per column of a large
    matrix needs the whole matrix, and its parts are dealt out to all threads in both passes.

    Attributes:
        scales: of every weight quantized so far.
    """

    def __init__(
        self,
        model: Model,
        plan: Plan,
        writer: ModelWriter,
        progress: ProgressCallback,
        jobs: int,
        measure_errors: bool,
    ) -> None:
        self._parameters = model.stored.parameters
        self._plan = plan
        self._writer = writer
        self._progress = progress
        self._jobs = jobs
        self._measure_errors = measure_errors
        self.scales: dict[str, kernels.FloatArray] = {}
        self._streams: dict[str, WeightStream] = {}
        self._results: dict[str, WeightResult] = {}
        self._left: dict[str, int] = {}
        self._lock = threading.Lock()

    def weights(self) -> tuple[WeightResult, ...]:
        """Write the records of all weights; what came of each."""
        for batch in _batches(self._plan.weights):
            self._batch(batch)
        return tuple(self._results[weight.name] for weight in self._plan.weights)

    def _batch(self, weights: Sequence[WeightPlan]) -> None:
        self._streams = {
            weight.name: WeightStream(
                weight.weight.record,
                weight.quantization,
                self._plan.options,
                weight.transpose,
                self._measure_errors,
            )
            for weight in weights
            if weight.quantization is not None
        }
        for turn in range(max((len(s.surveys) for s in self._streams.values()), default=0)):
            self._survey(turn)
        for stream in self._streams.values():
            stream.settle()
        tasks = [task for weight in weights for task in self._tasks(weight)]
        self._left = Counter(task.weight.name for task in tasks)
        pool.run(self._work, tasks, [task.size for task in tasks], self._jobs)
        self.scales.update((name, stream.scales) for name, stream in self._streams.items())

    def _survey(self, turn: int) -> None:
        items = [
            (name, stream.surveys[turn], part)
            for name, stream in self._streams.items()
            if turn < len(stream.surveys)
            for part in stream.surveyed
        ]

        def work(item: tuple[str, Survey, Block], stop: pool.StopSignal) -> None:
            name, survey, part = item
            with self._parameters.reader(name) as reader:
                survey(reader, part, stop)

        pool.run(work, items, [part.elements for _, _, part in items], self._jobs)

    def _tasks(self, weight: WeightPlan) -> Iterator[_Task]:
        record = weight.weight.record
        stream = self._streams.get(weight.name)
        if stream is None and not weight.transpose:
            for start in range(0, record.size, PART_BYTES):
                end = min(start + PART_BYTES, record.size)
                yield _Task(weight, range(start, end), end - start)
            return
        parts = tile_parts(*record.shape) if stream is None else stream.parts
        for part in parts:
            yield _Task(weight, part, 4 * part_elements(part))

    def _work(self, task: _Task, stop: pool.StopSignal) -> None:
        """Write one part of a weight's record."""
        stop.check()
        weight, part = task.weight, task.part
        with (
            self._parameters.reader(weight.name) as reader,
            self._writer.record(weight.name) as writer,
        ):
            if isinstance(part, range):
                copy_record(reader, writer, part)
            elif weight.quantization is not None:
                self._streams[weight.name].quantize(reader, writer, part, stop)
            else:
                assert isinstance(part, tuple)
                copy_transposed(reader, writer, part)
        self._progress(Progress(weight.name, task.size))
        with self._lock:
            self._left[weight.name] -= 1
            finished = not self._left[weight.name]
        if finished:
            result = self._results[weight.name] = self._result(weight)
            self._progress(Progress(weight.name, 0, result))

    def _result(self, weight: WeightPlan) -> WeightResult:
        stream = self._streams.get(weight.name)
        if stream is None:
            return WeightResult(weight)
        span = (float(stream.scales.min()), float(stream.scales.max()))
        return WeightResult(weight, span, stream.error if self._measure_errors else None)
