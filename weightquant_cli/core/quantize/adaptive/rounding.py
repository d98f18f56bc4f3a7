"""Round one weight so that its layer's output changes least; say what is left on average."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...tensors import kernels
from ...tensors.compensation import Compensation, compensated_rounding
from ...tensors.flipping import flip_rounding
from ...tensors.kernels import FloatArray
from ...tensors.weight_error import WeightError
from .rows import Rows
from .statistics import Statistics

Part = tuple[slice, slice, slice]

DAMPING = 0.05
"""Of the second moments. Measured on PP-OCRv4: with synthetic inputs 0.03 to 0.3 are about as good;
with real ones 0.05 is better than 0.3."""

ELEMENTS = 1 << 20
"""Elements that are rounded at a time."""


@dataclass(frozen=True)
class RoundedWeight:
    """One weight, rounded.

    Attributes:
        integers: int8 or int16, of the weight's shape.
        error: what rounding did to the weight, as Paddle Lite dequantizes: float32 products.
        shift: by how much the mean of each output channel has moved, float64; None where nothing is
            known of the inputs.
    """

    integers: npt.NDArray[np.number]
    error: WeightError
    shift: npt.NDArray[np.float64] | None


def round_weight(
    weight: FloatArray,
    scales: FloatArray,
    limit: int,
    rows: Rows,
    statistics: Statistics | None,
    dtype: str,
) -> RoundedWeight:
    """Round a weight by its inputs' statistics, or where there are none, by SQuant's flips.

    Args:
        weight: float32, finite.
        scales: one per output channel, or a single one.
        limit: 2^(bits-1) - 1.
        rows: how the weight is seen as rows.
        statistics: of its inputs.
        dtype: numpy's name of the integers' type.
    """
    values, scale = rows.of(weight), rows.scales(scales)
    integers = np.empty(weight.shape, dtype)
    target = rows.of(integers)
    shift = None if statistics is None else np.zeros((rows.groups, rows.per_group))
    signal, noise, largest = 0.0, 0.0, 0.0
    for part, found in _rounded(values, scale, limit, rows, statistics):
        target[part] = found
        signal += kernels.energy(np.ascontiguousarray(values[part]))
        with np.errstate(over="ignore", invalid="ignore"):  # near the largest float, as in nearest
            change = found * scale[part[:2]]
            change -= values[part]
            noise += kernels.energy(change)
            largest = max(largest, float(np.abs(change).max(initial=0.0)))
            if statistics is not None and shift is not None:
                mean = statistics.mean[:, part[2], None]
                shift[part[:2]] += np.matmul(change, mean)[:, :, 0]
    moved = None if shift is None else shift.reshape(-1)
    return RoundedWeight(integers, WeightError(signal, noise, largest), moved)


def _rounded(
    values: FloatArray, scale: FloatArray, limit: int, rows: Rows, statistics: Statistics | None
) -> Iterator[tuple[Part, FloatArray]]:
    """The weight in parts: some rows, and of these some inputs; rounded, in float32."""
    spans = (slice(0, rows.inputs),) if statistics is None else statistics.spans
    for index, span in enumerate(spans):
        compensation = None
        if statistics is not None:
            compensation = Compensation.of(statistics.moments(index), DAMPING)
        step = max(1, ELEMENTS // max(rows.groups * (span.stop - span.start), 1))
        for start in range(0, rows.per_group, step):
            part = (slice(None), slice(start, start + step), span)
            quotients = _quotients(values[part], scale[part[:2]], limit)
            if compensation is not None:
                yield part, compensated_rounding(quotients, limit, compensation)
            else:
                shape = (quotients.shape[0] * quotients.shape[1], -1, rows.taps)
                flipped = flip_rounding(quotients.reshape(shape), limit)
                yield part, flipped.reshape(quotients.shape)


def _quotients(values: FloatArray, scale: FloatArray, limit: int) -> FloatArray:
    quotients = np.empty(values.shape, np.float32)
    with np.errstate(over="ignore"):  # a subnormal scale
        kernels.by_channel(np.divide, values, np.where(scale == 0, np.float32(1), scale), quotients)
    np.clip(quotients, -limit, limit, out=quotients)
    return quotients
