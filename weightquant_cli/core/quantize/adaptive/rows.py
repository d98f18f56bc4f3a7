"""A weight as rows: for each output channel the values that its inputs are multiplied with."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Number = TypeVar("Number", bound=np.number)


@dataclass(frozen=True)
class Rows:
    """How a weight of some shape is seen as rows.

    Attributes:
        shape: the weight's dims.
        channel_axis: axis of the output channels: 0 (convolutions, transposed matrices) or the last
            one of a matrix.
        groups: groups of a convolution: the rows of a group meet the same inputs.
    """

    shape: tuple[int, ...]
    channel_axis: int
    groups: int = 1

    @property
    def per_group(self) -> int:
        """Rows of one group."""
        return self.shape[self.channel_axis] // self.groups

    @property
    def inputs(self) -> int:
        """Values of one row."""
        return math.prod(self.shape) // max(self.shape[self.channel_axis], 1)

    @property
    def taps(self) -> int:
        """Values of a row that one input channel meets: the kernel's area, or 1 in a matrix."""
        return math.prod(self.shape[2:]) if self.channel_axis == 0 else 1

    def of(self, weight: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """A view of the contiguous weight as rows, of shape ``(groups, rows, inputs)``."""
        if self.channel_axis == 0:
            return np.asarray(weight.reshape(self.groups, self.per_group, self.inputs))
        return np.asarray(weight.T[None])

    def scales(self, scales: npt.NDArray[Number]) -> npt.NDArray[Number]:
        """The scales of the rows, one per channel or a single one, to be broadcast over `of`."""
        spread = np.broadcast_to(scales, self.groups * self.per_group)
        return spread.reshape(self.groups, self.per_group, 1)
