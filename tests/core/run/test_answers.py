"""What a model answers: outputs before the activation that squashes them."""

from __future__ import annotations

import pytest

from tests.builders import ModelBuilder, normal
from weightquant_cli.core.run import Graph, prepare
from weightquant_cli.core.run.answers import answers, squashed


def graph(*types: str) -> Graph:
    """A product, and operators behind it."""
    model = ModelBuilder()
    name = model.mul(model.input("x", (-1, 4)), "w", normal(4, 3))
    for place, operator in enumerate(types):
        name = model.op(operator, {"X": name}, {"Out": f"y{place}"}, shape=(-1, 3))
    model.fetch(name)
    return prepare(model.program.parse())


@pytest.mark.parametrize(
    "types", [("softmax",), ("sigmoid", "scale"), ("scale", "softmax", "arg_max"), ("softmax",) * 2]
)
def test_an_output_that_is_squashed_is_judged_before(types: tuple[str, ...]) -> None:
    found = graph(*types)
    product = next(step for step in found.steps if step.type == "mul")
    (before,) = answers(found).values()
    assert {before} == product.writes
    assert squashed(found) == answers(found)


@pytest.mark.parametrize("types", [(), ("relu",), ("scale",), ("softmax", "relu")])
def test_other_outputs_are_judged_as_they_are(types: tuple[str, ...]) -> None:
    assert squashed(graph(*types)) == {}


def test_an_activation_in_place_ends_the_search() -> None:
    model = ModelBuilder()
    name = model.mul(model.input("x", (-1, 4)), "w", normal(4, 3))
    model.op("sigmoid", {"X": name}, {"Out": name})
    model.fetch(name)
    assert answers(prepare(model.program.parse())) == {name: name}
