"""Data types: what opt can read of parameters and declared variables is what the judge says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracles import envs
from weightquant_cli.core.lite.demands.judge import findings

from . import lab, type_trials

pytestmark = pytest.mark.oracle

VERSIONS = ("2.12", "2.13rc0")


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> lab.Case:
    """A Linear, to which parameters and variables are added."""
    envs.require(envs.PADDLE_18, envs.PADDLE_26, envs.LITE_213)
    (case,), failed = lab.build("2.6.2", tmp_path_factory.mktemp("types"), only=["linear"])
    assert not failed
    return case


@pytest.mark.parametrize("version", VERSIONS)
def test_a_parameter_is_read_where_the_judge_says_so(
    linear: lab.Case, version: str, tmp_path: Path
) -> None:
    trials = list(type_trials.parameters(linear, tmp_path))
    outcomes = lab.convert_afresh(version, [case for _, case in trials], "arm", tmp_path)
    for (dtype, case), outcome in zip(trials, outcomes, strict=True):
        said = findings(case.parse(), {type_trials.EXTRA: dtype}, version)
        assert outcome.converted == (not said), (dtype.name, outcome.said, said)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_declared_variable_stops_opt_where_the_judge_says_so(
    linear: lab.Case, version: str, tmp_path: Path
) -> None:
    trials = list(type_trials.variables(linear, tmp_path))
    outcomes = lab.convert_afresh(version, [case for _, case in trials], "arm", tmp_path)
    for (dtype, case), outcome in zip(trials, outcomes, strict=True):
        said = findings(case.parse(), {}, version)
        assert outcome.converted == (not said), (dtype.name, outcome.said, said)
