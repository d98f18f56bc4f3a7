"""The histogram of one weight's values, streamed from the file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...formats.dtypes import DataType
from ...formats.params import TensorReader
from ...threads import CancelToken
from . import kernels
from .blocks import FINE_ELEMENTS
from .buffers import thread_buffers


@dataclass(frozen=True)
class Histogram:
    """How the finite values of one weight, as they are stored, are distributed.

    Attributes:
        minimum, maximum: the smallest and the largest value; both NaN where none is finite.
        counts: how many values lie in each bin; the bins divide [minimum, maximum] evenly.
        non_finite: how many values are NaN or infinite.
    """

    minimum: float
    maximum: float
    counts: tuple[int, ...]
    non_finite: int


def is_countable(dtype: DataType) -> bool:
    """Whether a weight of this type has a histogram: numpy knows it, as real numbers."""
    return dtype.numpy is not None and np.dtype(dtype.numpy).kind in "fiu"


def measure_histogram(
    tensor: TensorReader,
    bins: int,
    token: CancelToken | None = None,
) -> Histogram:
    """The histogram of a weight, in two passes.

    Args:
        tensor: the weight's data, of a type that `is_countable`.
        bins: number of bins; equal values all lie in the middle one.
        token: checked between blocks.

    Raises:
        ModelError: the file cannot be read.
    """
    token = token or CancelToken()
    minimum, maximum, non_finite = math.inf, -math.inf, 0
    for values in _blocks(tensor, token):
        finite = values[np.isfinite(values)]
        non_finite += values.size - finite.size
        if finite.size:
            minimum = min(minimum, float(finite.min()))
            maximum = max(maximum, float(finite.max()))
    counts = np.zeros(bins, dtype=np.int64)
    if minimum > maximum:
        return Histogram(math.nan, math.nan, tuple(counts.tolist()), non_finite)
    edges = kernels.even_edges(minimum, maximum, bins)
    for values in _blocks(tensor, token):
        finite = values[np.isfinite(values)]
        if minimum == maximum:
            counts[bins // 2] += finite.size
        else:
            counts += kernels.histogram(finite, edges)
    return Histogram(minimum, maximum, tuple(counts.tolist()), non_finite)


def _blocks(tensor: TensorReader, token: CancelToken) -> Iterator[npt.NDArray[np.float64]]:
    record = tensor.record
    kind = np.dtype(record.dtype.numpy)
    buffers = thread_buffers()
    size = FINE_ELEMENTS * record.dtype.itemsize
    for offset in range(0, record.data_size, size):
        token.check()
        view = buffers.raw(min(size, record.data_size - offset))
        tensor.read_data(view, offset)
        with np.errstate(invalid="ignore"):  # a signaling NaN
            values = np.frombuffer(view, dtype=kind).astype(np.float64)
        yield values
