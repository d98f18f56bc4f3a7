"""Write the records of all weights: quantized, transposed or copied, part by part, on all threads.

Each thread holds a few blocks at a time, so memory does not grow with the model.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from ... import threads
from ...formats.model_writer import ModelWriter
from ..model.model import Model
from ..plan.plan import Plan
from ..plan.weight_plan import QuantizedWeight, WeightPlan
from ..tensors import kernels
from ..tensors.blocks import BLOCK_ELEMENTS, PART_ELEMENTS, TensorBlock, part_elements, tile_parts
from .adaptive.result import NO_ROUNDING, AdaptiveRounding
from .copying import copy_header_write_data, copy_record, copy_transposed, write_data
from .results import Progress, ProgressCallback, WeightResult
from .weight_quantizer import ScalePass, WeightQuantizer

PART_BYTES = 4 * PART_ELEMENTS

BATCH_BYTES = 1 << 30
"""Weights are processed in batches of this size: what the scale passes of a batch have read is
still in the page cache when it is read again."""


class WriteOptions(NamedTuple):
    """How the records are written.

    Attributes:
        jobs: number of threads; None takes the CPUs that this process may use.
        progress: called from the worker threads.
        measure_errors: whether the results get their errors.
        block_elements: the most elements of a block, at most BLOCK_ELEMENTS.
        rounding: weights that were rounded already, and parameters that take up their shifts.
    """

    jobs: int | None
    progress: ProgressCallback
    measure_errors: bool = True
    block_elements: int = BLOCK_ELEMENTS
    rounding: AdaptiveRounding = NO_ROUNDING


class Task(NamedTuple):
    """One part of a weight's record.

    Attributes:
        plan: of the weight.
        size: bytes of the input that it takes.
        write: called with the open tensor, the open record and the token.
    """

    plan: WeightPlan
    size: int
    write: Callable[..., None]


class WeightsWriter:
    """Writes the records of all weights of one model.

    All scale passes of a batch come before its first integer is written: a scale per column of a
    large matrix needs the whole matrix, and its parts are dealt out to all threads in both passes.

    Attributes:
        scales: of every weight quantized so far.
    """

    def __init__(
        self, model: Model, plan: Plan, writer: ModelWriter, options: WriteOptions
    ) -> None:
        self._parameters = model.stored.parameters
        self._plan = plan
        self._writer = writer
        self._options = options
        self.scales: dict[str, kernels.FloatArray] = {}
        self._quantizers: dict[str, WeightQuantizer] = {}
        self._results: dict[str, WeightResult] = {}
        self._remaining: dict[str, int] = {}
        self._lock = threading.Lock()

    def write(self) -> tuple[WeightResult, ...]:
        """Write everything; the result of each weight, in order of the plan."""
        for batch in _batches(self._plan.weights):
            self._write_batch(batch)
        return tuple(self._results[weight.name] for weight in self._plan.weights)

    def _write_batch(self, batch: Sequence[WeightPlan]) -> None:
        rounded = self._options.rounding.weights
        self._quantizers = {
            plan.name: self._quantizer(plan)
            for plan in batch
            if isinstance(plan, QuantizedWeight) and plan.name not in rounded
        }
        for turn in range(max((len(q.scale_passes) for q in self._quantizers.values()), default=0)):
            self._run_scale_passes(turn)
        for quantizer in self._quantizers.values():
            quantizer.fix_scales()
        elements = self._options.block_elements
        tasks = [
            task
            for plan in batch
            for task in tasks_of(
                plan, self._quantizers.get(plan.name), self._options.rounding, elements
            )
        ]
        self._remaining = Counter(task.plan.name for task in tasks)
        threads.run(self._do, tasks, self._options.jobs, lambda task: task.size)
        self.scales.update((name, one.scales) for name, one in self._quantizers.items())
        self.scales.update(
            (plan.name, rounded[plan.name].scales) for plan in batch if plan.name in rounded
        )

    def _quantizer(self, plan: QuantizedWeight) -> WeightQuantizer:
        return WeightQuantizer(
            plan.weight.record,
            plan.quantization,
            self._plan.options,
            transpose=plan.transpose,
            measure_error=self._options.measure_errors,
            block_elements=self._options.block_elements,
        )

    def _run_scale_passes(self, turn: int) -> None:
        items = [
            (name, quantizer.scale_passes[turn], part)
            for name, quantizer in self._quantizers.items()
            if turn < len(quantizer.scale_passes)
            for part in quantizer.scale_parts
        ]

        def work(item: tuple[str, ScalePass, TensorBlock], token: threads.CancelToken) -> None:
            name, scale_pass, part = item
            with self._parameters.reader(name) as tensor:
                scale_pass(tensor, part, token)

        threads.run(work, items, self._options.jobs, lambda item: item[2].elements)

    def _do(self, task: Task, token: threads.CancelToken) -> None:
        token.check()
        name = task.plan.name
        with self._parameters.reader(name) as tensor, self._writer.record(name) as record:
            task.write(tensor, record, token=token)
        self._options.progress(Progress(name, task.size))
        with self._lock:
            self._remaining[name] -= 1
            finished = not self._remaining[name]
        if finished:
            result = self._results[name] = self._result(task.plan)
            self._options.progress(Progress(name, 0, result))

    def _result(self, plan: WeightPlan) -> WeightResult:
        done = self._options.rounding.weights.get(plan.name) or self._quantizers.get(plan.name)
        if done is None:
            return WeightResult(plan, corrected=plan.name in self._options.rounding.corrected)
        span = (float(done.scales.min()), float(done.scales.max()))
        return WeightResult(plan, span, done.error if self._options.measure_errors else None)


def tasks_of(
    plan: WeightPlan,
    quantizer: WeightQuantizer | None,
    rounding: AdaptiveRounding = NO_ROUNDING,
    block_elements: int = BLOCK_ELEMENTS,
) -> Iterator[Task]:
    """What it takes to write one weight's record, in the order of its bytes.

    Args:
        plan: of the weight.
        quantizer: of a weight that is quantized to nearest, its scale passes done.
        rounding: weights that were rounded already, and parameters that take up their shifts.
        block_elements: the most elements of a block.
    """
    record = plan.weight.record
    if plan.name in rounding.weights:
        data = rounding.weights[plan.name].integers.data.cast("B")
        yield Task(plan, plan.size_before, partial(write_data, data=data))
    elif plan.name in rounding.corrected:
        data = rounding.corrected[plan.name].astype("<f4").data.cast("B")
        yield Task(plan, plan.size_before, partial(copy_header_write_data, data=data))
    elif quantizer is not None:
        for part in quantizer.parts:
            yield Task(plan, 4 * part_elements(part), partial(quantizer.quantize, part=part))
    elif plan.transpose:
        rows, columns = record.shape
        for tiles in tile_parts(rows, columns, block_elements):
            yield Task(plan, 4 * part_elements(tiles), partial(copy_transposed, part=tiles))
    else:
        for start in range(0, record.size, PART_BYTES):
            span = range(start, min(start + PART_BYTES, record.size))
            yield Task(plan, len(span), partial(copy_record, part=span))


def _batches(weights: Sequence[WeightPlan]) -> Iterator[Sequence[WeightPlan]]:
    """The weights in order, as many together as make BATCH_BYTES; a larger one by itself."""
    first = size = 0
    for index, weight in enumerate(weights):
        if size and size + weight.size_before > BATCH_BYTES:
            yield weights[first:index]
            first, size = index, 0
        size += weight.size_before
    if weights:
        yield weights[first:]
