"""Automatic bits: the quality that is asked for, or the best that fits a size."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import ModelBuilder, normal, read_arrays, small_model
from tests.core.quantize import reference
from weightquant_cli import (
    AutoBits,
    Model,
    OptionError,
    OutputOptions,
    Plan,
    QuantizeOptions,
    Size,
    make_plan,
    plan_model,
    preview,
    quantize,
)
from weightquant_cli.core.quantize.auto_bits import Candidate, most_gain_within, relative_error
from weightquant_cli.core.tensors.weight_error import WeightError
from weightquant_cli.errors import NonFiniteWeightError

AXES = {"conv.w": 0, "dw.w": 0, "fc1.w": 1, "fc2.w": 1, "table.w": 1}


def auto(min_sqnr: float = 30.0, target: str | None = None, **options: object) -> QuantizeOptions:
    size = None if target is None else Size.parse(target)
    return QuantizeOptions(AutoBits(min_sqnr, size), op_types=("all",), **options)  # type: ignore[arg-type]


def bits_of(plan: Plan) -> dict[str, int]:
    return {w.name: w.quantization.bits for w in plan.quantized if w.quantization is not None}


def spread_model() -> ModelBuilder:
    """Matrices of one size whose values spread more and more, so that 8 bits do them less good."""
    builder = ModelBuilder()
    for number in range(6):
        heavy = np.exp(normal(40, 10, seed=number) * (number + 1) / 2).astype(np.float32)
        builder.mul("x", f"w{number}", heavy)
    return builder


@pytest.fixture
def spread(tmp_path: Path) -> Model:
    return spread_model().load(tmp_path / "spread")


@pytest.mark.parametrize("min_sqnr", [-10.0, 30.0, 40.0, 45.0, 200.0])
def test_weights_below_the_quality_take_sixteen_bits_and_the_others_eight(
    min_sqnr: float, tmp_path: Path
) -> None:
    model = small_model().load(tmp_path)
    expected = {}
    for name, axis in AXES.items():
        array = read_arrays(model)[name]
        restored = reference.dequantized(*reference.quantized(array, 8, axis), axis)
        expected[name] = 16 if reference.sqnr(array, restored) < min_sqnr else 8
    assert bits_of(plan_model(model, auto(min_sqnr))) == expected


def test_without_automatic_bits_no_data_is_read(tmp_path: Path) -> None:
    builder = small_model()
    builder.mul("x", "bad", np.full((2, 2), np.nan, np.float32))
    model = builder.load(tmp_path)
    assert plan_model(model, QuantizeOptions(12)) == make_plan(model, QuantizeOptions(12))
    with pytest.raises(NonFiniteWeightError, match="tensor bad"):
        plan_model(model, auto())


def test_bits_given_by_name_stay(spread: Model) -> None:
    plan = plan_model(spread, auto(200, bits_for=(("w1", 12), ("w2", 8))))
    assert bits_of(plan) == {"w0": 16, "w1": 12, "w2": 8, "w3": 16, "w4": 16, "w5": 16}


@pytest.mark.parametrize("percent", [45, 52, 60, 200])
def test_the_result_fits_the_size_and_no_more_would(percent: int, spread: Model) -> None:
    limit = spread.stored.size * percent // 100
    plan = plan_model(spread, auto(target=f"{percent}%"))
    output = OutputOptions(Path("nowhere"))
    size = preview(spread, plan, output).sizes.after
    assert size <= limit
    low = [name for name, bits in bits_of(plan).items() if bits == 8]
    for name in low:
        assert preview(spread, plan.with_bits({name: 16}), output).sizes.after > limit


def test_the_weights_that_gain_most_are_raised_first(spread: Model, tmp_path: Path) -> None:
    errors = {
        result.plan.name: relative_error(result.error)
        for result in quantize(
            spread, make_plan(spread, QuantizeOptions()), OutputOptions(tmp_path / "out")
        ).weights
        if result.error is not None
    }
    order = sorted(errors, key=lambda name: -errors[name])
    smallest = preview(spread, make_plan(spread, auto()), OutputOptions(Path("nowhere")))
    for count in range(7):
        size = smallest.sizes.after + 400 * count
        plan = plan_model(spread, auto(target=str(size)))
        raised = {name for name, bits in bits_of(plan).items() if bits == 16}
        assert raised == set(order[:count])
        assert preview(spread, plan, OutputOptions(Path("nowhere"))).sizes.after == size


def test_an_impossible_size_says_the_smallest_possible_one(spread: Model) -> None:
    smallest = preview(spread, make_plan(spread, auto()), OutputOptions(Path("nowhere")))
    size = smallest.sizes.after
    with pytest.raises(
        OptionError, match=rf"expected at least .*\({size} bytes\).*found .*\({size - 1} bytes\)"
    ):
        plan_model(spread, auto(target=str(size - 1)))
    assert set(bits_of(plan_model(spread, auto(target=str(size)))).values()) == {8}


def test_call_stacks_count_where_they_are_kept(tmp_path: Path) -> None:
    builder = spread_model()
    builder.mul("x", "stack", normal(2, 2), op_callstack=["a line of a stack" * 100])
    model = builder.load(tmp_path / "in")
    output = OutputOptions(tmp_path / "out", strip_callstack=False)
    size = preview(model, make_plan(model, auto()), output).sizes.after
    with pytest.raises(OptionError, match="the target size cannot be reached"):
        plan_model(model, auto(target=str(size - 1)), strip_callstack=False)
    plan_model(model, auto(target=str(size - 1)), strip_callstack=True)


@pytest.mark.parametrize("options", [auto(40), auto(target="45%")])
def test_the_choice_does_not_depend_on_the_jobs(options: QuantizeOptions, spread: Model) -> None:
    plans = [plan_model(spread, options, jobs=jobs) for jobs in (1, 2, 5)]
    assert plans[0] == plans[1] == plans[2]


def test_a_weight_of_zeros_gains_nothing() -> None:
    assert relative_error(WeightError(0.0, 0.0, 0.0)) == 0.0
    nothing = WeightError(0.0, 0.0, 0.0)
    assert most_gain_within([Candidate("zeros", 4, nothing, nothing)], 100) == []


def candidate(name: str, cost: int, low: float, high: float = 0.0) -> Candidate:
    """A weight with so much noise at 8 and at 16 bits."""
    return Candidate(name, cost, WeightError(1.0, low, 0.0), WeightError(1.0, high, 0.0))


candidates = st.lists(
    st.tuples(st.integers(1, 50), st.floats(0, 1), st.floats(0, 1e-3)), max_size=8
).map(lambda parts: [candidate(f"w{n}", *part) for n, part in enumerate(parts)])


@given(candidates, st.integers(0, 200), st.randoms(use_true_random=False))
def test_the_budget_is_kept_and_used_up_and_the_order_of_the_weights_is_nothing(
    weights: list[Candidate],
    budget: int,
    random: st.randoms,  # type: ignore[valid-type]
) -> None:
    raised = most_gain_within(weights, budget)
    cost = {weight.name: weight.cost for weight in weights}
    left = budget - sum(cost[name] for name in raised)
    assert left >= 0
    for weight in weights:
        assert weight.name in raised or weight.cost > left or weight.gain <= 0
    shuffled = list(weights)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert most_gain_within(shuffled, budget) == raised


@given(candidates, st.integers(0, 200))
def test_what_is_raised_first_removes_most_error_per_byte(
    weights: list[Candidate], budget: int
) -> None:
    by_name = {weight.name: weight for weight in weights}
    rates = [by_name[name].gain / by_name[name].cost for name in most_gain_within(weights, budget)]
    assert all(before >= after for before, after in itertools.pairwise(rates))


def test_error_is_measured_against_the_weight_itself() -> None:
    quiet = Candidate("quiet", 10, WeightError(1e-6, 1e-9, 0), WeightError(1e-6, 0.0, 0))
    loud = Candidate("loud", 10, WeightError(1e6, 1.0, 0), WeightError(1e6, 0.0, 0))
    assert most_gain_within([loud, quiet], 10) == ["quiet"]
    assert math.isclose(quiet.gain, 1e-3)
