"""How the values of one weight are distributed, streamed from the file."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...formats.dtypes import DataType
from ...formats.params import TensorReader
from .blocks import FINE_ELEMENTS
from .buffers import thread_buffers
from .threads import StopSignal


@dataclass(frozen=True)
class Distribution:
    """A histogram of the finite values of one weight, as they are stored.

    Attributes:
        minimum, maximum: the smallest and the largest value; both NaN where none is finite.
        counts: how many values lie in each bin; the bins divide [minimum, maximum] evenly.
        non_finite: how many values are NaN or infinite.
    """

    minimum: float
    maximum: float
    counts: tuple[int, ...]
    non_finite: int


def has_distribution(dtype: DataType) -> bool:
    """Whether numpy knows the type and its values are real numbers."""
    return dtype.numpy is not None and np.dtype(dtype.numpy).kind in "fiu"


def measure_distribution(
    reader: TensorReader,
    bins: int,
    stop: StopSignal | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> Distribution:
    """The distribution of a weight, in two passes; a small one is read once.

    Args:
        reader: the weight's data, of a type that `has_distribution`.
        bins: number of bins.
        stop: asked between blocks.
        step: told the bytes that have been dealt with.

    Raises:
        ModelError: the file cannot be read.
    """
    stop = stop or StopSignal()
    minimum, maximum, non_finite = math.inf, -math.inf, 0
    for values in _blocks(reader, stop):
        finite = values[np.isfinite(values)]
        non_finite += values.size - finite.size
        if finite.size:
            minimum = min(minimum, float(finite.min()))
            maximum = max(maximum, float(finite.max()))
    if minimum > maximum:
        return Distribution(math.nan, math.nan, (0,) * bins, non_finite)
    counts = np.zeros(bins, dtype=np.int64)
    for values in _blocks(reader, stop):
        finite = values[np.isfinite(values)]
        counts += _count(finite, minimum, maximum, bins)
        step(values.size * reader.record.dtype.itemsize)
    return Distribution(minimum, maximum, tuple(counts.tolist()), non_finite)


def _count(
    values: npt.NDArray[np.float64], minimum: float, maximum: float, bins: int
) -> npt.NDArray[np.int64]:
    """Values per bin; all in the middle one where they are all the same."""
    if maximum == minimum:
        index = np.full(values.shape, bins // 2)
    else:
        # Halved, because the span of the largest float64 values overflows.
        share = (values / 2 - minimum / 2) / (maximum / 2 - minimum / 2)
        index = np.minimum((share * bins).astype(np.int64), bins - 1)
    return np.bincount(index, minlength=bins)


def _blocks(reader: TensorReader, stop: StopSignal) -> Iterator[npt.NDArray[np.float64]]:
    record = reader.record
    assert record.dtype.numpy is not None
    buffers = thread_buffers()
    size = FINE_ELEMENTS * record.dtype.itemsize
    for offset in range(0, record.data_size, size):
        stop.check()
        view = buffers.raw(min(size, record.data_size - offset))
        reader.read_data(view, offset)
        with np.errstate(invalid="ignore"):  # a signaling NaN
            values = np.frombuffer(view, dtype=record.dtype.numpy).astype(np.float64)
        yield values
