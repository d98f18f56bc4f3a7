"""Automatic bits: the floor, small weights, then the harm to the answers, within a size."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import (
    Array,
    ModelBuilder,
    normal,
    read_arrays,
    small_model,
)
from tests.core.plan.cases import bits_of
from tests.core.quantize import reference
from weightquant_cli import (
    AutoBits,
    Model,
    OptionError,
    OutputOptions,
    QuantizeOptions,
    Size,
    make_plan,
    plan_model,
    preview,
)
from weightquant_cli.core.quantize.auto_bits import SMALL, Candidate, choose_bits, relative_error
from weightquant_cli.core.tensors.weight_error import WeightError
from weightquant_cli.errors import NonFiniteWeightError

NOWHERE = OutputOptions(Path("nowhere"))

AXES = {"conv.w": 0, "dw.w": 0, "fc1.w": 1, "fc2.w": 1, "table.w": 1}


def auto(
    min_sqnr: float | None = None, target: str | None = None, **options: object
) -> QuantizeOptions:
    size = None if target is None else Size.parse(target)
    return QuantizeOptions(AutoBits(min_sqnr, size), op_types=("all",), **options)  # type: ignore[arg-type]


def chain_model() -> ModelBuilder:
    """Large matrices one behind the other; the first of them does most harm to the answers."""
    builder = ModelBuilder()
    x = builder.input("x", (-1, 128))
    for number in range(4):
        values = normal(128, 128, seed=number, std=0.1)
        if number == 0:
            values[:, ::16] *= 40  # large outputs, and so large errors, of a few columns
        x = builder.mul(x, f"w{number}", values)
    builder.fetch(x)
    return builder


@pytest.fixture
def chain(tmp_path: Path) -> Model:
    return chain_model().load(tmp_path / "chain")


def smallest_size(model: Model) -> int:
    return preview(model, make_plan(model, auto()), NOWHERE).sizes.after


@pytest.mark.parametrize("min_sqnr", [-10.0, 30.0, 40.0, 45.0, 200.0])
def test_weights_below_the_floor_take_sixteen_bits(min_sqnr: float, tmp_path: Path) -> None:
    model = small_model().load(tmp_path)
    bits = bits_of(plan_model(model, auto(min_sqnr)))
    for name, axis in AXES.items():
        array = read_arrays(model)[name]
        restored = reference.dequantized(*reference.quantized(array, 8, axis), axis)
        if reference.sqnr(array, restored) < min_sqnr:
            assert bits[name] == 16


def test_without_automatic_bits_no_data_is_read(tmp_path: Path) -> None:
    builder = small_model()
    builder.mul("x", "bad", np.full((2, 2), np.nan, np.float32))
    model = builder.load(tmp_path)
    assert plan_model(model, QuantizeOptions(12)) == make_plan(model, QuantizeOptions(12))
    with pytest.raises(NonFiniteWeightError, match="tensor bad"):
        plan_model(model, auto())


def test_without_a_size_the_result_is_at_most_three_percent_larger(chain: Model) -> None:
    size = preview(chain, plan_model(chain, auto()), NOWHERE).sizes.after
    assert smallest_size(chain) <= size <= smallest_size(chain) * 1.03


def test_bits_given_by_name_stay(chain: Model) -> None:
    plan = plan_model(chain, auto(200, bits_for=(("w1", 12), ("w2", 8))))
    assert bits_of(plan) == {"w0": 16, "w1": 12, "w2": 8, "w3": 16}


@pytest.mark.parametrize("percent", [27, 32, 40, 200])
def test_the_result_fits_the_size_and_no_more_would(percent: int, chain: Model) -> None:
    limit = chain.stored.size * percent // 100
    plan = plan_model(chain, auto(target=f"{percent}%"))
    assert preview(chain, plan, NOWHERE).sizes.after <= limit
    for name, bits in bits_of(plan).items():
        if bits == 8:
            assert preview(chain, plan.with_bits({name: 16}), NOWHERE).sizes.after > limit


def rounded_to_nearest(values: Array) -> Array:
    return reference.dequantized(*reference.quantized(values, 8, 1), 1)


def test_the_weight_that_does_most_harm_to_the_answers_is_raised_first(chain: Model) -> None:
    weights = dict(sorted(read_arrays(chain).items()))
    x = normal(500, 128, seed=9, std=0.4)

    def answer(weights: Mapping[str, Array]) -> Array:
        return functools.reduce(np.matmul, weights.values(), x)

    harms = {
        name: np.square(
            answer({**weights, name: rounded_to_nearest(array)}) - answer(weights)
        ).sum()
        for name, array in weights.items()
    }
    size = smallest_size(chain) + 128 * 128
    raised = [
        n for n, bits in bits_of(plan_model(chain, auto(target=str(size)))).items() if bits > 8
    ]
    assert raised == [max(harms, key=lambda name: harms[name])]


def test_a_model_that_cannot_be_run_goes_by_the_error_of_each_weight(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.op("nobody_knows", {"X": builder.input("x", (-1, 128))}, {"Out": "odd"},
                   shape=(-1, 128))  # fmt: skip
    for number in range(4):
        heavy = np.exp(normal(128, 128, seed=number) * (number + 1) / 2).astype(np.float32)
        builder.mul(x, f"w{number}", heavy)
    model = builder.load(tmp_path / "m")
    plan = plan_model(model, auto(target=str(smallest_size(model) + 128 * 128)))
    errors = {
        name: np.square(array - rounded_to_nearest(array)).sum() / np.square(array).sum()
        for name, array in read_arrays(model).items()
    }
    raised = [name for name, bits in bits_of(plan).items() if bits == 16]
    assert raised == [max(errors, key=lambda name: errors[name])]


def test_an_impossible_size_says_the_smallest_possible_one(chain: Model) -> None:
    size = smallest_size(chain)
    with pytest.raises(
        OptionError, match=rf"expected at least .*\({size} bytes\).*found .*\({size - 1} bytes\)"
    ):
        plan_model(chain, auto(target=str(size - 1)))
    assert set(bits_of(plan_model(chain, auto(target=str(size)))).values()) == {8}


def test_a_floor_that_does_not_fit_the_size_is_refused(chain: Model) -> None:
    with pytest.raises(OptionError, match="below the SQNR asked for"):
        plan_model(chain, auto(200, target=str(smallest_size(chain))))


def test_call_stacks_count_where_they_are_kept(tmp_path: Path) -> None:
    builder = chain_model()
    builder.mul("x", "stack", normal(128, 2), op_callstack=["a line of a stack" * 100])
    model = builder.load(tmp_path / "in")
    output = OutputOptions(tmp_path / "out", strip_callstack=False)
    size = preview(model, make_plan(model, auto()), output).sizes.after
    with pytest.raises(OptionError, match="the target size cannot be reached"):
        plan_model(model, auto(target=str(size - 1)), strip_callstack=False)
    plan_model(model, auto(target=str(size - 1)), strip_callstack=True)


@pytest.mark.parametrize("options", [auto(40), auto(target="32%")])
def test_the_choice_does_not_depend_on_the_jobs(options: QuantizeOptions, chain: Model) -> None:
    plans = [plan_model(chain, options, jobs=jobs) for jobs in (1, 2, 5)]
    assert plans[0] == plans[1] == plans[2]


# ---- the choice alone ----------------------------------------------------------------------------


def candidate(name: str, cost: int, noise: float = 0.01) -> Candidate:
    return Candidate(name, cost, WeightError(1.0, noise, 0.0))


def choose(
    candidates: Sequence[Candidate], budget: int, harms: Mapping[str, float], floor: float = -999.0
) -> list[str]:
    auto = AutoBits(floor, Size(1000 + budget))
    return choose_bits(10_000, auto, candidates, 1000, lambda asked: harms)


def test_small_weights_come_before_harm_the_smallest_first() -> None:
    weights = [candidate("large", SMALL + 1), candidate("tiny", 144), candidate("small", 500)]
    harms = {"large": 1.0, "tiny": 0.0, "small": 0.0}
    assert choose(weights, 100_000, harms) == ["tiny", "small", "large"]
    assert choose(weights, 1000, harms) == ["tiny", "small"]
    assert choose(weights, 200, harms) == ["tiny"]


def test_weights_without_any_error_are_not_raised() -> None:
    assert choose([candidate("zeros", 144, noise=0.0)], 1000, {}) == []


def test_weights_that_do_no_harm_are_not_raised() -> None:
    assert choose([candidate("idle", SMALL + 1)], 100_000, {"idle": 0.0}) == []


def test_harm_is_asked_only_of_weights_that_would_fit() -> None:
    asked: list[str] = []

    def harm(candidates: Sequence[Candidate]) -> Mapping[str, float]:
        asked.extend(one.name for one in candidates)
        return dict.fromkeys(asked, 1.0)

    weights = [candidate("fits", SMALL + 1), candidate("does not", 10 * SMALL)]
    auto = AutoBits(None, Size(1000 + 2 * SMALL))
    assert choose_bits(10_000, auto, weights, 1000, harm) == ["fits"]
    assert asked == ["fits"]


drawn = st.lists(st.tuples(st.integers(1, 50_000), st.floats(0, 1)), max_size=8)


@given(drawn, st.integers(0, 100_000), st.randoms(use_true_random=False))
def test_the_budget_is_kept_and_used_up_whatever_the_order_of_the_weights(
    parts: list[tuple[int, float]],
    budget: int,
    random: st.randoms,  # type: ignore[valid-type]
) -> None:
    weights = [candidate(f"w{n}", cost) for n, (cost, _) in enumerate(parts)]
    harms = {f"w{n}": harm for n, (_, harm) in enumerate(parts)}
    raised = choose(weights, budget, harms)
    cost = {weight.name: weight.cost for weight in weights}
    left = budget - sum(cost[name] for name in raised)
    assert left >= 0
    for name in set(cost) - set(raised):
        assert cost[name] > left or harms[name] == 0
    shuffled = list(weights)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(shuffled, budget, harms) == raised


@given(drawn, st.integers(0, 100_000))
def test_of_large_weights_those_of_most_harm_per_byte_come_first(
    parts: list[tuple[int, float]], budget: int
) -> None:
    weights = [candidate(f"w{n}", SMALL + cost) for n, (cost, _) in enumerate(parts)]
    harms = {f"w{n}": harm for n, (_, harm) in enumerate(parts)}
    cost = {weight.name: weight.cost for weight in weights}
    rates = [harms[name] / cost[name] for name in choose(weights, budget, harms)]
    assert all(before >= after for before, after in itertools.pairwise(rates))


def test_the_error_of_a_weight_of_zeros_is_nothing() -> None:
    assert relative_error(WeightError(0.0, 0.0, 0.0)) == 0.0
