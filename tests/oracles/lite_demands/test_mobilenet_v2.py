"""MobileNetV2 of PaddlePaddle 2.6.2: opt aborts at its relu6, and takes it once it is mended."""

from __future__ import annotations

import json

import pytest

from tests.oracles import envs
from weightquant_cli.core.lite.demands import findings, mend

from . import lab
from .truth import stored_types

pytestmark = pytest.mark.oracle

VERSIONS = ("2.12", "2.13rc0")


@pytest.fixture(scope="module")
def mobilenet(tmp_path_factory: pytest.TempPathFactory) -> lab.Case:
    """The model as it is exported."""
    envs.require(envs.PADDLE_26, envs.PADDLE_18, envs.LITE_213)
    folder = tmp_path_factory.mktemp("mobilenet")
    job = folder / "job.json"
    job.write_text(json.dumps({"out": str(folder)}))
    lab.run_in(envs.PADDLE_26, "build_mobilenet_v2.py", job)
    return lab.Case(
        "mobilenet_v2",
        "2.6.2",
        folder / "inference.pdmodel",
        folder / "inference.pdiparams",
        ("image",),
        ([],),
        folder / "in.npz",
        folder / "out.npz",
    )


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("target", ["arm", "x86"])
def test_opt_aborts_at_its_relu6_as_the_judge_says(
    mobilenet: lab.Case, version: str, target: str
) -> None:
    (outcome,) = lab.convert_afresh(version, [mobilenet], target, mobilenet.program.parent)
    assert not outcome.converted
    assert "No attributes called threshold found for relu6" in outcome.said
    program = mobilenet.parse()
    said = findings(program, stored_types(program), version)
    assert {(d.code, d.operator) for d in said} >= {("missing-attribute", "relu6")}


@pytest.mark.parametrize("version", VERSIONS)
def test_once_mended_it_converts_for_arm_and_is_right_on_x86(
    mobilenet: lab.Case, version: str
) -> None:
    program = mobilenet.parse()
    mend(program)
    folder = mobilenet.program.parent
    mended = mobilenet.changed(program, folder / "mended.pdmodel")
    assert findings(program, stored_types(program), version) == ()
    (arm,) = lab.convert_afresh(version, [mended], "arm", folder)
    (x86,) = lab.convert_afresh(version, [mended], "x86", folder, run=True)
    assert arm.converted, arm.said
    assert x86.verdict == "right", x86.said
