"""How far the variables of two runs are apart, over any number of inputs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from ..tensors.weight_error import decibels
from .values import Array

BLOCK = 1 << 13
"""Elements taken at a time, so that their float64 copies stay in the cache."""


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
            where there is none. Of `sqnr_of`.
        max_change: the largest absolute difference.
        cosine: of reference and output, taken as long vectors.
        agreement: percent of the rows whose largest element along the last axis is at the same
            place; None where rows have fewer than two elements.
        non_finite: elements that are NaN or infinite in either; they count in nothing else.
        sqnr_of: the variable whose SQNR it is: the output, or where a last softmax or sigmoid hides
            changes, what that reads.

    Ratio, change and cosine are NaN where there is no element to compare.
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
    sqnr_of: str


@dataclass
class Differences:
    """Takes pairs of one variable's values, and says how far they are apart."""

    _samples: int = 0
    _mismatched: int = 0
    _elements: int = 0
    _non_finite: int = 0
    _reference: float = 0.0  # sums of squares
    _other: float = 0.0
    _error: float = 0.0
    _product: float = 0.0
    _largest: float = 0.0
    _rows: int = 0
    _agreeing: int = 0

    def add(self, reference: Array | None, other: Array | None) -> None:
        """Take in the values on one input; None where a run could not compute them."""
        self._samples += 1
        if reference is None or other is None or reference.shape != other.shape:
            self._mismatched += 1
            return
        if reference.ndim and reference.shape[-1] > 1 and reference.size:
            self._rows += reference.size // reference.shape[-1]
            same = reference.argmax(axis=-1) == other.argmax(axis=-1)
            self._agreeing += int(np.count_nonzero(same))
        one, two = reference.reshape(-1), other.reshape(-1)
        for start in range(0, one.size, BLOCK):
            self._add_block(one[start : start + BLOCK], two[start : start + BLOCK])

    def _add_block(self, reference: Array, other: Array) -> None:
        one, two = reference.astype(np.float64), other.astype(np.float64)
        with np.errstate(all="ignore"):
            signal, energy = float(one @ one), float(two @ two)
        if not math.isfinite(signal + energy):
            finite = np.isfinite(one) & np.isfinite(two)
            self._non_finite += int(np.count_nonzero(~finite))
            one, two = one[finite], two[finite]
            signal, energy = float(one @ one), float(two @ two)
        self._elements += one.size
        self._reference += signal
        self._other += energy
        self._product += float(one @ two)
        difference = np.subtract(one, two, out=one)
        self._error += float(difference @ difference)
        largest = max(float(difference.max(initial=0.0)), -float(difference.min(initial=0.0)))
        self._largest = max(self._largest, largest)

    def result(self, name: str) -> OutputDifference:
        """What has been found so far."""
        return OutputDifference(
            name,
            self._samples,
            self._mismatched,
            self._elements,
            decibels(self._reference, self._error) if self._elements else math.nan,
            self._largest if self._elements else math.nan,
            self._cosine() if self._elements else math.nan,
            100 * self._agreeing / self._rows if self._rows else None,
            self._non_finite,
            name,
        )

    def _cosine(self) -> float:
        norms = math.sqrt(self._reference) * math.sqrt(self._other)
        if norms > 0:
            return min(max(self._product / norms, -1.0), 1.0)
        return 1.0 if self._error == 0 else 0.0


@dataclass
class OutputComparison:
    """Takes pairs of variables by name, and says how far outputs are apart.

    Args:
        squashed: outputs whose SQNR is that of another variable (`answers.squashed`), where both
            models can compute it.
    """

    squashed: Mapping[str, str] = field(default_factory=dict)
    _by_name: dict[str, Differences] = field(default_factory=dict)

    def add(self, reference: Mapping[str, Array | None], other: Mapping[str, Array | None]) -> None:
        """Take in the outputs of one input, and what `squashed` names; None for one that could not
        be computed.
        """
        for name in (*reference, *(name for name in other if name not in reference)):
            differences = self._by_name.setdefault(name, Differences())
            differences.add(reference.get(name), other.get(name))

    def results(self, outputs: Sequence[str]) -> tuple[OutputDifference, ...]:
        """The differences of these outputs so far; of those alone that were taken in."""
        return tuple(self._result(name) for name in outputs if name in self._by_name)

    def _result(self, name: str) -> OutputDifference:
        found = self._by_name[name].result(name)
        if name in self.squashed:
            before = self._by_name[self.squashed[name]].result(self.squashed[name])
            if before.elements and not before.mismatched:
                return replace(found, sqnr_db=before.sqnr_db, sqnr_of=before.name)
        return found


def compare_outputs(
    reference: Mapping[str, Array], other: Mapping[str, Array]
) -> tuple[OutputDifference, ...]:
    """The differences on one input."""
    comparison = OutputComparison()
    comparison.add(reference, other)
    return comparison.results(tuple({**reference, **other}))
