"""How far a quantized model is from its FP32 original, weight by weight, the worst first."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ... import threads
from ..lite.carriers import find_carriers
from ..lite.storage import stores_integers
from ..lite.tags import ModelTags
from ..model.model import Model
from ..model.weights import Weight
from ..tensors import kernels
from ..tensors.blocks import PART_ELEMENTS, Part, part_elements
from ..tensors.error_measures import ErrorMeasures
from ..tensors.weight_error import decibels
from . import reference_findings
from .findings import Finding
from .two_results import TwoResults
from .weight_comparison import WeightComparison
from .weight_pair import WeightPair, is_same

BINS = 44

HALF_A_SCALE, ONE_SCALE = 0.5, 1.0
"""The largest error of a value: rounded to nearest, and adaptively."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Comparison:
    """A quantized model beside its original.

    Attributes:
        weights: the quantized weights, the worst SQNR first.
        findings: weights that are not what the reference says, or that one side lacks.
        reference_quantized: how many weights of the reference are quantized as well; they are
            dequantized before they are compared.
    """

    weights: tuple[WeightComparison, ...]
    findings: tuple[Finding, ...]
    reference_quantized: int = 0

    @property
    def gates_between_results(self) -> tuple[Finding, ...]:
        """What is to be said of gates where the reference is quantized as well."""
        count = self.reference_quantized
        return (reference_findings.gates_between_results(count),) if count else ()

    @property
    def max_abs(self) -> float:
        """The largest absolute error of all; 0 without a weight."""
        return max((weight.max_abs for weight in self.weights), default=0.0)

    @property
    def rmse(self) -> float:
        """Root of the mean squared error of all values together; 0 without a weight."""
        elements = sum(weight.elements for weight in self.weights)
        return math.sqrt(math.fsum(weight.noise for weight in self.weights) / max(elements, 1))

    @property
    def sqnr(self) -> float:
        """SQNR of all values together, in dB; inf without any error."""
        return decibels(
            math.fsum(weight.signal for weight in self.weights),
            math.fsum(weight.noise for weight in self.weights),
        )


@dataclass(frozen=True)
class Adaptive:
    """What a report of `quantize` says of adaptive rounding.

    Attributes:
        corrected: parameters left in FP32 that take up the shift of a layer. Values of weights may
            be off by less than one scale, rather than half.
    """

    corrected: frozenset[str]


def compare(
    model: Model,
    reference: Model,
    tags: ModelTags | None = None,
    *,
    histograms: int = 0,
    jobs: int | None = None,
    broken: frozenset[str] = frozenset(),
    step: Callable[[int], None] = lambda _: None,
    part_elements: int = PART_ELEMENTS,
    adaptive: Adaptive | None = None,
) -> Comparison:
    """Compare every weight of `model` with `reference`.

    Args:
        model: the quantized model.
        reference: the FP32 model that it was made from, or another result of quantizing it.
        tags: of the quantized model, where they have been found already.
        histograms: for how many of the worst weights to count the values.
        jobs: threads; None takes the CPUs that this process may use.
        broken: weights that cannot be dequantized, and are left out.
        step: told the bytes of the model that have been compared, from the worker threads.
        part_elements: the most elements that one thread takes at a time.
        adaptive: what a report says of adaptive rounding, or None.

    Raises:
        ModelError: another shape than the reference's, a weight of the reference that is neither
            FP32 nor quantized, or scales that do not fit.
    """
    tags = tags or ModelTags(model)
    results = TwoResults(model, tags, reference)
    shared = [w for w in model.weights if w.name in reference.stored.parameters]
    pairs = [
        WeightPair(model, reference, weight, tag, part_elements)
        for weight in shared
        if stores_integers(weight)
        and weight.name not in broken
        and weight.name not in results.quantized
        and (tag := tags.of(weight)) is not None
    ]
    kept = [w for w in shared if not stores_integers(w) and w.name not in results.quantized]

    def differs(weight: Weight, token: threads.CancelToken) -> bool:
        same = is_same(model, reference, weight, token)
        step(weight.record.data_size)
        return not same

    def between(weight: Weight, token: threads.CancelToken) -> WeightComparison:
        result = results.compare(weight, token)
        step(weight.record.data_size)
        return result

    beside = [w for w in shared if w.name in results.quantized and w.name not in broken]
    two = threads.run(between, beside, jobs, lambda weight: weight.record.data_size)
    measured = _measured(pairs, jobs, step, ONE_SCALE if adaptive else HALF_A_SCALE)
    found = _by_readers(measured, model, tags)
    changed = threads.run(differs, kept, jobs, lambda weight: weight.record.data_size)
    findings = [
        *reference_findings.unmatched(model, reference),
        *(
            reference_findings.differs(w.name, bool(results.quantized))
            for w, other in zip(kept, changed, strict=True)
            if other and not (adaptive and w.name in adaptive.corrected)
        ),
        *(
            reference_findings.not_finite(p.weight.name)
            for p, w in zip(pairs, found, strict=True)
            if w is None
        ),
        *(
            reference_findings.misrounded(weight, "one scale" if adaptive else "half a scale")
            for weight in found
            if weight is not None and weight.misrounded
        ),
    ]
    ranked = sorted((w for w in found if w is not None), key=lambda w: (w.sqnr, w.name))
    drawn = _with_histograms(ranked[:histograms], pairs, jobs)
    compared = (*drawn, *ranked[histograms:])
    if two:
        compared = tuple(sorted((*compared, *two), key=lambda w: (w.sqnr, w.name)))
    return Comparison(compared, tuple(findings), len(results.quantized))


