"""What the page shows: a check's result beside the facts of the model."""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Iterator
from dataclasses import dataclass

from ....core.check.check import CheckResult
from ....core.check.quality_gates import OutputGates, QualityGates
from ....core.check.weight_comparison import WeightComparison
from ....core.inspect.summary import ModelSummary, Verdict, WeightSummary
from ....formats import dtypes


@dataclass(frozen=True)
class PageFacts:
    """Everything that the page is made of.

    Attributes:
        result: of the check.
        summary: of the quantized model.
        gates, output_gates: what was asked for.
        made: when.
    """

    result: CheckResult
    summary: ModelSummary
    gates: QualityGates
    output_gates: OutputGates
    made: datetime.datetime

    def rows(self) -> Iterator[tuple[WeightSummary, WeightComparison | None]]:
        """Every weight with its comparison: the worst SQNR first, then the largest."""
        comparison = self.result.comparison
        compared = {w.name: w for w in comparison.weights} if comparison else {}
        by_name = {weight.name: weight for weight in self.summary.weights}
        for name, measures in compared.items():
            if name in by_name:
                yield by_name[name], measures
        rest = [weight for weight in self.summary.weights if weight.name not in compared]
        for weight in sorted(rest, key=lambda weight: (-weight.record.data_size, weight.name)):
            yield weight, None

    @property
    def failing(self) -> frozenset[str]:
        """Names of the weights that an error is about, or that meet a gate not."""
        errors = {finding.weight for finding in self.result.errors}
        refused = {failure.weight for failure in self.result.failures}
        return frozenset(name for name in errors | refused if name is not None)

    @property
    def median_sqnr(self) -> float | None:
        """Of the compared weights, in dB; None without one."""
        comparison = self.result.comparison
        values = [weight.sqnr for weight in comparison.weights] if comparison else []
        return statistics.median(values) if values else None

    @property
    def fp32_weights(self) -> int:
        """Bytes of all weights, were the integers FP32."""
        return sum(_fp32_size(weight) for weight in self.summary.weights)

    @property
    def weights(self) -> int:
        """Bytes of all weights as they are stored."""
        return sum(weight.record.data_size for weight in self.summary.weights)

    @property
    def kept(self) -> tuple[WeightSummary, ...]:
        """The weights that are not quantized and have a reason."""
        return tuple(
            weight
            for weight in self.summary.weights
            if weight.verdict is not Verdict.QUANTIZED and weight.reason is not None
        )


def _fp32_size(weight: WeightSummary) -> int:
    record = weight.record
    if weight.verdict is not Verdict.QUANTIZED:
        return record.data_size
    return record.data_size // record.dtype.itemsize * dtypes.FP32.itemsize
