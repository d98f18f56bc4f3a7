"""What `inspect` measures: the error that 8 bits would make, and the weights' distributions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ...errors import NonFiniteWeightError
from ..model.model import Model
from ..plan.options import QuantizeOptions
from ..quantize.weight_quantizer import quantization_error
from ..tensors import threads
from ..tensors.histogram import has_distribution, measure_distribution
from .summary import ModelSummary, Verdict, WeightSummary


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

    def work(weight: WeightSummary, stop: threads.StopSignal) -> WeightSummary:
        stop.check()
        with model.stored.parameters.reader(weight.name) as reader:
            if bins and has_distribution(weight.record.dtype):
                found = measure_distribution(reader, bins, stop)
                weight = replace(weight, distribution=found)
            if sqnr and weight.verdict is Verdict.QUANTIZABLE:
                assert weight.plan.quantization is not None
                options = QuantizeOptions()
                try:
                    error = quantization_error(reader, weight.plan.quantization, options, stop)
                    weight = replace(weight, error=error)
                except NonFiniteWeightError as problem:
                    weight = replace(weight, objection=f"not finite: {problem.found}")
        step(weight.record.data_size)
        return weight

    cost = [weight.record.data_size for weight in summary.weights]
    done = threads.run(work, summary.weights, cost, jobs or threads.default_jobs())
    return replace(summary, weights=tuple(done))
