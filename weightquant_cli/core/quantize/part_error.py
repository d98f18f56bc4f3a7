"""What rounding did to one part of a weight, summed up block by block."""

from __future__ import annotations

import numpy as np

from ..tensors import kernels
from ..tensors.weight_error import WeightError


class PartError:
    """The error of one part, block by block.

    Args:
        largest: a change of the weight that was found in another part; smaller ones are ignored.
        limit: 2^(bits-1) - 1.
    """

    def __init__(self, largest: float, limit: int) -> None:
        self.total = WeightError(0.0, 0.0, largest)
        self._limit = limit

    def add(
        self,
        values: kernels.FloatArray,
        rounded: kernels.FloatArray,
        scale: kernels.FloatArray,
        clipped: bool,
    ) -> None:
        """Add a block: its values, and their rounded quotients, which are overwritten.

        Args:
            values: the block, FP32.
            rounded: its integers as floats.
            scale: of its channels, in a shape that broadcasts.
            clipped: whether a change may be larger than rounding makes it.
        """
        kernels.dequantize(rounded, scale, rounded)
        np.subtract(values, rounded, out=rounded)
        bounds = np.full(1, np.inf) if clipped else kernels.largest_changes(scale, self._limit)
        self.total = WeightError(
            self.total.signal + kernels.energy(values),
            self.total.noise + kernels.energy(rounded),
            kernels.abs_max_above(self.total.max_abs, rounded, bounds),
        )
