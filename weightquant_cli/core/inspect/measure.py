"""What `inspect` measures: the error that 8 bits would make, and the weights' histograms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ... import threads
from ...errors import NonFiniteWeightError
from ...formats.params import TensorReader
from ..model.model import Model
from ..plan.eligibility import Eligibility
from ..plan.options import MAX_BITS, MIN_BITS, QuantizeOptions
from ..plan.plan import make_plan
from ..plan.weight_plan import QuantizedWeight
from ..quantize.compressed import Candidate, compressed_size, compressed_sizes
from ..quantize.sizes import exact_sizes
from ..quantize.weight_quantizer import quantization_error
from ..tensors.histogram import is_countable, measure_histogram
from .summary import ExpectedSize, ModelSummary, Verdict, WeightSummary


def measure(
    model: Model,
    summary: ModelSummary,
    *,
    sqnr: bool = False,
    bins: int = 0,
    jobs: int | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> ModelSummary:
    """The summary with what needs the weights' data.

    Args:
        model: the model that was summarized.
        summary: from `summarize`.
        sqnr: measure what 8 bits, channel-wise, would do to every quantizable weight.
        bins: bins of a histogram of every weight; 0 makes none.
        jobs: threads; None takes the CPUs that this process may use.
        step: told the bytes that have been dealt with, from the worker threads.

    Raises:
        ModelError: the data cannot be read. A weight that is not finite is no error here.
    """

    def work(weight: WeightSummary, token: threads.CancelToken) -> WeightSummary:
        token.check()
        with model.stored.parameters.reader(weight.name) as tensor:
            if bins and is_countable(weight.record.dtype):
                weight = replace(weight, histogram=measure_histogram(tensor, bins, token))
            if sqnr and weight.verdict is Verdict.QUANTIZABLE:
                weight = _with_error(weight, tensor, token)
        step(weight.record.data_size)
        return weight

    done = threads.run(work, summary.weights, jobs, lambda weight: weight.record.data_size)
    model.stored.verify_unchanged()
    return replace(summary, weights=tuple(done))


def measure_compressed(
    model: Model,
    summary: ModelSummary,
    options: QuantizeOptions,
    jobs: int | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> ModelSummary:
    """The summary with compressed sizes: of the model, and of what any number of bits would make.

    Args:
        model: the model that was summarized.
        summary: from `summarize`.
        options: those of the sizes to expect.
        jobs: threads; None takes the CPUs that this process may use.
        step: told the bytes that have been dealt with, of a parameter file for each number of bits
            and of the model itself.

    Raises:
        ModelError: the data cannot be read.
        NonFiniteWeightError: NaN or infinity in a weight that would be quantized.
    """
    compressed = compressed_size(model.stored, jobs, step)
    expected: tuple[ExpectedSize, ...] = ()
    if summary.expected:
        every = range(MIN_BITS, MAX_BITS + 1)
        eligibility = Eligibility(model)
        plans = [make_plan(model, replace(options, bits=bits), eligibility) for bits in every]
        candidates = [Candidate(plan, model.files.params is None) for plan in plans]
        found = compressed_sizes(model, candidates, jobs, step)
        expected = tuple(
            ExpectedSize(bits, exact_sizes(model, plan, strip_callstack=True), sizes)
            for bits, plan, sizes in zip(every, plans, found, strict=True)
        )
    model.stored.verify_unchanged()
    return replace(summary, compressed=compressed, expected=expected)


def _with_error(
    weight: WeightSummary, tensor: TensorReader, token: threads.CancelToken
) -> WeightSummary:
    if not isinstance(weight.plan, QuantizedWeight):
        return weight
    try:
        error = quantization_error(tensor, weight.plan.quantization, QuantizeOptions(), token)
    except NonFiniteWeightError as problem:
        return replace(weight, not_measured=f"not finite: {problem.found}")
    return replace(weight, error=error)
