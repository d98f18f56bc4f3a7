"""How much each weight's rounding changes the answers: as running the whole model would say."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from weightquant_cli.core.quantize.adaptive.sensitivity import changes
from weightquant_cli.core.run import Network, cached, stored
from weightquant_cli.core.run.answers import answers

from ....builders import Array, ModelBuilder, normal


def network(builder: ModelBuilder, folder: Path) -> Network:
    model = builder.load(folder)
    return Network(model.program, cached(stored(model.stored)))


def two_layers() -> ModelBuilder:
    builder = ModelBuilder()
    x = builder.mul(builder.input("x", (-1, 6)), "first", normal(6, 8))
    x = builder.op("relu", {"X": x}, {"Out": "hidden"}, shape=(-1, 8))
    x = builder.mul(x, "second", normal(8, 5))
    builder.fetch(builder.op("softmax", {"X": x}, {"Out": "y"}, {"axis": -1}, shape=(-1, 5)))
    return builder


def spoilt(weights: dict[str, Array]) -> dict[str, Array]:
    return {name: np.asarray(np.rint(values * 4) / 4) for name, values in weights.items()}


def test_each_weight_s_change_is_that_of_the_whole_model_with_it_alone(tmp_path: Path) -> None:
    model = two_layers()
    net = network(model, tmp_path / "m")
    weights = {"first": normal(6, 8), "second": normal(8, 5)}
    rounded = spoilt(weights)
    inputs = [{"x": normal(4, 6, seed=seed)} for seed in range(3)]
    found = changes(net, inputs, ["first", "second"], rounded.__getitem__, jobs=1)
    for name in weights:
        both = {**weights, name: rounded[name]}
        noise = signal = 0.0
        for given in inputs:
            original = np.maximum(given["x"] @ weights["first"], 0) @ weights["second"]
            other = np.maximum(given["x"] @ both["first"], 0) @ both["second"]
            noise += float(((other - original) ** 2).sum())
            signal += float((original**2).sum())
        np.testing.assert_allclose(found[name], noise / signal, rtol=1e-4)


def test_answers_are_judged_before_the_last_softmax(tmp_path: Path) -> None:
    found = answers(network(two_layers(), tmp_path / "m").graph)
    assert list(found.values()) == ["second.out0"]


def test_the_number_of_threads_does_not_show(tmp_path: Path) -> None:
    net = network(two_layers(), tmp_path / "m")
    rounded = spoilt({"first": normal(6, 8), "second": normal(8, 5)}).__getitem__
    inputs = [{"x": normal(4, 6)}]
    one, many = (changes(net, inputs, ["first", "second"], rounded, jobs) for jobs in (1, 4))
    assert one == many


def test_weights_behind_an_unknown_operator_are_left_out(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.mul(builder.input("x", (-1, 6)), "first", normal(6, 8))
    builder.fetch(x)
    x = builder.op("nobody_knows", {"X": x}, {"Out": "odd"}, shape=(-1, 8))
    builder.fetch(builder.mul(x, "second", normal(8, 5)))
    net = network(builder, tmp_path / "m")
    rounded = spoilt({"first": normal(6, 8), "second": normal(8, 5)}).__getitem__
    found = changes(net, [{"x": normal(4, 6)}], ["first", "second"], rounded, 1)
    assert set(found) == {"first"}
    assert found["first"] > 0
