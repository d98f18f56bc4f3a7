"""Whole models: the interpreter's answers against PaddlePaddle's, and how much it reaches."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.oracles import envs, zoo
from tests.oracles.conftest import Tell
from tests.oracles.jobs import Array
from weightquant_cli.core.run import Outcome

from .models import Subject, from_zoo, slanet, vision
from .operator_runs import difference

pytestmark = pytest.mark.oracle

TOLERANCE = 1e-4


def check(subject: Subject, tell: Tell) -> None:
    network = subject.network()
    outcome = network.run(subject.inputs).require()
    worst = worst_difference(outcome.outputs, subject.answers)
    told = f"{subject.name}: {reached(subject, outcome):.0%} of the weights' bytes reached"
    assert worst <= TOLERANCE, subject.name
    assert not outcome.not_run
    tell(f"interpreter, {told}, outputs within {worst:.0e} of Paddle's")


def worst_difference(ours: Mapping[str, Array], theirs: list[Array]) -> float:
    assert len(ours) == len(theirs)
    worst = 0.0
    for one, other in zip(ours.values(), theirs, strict=True):
        assert one.shape == other.shape
        assert other.any(), "an output that vanishes proves nothing"
        worst = max(worst, difference(one, other))
    return worst


def reached(subject: Subject, outcome: Outcome) -> float:
    sizes = {name: record.size for name, record in subject.model().parameters.items()}
    lost = sum(sizes[name] for name in outcome.unreached_weights)
    return 1 - lost / max(sum(sizes.values()), 1)


@pytest.mark.parametrize("version", ["1.8.5", "2.6.2"])
def test_models_of_the_zoo_answer_as_in_paddle(version: str, tell: Tell) -> None:
    envs.require(envs.PADDLE_18, envs.PADDLE_26, envs.PPOCR)
    names = [*zoo.PPOCR, "digits", *zoo.MODELS_1X, *zoo.MODELS_2X]
    for subject in from_zoo(names, version):
        check(subject, tell)


def test_networks_of_paddle_vision_and_heads_of_detectors_answer_as_in_paddle(tell: Tell) -> None:
    envs.require(envs.PADDLE_26)
    for subject in vision():
        check(subject, tell)


def test_slanet_with_its_loop_answers_as_in_paddle(tell: Tell, tmp_path: Path) -> None:
    envs.require(envs.PADDLE_26, envs.SLANET)
    check(slanet(tmp_path), tell)
