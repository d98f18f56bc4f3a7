"""One weight rounded by what it meets: its layer's output changes less, and the shift is told."""

from __future__ import annotations

import numpy as np
import pytest

from weightquant_cli.core.quantize.adaptive.rounding import round_weight
from weightquant_cli.core.quantize.adaptive.rows import Rows
from weightquant_cli.core.quantize.adaptive.statistics import Statistics

from ....builders import Floats, normal

LIMIT = 31


def statistics_of(inputs: Floats, limit: int = 1000) -> Statistics:
    found = Statistics.empty(inputs.shape[0], inputs.shape[2], 1, limit)
    assert found.add(inputs.transpose(0, 2, 1))
    return found


def scales_of(weight: Floats, rows: Rows) -> Floats:
    found: Floats = (np.abs(rows.of(weight)).max(axis=2) / LIMIT).astype(np.float32).reshape(-1)
    return found


@pytest.mark.parametrize(
    "rows",
    [Rows((8, 4, 3, 3), 0), Rows((8, 1, 3, 3), 0, groups=8), Rows((40, 8), 1), Rows((8, 40), 0)],
)
def test_outputs_change_less_than_by_rounding_to_nearest(rows: Rows) -> None:
    weight = normal(*rows.shape)
    mix = normal(rows.groups, rows.inputs, rows.inputs, seed=1)
    inputs = (normal(rows.groups, 500, rows.inputs) @ mix + 1).astype(np.float32)
    scales = scales_of(weight, rows)
    found = round_weight(weight, scales, LIMIT, rows, statistics_of(inputs), "int8")
    spread = scales.reshape(rows.groups, -1, 1)

    def change(integers: Floats) -> float:
        moved = rows.of(integers) * spread - rows.of(weight)
        return float(((moved @ inputs.transpose(0, 2, 1)) ** 2).mean())

    assert found.integers.dtype == np.int8
    nearest = np.empty_like(weight)
    rows.of(nearest)[...] = np.rint(rows.of(weight) / spread)
    assert change(found.integers.astype(np.float32)) < 0.8 * change(nearest)


def test_the_shift_is_the_mean_change_of_each_output_channel() -> None:
    rows = Rows((12, 5), 1)
    weight, inputs = normal(12, 5), normal(1, 300, 12) + 2
    scales = scales_of(weight, rows)
    found = round_weight(weight, scales, LIMIT, rows, statistics_of(inputs), "int8")
    moved = found.integers * scales - weight
    assert found.shift is not None
    np.testing.assert_allclose(found.shift, (inputs[0] @ moved).mean(axis=0), atol=1e-4)


def test_without_statistics_the_errors_of_each_kernel_cancel() -> None:
    rows = Rows((4, 3, 3, 3), 0)
    weight = normal(4, 3, 3, 3)
    scales = scales_of(weight, rows)
    found = round_weight(weight, scales, LIMIT, rows, None, "int8")
    errors = found.integers / 1.0 - weight / scales.reshape(-1, 1, 1, 1)
    assert found.shift is None
    assert np.abs(errors.sum(axis=(1, 2, 3))).max() <= 0.501


def test_inputs_in_spans_are_rounded_span_by_span() -> None:
    rows = Rows((60, 5), 1)
    weight, inputs = normal(60, 5), normal(1, 300, 60) + 1
    statistics = statistics_of(inputs, limit=25)
    assert len(statistics.spans) == 3
    found = round_weight(weight, scales_of(weight, rows), LIMIT, rows, statistics, "int8")
    errors = found.integers - weight / scales_of(weight, rows)
    assert (np.abs(errors) < 1).all()


def test_channels_of_zeros_and_a_single_scale_are_rounded() -> None:
    rows = Rows((6, 4), 1)
    weight = normal(6, 4)
    weight[:, 2] = 0
    one = round_weight(weight, scales_of(weight, rows), LIMIT, rows, None, "int16")
    assert (one.integers[:, 2] == 0).all()
    single = np.asarray([np.abs(weight).max() / LIMIT], np.float32)
    assert np.abs(round_weight(weight, single, LIMIT, rows, None, "int8").integers).max() == LIMIT


def test_weights_near_the_largest_float_are_rounded_without_a_warning() -> None:
    rows = Rows((4, 6), 1)
    weight = np.full((4, 6), np.finfo(np.float32).max)
    scales = np.nextafter(weight.max(axis=0) / np.float32(LIMIT), np.float32(np.inf))
    found = round_weight(weight, scales, LIMIT, rows, None, "int8")
    assert (found.integers == LIMIT).all()
    assert found.error.max_abs == np.inf
