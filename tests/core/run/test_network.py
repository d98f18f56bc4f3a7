"""Running a program: order, observers, snapshots, what is left out, and what is let go."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from tests.builders import Array, ModelBuilder
from weightquant_cli.core.run import Cause, Network, Observer, RunError, Step, Tensor
from weightquant_cli.core.run.values import Value

from .one import Weights, floats, network

WEIGHTS = {"first": floats(4, 5, seed=1), "second": floats(5, 5, seed=2), "third": floats(5, 2)}


def chain() -> ModelBuilder:
    """x -> first -> tanh -> second -> relu -> third; the tanh is also fetched."""
    model = ModelBuilder()
    x = model.input("x", (-1, 4))
    x = model.mul(x, "first", WEIGHTS["first"])
    middle = model.op("tanh", {"X": x}, {"Out": "middle"}, shape=(-1, 5))
    x = model.mul(middle, "second", WEIGHTS["second"])
    x = model.op("relu", {"X": x}, {"Out": "positive"}, shape=(-1, 5))
    model.fetch(model.mul(x, "third", WEIGHTS["third"]))
    model.fetch(middle)
    return model


def by_hand(x: Array, weights: Mapping[str, Array] = WEIGHTS) -> list[Array]:
    middle = np.tanh(x @ weights["first"])
    return [np.maximum(middle @ weights["second"], 0) @ weights["third"], middle]


def test_gives_the_outputs_in_the_order_of_the_program() -> None:
    x = floats(3, 4)
    outcome = network(chain(), WEIGHTS).run({"x": x}).require()
    assert list(outcome.outputs) == ["third.out0", "middle"]
    for ours, hand in zip(outcome.outputs.values(), by_hand(x), strict=True):
        np.testing.assert_allclose(ours, hand, rtol=1e-5, atol=1e-6)


def test_loads_parameters_when_they_are_read_and_replaces_them_without_loading() -> None:
    weights = Weights(WEIGHTS)
    net = Network(chain().program.parse(), weights)
    assert weights.loaded == []
    other = floats(5, 5, seed=9)
    outcome = net.run({"x": floats(3, 4)}, replace={"second": other})
    assert weights.loaded == ["first", "third"]
    hand = by_hand(floats(3, 4), {**WEIGHTS, "second": other})[0]
    np.testing.assert_allclose(outcome.outputs["third.out0"], hand, rtol=1e-5, atol=1e-6)


class Recorder(Observer):
    """Notes what it is shown, and replaces what it is told to."""

    def __init__(self, before: dict[str, Array], after: dict[str, Array]) -> None:
        self.seen: list[tuple[str, list[str]]] = []
        self._before, self._after = before, after

    def before(self, step: Step, inputs: Mapping[str, Sequence[Value]]) -> dict[str, Array]:
        self.seen.append((step.type, [name for names in step.inputs.values() for name in names]))
        return self._before

    def after(self, step: Step, outputs: Mapping[str, Value]) -> dict[str, Array]:
        return {name: array for name, array in self._after.items() if name in outputs}


def test_an_observer_sees_every_operator_with_the_names_of_its_inputs() -> None:
    recorder = Recorder({}, {})
    network(chain(), WEIGHTS).run({"x": floats(3, 4)}, observer=recorder)
    assert [kind for kind, _ in recorder.seen] == ["mul", "tanh", "mul", "relu", "mul"]
    assert recorder.seen[2][1] == ["middle", "second"]


def test_an_observer_replaces_inputs_of_one_operator_or_an_output_for_all() -> None:
    x, zeros = floats(3, 4), np.zeros((5, 2), np.float32)
    outcome = network(chain(), WEIGHTS).run({"x": x}, observer=Recorder({"third": zeros}, {}))
    assert not outcome.outputs["third.out0"].any()
    np.testing.assert_allclose(outcome.outputs["middle"], by_hand(x)[1], rtol=1e-5, atol=1e-6)
    ones = np.ones((3, 5), np.float32)
    outcome = network(chain(), WEIGHTS).run({"x": x}, observer=Recorder({}, {"middle": ones}))
    assert (outcome.outputs["middle"] == 1).all()
    hand = np.maximum(ones @ WEIGHTS["second"], 0) @ WEIGHTS["third"]
    np.testing.assert_allclose(outcome.outputs["third.out0"], hand, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("weight", ["first", "second", "third"])
def test_goes_on_from_a_snapshot_as_if_all_had_been_run(weight: str) -> None:
    net, x = network(chain(), WEIGHTS), floats(3, 4)
    index = net.first_reader(weight)
    base = net.run({"x": x}, snapshots=[index])
    changed = {weight: floats(*WEIGHTS[weight].shape, seed=7)}
    resumed = net.resume(base.snapshots[index], replace=changed)
    whole = net.run({"x": x}, replace=changed)
    for name, array in whole.outputs.items():
        np.testing.assert_array_equal(resumed.outputs[name], array)


def test_what_lies_before_a_snapshot_is_not_run_again() -> None:
    net = network(chain(), WEIGHTS)
    base = net.run({"x": floats(3, 4)}, snapshots=[net.first_reader("third")])
    recorder = Recorder({}, {})
    net.resume(base.snapshots[net.first_reader("third")], observer=recorder)
    assert [kind for kind, _ in recorder.seen] == ["mul"]
    snapshot = base.snapshots[net.first_reader("third")]
    assert set(snapshot.values) == {"positive", "middle"}  # the latter is still to be fetched
    assert snapshot.size == 2 * 3 * 5 * 4


def test_keeps_a_variable_that_is_asked_for() -> None:
    outcome = network(chain(), WEIGHTS).run({"x": floats(3, 4)}, keep=["positive"])
    assert list(outcome.outputs) == ["third.out0", "middle", "positive"]
    assert (outcome.outputs["positive"] >= 0).all()


def test_lets_go_of_each_variable_after_its_last_reader() -> None:
    alive: list[set[str]] = []

    class Watching(Observer):
        def __init__(self) -> None:
            self.arrays: dict[str, weakref.ref[Array]] = {}

        def before(self, step: Step, inputs: Mapping[str, Sequence[Value]]) -> None:
            gc.collect()
            alive.append({name for name, ref in self.arrays.items() if ref() is not None})

        def after(self, step: Step, outputs: Mapping[str, Value]) -> None:
            for name, value in outputs.items():
                assert isinstance(value, Tensor)
                base = value.array if value.array.base is None else value.array.base
                self.arrays[name] = weakref.ref(base)

    network(chain(), WEIGHTS).run({"x": floats(3, 4)}, observer=Watching())
    assert alive[2] == {"middle"}  # the product before it is gone
    assert alive[4] == {"middle", "positive"}


def with_unknown() -> ModelBuilder:
    """Two branches, one of them behind an operator that nobody knows."""
    model = ModelBuilder()
    x = model.input("x", (-1, 4))
    known = model.mul(x, "known", floats(4, 2))
    strange = model.op("from_the_future", {"X": x}, {"Out": "strange"}, shape=(-1, 4))
    lost = model.mul(strange, "lost", floats(4, 3))
    model.op("elementwise_add", {"X": lost, "Y": known}, {"Out": "both"}, shape=(-1, 3))
    model.fetch(known)
    model.fetch("both")
    return model


def test_what_lies_behind_an_unknown_operator_is_not_reached() -> None:
    weights = {"known": floats(4, 2), "lost": floats(4, 3)}
    net = network(with_unknown(), weights)
    assert [site.type for site in net.unknown] == ["from_the_future"]
    outcome = net.run({"x": floats(1, 4)})
    assert list(outcome.outputs) == ["known.out0"]
    assert outcome.missing == ("both",)
    assert outcome.unreached_weights == ("lost",)
    causes = [(one.site.type, one.cause) for one in outcome.not_run]
    assert causes == [
        ("from_the_future", Cause.UNKNOWN),
        ("mul", Cause.BEHIND),
        ("elementwise_add", Cause.BEHIND),
    ]
    assert "behind operator 2 (from_the_future)" in outcome.not_run[2].message
    with pytest.raises(RunError, match=r"operator 2 \(from_the_future\).*both"):
        outcome.require()


def test_a_snapshot_remembers_what_is_missing() -> None:
    net = network(with_unknown(), {"known": floats(4, 2), "lost": floats(4, 3)})
    base = net.run({"x": floats(1, 4)}, snapshots=[3])
    again = net.resume(base.snapshots[3])
    assert again.missing == ("both",)
    assert [one.cause for one in again.not_run] == [Cause.BEHIND, Cause.BEHIND]


def test_unsupported_attributes_are_told_with_their_value() -> None:
    model = ModelBuilder()
    model.input("x", (1, 1, 4, 4))
    model.op("pool2d", {"X": "x"}, {"Out": "y"}, {"pooling_type": "median"}, shape=(1, 1, 4, 4))
    model.fetch("y")
    (first,) = network(model).run({"x": floats(1, 1, 4, 4)}).not_run
    assert first.cause is Cause.UNSUPPORTED
    assert "pooling_type" in first.message
    assert "median" in first.message


def test_shapes_that_do_not_fit_are_told_with_the_operator_and_its_inputs() -> None:
    outcome = network(chain(), WEIGHTS).run({"x": floats(3, 7)})
    first = outcome.not_run[0]
    assert (first.site.index, first.site.type, first.cause) == (1, "mul", Cause.FAILED)
    assert "X [3, 7], Y [4, 5]" in first.message
    assert outcome.missing == ("third.out0", "middle")
    assert set(outcome.unreached_weights) == set(WEIGHTS)


@pytest.mark.parametrize(("bad", "kind"), [(-1.0, "NaN"), (0.0, "infinity")])
def test_says_from_which_operator_on_values_are_not_finite(bad: float, kind: str) -> None:
    model = ModelBuilder()
    x = model.input("x", (-1, 4))
    x = model.op("relu6", {"X": x}, {"Out": "clipped"}, shape=(-1, 4)) if bad == 0 else x
    x = model.op("log", {"X": x}, {"Out": "logarithm"}, shape=(-1, 4))
    model.fetch(model.op("scale", {"X": x}, {"Out": "y"}, {"scale": 2.0}, shape=(-1, 4)))
    outcome = network(model).run({"x": np.full((1, 4), bad, np.float32)})
    assert outcome.non_finite is not None
    assert outcome.non_finite.kind == kind
    assert outcome.non_finite.variable == "logarithm"
    with pytest.raises(RunError, match=rf"{kind} from operator \d \(log\)"):
        outcome.require()


def test_infinities_that_do_not_reach_an_output_are_no_complaint() -> None:
    model = ModelBuilder()
    x = model.input("x", (-1, 3))
    x = model.op("log", {"X": x}, {"Out": "masked"}, shape=(-1, 3))
    model.fetch(model.op("softmax", {"X": x}, {"Out": "y"}, shape=(-1, 3)))
    outcome = network(model).run({"x": np.array([[0.0, 1.0, 1.0]], np.float32)}).require()
    np.testing.assert_allclose(outcome.outputs["y"], [[0, 0.5, 0.5]])


def test_a_missing_input_and_offsets_that_do_not_fit_are_errors() -> None:
    net = network(chain(), WEIGHTS)
    with pytest.raises(RunError, match=r"input of the model is missing \(tensor x\)"):
        net.run({})
    with pytest.raises(RunError, match="last offset is 2, and there are 3 entries"):
        net.run({"x": Tensor(floats(3, 4), ((0, 2),))})


def test_a_variable_far_too_large_is_refused_before_it_is_allocated() -> None:
    model = ModelBuilder()
    model.op(
        "fill_constant", {}, {"Out": "y"}, {"shape": [1 << 20, 1 << 20], "dtype": 5}, shape=(1,)
    )
    model.fetch("y")
    (first,) = network(model).run({}).not_run
    assert first.cause is Cause.FAILED
    assert "4398046511104 bytes" in first.message
