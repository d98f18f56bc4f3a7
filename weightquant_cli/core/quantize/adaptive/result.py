"""What adaptive rounding gives, for those who write it; knows nothing of how it came about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from ...tensors import kernels
from ...tensors.weight_error import WeightError

if TYPE_CHECKING:
    import numpy.typing as npt


class AdaptiveWeight(NamedTuple):
    """One weight after adaptive rounding.

    Attributes:
        integers: as they are stored: transposed where the plan says so.
        scales: float32, one per channel or a single one; those of rounding to nearest.
        error: what rounding did to the weight.
        shift: by how much the mean of each output channel has moved; None where nothing is known of
            the weight's inputs.
    """

    integers: npt.NDArray[np.number]
    scales: kernels.FloatArray
    error: WeightError
    shift: npt.NDArray[np.float64] | None


class AdaptiveRounding(NamedTuple):
    """What adaptive rounding makes of a plan.

    Attributes:
        weights: the rounded weights by name; those that are looked up rather than multiplied with
            are not among them: they are rounded to nearest.
        corrected: parameters left in FP32 that take up the shift of a layer, with their new values.
        unreached: weights whose inputs are not known, since their operator could not be run; they
            were rounded by flips, from their values alone.
        reasons: why: a line for each operator that could not be run, and for the first that gave
            NaN or infinity.
    """

    weights: Mapping[str, AdaptiveWeight]
    corrected: Mapping[str, kernels.FloatArray]
    unreached: tuple[str, ...]
    reasons: tuple[str, ...]


NO_ROUNDING = AdaptiveRounding({}, {}, (), ())
"""Every weight is rounded to nearest."""
