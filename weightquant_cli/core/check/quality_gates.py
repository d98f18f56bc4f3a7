"""Gates on the quality of a quantized model: what every weight and every output must reach."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import OptionError
from ..quantize.gates import require_percentage
from .weight_comparison import WeightComparison

if TYPE_CHECKING:  # the interpreter is not needed where no model is run
    from ..run.compare import OutputDifference


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
        _require_numbers(self, ("min_sqnr", "max_abs_error", "min_cosine"))

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
class OutputGates:
    """What every output of a quantized model must reach.

    Attributes:
        min_output_sqnr: in dB.
        min_agreement: percent of the rows whose largest value is at the same place as in the
            reference; of outputs that have rows of several values.

    Raises:
        OptionError: a value that is not a number, or no percentage.
    """

    min_output_sqnr: float | None = None
    min_agreement: float | None = None

    def __post_init__(self) -> None:
        _require_numbers(self, ("min_output_sqnr", "min_agreement"))
        require_percentage("min_agreement", self.min_agreement)

    @property
    def any(self) -> bool:
        """Whether there is a gate at all."""
        return (self.min_output_sqnr, self.min_agreement) != (None, None)

    def failures(self, output: OutputDifference) -> tuple[str, ...]:
        """What the output does not reach."""
        found = []
        least = self.min_output_sqnr
        if least is not None and not output.sqnr_db >= least:  # nor is NaN
            found.append(f"SQNR {output.sqnr_db:.2f} dB, at least {least:g} asked for")
        share, wanted = output.agreement, self.min_agreement
        if share is not None and wanted is not None and not share >= wanted:
            found.append(f"agreement {share:.2f}%, at least {wanted:g}% asked for")
        return tuple(found)


@dataclass(frozen=True)
class GateFailure:
    """Something that does not reach what was asked for.

    Attributes:
        weight: the weight's name, or None where it is about an output or the whole.
        why: what was asked for and what was found.
        output: the output's name, or None likewise.
    """

    weight: str | None
    why: str
    output: str | None = None


def _require_numbers(gates: object, options: Sequence[str]) -> None:
    for option in options:
        value = getattr(gates, option)
        if value is not None and not math.isfinite(value):
            raise OptionError("not a number", option=option, found=value)
