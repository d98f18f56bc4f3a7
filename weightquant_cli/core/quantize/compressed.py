"""Compressed sizes: what a model's files take in an app package or a zip file, deflated.

A file is one deflate stream, so a thread takes a whole file. What would be written is computed as
it is when it is written, and compressed block by block; nothing is kept and nothing is written.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from ... import threads
from ...formats.model_dir import StoredModel
from ...threads import CancelToken
from ..model.model import Model
from ..plan.plan import Plan
from ..plan.weight_plan import QuantizedWeight, WeightPlan
from ..tensors import kernels
from .adaptive.result import NO_ROUNDING, AdaptiveRounding
from .results import Quantized
from .sizes import CompressedSizes, Compression, new_record
from .tagged_program import TaggedProgram, written_weights
from .weight_quantizer import WeightQuantizer
from .weights_writer import tasks_of

LEVEL = 6
"""Of zlib: its default, and that of the tools that make app packages."""

READ_BYTES = 1 << 20


class DeflateCounter:
    """How many bytes a stream takes, deflated (raw, as in a zip file).

    Attributes:
        fed: bytes taken in so far.
    """

    def __init__(self) -> None:
        self.fed = 0
        self._deflate = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
        self._size = 0

    def add(self, data: bytes | memoryview) -> None:
        """Take in the next bytes."""
        self.fed += len(data)
        self._size += len(self._deflate.compress(data))

    def finish(self) -> int:
        """The deflated size of everything; nothing can be added any more."""
        return self._size + len(self._deflate.flush())


def deflated(data: bytes | memoryview) -> int:
    """The deflated size of these bytes alone."""
    counter = DeflateCounter()
    counter.add(data)
    return counter.finish()


def compressed_size(
    model: StoredModel, jobs: int | None = None, step: Callable[[int], None] = lambda _: None
) -> CompressedSizes:
    """The deflated size of a model's files as they are.

    Args:
        model: the files.
        jobs: threads; None takes the CPUs that this process may use.
        step: told the bytes that have been dealt with, from the worker threads.

    Raises:
        ModelError: a file cannot be read.
    """
    files = model.files
    names = [files.program, *([files.params] if files.params else model.parameters), *model.carried]

    def work(name: str, token: CancelToken) -> int:
        return _compressed_file(model, name, token, step)

    program, *params = threads.run(work, names, jobs)
    return CompressedSizes(program, sum(params))


@dataclass(frozen=True)
class Candidate:
    """A result whose compressed size is wanted.

    Attributes:
        plan: what is done with every weight.
        separate: whether every parameter has a file of its own.
        strip_callstack: whether the program lacks the stack traces.
        rounding: weights that were rounded already.
    """

    plan: Plan
    separate: bool
    strip_callstack: bool = True
    rounding: AdaptiveRounding = NO_ROUNDING


def compressed_sizes(
    model: Model,
    candidates: Sequence[Candidate],
    jobs: int | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> tuple[CompressedSizes, ...]:
    """The deflated size of what would be written, for each candidate.

    Args:
        model: the FP32 model.
        candidates: what would be made of it.
        jobs: threads; None takes the CPUs that this process may use.
        step: told the bytes of the input that have been dealt with, from the worker threads.

    Raises:
        NonFiniteWeightError: NaN or infinity in a weight that is to be quantized.
        ModelError: the weights cannot be read.
    """
    carried = sum(
        _compressed_file(model.stored, name, CancelToken(), lambda _: None)
        for name in model.stored.carried
    )
    files = [
        (candidate, weights)
        for candidate in candidates
        for weights in _files(written_weights(model, candidate.plan), candidate.separate)
    ]
    work = partial(_compress, model, step)
    done = threads.run(work, files, jobs, lambda file: sum(one.size_before for one in file[1]))
    results = []
    for candidate in candidates:
        own = [one for (which, _), one in zip(files, done, strict=True) if which is candidate]
        scales = {name: values for one in own for name, values in one.scales.items()}
        program = TaggedProgram(model, candidate.plan, candidate.strip_callstack).serialize(scales)
        params = sum(one.size for one in own) + carried
        results.append(CompressedSizes(deflated(program), params))
    return tuple(results)


def _compressed_file(
    model: StoredModel, name: str, token: CancelToken, step: Callable[[int], None]
) -> int:
    counter = DeflateCounter()
    with model.folder.opened(name) as file:
        while data := file.read_at(READ_BYTES, counter.fed):
            token.check()
            counter.add(data)
            step(len(data))
    return counter.finish()


def compression_of(
    model: Model,
    result: Quantized,
    strip_callstack: bool,
    jobs: int | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> Compression:
    """Compressed sizes of a model and of what `quantize` or `preview` made of it.

    Arguments and errors as of `compressed_size` and `compressed_sizes`.
    """
    one = Candidate(result.plan, result.layout.params is None, strip_callstack, result.rounding)
    before = compressed_size(model.stored, jobs, step)
    return Compression(before, *compressed_sizes(model, [one], jobs, step))


@dataclass(frozen=True)
class _File:
    """A file of parameters: its deflated size, and the scales of the weights in it."""

    size: int
    scales: Mapping[str, kernels.FloatArray]


class _InOrder:
    """Feeds what is written at any place of a record to a counter, in order.

    Transposed matrices are written in tiles: they wait here until there is no gap.
    """

    def __init__(self, counter: DeflateCounter) -> None:
        self._counter = counter
        self._next = 0
        self._waiting: dict[int, bytes] = {}

    def write(self, data: bytes | memoryview, offset: int) -> None:
        """Take data at this place of the record."""
        if offset != self._next:
            self._waiting[offset] = bytes(data)
            return
        self._feed(data)
        while (waiting := self._waiting.pop(self._next, None)) is not None:
            self._feed(waiting)

    def _feed(self, data: bytes | memoryview) -> None:
        self._counter.add(data)
        self._next += len(data)


def _files(weights: Sequence[WeightPlan], separate: bool) -> Sequence[Sequence[WeightPlan]]:
    """The weights of each file of parameters."""
    if separate:
        return [[weight] for weight in weights]
    return [weights] if weights else []


def _compress(
    model: Model,
    step: Callable[[int], None],
    file: tuple[Candidate, Sequence[WeightPlan]],
    token: CancelToken,
) -> _File:
    candidate, weights = file
    counter = DeflateCounter()
    scales = {}
    for weight in weights:
        found = _add_record(model, candidate, weight, counter, token)
        if found is not None:
            scales[weight.name] = found
        step(weight.size_before)
    return _File(counter.finish(), scales)


def _add_record(
    model: Model,
    candidate: Candidate,
    weight: WeightPlan,
    counter: DeflateCounter,
    token: CancelToken,
) -> kernels.FloatArray | None:
    """Feed the record that would be written to the counter; the scales of a quantized weight."""
    rounded = candidate.rounding.weights.get(weight.name)
    counter.add(new_record(weight).header)
    with model.stored.parameters.reader(weight.name) as tensor:
        quantizer = None
        if isinstance(weight, QuantizedWeight) and rounded is None:
            quantizer = WeightQuantizer(
                weight.weight.record,
                weight.quantization,
                candidate.plan.options,
                transpose=weight.transpose,
                measure_error=False,
            )
            quantizer.run_scale_passes(tensor, token)
        record = _InOrder(counter)
        for task in tasks_of(weight, quantizer, candidate.rounding):
            token.check()
            task.write(tensor, record, token=token)
    if rounded is not None:
        return rounded.scales
    return None if quantizer is None else quantizer.scales
