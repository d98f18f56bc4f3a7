"""Networks that Paddle 2.6.2 saved: which of them opt refuses, before and after mending."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracles import envs

from . import lab, report, truth
from .networks_of_2 import VERSIONS, saved, written

pytestmark = pytest.mark.oracle

# Those of the table in DEMANDS.md that opt refuses, and a few that it takes.
NAMES = (
    *("mobilenet_v2", "shufflenet_v2_swish", "lstm", "gru", "simple_rnn", "segmentation"),
    *("lenet", "yolo", "ghost", "writing", "deformed"),
)
WITHOUT_OPERATORS = {"writing", "deformed"}
REFUSED = {
    "2.12": {"mobilenet_v2", "shufflenet_v2_swish", "segmentation", *WITHOUT_OPERATORS},
    "2.13rc0": {
        *("mobilenet_v2", "shufflenet_v2_swish", "lstm", "gru", "simple_rnn"),
        *WITHOUT_OPERATORS,
    },
}


@pytest.fixture(scope="module")
def networks(tmp_path_factory: pytest.TempPathFactory) -> list[lab.Case]:
    """The networks as Paddle 2.6.2 saves them."""
    envs.require(envs.PADDLE_26, envs.PADDLE_18, envs.LITE_213)
    cases, failed = saved(NAMES, tmp_path_factory.mktemp("networks"))
    assert failed == {}
    return cases


@pytest.mark.parametrize("version", VERSIONS)
def test_mended_opt_takes_all_but_those_whose_operators_paddle_lite_lacks(
    networks: list[lab.Case], version: str, tmp_path: Path
) -> None:
    for way, refused in (("before", REFUSED[version]), ("after", WITHOUT_OPERATORS)):
        home = tmp_path / way
        home.mkdir()
        cases = written(networks, way, home)
        arm = lab.convert_afresh(version, cases, "arm", home)
        found = {case.name for case, one in zip(cases, arm, strict=True) if not one.converted}
        assert found == refused
        assert report.disagreements(truth.judged(cases, {version: arm}, {})) == []
