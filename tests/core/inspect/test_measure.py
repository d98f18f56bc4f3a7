"""What `inspect` measures: the error of 8 bits, and distributions."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from weightquant_cli import (
    Model,
    Order,
    OutputOptions,
    QuantizeOptions,
    Verdict,
    make_plan,
    measure,
    ordered,
    quantize,
    summarize,
)
from weightquant_cli.core.tensors.buffers import COPY_BYTES
from weightquant_cli.core.tensors.histogram import Histogram, measure_histogram
from weightquant_cli.formats import dtypes
from weightquant_cli.formats.files.input_folder import InputFolder
from weightquant_cli.formats.lod_tensor import header_bytes
from weightquant_cli.formats.params import read_separate

DIGITS = Path(__file__).parents[2] / "models" / "digits"
FC = "fc_0.w_0"


def distribution(folder: Path, values: np.ndarray, dtype: dtypes.DataType, bins: int) -> Histogram:
    """The distribution of these values, stored as this type."""
    header = header_bytes(bytes(12), dtype, values.shape)
    (folder / "w").write_bytes(header + values.astype(dtype.numpy or "V").tobytes())
    with read_separate(InputFolder.open(folder), {"w": values.shape}).reader("w") as tensor:
        return measure_histogram(tensor, bins)


@pytest.mark.parametrize("jobs", [1, 3])
def test_the_error_is_that_which_quantizing_makes(tmp_path: Path, jobs: int) -> None:
    model = Model.load(DIGITS)
    plan = make_plan(model, QuantizeOptions(op_types=("all",)))
    done = quantize(model, plan, OutputOptions(tmp_path / "q"))
    measured = measure(model, summarize(model), sqnr=True, jobs=jobs)
    errors = {weight.name: weight.error for weight in measured.weights}
    assert errors == {weight.plan.name: weight.error for weight in done.weights}
    assert sum(error is not None for error in errors.values()) == 6


def test_a_weight_that_is_not_finite_is_reported_and_not_an_error(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(DIGITS, tmp_path / "m"))
    data = bytearray((folder / FC).read_bytes())
    data[-4:] = np.float32(np.inf).tobytes()
    (folder / FC).write_bytes(data)
    model = Model.load(folder)
    measured = measure(model, summarize(model), sqnr=True, bins=4)
    worst = ordered(measured.weights, Order.SQNR)[0]
    assert (worst.name, worst.error) == (FC, None)
    assert worst.not_measured == "not finite: inf at index [1023, 31]"
    assert worst.histogram is not None
    assert worst.histogram.non_finite == 1


def test_the_worst_come_first_and_what_was_not_measured_last() -> None:
    model = Model.load(DIGITS)
    measured = ordered(measure(model, summarize(model), sqnr=True).weights, Order.SQNR)
    errors = [weight.error.sqnr for weight in measured if weight.error is not None]
    assert errors == sorted(errors)
    assert [weight.error is None for weight in measured] == [False] * 6 + [True] * 18
    assert all(weight.verdict is Verdict.KEPT for weight in measured[6:])


def test_the_bytes_add_up() -> None:
    model = Model.load(DIGITS)
    steps: list[int] = []
    measure(model, summarize(model), bins=3, step=steps.append)
    assert sum(steps) == sum(weight.record.data_size for weight in model.weights)


@pytest.mark.parametrize(
    "dtype", [dtypes.FP32, dtypes.FP64, dtypes.FP16, dtypes.INT8, dtypes.INT64]
)
def test_a_distribution_is_numpys_histogram(tmp_path: Path, dtype: dtypes.DataType) -> None:
    values = np.random.default_rng(1).normal(size=(37, 41)) * 30
    values = values.astype(dtype.numpy or "V").astype(np.float64)
    found = distribution(tmp_path, values, dtype, 10)
    counts, edges = np.histogram(values, 10)
    assert found.counts == tuple(counts)
    assert (found.minimum, found.maximum, found.non_finite) == (edges[0], edges[-1], 0)


def test_a_distribution_of_many_blocks_is_that_of_the_whole(tmp_path: Path) -> None:
    values = np.random.default_rng(2).uniform(-1, 3, size=COPY_BYTES // 4 * 3 + 7)
    values = values.astype(np.float32).astype(np.float64)
    found = distribution(tmp_path, values, dtypes.FP32, 16)
    assert sum(found.counts) == values.size
    assert found.counts == tuple(np.histogram(values, 16)[0])


def test_a_constant_lies_in_the_middle(tmp_path: Path) -> None:
    found = distribution(tmp_path, np.full(6, 2.5), dtypes.FP32, 5)
    assert found == Histogram(2.5, 2.5, (0, 0, 6, 0, 0), 0)


@pytest.mark.parametrize("size", [0, 3])
def test_nothing_finite_is_an_empty_distribution(tmp_path: Path, size: int) -> None:
    found = distribution(tmp_path, np.full(size, np.nan), dtypes.FP32, 2)
    assert (found.counts, found.non_finite) == ((0, 0), size)
    assert np.isnan(found.minimum)


def test_extreme_values_do_not_overflow(tmp_path: Path) -> None:
    largest = np.finfo(np.float64).max
    found = distribution(tmp_path, np.array([-largest, 0, largest]), dtypes.FP64, 3)
    assert found.counts == (1, 1, 1)
    smallest = np.finfo(np.float64).smallest_subnormal
    found = distribution(tmp_path, np.array([-8 * smallest, 0, 8 * smallest]), dtypes.FP64, 3)
    assert found.counts == (1, 1, 1)
