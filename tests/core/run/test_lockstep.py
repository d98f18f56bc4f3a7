"""Two programs side by side."""

from __future__ import annotations

import numpy as np

from tests.builders import Array, ModelBuilder
from weightquant_cli.core.run.lockstep import Lockstep, Pair

from .one import floats, network

FIRST, SECOND = floats(4, 4, seed=1), floats(4, 4, seed=2)


def reference() -> ModelBuilder:
    """x -> first -> tanh, in place -> second."""
    model = ModelBuilder()
    x = model.mul(model.input("x", (-1, 4)), "first", FIRST)
    model.op("tanh", {"X": x}, {"Out": x})
    model.fetch(model.mul(x, "second", SECOND))
    return model


def with_more_operators() -> ModelBuilder:
    """The same with an operator that nothing reads, one on the way, and the second spelled anew."""
    model = ModelBuilder()
    model.op("scale", {"X": model.input("x", (-1, 4))}, {"Out": "unread"}, shape=(-1, 4))
    x = model.mul("x", "first", FIRST)
    model.op("tanh", {"X": x}, {"Out": x})
    copied = model.op("assign", {"X": x}, {"Out": "copied"}, shape=(-1, 4))
    model.fetch(model.matmul_v2(copied, "second", SECOND))
    return model


def run(ours: ModelBuilder, theirs: ModelBuilder, x: Array) -> list[Pair]:
    weights = {"first": FIRST, "second": SECOND}
    pairs: list[Pair] = []
    lockstep = Lockstep(network(ours, weights), network(theirs, weights))
    outcome, other = lockstep.run({"x": x}, {"x": x}, pairs.append)
    assert list(outcome.outputs) == list(other.outputs) == ["second.out0"]
    return pairs


def test_variables_that_both_write_are_paired_in_order_time_by_time() -> None:
    for pairs in (
        run(reference(), with_more_operators(), floats(2, 4)),
        run(with_more_operators(), reference(), floats(2, 4)),
    ):
        names = [(pair.step.type, pair.name) for pair in pairs]
        assert names[:2] == [("mul", "first.out0"), ("tanh", "first.out0")]
        assert [name for _, name in names] == ["first.out0", "first.out0", "second.out0"]
        for pair in pairs:
            assert pair.reference is not None and pair.other is not None
            np.testing.assert_allclose(pair.reference, pair.other, rtol=1e-5, atol=1e-6)
        first = pairs[0].reference
        assert first is not None
        np.testing.assert_allclose(first, floats(2, 4) @ FIRST, rtol=1e-5, atol=1e-6)


def test_what_one_of_them_cannot_compute_is_none() -> None:
    model = ModelBuilder()
    model.op("nobody_knows_it", {"X": model.input("x", (-1, 4))}, {"Out": "first.out0"})
    model.main.var("first.out0", (-1, 4))
    model.fetch(model.mul("first.out0", "second", SECOND))
    pairs: list[Pair] = []
    weights = {"first": FIRST, "second": SECOND}
    x = floats(2, 4)
    Lockstep(network(reference(), weights), network(model, weights)).run(
        {"x": x}, {"x": x}, pairs.append
    )
    assert [pair.other is None for pair in pairs] == [True, True]
    assert all(pair.reference is not None for pair in pairs)


def test_an_order_that_differs_is_matched_by_name() -> None:
    def branches(first: str, second: str) -> ModelBuilder:
        model = ModelBuilder()
        model.input("x", (-1, 4))
        for kind in (first, second):
            model.op(kind, {"X": "x"}, {"Out": f"{kind}.out"}, shape=(-1, 4))
        model.fetch(
            model.op(
                "elementwise_add", {"X": "tanh.out", "Y": "relu.out"}, {"Out": "y"}, shape=(-1, 4)
            )
        )
        return model

    x = floats(3, 4)
    pairs: list[Pair] = []
    ours, theirs = network(branches("tanh", "relu")), network(branches("relu", "tanh"))
    Lockstep(ours, theirs).run({"x": x}, {"x": x}, pairs.append)
    assert [pair.name for pair in pairs] == ["tanh.out", "relu.out", "y"]
    for pair in pairs:
        assert pair.reference is not None
        np.testing.assert_array_equal(pair.reference, pair.other)
