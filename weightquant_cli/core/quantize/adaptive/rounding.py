"""Round one weight so that its layer's output changes least; say what is left on average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...tensors import kernels
from ...tensors.compensation import compensated_rounding
from ...tensors.flipping import flip_rounding
from ...tensors.kernels import FloatArray
from .rows import Rows
from .statistics import Statistics

DAMPING = 0.3
"""Of the second moments. Measured on PP-OCRv4: with synthetic inputs 0.05 to 1 are about as good,
and 0.01 is worse."""

ROW_ELEMENTS = 8 << 20
"""Elements of the rows that are rounded at a time."""


@dataclass(frozen=True)
class RoundedWeight:
    """One weight, rounded.

    Attributes:
        integers: int8 or int16, of the weight's shape.
        shift: by how much the mean of each output channel has moved, float64; None where nothing is
            known of the inputs.
    """

    integers: npt.NDArray[np.number]
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
    values = rows.of(weight)
    scale = rows.scales(scales)
    rounded = np.empty_like(values, dtype=dtype)
    shift = None if statistics is None else np.zeros((rows.groups, rows.per_group))
    step = max(1, ROW_ELEMENTS // max(rows.groups * rows.inputs, 1))
    for start in range(0, rows.per_group, step):
        part = (slice(None), slice(start, start + step))
        found = _round(values[part], scale[part], limit, rows, statistics)
        rounded[part] = found
        if statistics is not None and shift is not None:
            change = found * scale[part] - values[part]
            shift[part] = np.einsum("gri,gi->gr", change, statistics.mean)
    return RoundedWeight(rows.back(rounded), None if shift is None else shift.reshape(-1))


def _round(
    values: FloatArray,
    scale: FloatArray,
    limit: int,
    rows: Rows,
    statistics: Statistics | None,
) -> FloatArray:
    quotients = np.empty_like(values)
    with np.errstate(over="ignore"):  # a subnormal scale
        kernels.by_channel(np.divide, values, np.where(scale == 0, np.float32(1), scale), quotients)
    np.clip(quotients, -limit, limit, out=quotients)
    if statistics is None:
        shape = (quotients.shape[0] * quotients.shape[1], -1, rows.taps)
        return flip_rounding(quotients.reshape(shape), limit).reshape(quotients.shape)
    pieces = [
        compensated_rounding(quotients[..., span], limit, statistics.moments(index), DAMPING)
        for index, span in enumerate(statistics.spans)
    ]
    return np.concatenate(pieces, axis=2)