def _measured(
    pairs: Sequence[WeightPair],
    jobs: int | None,
    step: Callable[[int], None],
    reach: float = HALF_A_SCALE,
) -> list[WeightComparison | None]:
    """All measures, in one pass; None for a weight whose original holds NaN or infinity."""

    def work(item: tuple[WeightPair, Part], token: threads.CancelToken) -> ErrorMeasures | None:
        pair, part = item
        itemsize = pair.weight.record.dtype.itemsize
        measures = ErrorMeasures(8 * itemsize, reach)
        finite = all(measures.add(block) for block in pair.blocks(part, token))
        step(itemsize * part_elements(part))
        return measures if finite else None

    found = iter(_over_parts(work, pairs, jobs))
    return [_merged(pair, [next(found) for _ in pair.parts], reach) for pair in pairs]


def _by_readers(
    weights: Sequence[WeightComparison | None], model: Model, tags: ModelTags
) -> list[WeightComparison | None]:
    """The same, under the operator that reads the weight where a carrier has the scales."""
    carriers = {carrier.operator: carrier.weight for carrier in find_carriers(model, tags)}
    readers = {
        name: reader.operator.type
        for name in set(carriers.values())
        for reader in reversed(model.weight(name).readers)
        if reader.operator not in carriers
    }
    return [w and replace(w, operator=readers.get(w.name, w.operator)) for w in weights]


def _over_parts(
    work: Callable[[tuple[WeightPair, Part], threads.CancelToken], Result],
    pairs: Sequence[WeightPair],
    jobs: int | None,
) -> list[Result]:
    """What `work` makes of every part of every pair, in order."""
    items = [(pair, part) for pair in pairs for part in pair.parts]
    return threads.run(work, items, jobs, lambda item: part_elements(item[1]))


def _merged(
    pair: WeightPair, measured: Sequence[ErrorMeasures | None], reach: float
) -> WeightComparison | None:
    record = pair.weight.record
    measures = ErrorMeasures(8 * record.dtype.itemsize, reach)
    for part in measured:
        if part is None:
            return None
        measures.merge(part)
    return WeightComparison(
        name=record.name,
        operator=pair.tag.operator.type,
        dtype=record.dtype.name,
        shape=pair.original.shape,
        max_abs=measures.max_abs,
        max_in_scales=measures.max_in_scales,
        rmse=measures.rmse,
        sqnr=measures.sqnr,
        cosine=measures.cosine,
        limit=measures.limit,
        clipped=measures.clipped,
        misrounded=measures.misrounded,
        signal=measures.signal,
        noise=measures.noise,
    )


def _with_histograms(
    weights: list[WeightComparison], pairs: list[WeightPair], jobs: int | None
) -> list[WeightComparison]:
    """The same weights with their histograms before and after."""
    by_name = {pair.weight.name: pair for pair in pairs}
    limits = {weight.name: weight.limit or 1.0 for weight in weights}

    def count(item: tuple[WeightPair, Part], token: threads.CancelToken) -> npt.NDArray[np.int64]:
        pair, part = item
        limit = limits[pair.weight.name]
        edges = kernels.even_edges(-limit, limit, BINS)
        counts = np.zeros((2, BINS), dtype=np.int64)
        for block in pair.blocks(part, token):
            for row, values in zip(counts, (block.original, block.found), strict=True):
                row += kernels.histogram(np.clip(values.astype(np.float64), -limit, limit), edges)
        return counts

    drawn = [by_name[weight.name] for weight in weights]
    found = iter(_over_parts(count, drawn, jobs))
    counted = []
    for weight, pair in zip(weights, drawn, strict=True):
        counts = sum((next(found) for _ in pair.parts), np.zeros((2, BINS), dtype=np.int64))
        before, after = (tuple(row.tolist()) for row in counts)
        counted.append(replace(weight, before=before, after=after))
    return counted
