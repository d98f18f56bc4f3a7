"""What the real `opt` converts, and what the real runtime computes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracles import (
    envs,
    lite,
    ours,
    zoo,
)
from tests.oracles.conftest import Tell
from tests.oracles.jobs import relative_difference
from weightquant_cli import Model, QuantizeOptions, WeightQuantizeType

pytestmark = pytest.mark.oracle

# Where opt folds a batch_norm, (q * scale) * factor becomes q * (scale * factor), which rounds
# otherwise. Detection adds up a whole network of that before a steep sigmoid: Paddle Lite's own
# FP32 result is 2.6e-5 away from Paddle's.
TOLERANCE = {"ppocr_det": 3e-5}

MODELS = [
    ("digits", "separate"),
    ("digits", "combined"),
    ("mobilenet_v1", "combined"),
    ("grouped", "separate"),
    ("resnet", "combined"),
    ("text", "separate"),
    ("text_large", "combined"),
    ("subblock", "combined"),
    ("transformer_1x", "combined"),
    ("linears_2x", "combined"),
    ("transformer_2x", "combined"),
    ("resnet18_2x", "combined"),
    ("tagger_1x", "separate"),
    ("recognizer_2x", "combined"),
    ("upsampling_2x", "combined"),
    ("ppocr_det", "combined"),
    ("ppocr_rec", "combined"),
    ("ppocr_cls", "combined"),
]


def require_for(name: str) -> None:
    envs.require(envs.PADDLE_18, envs.LITE_213)
    if name in zoo.MODELS_2X:
        envs.require(envs.PADDLE_26)
    if name in zoo.PPOCR:
        envs.require(envs.PPOCR)


@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize(("name", "layout"), MODELS)
def test_lite_computes_what_the_dequantized_model_computes(
    name: str, layout: str, bits: int, tmp_path: Path, tell: Tell
) -> None:
    require_for(name)
    model = zoo.model(name, layout)
    folder = tmp_path / "quantized"
    result = ours.quantized(model, folder, QuantizeOptions(bits=bits, op_types=("all",)))
    sizes = []
    for version in ("2.12", "2.13rc0"):
        converted = lite.convert(version, folder, model.program, model.params, tmp_path / "arm")
        assert converted.nb is not None, converted.output[-1500:]
        sizes.append(converted.nb.stat().st_size)
    fp32 = ours.dequantized(folder, model, tmp_path / "dequantized")
    expected = ours.lite_outputs("2.12", fp32, model, tmp_path / "a")
    found = ours.lite_outputs("2.12", folder, model, tmp_path / "b")
    difference = relative_difference(found, expected)
    assert difference <= TOLERANCE.get(name, 1e-5)
    tell(
        f"Paddle Lite {name} {layout} INT{bits}: {result.plan.quantized_share:.1f}% quantized, "
        f"{sizes[0] / 1e6:.2f} MB .nb for arm, x86 off by {difference:.1e}"
    )


@pytest.mark.parametrize("bits", [4, 5, 6, 7, 9, 10, 12, 15])
@pytest.mark.parametrize("name", ["resnet", "ppocr_rec", "text"])
def test_lite_runs_every_number_of_bits(name: str, bits: int, tmp_path: Path) -> None:
    require_for(name)
    model = zoo.model(name)
    folder = tmp_path / "quantized"
    ours.quantized(model, folder, QuantizeOptions(bits=bits, op_types=("all",)))
    fp32 = ours.dequantized(folder, model, tmp_path / "dequantized")
    expected = ours.lite_outputs("2.12", fp32, model, tmp_path / "a")
    assert (
        relative_difference(ours.lite_outputs("2.12", folder, model, tmp_path / "b"), expected)
        <= 1e-5
    )


@pytest.mark.parametrize("name", ["resnet", "text", "transformer_1x", "grouped"])
def test_lite_runs_one_scale_per_tensor(name: str, tmp_path: Path) -> None:
    envs.require(envs.PADDLE_18)
    model = zoo.model(name)
    folder = tmp_path / "quantized"
    per_tensor = QuantizeOptions(op_types=("all",), weight_quantize_type=WeightQuantizeType.ABS_MAX)
    ours.quantized(model, folder, per_tensor)
    fp32 = ours.dequantized(folder, model, tmp_path / "dequantized")
    expected = ours.lite_outputs("2.12", fp32, model, tmp_path / "a")
    assert (
        relative_difference(ours.lite_outputs("2.12", folder, model, tmp_path / "b"), expected)
        <= 1e-5
    )


def test_lite_runs_a_model_of_mixed_bits(tmp_path: Path) -> None:
    envs.require(envs.PADDLE_18)
    model = zoo.model("resnet")
    folder = tmp_path / "quantized"
    mixed = QuantizeOptions(op_types=("all",), bits_for=(("conv2d_[0-3].*", 16), ("fc*", 12)))
    ours.quantized(model, folder, mixed)
    bits = {weight.record.dtype.name for weight in Model.load(folder).weights}
    assert bits == {"FP32", "INT8", "INT16"}
    fp32 = ours.dequantized(folder, model, tmp_path / "dequantized")
    expected = ours.lite_outputs("2.12", fp32, model, tmp_path / "a")
    assert (
        relative_difference(ours.lite_outputs("2.12", folder, model, tmp_path / "b"), expected)
        <= 1e-5
    )
