"""Comparing the outputs of two runs, over any number of inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from ..tensors.weight_error import decibels
from .values import Array


@dataclass(frozen=True)
class OutputDifference:
    """How far one output is from the reference, over all inputs that were added.

    Attributes:
        name: the output's variable.
        samples: inputs that were compared.
        mismatched: inputs on which it was missing, or had another shape, in one of the two; they
            count in nothing else.
        elements: values compared.
        sqnr_db: 10 log10 of the reference's power over the power of the difference; infinity
            where there is none.
        max_change: the largest absolute difference.
        cosine: of reference and output, taken as long vectors.
        agreement: percent of the rows whose largest element along the last axis is at the same
            place; None where rows have fewer than two elements.
        non_finite: elements that are NaN or infinite in either; they count in nothing else.
    """

    name: str
    samples: int
    mismatched: int
    elements: int
    sqnr_db: float
    max_change: float
    cosine: float
    agreement: float | None
    non_finite: int


@dataclass
class _Sums:
    samples: int = 0
    mismatched: int = 0
    elements: int = 0
    non_finite: int = 0
    reference: float = 0.0  # sums of squares
    other: float = 0.0
    error: float = 0.0
    product: float = 0.0
    largest: float = 0.0
    rows: int = 0
    agreeing: int = 0


@dataclass
class OutputComparison:
    """Takes pairs of outputs, and says how far they are apart."""

    _by_name: dict[str, _Sums] = field(default_factory=dict)

    def add(self, reference: Mapping[str, Array], other: Mapping[str, Array]) -> None:
        """Take in the outputs of one input, by name."""
        for name in (*reference, *(name for name in other if name not in reference)):
            sums = self._by_name.setdefault(name, _Sums())
            sums.samples += 1
            if name in reference and name in other and reference[name].shape == other[name].shape:
                _add(sums, reference[name], other[name])
            else:
                sums.mismatched += 1

    def results(self) -> tuple[OutputDifference, ...]:
        """The differences so far, in the order of the outputs."""
        return tuple(_result(name, sums) for name, sums in self._by_name.items())


def compare(reference: Mapping[str, Array], other: Mapping[str, Array]) -> tuple[
    OutputDifference, ...
]:  # fmt: skip
    """The differences on one input."""
    comparison = OutputComparison()
    comparison.add(reference, other)
    return comparison.results()


def _add(sums: _Sums, reference: Array, other: Array) -> None:
    if reference.ndim and reference.shape[-1] > 1 and reference.size:
        rows = reference.size // reference.shape[-1]
        sums.rows += rows
        sums.agreeing += int((reference.argmax(axis=-1) == other.argmax(axis=-1)).sum())
    one, two = (array.reshape(-1).astype(np.float64) for array in (reference, other))
    finite = np.isfinite(one) & np.isfinite(two)
    if not finite.all():
        sums.non_finite += int((~finite).sum())
        one, two = one[finite], two[finite]
    difference = one - two
    sums.elements += one.size
    sums.reference += float(one @ one)
    sums.other += float(two @ two)
    sums.error += float(difference @ difference)
    sums.product += float(one @ two)
    sums.largest = max(sums.largest, float(np.abs(difference).max(initial=0.0)))


def _result(name: str, sums: _Sums) -> OutputDifference:
    norms = math.sqrt(sums.reference) * math.sqrt(sums.other)
    same = 1.0 if sums.error == 0 else 0.0
    return OutputDifference(
        name,
        sums.samples,
        sums.mismatched,
        sums.elements,
        decibels(sums.reference, sums.error),
        sums.largest,
        min(max(sums.product / norms, -1.0), 1.0) if norms > 0 else same,
        100.0 * sums.agreeing / sums.rows if sums.rows else None,
        sums.non_finite,
    )
