"""The estimate of memory against what a run takes."""

from __future__ import annotations

import math
import tracemalloc
from typing import Any

import pytest

from tests.builders import Array, ModelBuilder
from weightquant_cli.core.run.memory import estimate

from .one import floats, network


def small_network() -> tuple[ModelBuilder, dict[str, Array]]:
    weights = {"a": floats(8, 3, 3, 3), "b": floats(16, 8, 1, 1)}
    model = ModelBuilder()
    model.input("x", (-1, 3, -1, -1))
    x = model.conv2d("x", "a", weights["a"], strides=[2, 2], paddings=[1, 1])
    x = model.op("relu", {"X": x}, {"Out": "r"}, shape=(-1, 8, -1, -1))
    x = model.conv2d(x, "b", weights["b"])
    attrs = {"ksize": [2, 2], "strides": [2, 2], "pooling_type": "max"}
    model.fetch(model.op("pool2d", {"X": x}, {"Out": "p"}, attrs, shape=(-1, 16, -1, -1)))
    return model, weights


def test_sizes_follow_through_strides_by_hand() -> None:
    model, _ = small_network()
    net = network(model)
    found = estimate(model.program.parse(), net.graph, {"x": (2, 3, 64, 48)})
    half = 2 * 32 * 24 * 4  # bytes of one channel behind the first convolution
    assert found.variables == half * (8 + 16)
    assert str(found.site) == "operator 3 (conv2d)"
    assert found.largest == half * 16
    assert found.parameters == (8 * 27 + 16 * 8) * 4


def test_a_run_takes_what_was_estimated() -> None:
    model, weights = small_network()
    net = network(model, weights)
    shape = (1, 3, 400, 300)
    image = floats(*shape)
    net.run({"x": image})
    tracemalloc.start()
    net.run({"x": image})
    measured = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    found = estimate(model.program.parse(), net.graph, {"x": shape})
    assert 0.6 * found.variables < measured < found.total + (4 << 20)


@pytest.mark.parametrize(
    ("kind", "attrs", "inputs"),
    [
        ("conv2d", {"strides": "x"}, {"Input": "x", "Filter": "w"}),
        ("conv2d", {"padding_algorithm": "NONE"}, {"Input": "x", "Filter": "w"}),
        ("conv2d", {}, {"Input": "x", "Filter": ()}),
        ("conv2d", {}, {"Input": ()}),
        ("pool2d", {"ksize": [0, 0]}, {"X": "x"}),
        ("nearest_interp_v2", {"scale": [math.inf]}, {"X": "x"}),
        ("nearest_interp_v2", {"scale": [math.nan]}, {"X": "x"}),
        ("nearest_interp_v2", {"scale": "x"}, {"X": "x"}),
    ],
)
def test_attributes_that_make_no_sense_are_for_the_run_to_tell(
    kind: str, attrs: dict[str, Any], inputs: dict[str, Any]
) -> None:
    model = ModelBuilder()
    model.input("x", (-1, 3, -1, -1))
    model.parameter("w", floats(8, 3, 3, 3))
    out = "Output" if kind == "conv2d" else "Out"
    model.fetch(model.op(kind, inputs, {out: "y"}, attrs, shape=(-1, 8, -1, -1)))
    found = estimate(model.program.parse(), network(model).graph, {"x": (1, 3, 8, 8)})
    assert found.total > 0


def test_a_loop_counts_with_what_its_block_declares() -> None:
    from .test_control import loop

    model = loop()
    found = estimate(model.program.parse(), network(model).graph, {"x": (10, 4)})
    assert found.variables >= 2 * 10 * 4 * 4


@pytest.mark.parametrize(
    ("attrs", "side"),
    [({}, 21), ({"output_padding": [1, 0]}, 22), ({"output_size": [24, 23]}, 24)],
)
def test_a_transposed_convolution_is_as_large_as_its_attributes_say(
    attrs: dict[str, list[int]], side: int
) -> None:
    model = ModelBuilder()
    x = model.input("x", (-1, 3, -1, -1))
    weight = model.parameter("w", floats(3, 4, 3, 3))
    attrs = {"strides": [2, 2], "paddings": [0, 0], "dilations": [1, 1], **attrs}
    slots = {"Input": x, "Filter": weight}
    model.fetch(model.op("conv2d_transpose", slots, {"Output": "y"}, attrs, shape=(-1, 4, -1, -1)))
    net = network(model, {"w": floats(3, 4, 3, 3)})
    image = floats(1, 3, 10, 10)
    output = net.run({"x": image}).require().outputs["y"]
    assert output.shape[2] == side
    found = estimate(model.program.parse(), net.graph, {"x": image.shape})
    assert found.largest == output.nbytes
