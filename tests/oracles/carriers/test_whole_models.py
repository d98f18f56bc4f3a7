"""Models of usual size through the command line: carriers in the real Paddle Lite, beside twins."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.helpers import run
from tests.oracles import envs, lite, ours, zoo
from tests.oracles.conftest import Tell
from tests.oracles.jobs import relative_difference
from tests.oracles.zoo import ZooModel
from weightquant_cli import Model
from weightquant_cli.core.lite.carriers import find_carriers
from weightquant_cli.core.lite.tags import ModelTags

pytestmark = pytest.mark.oracle

TOLERANCE = 2e-5
"""How far two outputs may be apart, relative to the largest value."""

VERSIONS = ("2.12", "2.13rc0")

CARRIED = {"crnn_1x": 4, "tagger_gru_1x": 5, "crnn_2x": 8, "unet_2x": 2, "ppocr_det": 0}
"""Weights of each model that carriers quantize. (In the last, batch_norm follows the large one.)"""

SMALLER = {
    8: {"crnn_1x": 3.3, "tagger_gru_1x": 3.5, "crnn_2x": 3.3, "unet_2x": 3.0, "ppocr_det": 3.0},
    16: {"crnn_1x": 1.8, "tagger_gru_1x": 1.8, "crnn_2x": 1.8, "unet_2x": 1.7, "ppocr_det": 1.7},
}
"""How many times smaller than its twin the `.nb` for ARM at least is, by the bits of weights."""

NOT_ON_X86 = ("crnn_1x",)
"""Models with an operator that the runtime for x86 lacks: they are converted, and not run."""


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("name", CARRIED)
def test_a_whole_model_answers_as_its_twin(
    name: str, bits: int, tmp_path: Path, tell: Tell
) -> None:
    envs.require(envs.PADDLE_18, envs.PADDLE_26, envs.LITE_213, envs.PPOCR)
    model = zoo.model(name, "combined")
    small, twin = tmp_path / "quantized", tmp_path / "twin"
    run("quantize", "--bits", str(bits), model.folder, small).ok()
    options: list[str | Path] = ["--reference", model.folder, "--save-dequantized", twin]
    assert run("dequantize-check", *options, small).ok().stdout.startswith("ok: ")
    written = Model.load(small, model.program, model.params)
    assert len(find_carriers(written, ModelTags(written))) == CARRIED[name]
    for version in VERSIONS:
        size = _size(version, small, model, tmp_path)
        smaller = _size(version, twin, model, tmp_path) / size
        assert smaller > SMALLER[bits][name]
        off = None if name in NOT_ON_X86 else _off(version, small, twin, model, tmp_path)
        assert off is None or off <= TOLERANCE
        tell(f"{name} INT{bits} {version}: {size / 1e3:.0f} kB, {smaller:.2f} times, off {off}")


def _size(version: str, folder: Path, model: ZooModel, scratch: Path) -> int:
    """Bytes of the `.nb` for ARM."""
    done = lite.convert(version, folder, model.program, str(model.params), scratch / "arm")
    assert done.nb is not None, done.output[-1500:]
    return done.nb.stat().st_size


def _off(version: str, small: Path, twin: Path, model: ZooModel, scratch: Path) -> float:
    """How far the quantized model's answer is from its twin's on x86."""
    answers = [ours.lite_outputs(version, folder, model, scratch) for folder in (small, twin)]
    return relative_difference(*answers)
