"""Models of `paddle.vision.models` of PaddlePaddle 2.6.2: judged, mended, and taken by opt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.oracles import envs
from weightquant_cli.core.lite.demands.judge import findings

from . import lab, report, truth

pytestmark = pytest.mark.oracle

VERSIONS = ("2.12", "2.13rc0")
NAMES = (
    "mobilenet_v1",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "resnet18",
    "shufflenet_v2_swish",
    "shufflenet_v2_x0_25",
    "squeezenet1_1",
)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[lab.Case]:
    """The models as they are exported."""
    envs.require(envs.PADDLE_26, envs.PADDLE_18, envs.LITE_213)
    folder = tmp_path_factory.mktemp("vision")
    job = folder / "job.json"
    job.write_text(json.dumps({"out": str(folder), "names": NAMES}))
    lab.run_in(envs.PADDLE_26, "build_vision.py", job)
    return [
        lab.Case(
            name,
            "2.6.2",
            folder / name / "inference.pdmodel",
            folder / name / "inference.pdiparams",
            ("image",),
            ([],),
            folder / name / "in.npz",
            folder / name / "out.npz",
        )
        for name in NAMES
    ]


@pytest.mark.parametrize("version", VERSIONS)
def test_as_exported_opt_refuses_those_that_the_judge_refuses(
    models: list[lab.Case], version: str, tmp_path: Path
) -> None:
    arm = lab.convert_afresh(version, models, "arm", tmp_path)
    refused = {
        case.name for case, outcome in zip(models, arm, strict=True) if not outcome.converted
    }
    assert refused == {"mobilenet_v2", "shufflenet_v2_swish"}
    assert report.disagreements(truth.judged(models, {version: arm}, {})) == []


@pytest.mark.parametrize("version", VERSIONS)
def test_once_mended_they_convert_for_arm_and_are_right_on_x86(
    models: list[lab.Case], version: str, tmp_path: Path
) -> None:
    mended = truth.mended(models, tmp_path / "mended")
    for case in mended:
        program = case.parse()
        assert findings(program, truth.stored_types(program), version) == ()
    arm = lab.convert_afresh(version, mended, "arm", tmp_path)
    x86 = lab.convert_afresh(version, mended, "x86", tmp_path, run=True)
    assert [outcome.said for outcome in arm if not outcome.converted] == []
    assert [case.name for case, o in zip(models, x86, strict=True) if o.verdict != "right"] == []
