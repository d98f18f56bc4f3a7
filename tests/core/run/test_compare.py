"""How far outputs are apart."""

from __future__ import annotations

import math

import numpy as np
import pytest

from weightquant_cli.core.run.compare import OutputComparison, compare_outputs
from weightquant_cli.core.tensors.weight_error import decibels


def test_equal_outputs_have_no_noise() -> None:
    (one,) = compare_outputs({"y": np.eye(3)}, {"y": np.eye(3)})
    assert one.sqnr_db == math.inf
    assert (one.max_change, one.cosine, one.agreement) == (0.0, 1.0, 100.0)


def test_sqnr_change_cosine_and_agreement_by_hand() -> None:
    reference, other = np.array([[3.0, 1.0], [0.0, 2.0]]), np.array([[3.0, 1.0], [2.0, 0.0]])
    (one,) = compare_outputs({"y": reference}, {"y": other})
    assert one.sqnr_db == pytest.approx(10 * math.log10(14 / 8))
    assert one.max_change == 2.0
    assert one.cosine == pytest.approx(10 / 14)
    assert one.agreement == 50.0


def test_accumulates_as_if_all_inputs_were_one() -> None:
    rng = np.random.default_rng(0)
    pairs = [(rng.normal(size=(2, 5)), rng.normal(size=(2, 5))) for _ in range(4)]
    parts = OutputComparison()
    for reference, other in pairs:
        parts.add({"y": reference}, {"y": other})
    whole = compare_outputs(
        {"y": np.concatenate([one for one, _ in pairs])},
        {"y": np.concatenate([other for _, other in pairs])},
    )
    (ours,), (theirs,) = parts.results(["y"]), whole
    assert ours.samples == 4
    assert ours.elements == theirs.elements == 40
    assert ours.sqnr_db == pytest.approx(theirs.sqnr_db)
    assert ours.cosine == pytest.approx(theirs.cosine)
    assert ours.agreement == pytest.approx(theirs.agreement)


def test_outputs_of_other_shapes_or_missing_ones_are_counted_apart() -> None:
    comparison = OutputComparison()
    comparison.add({"y": np.ones(3), "z": np.ones(1)}, {"y": np.ones(4)})
    comparison.add({"y": np.ones(3), "z": np.ones(1)}, {"y": np.ones(3), "z": np.ones(1)})
    y, z = comparison.results(["y", "z"])
    assert (y.samples, y.mismatched, y.elements) == (2, 1, 3)
    assert (z.samples, z.mismatched, z.elements) == (2, 1, 1)


def test_values_that_are_not_finite_are_counted_and_left_out() -> None:
    (one,) = compare_outputs({"y": np.array([1.0, 2.0])}, {"y": np.array([np.nan, 1.0])})
    assert (one.non_finite, one.elements, one.max_change) == (1, 1, 1.0)


def test_single_values_have_no_agreement() -> None:
    (one,) = compare_outputs({"y": np.ones((4, 1))}, {"y": np.ones((4, 1))})
    assert one.agreement is None


def test_decibels_at_the_ends() -> None:
    assert decibels(0.0, 1.0) == -math.inf
    assert decibels(1.0, 0.0) == math.inf
    assert decibels(100.0, 1.0) == pytest.approx(20.0)


def test_a_squashed_output_has_the_sqnr_of_what_is_before_it() -> None:
    comparison = OutputComparison({"y": "x"})
    squashed, before = np.array([1.0, 0.0]), np.array([40.0, -30.0])
    comparison.add({"y": squashed, "x": before}, {"y": squashed, "x": np.array([39.0, -30.0])})
    (one,) = comparison.results(["y"])
    assert one.sqnr_of == "x"
    assert one.sqnr_db == pytest.approx(10 * math.log10(2500))
    assert (one.name, one.max_change, one.agreement) == ("y", 0.0, 100.0)


def test_it_has_its_own_where_a_model_lacks_that() -> None:
    comparison = OutputComparison({"y": "x"})
    comparison.add({"y": np.ones(2), "x": np.ones(2)}, {"y": np.ones(2), "x": None})
    (one,) = comparison.results(["y"])
    assert (one.sqnr_of, one.sqnr_db) == ("y", math.inf)
