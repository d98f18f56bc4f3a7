"""Compensated rounding: outputs change less than by rounding to nearest, integers stay near."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from weightquant_cli.core.tensors.compensation import Compensation, compensated_rounding

Array = npt.NDArray[np.float32]
LIMIT = 127


def weights_and_inputs(groups: int, rows: int, inputs: int, seed: int = 0) -> tuple[Array, Array]:
    """Quotients, and inputs that depend on one another, of shape ``(groups, samples, inputs)``."""
    random = np.random.default_rng(seed)
    values = random.uniform(-LIMIT, LIMIT, (groups, rows, inputs)).astype(np.float32)
    mix = random.standard_normal((groups, inputs, inputs))
    samples = random.standard_normal((groups, 8 * inputs, inputs)) @ mix + 1
    return values, samples.astype(np.float32)


def moments(samples: Array) -> Array:
    product: Array = samples.transpose(0, 2, 1) @ samples / np.float32(samples.shape[1])
    return product


def change(rounded: Array, values: Array, samples: Array) -> float:
    """Mean square of the change of the product with the inputs."""
    return float((((rounded - values) @ samples.transpose(0, 2, 1)) ** 2).mean())


@pytest.mark.parametrize("size", [(1, 16, 30), (1, 8, 130), (6, 1, 9), (3, 4, 18)])
def test_outputs_change_much_less_than_by_rounding_to_nearest(size: tuple[int, int, int]) -> None:
    values, samples = weights_and_inputs(*size)
    rounded = compensated_rounding(values, LIMIT, Compensation.of(moments(samples), 0.01))
    assert change(rounded, values, samples) < 0.7 * change(np.rint(values), values, samples)


def test_inputs_that_do_not_depend_on_one_another_give_rounding_to_nearest() -> None:
    values, _ = weights_and_inputs(2, 5, 12)
    diagonal = np.stack([np.diag(np.arange(1, 13)), np.eye(12)]).astype(np.float32)
    assert (
        compensated_rounding(values, LIMIT, Compensation.of(diagonal, 0.1)) == np.rint(values)
    ).all()


def test_no_element_is_off_by_a_whole_scale_whatever_the_inputs() -> None:
    values, samples = weights_and_inputs(1, 20, 70, seed=3)
    rounded = compensated_rounding(values, LIMIT, Compensation.of(moments(samples), 1e-6))
    assert (np.abs(rounded - values) < 1).all()
    assert (rounded == np.rint(rounded)).all()


def test_values_beyond_the_limit_are_clipped() -> None:
    values, samples = weights_and_inputs(1, 4, 10)
    assert (
        np.abs(
            compensated_rounding(values * 3, LIMIT, Compensation.of(moments(samples), 0.1))
        ).max()
        == LIMIT
    )


def test_inputs_that_are_always_zero_do_no_harm() -> None:
    values, samples = weights_and_inputs(1, 4, 10)
    samples[..., 3] = 0
    rounded = compensated_rounding(values, LIMIT, Compensation.of(moments(samples), 0.1))
    assert (rounded[..., 3] == np.rint(values[..., 3])).all()
    assert np.isfinite(
        compensated_rounding(values, LIMIT, Compensation.of(np.zeros((1, 10, 10), np.float32), 0.1))
    ).all()


def test_the_sizes_of_the_groups_of_columns_do_not_show() -> None:
    values, samples = weights_and_inputs(1, 6, 200)
    whole = compensated_rounding(values, LIMIT, Compensation.of(moments(samples), 0.1))
    each = compensated_rounding(
        values, LIMIT, Compensation.of(moments(samples), 0.1), columns_at_once=7
    )
    assert np.mean(whole != each) < 0.01  # sums in another order
