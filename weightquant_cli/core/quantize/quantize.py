"""plan -> quantized model: every weight streamed from the file into its place in the output.

Each thread holds a few blocks at a time, so memory does not grow with the model.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...errors import AlreadyQuantizedError
from ...formats.model_writer import ModelWriter
from ..model.model import Model
from ..plan.plan import Plan, WeightPlan
from ..plan.reasons import ReasonCode
from ..tensors import kernels, threads
from ..tensors.blocks import (
    PART_ELEMENTS,
    Block,
    Part,
    part_elements,
    tile_parts,
)
from ..tensors.buffers import copy_carried, copy_record, copy_transposed
from .gates import Gates
from .output import OutputOptions, written_model
from .program import tagged_program
from .results import Progress, ProgressCallback, Quantized, WeightResult, ignore_progress
from .sizes import exact_sizes, new_record
from .weight_quantizer import Survey, WeightStream

PART_BYTES = 4 * PART_ELEMENTS

BATCH_BYTES = 1 << 30
"""Surveyed and quantized before the next: the page cache then holds what is read again."""


NO_GATES = Gates()


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
    records = [new_record(weight) for weight in plan.weights]
    with written_model(model.stored, output, planned.layout, records) as (writer, written):
        run = _Run(model, plan, writer, progress, jobs or threads.default_jobs(), measure_errors)
        done = run.weights()
        program = tagged_program(model, plan, run.scales, output.strip_callstack)
        writer.write_program(program.serialize())
        copy_carried(model.stored, writer)
    return Quantized(
        model.files,
        output.folder,
        planned.layout,
        plan,
        planned.sizes,
        done,
        written,
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
        threads.run(self._work, tasks, [task.size for task in tasks], self._jobs)
        self.scales.update((name, stream.scales) for name, stream in self._streams.items())

    def _survey(self, turn: int) -> None:
        items = [
            (name, stream.surveys[turn], part)
            for name, stream in self._streams.items()
            if turn < len(stream.surveys)
            for part in stream.surveyed
        ]

        def work(item: tuple[str, Survey, Block], stop: threads.StopSignal) -> None:
            name, survey, part = item
            with self._parameters.reader(name) as reader:
                survey(reader, part, stop)

        threads.run(work, items, [part.elements for _, _, part in items], self._jobs)

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

    def _work(self, task: _Task, stop: threads.StopSignal) -> None:
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
