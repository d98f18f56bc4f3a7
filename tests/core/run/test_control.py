"""Loops, branches and arrays of tensors."""

from __future__ import annotations

import numpy as np
import pytest

from tests.builders import INT64, Attr, ModelBuilder
from weightquant_cli.core.run import Cause, machine
from weightquant_cli.formats.program import AttrType

from .one import floats, network

BOOL = 0


def loop(turns: int = 3, weight: bool = True) -> ModelBuilder:
    """`turns` times x = tanh(x @ w), i counted in the loop."""
    model = ModelBuilder()
    model.input("x", (-1, 4))
    for name, value in (("i", 0), ("end", turns)):
        attrs = {"shape": [1], "dtype": 3, "value": float(value)}
        model.op("fill_constant", {}, {"Out": name}, attrs)
        model.main.var(name, (1,), INT64)
    model.main.var("more", (1,), BOOL)
    model.op("less_than", {"X": "i", "Y": "end"}, {"Out": "more"})
    body = model.program.block()
    if weight:
        model.parameter("w", floats(4, 4))
        body.op("mul", {"X": "x", "Y": "w"}, {"Out": "inner"}, shape=(-1, 4))
    else:
        body.op("from_the_future", {"X": "x"}, {"Out": "inner"}, shape=(-1, 4))
    body.op("tanh", {"X": "inner"}, {"Out": "x"})
    body.op("increment", {"X": "i"}, {"Out": "i"}, {"step": 1.0})
    body.op("less_than", {"X": "i", "Y": "end"}, {"Out": "more"})
    names = ["x", "w"] if weight else ["x"]
    attrs = {"sub_block": Attr(AttrType.BLOCK, body.index)}
    model.op("while", {"X": names, "Condition": "more"}, {"Out": ["x"]}, attrs)
    model.fetch(model.op("scale", {"X": "x"}, {"Out": "y"}, {"scale": 1.0}, shape=(-1, 4)))
    return model


def test_a_loop_runs_until_its_condition_fails() -> None:
    x = floats(2, 4)
    outcome = network(loop(), {"w": floats(4, 4)}).run({"x": x}).require()
    for _ in range(3):
        x = np.tanh(x @ floats(4, 4))
    np.testing.assert_allclose(outcome.outputs["y"], x, rtol=1e-5)


def test_a_weight_inside_a_loop_is_read_by_the_loop() -> None:
    net = network(loop(), {"w": floats(4, 4)})
    assert net.graph.steps[net.first_reader("w")].type == "while"


def test_an_unknown_operator_inside_a_loop_takes_the_loop_out() -> None:
    outcome = network(loop(weight=False)).run({"x": floats(2, 4)})
    first = outcome.not_run[0]
    assert (first.site.type, first.cause) == ("while", Cause.UNKNOWN)
    assert "operator 0 of block 1 (from_the_future)" in first.message
    assert outcome.missing == ("y",)


def test_a_loop_without_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MAX_STEPS", 1000)
    outcome = network(loop(turns=10**9), {"w": floats(4, 4)}).run({"x": floats(2, 4)})
    assert outcome.not_run[0].cause is Cause.FAILED
    assert "a loop goes on" in outcome.not_run[0].message
    assert outcome.unreached_weights == ("w",)


@pytest.mark.parametrize("value", [1.0, -1.0])
def test_only_the_branch_that_is_chosen_runs(value: float) -> None:
    model = ModelBuilder()
    model.input("x", (1,))
    model.op("fill_constant", {}, {"Out": "zero"}, {"shape": [1], "dtype": 5}, shape=(1,))
    model.op("greater_than", {"X": "x", "Y": "zero"}, {"Out": "yes"}, shape=(1,))
    model.op("logical_not", {"X": "yes"}, {"Out": "no"}, shape=(1,))
    model.op("cast", {"X": "yes"}, {"Out": "mask"}, {"out_dtype": 2}, shape=(1,))
    for condition, factor in (("no", 2.0), ("yes", 3.0)):
        body = model.program.block()
        model.main.var(f"{condition}_out", (1,))
        body.op("scale", {"X": "x"}, {"Out": f"{condition}_out"}, {"scale": factor})
        attrs = {"sub_block": Attr(AttrType.BLOCK, body.index), "is_scalar_condition": True}
        inputs, outputs = {"Cond": condition, "Input": "x"}, {"Out": f"{condition}_out"}
        model.op("conditional_block", inputs, outputs, attrs)
    both = {"X": ["no_out", "yes_out"], "Mask": ["mask"]}
    model.fetch(model.op("select_input", both, {"Out": "y"}, shape=(1,)))
    outcome = network(model).run({"x": np.array([value], np.float32)}).require()
    assert outcome.outputs["y"] == value * (3 if value > 0 else 2)


def test_arrays_of_tensors_are_written_read_counted_and_joined() -> None:
    model = ModelBuilder()
    model.input("x", (2, 3))
    for index in range(2):
        attrs = {"shape": [1], "dtype": 3, "value": float(index)}
        model.op("fill_constant", {}, {"Out": f"i{index}"}, attrs, shape=(1,))
        model.op("scale", {"X": "x"}, {"Out": f"x{index}"}, {"scale": 1.0 + index}, shape=(2, 3))
        model.op("write_to_array", {"X": f"x{index}", "I": f"i{index}"}, {"Out": "many"})
    model.op("lod_array_length", {"X": "many"}, {"Out": "count"}, shape=(1,))
    model.op("read_from_array", {"X": "many", "I": "i1"}, {"Out": "second"}, shape=(2, 3))
    attrs = {"axis": 1, "use_stack": False}
    model.op("tensor_array_to_tensor", {"X": "many"}, {"Out": "all", "OutIndex": "sizes"}, attrs)
    for name in ("count", "second", "all"):
        model.fetch(name)
    x = floats(2, 3)
    outputs = network(model).run({"x": x}).require().outputs
    assert outputs["count"].tolist() == [2]
    np.testing.assert_array_equal(outputs["second"], 2 * x)
    np.testing.assert_array_equal(outputs["all"], np.concatenate([x, 2 * x], axis=1))


def test_reading_where_nothing_was_written_is_told() -> None:
    model = ModelBuilder()
    model.input("x", (1,))
    model.op("fill_constant", {}, {"Out": "i"}, {"shape": [1], "dtype": 3, "value": 7.0})
    model.op("create_array", {}, {"Out": "many"})
    model.fetch(model.op("read_from_array", {"X": "many", "I": "i"}, {"Out": "y"}, shape=(1,)))
    (first,) = network(model).run({"x": floats(1)}).not_run
    assert first.cause is Cause.FAILED
    assert "nothing was written at 7" in first.message
