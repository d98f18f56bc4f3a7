"""The kernels against plain definitions, element by element."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tests.core.quantize import reference
from weightquant_cli.core.tensors import kernels

Floats = npt.NDArray[np.float32]

finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
ordinary = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)
matrices = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=finite
)
ordinary_matrices = hnp.arrays(
    np.float32, hnp.array_shapes(min_dims=2, max_dims=2, max_side=12), elements=ordinary
)
bit_widths = st.integers(8, 16)
axes = st.sampled_from([None, 0, 1])


def column(scale: Floats, axis: int | None) -> Floats:
    """Scales in the shape that broadcasts over a matrix with channels on `axis`."""
    return scale.reshape((1, -1) if axis == 1 else (-1, 1))


def quantize(values: Floats, scale: Floats, bits: int, axis: int | None = None) -> npt.NDArray[Any]:
    """`kernels.quantize` with buffers that hold garbage beforehand."""
    out = np.full(values.shape, 99, np.int8 if bits == 8 else np.int16)
    work = np.full(values.shape, np.nan, np.float32)
    kernels.quantize(values, column(scale, axis), reference.limit(bits), work, out)
    return out


def float32(*values: float) -> Floats:
    return np.asarray(values, np.float32)


# ---- abs_max and scales ------------------------------------------------------------------------


@given(matrices, axes)
def test_abs_max_is_the_largest_magnitude(values: Floats, axis: int | None) -> None:
    expected = np.abs(values).max(axis=axis)
    assert np.array_equal(kernels.abs_max(values, axis), expected)


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_abs_max_is_nan_where_there_is_a_nan(axis: int | None) -> None:
    values = np.ones((3, 4), np.float32)
    values[1, 2] = np.nan
    found = kernels.abs_max(values, axis)
    assert np.isnan(found).tolist() == np.isnan(values).any(axis=axis).tolist()


def test_abs_max_is_infinite_where_there_is_an_infinity() -> None:
    assert kernels.abs_max(float32(1, -np.inf).reshape(1, 2), None) == np.inf


def test_abs_max_of_negative_zero_is_zero() -> None:
    found = kernels.abs_max(np.full((2, 2), -0.0, np.float32), 1)
    assert found.tolist() == [0, 0]
    assert not np.signbit(found).any()


@given(hnp.arrays(np.float32, 5, elements=st.floats(0, 2.0**127, width=32)), bit_widths)
def test_a_scale_is_rounded_once(maxima: Floats, bits: int) -> None:
    limit = reference.limit(bits)
    found = kernels.scales(maxima, limit)
    assert found.dtype == np.float32
    assert found.tolist() == [float(np.float32(float(value) / limit)) for value in maxima]


def test_scales_of_known_values() -> None:
    assert kernels.scales(float32(127, 1, 0), 127).tolist() == [1.0, float(np.float32(1 / 127)), 0]


@given(matrices, axes, st.floats(0, 1e6, width=32), st.floats(1, 2, width=32))
def test_the_largest_value_above_what_was_found(
    values: Floats, axis: int | None, floor: float, slack: float
) -> None:
    maxima = kernels.abs_max(values, None if axis is None else 1 - axis).reshape(-1)
    with np.errstate(over="ignore"):
        bounds = column(maxima, axis) * np.float32(slack)
    found = kernels.abs_max_above(floor, values, bounds)
    assert found == max(floor, float(np.abs(values).max()))


@pytest.mark.parametrize("axis", [0, 1])
def test_only_channels_that_may_hold_more_are_looked_at(axis: int) -> None:
    bounds = column(np.arange(20, dtype=np.float32), axis)
    values = np.broadcast_to(bounds, (20, 20)).copy()
    values[5, 5] = 1000  # beyond its bound: seen by whoever looks
    assert kernels.abs_max_above(0.0, values, bounds) == 1000
    assert kernels.abs_max_above(18.0, values, bounds) == 19
    assert kernels.abs_max_above(19.0, values, bounds) == 19


# ---- quantize ----------------------------------------------------------------------------------


@given(matrices, bit_widths, axes)
def test_integers_are_those_of_the_definition(values: Floats, bits: int, axis: int | None) -> None:
    """Element by element in Python: divide in float32, round half to even, clip."""
    scale = reference.find_scales(values, bits, axis)
    limit = reference.limit(bits)
    expected = np.zeros(values.shape, np.int64)
    for index in np.ndindex(*values.shape):
        step = scale[0 if axis is None else index[axis]]
        if step != 0:
            with np.errstate(over="ignore"):
                quotient = float(np.float32(values[index]) / np.float32(step))
            whole = round(quotient) if math.isfinite(quotient) else math.copysign(limit, quotient)
            expected[index] = min(max(int(whole), -limit), limit)
    assert np.array_equal(quantize(values, scale, bits, axis), expected)


@given(ordinary_matrices, bit_widths, axes)
def test_the_error_is_at_most_half_a_scale(values: Floats, bits: int, axis: int | None) -> None:
    scale = reference.find_scales(values, bits, axis)
    integers = quantize(values, scale, bits, axis)
    step = np.broadcast_to(column(scale, axis), values.shape).astype(np.float64)
    error = np.abs(values.astype(np.float64) - integers * step)
    normal = step >= np.finfo(np.float32).tiny
    assert (error <= step * (0.5 + 1e-2))[normal].all()


@given(ordinary_matrices, bit_widths)
def test_signs_are_treated_alike(values: Floats, bits: int) -> None:
    scale = reference.find_scales(values, bits, None)
    assert np.array_equal(quantize(-values, scale, bits), -quantize(values, scale, bits))


def test_ties_go_to_even() -> None:
    values = float32(0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 126.5, -126.5).reshape(1, -1)
    found = quantize(values, float32(1), 8)
    assert found.tolist() == [[0, 2, 2, 0, -2, -2, 126, -126]]


def test_negative_zero_is_zero() -> None:
    assert quantize(float32(-0.0, 0.0).reshape(1, 2), float32(1), 8).tobytes() == b"\0\0"


@pytest.mark.parametrize(("bits", "limit"), [(8, 127), (9, 255), (12, 2047), (16, 32767)])
def test_the_largest_value_takes_the_largest_integer_on_either_side(bits: int, limit: int) -> None:
    values = float32(3.5, -3.5, 0).reshape(1, 3)
    scale = reference.find_scales(values, bits, None)
    assert quantize(values, scale, bits).tolist() == [[limit, -limit, 0]]


def test_values_beyond_the_scale_are_clipped() -> None:
    values = float32(1000, -1000, 127.4, -127.6).reshape(1, -1)
    assert quantize(values, float32(1), 8).tolist() == [[127, -127, 127, -127]]


@pytest.mark.parametrize("axis", [0, 1])
def test_a_channel_of_zeros_gets_zeros_beside_others(axis: int) -> None:
    values = np.ones((3, 3), np.float32)
    values[(slice(None),) * axis + (1,)] = 0
    scale = reference.find_scales(values, 8, axis)
    assert scale[1] == 0
    assert np.array_equal(quantize(values, scale, 8, axis), values * 127)


@pytest.mark.parametrize("value", [3e-40, 1e-43, 1.4e-45, 2e-42])
def test_a_subnormal_scale_clips_where_the_quotient_leaves_the_range(value: float) -> None:
    values = float32(value, -value, value / 3).reshape(1, -1)
    scale = kernels.scales(kernels.abs_max(values, 1), 127)
    found = quantize(values, scale, 8)
    assert np.abs(found.astype(int)).max() <= 127
    assert found[0, 0] == -found[0, 1]
    assert np.array_equal(found, reference.round_to(values, scale, 8, None))


def test_a_quotient_that_overflows_is_clipped_without_a_warning() -> None:
    values = float32(3e38, -3e38).reshape(1, -1)
    assert quantize(values, float32(1e-40), 16).tolist() == [[32767, -32767]]


@given(matrices, bit_widths, axes)
@example(np.asarray([[np.finfo(np.float32).max, 1.0]], np.float32), 16, None)
@example(np.asarray([[2.0**-119, -(2.0**-119)]], np.float32), 8, 0)
@example(np.asarray([[3e-40, 1e-45]], np.float32), 8, None)
def test_only_a_subnormal_scale_needs_clipping(values: Floats, bits: int, axis: int | None) -> None:
    maxima = kernels.abs_max(values, None if axis is None else 1 - axis).reshape(-1)
    scale = kernels.scales(maxima, reference.limit(bits))
    smallest = np.finfo(np.float32).tiny
    assert kernels.may_exceed(scale) == any(0 < float(one) < smallest for one in scale)
    if not kernels.may_exceed(scale):
        out = np.full(values.shape, 99, np.int8 if bits == 8 else np.int16)
        kernels.quantize(values, column(scale, axis), None, np.empty_like(values), out)
        assert np.array_equal(out, quantize(values, scale, bits, axis))


def test_the_work_buffer_holds_the_rounded_quotients() -> None:
    work = np.empty((1, 2), np.float32)
    out = np.empty((1, 2), np.int8)
    kernels.quantize(float32(2.6, -900).reshape(1, 2), float32(1), 127, work, out)
    assert work.tolist() == [[3, -127]]


# ---- dequantize --------------------------------------------------------------------------------


@given(
    hnp.arrays(st.sampled_from([np.int8, np.int16]), (4, 3)),
    hnp.arrays(np.float32, 3, elements=st.floats(0, 2.0**100, width=32)),
)
def test_dequantized_values_are_the_products_in_float32(
    integers: npt.NDArray[np.int16], scale: Floats
) -> None:
    out = np.empty((4, 3), np.float32)
    kernels.dequantize(integers, scale.reshape(1, 3), out)
    assert np.array_equal(out, integers.astype(np.float32) * scale)


def test_dequantizing_works_in_place_on_the_floats() -> None:
    work = float32(3, -127).reshape(1, 2)
    kernels.dequantize(work, float32(0.5).reshape(1, 1), work)
    assert work.tolist() == [[1.5, -63.5]]


@pytest.mark.parametrize("scale", [3e38, np.inf, np.nan, -3e38])
def test_dequantizing_by_a_scale_that_is_too_large_is_infinite_without_a_warning(
    scale: float,
) -> None:
    out = np.empty((1, 2), np.float32)
    kernels.dequantize(np.asarray([[2, 0]], np.int8), float32(scale).reshape(1, 1), out)
    assert not np.isfinite(out[0, 0])


@given(ordinary_matrices, bit_widths, axes)
def test_no_change_is_larger_than_the_largest(values: Floats, bits: int, axis: int | None) -> None:
    maxima = kernels.abs_max(values, None if axis is None else 1 - axis).reshape(-1)
    limit = reference.limit(bits)
    scale = column(kernels.scales(maxima, limit), axis)
    assume(not kernels.may_exceed(scale))
    restored = quantize(values, scale, bits, axis) * scale
    assert (np.abs(values - restored) <= kernels.largest_changes(scale, limit)).all()


def test_numpy_buffers_are_as_long_as_before() -> None:
    before = np.getbufsize()
    quantize(np.ones((2, 3), np.float32), float32(1, 1, 1), 8, 1)
    kernels.dequantize(np.ones((2, 3), np.int8), float32(1), np.empty((2, 3), np.float32))
    assert np.getbufsize() == before


# ---- energy ------------------------------------------------------------------------------------


@given(matrices)
@example(np.full((2, 2), 3e38, np.float32))
@example(np.full((2, 2), 1e-30, np.float32))
@example(np.zeros((1, 1), np.float32))
def test_energy_is_the_sum_of_squares_whatever_the_size(values: Floats) -> None:
    exact = math.fsum(float(value) ** 2 for value in values.reshape(-1))
    assert kernels.energy(values) == pytest.approx(exact, rel=1e-5, abs=0)


# ---- histogram and threshold -------------------------------------------------------------------

maxima = st.floats(2.0**-100, 2.0**100, width=32)
shares = hnp.arrays(np.float32, st.integers(1, 60), elements=st.floats(-1, 1, width=32))


@given(maxima)
def test_edges_divide_the_range_evenly(maximum: float) -> None:
    edges = kernels.threshold_edges(np.float32(maximum))
    assert edges.dtype == np.float32
    assert np.array_equal(edges, reference.find_edges(maximum))


@pytest.mark.skipif(np.__version__ >= "2", reason="numpy 2 rounds the edges otherwise")
@given(maxima)
def test_edges_and_counts_are_those_of_the_numpy_that_paddle_used(maximum: float) -> None:
    values = (np.random.default_rng(0).random(500) * maximum).astype(np.float32)
    counts, edges = np.histogram(values, 5000, (0, values.max()))
    assert np.array_equal(kernels.threshold_edges(values.max()), edges)
    assert np.array_equal(kernels.histogram(np.abs(values), edges), counts)


@given(maxima, shares, st.lists(st.integers(0, 5000), max_size=20), st.sampled_from([-1, 0, 1]))
def test_counts_are_those_of_numpy_at_and_beside_the_edges(
    maximum: float, spread: Floats, on_edges: list[int], side: int
) -> None:
    edges = kernels.threshold_edges(np.float32(maximum))
    exact = edges[on_edges]
    beside = np.nextafter(exact, np.float32(np.inf * side)) if side else exact
    values = np.concatenate([spread * edges[-1], -beside, edges[-1:]])
    values = np.clip(values, -edges[-1], edges[-1]).astype(np.float32)
    found = kernels.histogram(np.abs(values), edges)
    assert np.array_equal(found, np.histogram(np.abs(values), bins=edges)[0])


@given(hnp.arrays(np.float32, st.integers(2, 200), elements=ordinary))
def test_counts_of_parts_add_up_to_those_of_the_whole(values: Floats) -> None:
    maximum = np.abs(values).max()
    if maximum < 1e-30:
        return
    edges = kernels.threshold_edges(maximum)
    cut = len(values) // 2
    parts = [kernels.histogram(np.abs(part), edges) for part in (values[:cut], values[cut:])]
    whole = kernels.histogram(np.abs(values), edges)
    assert np.array_equal(parts[0] + parts[1], whole)
    assert whole.sum() == len(values)


@given(
    st.integers(0, 2**32),
    st.sampled_from([1e-9, 1e-4, 0.003, 0.01, 0.1, 0.5, 0.9, 0.999]),
    st.integers(1, 3000),
)
def test_the_threshold_is_where_the_walk_up_the_histogram_ends(
    seed: int, rate: float, count: int
) -> None:
    values = np.random.default_rng(seed).standard_t(3, count).astype(np.float32)
    edges = kernels.threshold_edges(np.abs(values).max())
    counts = kernels.histogram(np.abs(values), edges)
    assert kernels.threshold(counts, edges, rate) == pytest.approx(
        reference.find_threshold(values, rate), rel=1e-12
    )


def test_the_threshold_of_known_counts() -> None:
    edges = kernels.threshold_edges(np.float32(5000))
    counts = np.zeros(5000, np.int64)
    counts[[0, 9, 99, 4999]] = [50, 30, 19, 1]
    found = [kernels.threshold(counts, edges, rate) for rate in (0.6, 0.5, 0.3, 0.2, 0.015, 1e-9)]
    assert found == [1.0, 1.0, 10.0, 10.0, 100.0, 5000.0]


def test_where_the_shares_never_add_up_to_one_nothing_is_clipped() -> None:
    edges = kernels.threshold_edges(np.float32(5000))
    assert kernels.threshold(np.ones(5000, np.int64), edges, -0.5) == 5000.0
