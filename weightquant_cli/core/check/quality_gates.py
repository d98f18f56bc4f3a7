"""Gates on the quality of a quantized model: what every weight must reach."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...errors import OptionError
from .compare_reference import WeightComparison


@dataclass(frozen=True)
class QualityGates:
    """What every quantized weight must reach.

    Attributes:
        min_sqnr: in dB.
        max_abs_error: the largest absolute error that is allowed.
        min_cosine: of the angle between a weight and its original.

    Raises:
        OptionError: a value that is not a number.
    """

    min_sqnr: float | None = None
    max_abs_error: float | None = None
    min_cosine: float | None = None

    def __post_init__(self) -> None:
        for option in ("min_sqnr", "max_abs_error", "min_cosine"):
            value = getattr(self, option)
            if value is not None and not math.isfinite(value):
                raise OptionError("not a number", option=option, found=value)

    @property
    def any(self) -> bool:
        """Whether there is a gate at all."""
        return (self.min_sqnr, self.max_abs_error, self.min_cosine) != (None, None, None)

    def failures(self, weight: WeightComparison) -> tuple[str, ...]:
        """What the weight does not reach."""
        found = []
        if self.min_sqnr is not None and not weight.sqnr >= self.min_sqnr:  # nor is NaN
            found.append(f"SQNR {weight.sqnr:.2f} dB, at least {self.min_sqnr:g} asked for")
        if self.max_abs_error is not None and not weight.max_abs <= self.max_abs_error:
            found.append(f"error {weight.max_abs:.6g}, at most {self.max_abs_error:g} asked for")
        if self.min_cosine is not None and not weight.cosine >= self.min_cosine:
            found.append(f"cosine {weight.cosine:.8f}, at least {self.min_cosine:g} asked for")
        return tuple(found)


@dataclass(frozen=True)
class GateFailure:
    """Something that does not reach what was asked for.

    Attributes:
        weight: the weight's name, or None where it is the comparison as a whole.
        why: what was asked for and what was found.
    """

    weight: str | None
    why: str
