"""From a .json to Paddle Lite by the command line: opt converts for arm, x86 gives the answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from .. import envs, lite
from ..conftest import Tell
from ..jobs import OracleFailed
from .exported import PPOCR, networks
from .phone import VERSIONS, arrive

pytestmark = pytest.mark.oracle

TOLERANCE = 1e-4
"""Of Paddle 3.3.1's answer, relative to its largest value."""

OF_TWIN = 2e-5
"""Of the dequantized model's answer, in the same Paddle Lite."""

NETWORKS = (
    *("mobilenet_v1", "mobilenet_v2", "mobilenet_v3_small", "shufflenet_v2"),
    *("shufflenet_v2_swish", "resnet18", "squeezenet", "lenet"),
    *("encoder", "lstm", "gru", "segmentation", "ssd", "yolo", "ghost", "rois"),
)
"""Those that are quickly run; `python -m tests.oracles.pir.phone` takes all."""

# What Paddle Lite lacks; it has no kernels for these on any platform, or none on x86.
WITHOUT_KERNEL = {
    "writing": "index_put",  # set_value as well, in 2.12
    "deformed": "affine_grid",  # on x86; arm has it
    "simple_rnn": "RNN_TANH",  # on x86
}


def test_a_json_gives_paddle_3s_answer_in_fp32_and_its_twins_once_quantized(
    tmp_path: Path, tell: Tell
) -> None:
    envs.require(envs.PADDLE_33, *(lite.ENVIRONMENT[version] for version in VERSIONS), envs.PPOCR)
    cases = networks(NETWORKS, tuple(PPOCR), tmp_path)
    assert not [case.error for case in cases if case.error]
    failed = []
    for (name, version), one in arrive(cases, tmp_path).items():
        limits = ((one.fp32, TOLERANCE), *((off, OF_TWIN) for off in one.quantized.values()))
        if one.said or any(off is None or off > limit for off, limit in limits):
            failed.append(f"{name} in {version}: {one}")
        tell(
            f"PIR: {name} in Paddle Lite {version} (x86): FP32 {one.fp32 or 0:.0e} off "
            f"Paddle 3.3.1, INT16 {one.quantized[16] or 0:.0e} and INT8 "
            f"{one.quantized[8] or 0:.0e} off their dequantized twins"
        )
    assert not failed, "\n".join(failed)


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
