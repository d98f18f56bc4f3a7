"""Translated networks in Paddle Lite: opt converts them for arm, and x86 gives Paddle's answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from .. import envs, lite
from ..conftest import Tell
from ..jobs import OracleFailed, relative_difference
from .exported import PPOCR, Exported, networks

pytestmark = pytest.mark.oracle

TOLERANCE = 1e-4

NETWORKS = (
    "mobilenet_v2",
    "mobilenet_v3_small",
    "shufflenet_v2_swish",
    "encoder",
    "lstm",
    "gru",
    "segmentation",
    "ssd",
    "yolo",
    "ghost",
    "rois",
)

# What Paddle Lite lacks; it has no kernels for these on any platform, or none on x86.
WITHOUT_KERNEL = {
    "writing": "index_put",  # set_value as well, in 2.12
    "deformed": "affine_grid",  # on x86; arm has it
    "simple_rnn": "RNN_TANH",  # on x86
}


VERSIONS = ("2.12", "2.13rc0")


def test_paddle_lite_gives_paddle_3s_answer(tmp_path: Path, tell: Tell) -> None:
    envs.require(envs.PADDLE_33, *(lite.ENVIRONMENT[version] for version in VERSIONS), envs.PPOCR)
    failed = {}
    for case in networks(NETWORKS, tuple(PPOCR), tmp_path):
        error = case.error or case.translate()
        if error:
            failed[case.name] = error
            continue
        for version in VERSIONS:
            found = _off(version, case)
            if found > TOLERANCE:
                failed[f"{case.name} in {version}"] = f"{found:.1e} off"
            tell(f"PIR: {case.name} in Paddle Lite {version} (x86): {found:.0e} off Paddle 3.3.1")
    assert not failed, "\n".join(f"{name}: {why}" for name, why in failed.items())


def _off(version: str, case: Exported) -> float:
    """How far Paddle Lite on x86 is off; infinite where opt converts nothing for arm."""
    if _converted(version, case).nb is None:
        return float("inf")
    answer = lite.convert_and_run(
        version, case.ours.parent, "m.pdmodel", "m.pdiparams", case.folder, case.inputs()
    )
    return relative_difference(case.answer(), answer)


def test_what_paddle_lite_lacks_is_named_by_it(tmp_path: Path) -> None:
    envs.require(envs.PADDLE_33, lite.ENVIRONMENT["2.13rc0"])
    for case in networks(tuple(WITHOUT_KERNEL), (), tmp_path):
        assert not case.error, case.error
        assert not case.translate()
        try:
            lite.convert_and_run(
                "2.13rc0", case.ours.parent, "m.pdmodel", "m.pdiparams", case.folder, case.inputs()
            )
        except (AssertionError, OracleFailed) as error:
            assert WITHOUT_KERNEL[case.name] in str(error)
        else:
            pytest.fail(f"Paddle Lite runs {case.name} now: move it to NETWORKS")


def _converted(version: str, case: Exported) -> lite.Converted:
    return lite.convert(
        version, case.ours.parent, "m.pdmodel", "m.pdiparams", case.folder / "arm", "arm"
    )
