"""How far a quantized model is from its FP32 original, weight by weight, the worst first."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ... import threads
from ..lite.storage import stores_integers
from ..lite.tags import ModelTags
from ..model.model import Model
from ..model.weights import Weight
from ..tensors import kernels
from ..tensors.blocks import PART_ELEMENTS, Part, part_elements
from ..tensors.error_measures import ErrorMeasures
from ..tensors.weight_error import decibels
from .findings import FITTING_REFERENCE, Finding, FindingCode, Severity
from .weight_pair import WeightPair, is_same

BINS = 44

Result = TypeVar("Result")


@dataclass(frozen=True)
class WeightComparison:
    """One quantized weight beside its original.

    Attributes:
        name: the weight's name.
        operator: type of the operator that carries its scales; of the reader, if that is a carrier.
        dtype: how it is stored.
        shape: dims of the original.
        max_abs: the largest absolute error.
        max_in_scales: the largest error in units of its channel's scale, or of 2^-126 where that
            is larger; at most 0.5 and a rounding error where nothing was clipped.
        rmse: root of the mean squared error.
        sqnr: signal-to-quantization-noise ratio in dB; inf without any error.
        cosine: cosine of the angle between the two; 1 for a weight of zeros that stayed so.
        limit: largest absolute value of the original.
        clipped: how many values lie outside the range of the integers.
        misrounded: how many are off by more than half a scale without having been clipped.
        signal, noise: sums of the squares of the original and of the error.
        before, after: histograms over the original's range [-limit, limit], or None.
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
    clipped: int
    misrounded: int
    signal: float
    noise: float
    before: tuple[int, ...] | None = None
    after: tuple[int, ...] | None = None

    @property
    def elements(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


@dataclass(frozen=True)
class Comparison:
    """A quantized model beside its original.

    Attributes:
        weights: the quantized weights, the worst SQNR first.
        findings: weights that are not what the reference says, or that one side lacks.
    """

    weights: tuple[WeightComparison, ...]
    findings: tuple[Finding, ...]

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
        reference: the FP32 model that it was made from.
        tags: of the quantized model, where they have been found already.
        histograms: for how many of the worst weights to count the values.
        jobs: threads; None takes the CPUs that this process may use.
        broken: weights that cannot be dequantized, and are left out.
        step: told the bytes of the model that have been compared, from the worker threads.
        part_elements: the most elements that one thread takes at a time.
        adaptive: what a report says of adaptive rounding, or None.

    Raises:
        ModelError: another shape than the reference's, a reference that is not FP32, or scales
            that do not fit.
    """
    tags = tags or ModelTags(model)
    shared = [w for w in model.weights if w.name in reference.stored.parameters]
    pairs = [
        WeightPair(model, reference, weight, tag, part_elements)
        for weight in shared
        if stores_integers(weight)
        and weight.name not in broken
        and (tag := tags.of(weight)) is not None
    ]
    kept = [weight for weight in shared if not stores_integers(weight)]

    def differs(weight: Weight, token: threads.CancelToken) -> bool:
        same = is_same(model, reference, weight, token)
        step(weight.record.data_size)
        return not same

    found = _measured(pairs, jobs, step)
    changed = threads.run(differs, kept, jobs, lambda weight: weight.record.data_size)
    findings = [
        *_unmatched(model, reference),
        *(
            _differs(w.name)
            for w, other in zip(kept, changed, strict=True)
            if other and not (adaptive and w.name in adaptive.corrected)
        ),
        *(_not_finite(p.weight.name) for p, w in zip(pairs, found, strict=True) if w is None),
        *(
            _misrounded(weight)
            for weight in found
            if weight is not None
            and weight.misrounded
            and not (adaptive and weight.max_in_scales < 1)
        ),
    ]
    ranked = sorted((w for w in found if w is not None), key=lambda w: (w.sqnr, w.name))
    drawn = _with_histograms(ranked[:histograms], pairs, jobs)
    return Comparison((*drawn, *ranked[histograms:]), tuple(findings))


def _measured(
    pairs: Sequence[WeightPair], jobs: int | None, step: Callable[[int], None]
) -> list[WeightComparison | None]:
    """All measures, in one pass; None for a weight whose original holds NaN or infinity."""

    def work(item: tuple[WeightPair, Part], token: threads.CancelToken) -> ErrorMeasures | None:
        pair, part = item
        itemsize = pair.weight.record.dtype.itemsize
        measures = ErrorMeasures(8 * itemsize)
        finite = all(measures.add(block) for block in pair.blocks(part, token))
        step(itemsize * part_elements(part))
        return measures if finite else None

    found = iter(_over_parts(work, pairs, jobs))
    return [_merged(pair, [next(found) for _ in pair.parts]) for pair in pairs]


def _over_parts(
    work: Callable[[tuple[WeightPair, Part], threads.CancelToken], Result],
    pairs: Sequence[WeightPair],
    jobs: int | None,
) -> list[Result]:
    """What `work` makes of every part of every pair, in order."""
    items = [(pair, part) for pair in pairs for part in pair.parts]
    return threads.run(work, items, jobs, lambda item: part_elements(item[1]))


def _merged(pair: WeightPair, measured: Sequence[ErrorMeasures | None]) -> WeightComparison | None:
    record = pair.weight.record
    measures = ErrorMeasures(8 * record.dtype.itemsize)
    for part in measured:
        if part is None:
            return None
        measures.merge(part)
    return WeightComparison(
        name=record.name,
        operator=pair.operator_type,
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


# ---- what does not fit the reference ---------------------------------------------------------


def _differs(name: str) -> Finding:
    return Finding(
        FindingCode.DIFFERS,
        Severity.ERROR,
        name,
        None,
        "it is not quantized, and not what it is in the reference",
        "the model computes with other values than the reference",
        f"{FITTING_REFERENCE}; after adaptive rounding, which corrects biases and means, also the "
        "report of quantize (`verify_report`)",
    )


def _misrounded(weight: WeightComparison) -> Finding:
    return Finding(
        FindingCode.MISROUNDED,
        Severity.WARNING,
        weight.name,
        weight.operator,
        f"{weight.misrounded} of its {weight.elements} values are beyond half a scale of the "
        "reference's, and were not clipped",
        "the model computes with other values than the reference, rounded to nearest",
        FITTING_REFERENCE,
    )


def _not_finite(name: str) -> Finding:
    return Finding(
        FindingCode.REFERENCE_VALUE,
        Severity.ERROR,
        name,
        None,
        "in the reference it holds a value that is not finite",
        "it cannot be compared, and no integers stand for such a value",
        FITTING_REFERENCE,
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
                Severity.ERROR,
                name,
                None,
                f"it is {what}",
                "the model is not the one that the reference is",
                FITTING_REFERENCE,
            )
