"""SQuant's flips: errors that cancel in every kernel and channel, and no element off by a scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from weightquant_cli.core.tensors.flipping import flip_rounding

LIMIT = 127


def quotients(shape: tuple[int, int, int], seed: int = 0, limit: int = LIMIT) -> np.ndarray:
    values = np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
    largest: np.ndarray = np.abs(values).max(axis=(1, 2), keepdims=True)
    return values * (limit / largest)


@pytest.mark.parametrize("shape", [(4, 8, 9), (16, 1, 9), (3, 5, 25), (8, 64, 1), (2, 3, 2)])
@pytest.mark.parametrize("limit", [7, 31, 127])
def test_errors_cancel_in_every_channel_and_kernel(shape: tuple[int, int, int], limit: int) -> None:
    values = quotients(shape, limit=limit)
    errors = flip_rounding(values, limit).astype(np.float64) - values
    assert np.abs(errors).max() < 1
    assert np.abs(errors.sum(axis=(1, 2))).max() <= 0.5001
    if shape[2] > 1:
        assert np.abs(errors.sum(axis=2)).max() <= 1.0001


def test_nearest_rounding_leaves_sums_that_flipping_removes() -> None:
    values = quotients((32, 16, 9))
    nearest = np.rint(values) - values
    flipped = flip_rounding(values, LIMIT) - values
    assert np.abs(nearest.sum(axis=(1, 2))).max() > 3
    assert np.abs(flipped.sum(axis=(1, 2))).max() < 0.6


def test_only_elements_of_the_sum_s_sign_are_flipped_and_those_nearest_to_the_middle() -> None:
    # Errors of rounding to nearest: +0.4, +0.3, +0.2, +0.3, -0.1; they sum to 1.1: one flip.
    values = np.array([[[1.6, 2.7, 3.8, 4.7, 5.1]]], dtype=np.float32)
    assert flip_rounding(values, LIMIT).tolist() == [[[1, 3, 4, 5, 5]]]


def test_a_channel_s_sum_takes_one_element_of_as_few_kernels_as_needed() -> None:
    # Three kernels with errors of +0.375 each: 1.125 in all, so one of them gives an element more.
    values = np.array([[[0.8125, 1.8125], [2.8125, 3.8125], [4.8125, 5.8125]]], dtype=np.float32)
    rounded = flip_rounding(values, LIMIT)
    assert rounded.tolist() == [[[0, 2], [3, 4], [5, 6]]]


def test_a_kernel_that_was_flipped_too_far_gives_the_last_flip_back() -> None:
    # The first kernel sums to +0.6 and is flipped once, to -0.4; the other two sum to -0.4 each.
    values = np.array([[[0.7, 1.7], [3.2, 4.2], [5.2, 6.2]]], dtype=np.float32)
    errors = flip_rounding(values, LIMIT) - values
    assert abs(float(errors.sum())) <= 0.5


def test_exact_integers_and_a_channel_of_zeros_stay_what_they_are() -> None:
    values = np.array([[[1, -127, 127]], [[0, 0, 0]]], dtype=np.float32)
    assert (flip_rounding(values, LIMIT) == values).all()


def test_clipped_elements_stay_at_the_limit_and_count_for_nothing() -> None:
    values = np.array([[[200.0, 1.4, 1.4, -150.0]]], dtype=np.float32)
    rounded = flip_rounding(values, LIMIT)
    assert rounded[0, 0, [0, 3]].tolist() == [127, -127]
    assert abs(float((rounded - values)[0, 0, 1:3].sum())) <= 0.5


@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=6),
        elements=st.floats(-140, 140, width=32),
    )
)
def test_whatever_the_quotients_every_integer_is_one_of_its_two_neighbours(
    values: np.ndarray,
) -> None:
    rounded = flip_rounding(values, LIMIT)
    clipped = np.clip(values, -LIMIT, LIMIT)
    assert (np.abs(rounded) <= LIMIT).all()
    assert (np.abs(rounded - clipped) < 1).all()
    assert (rounded == np.rint(rounded)).all()
