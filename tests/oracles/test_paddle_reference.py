"""Ours beside PaddlePaddle's own `WeightQuantization`: every byte, every scale."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import read_arrays
from tests.oracles import (
    envs,
    ours,
    paddle,
    zoo,
)
from tests.oracles.conftest import Tell
from weightquant_cli import Model, QuantizeOptions, WeightQuantizeType
from weightquant_cli.core.lite.tags import find_tags

pytestmark = pytest.mark.oracle

SETTINGS = [
    (bits, kind, rate)
    for bits in (8, 16)
    for kind, rate in (
        ("channel_wise_abs_max", 0.0),
        ("abs_max", 0.0),
        ("abs_max", 1e-2),
        ("abs_max", 1e-6),
    )
]

MODELS = [
    (name, layout)
    for name in ("digits", "mobilenet_v1", "grouped", "resnet", "text", "subblock")
    for layout in ("separate", "combined")
]


def options(bits: int, kind: str, rate: float) -> QuantizeOptions:
    return QuantizeOptions(
        bits=bits,
        weight_quantize_type=WeightQuantizeType(kind),
        threshold_rate=rate,
        op_types=paddle.OP_TYPES,
        rewrite=False,
    )


def side_by_side(model: zoo.ZooModel, version: str, tmp_path: Path) -> ours.Comparison:
    """Quantize by both in every setting; the sums of what was compared."""
    jobs = [
        paddle.QuantizeJob.of(
            model,
            tmp_path / f"paddle{index}",
            weight_bits=bits,
            weight_quantize_type=kind,
            threshold_rate=rate,
        )
        for index, (bits, kind, rate) in enumerate(SETTINGS)
    ]
    paddle.quantize(version, jobs)
    found = []
    for index, setting in enumerate(SETTINGS):
        ours.quantized(model, tmp_path / f"ours{index}", options(*setting))
        comparison = ours.compare(
            Model.load(tmp_path / f"ours{index}"),
            Model.load(tmp_path / f"paddle{index}" / "quantized_model"),
        )
        found.append(comparison)
    return ours.Comparison(
        sum(each.tensors for each in found),
        sum(each.scales for each in found),
        tuple(line for each in found for line in each.differences),
        tuple(name for each in found for name in each.subnormal),
    )


@pytest.mark.parametrize(("name", "layout"), MODELS)
def test_equals_paddle_1_8_5_to_the_last_bit(
    name: str, layout: str, tmp_path: Path, tell: Tell
) -> None:
    envs.require(envs.PADDLE_18)
    found = side_by_side(zoo.model(name, layout), "1.8.5", tmp_path)
    assert found.differences == ()
    assert found.subnormal == ()
    assert found.tensors > 0
    assert found.scales > 0
    tell(
        f"Paddle 1.8.5 {name} {layout}: {found.tensors} parameters and {found.scales} scales in "
        f"{len(SETTINGS)} settings compared, all equal"
    )


@pytest.mark.parametrize("bits", [4, 5, 6, 7])
@pytest.mark.parametrize(
    ("kind", "rate"), [("channel_wise_abs_max", 0.0), ("abs_max", 0.0), ("abs_max", 1e-2)]
)
def test_fewer_than_8_bits_are_the_integers_of_paddle_1_8_5(
    kind: str, rate: float, bits: int, tmp_path: Path
) -> None:
    """Without its assertion Paddle quantizes to any number of bits, and stores INT16."""
    envs.require(envs.PADDLE_18)
    model = zoo.model("digits")
    job = paddle.QuantizeJob.of(
        model,
        tmp_path / "paddle",
        weight_bits=bits,
        weight_quantize_type=kind,
        threshold_rate=rate,
    )
    paddle.quantize("1.8.5", [job], any_bits=True)
    result = ours.quantized(model, tmp_path / "ours", options(bits, kind, rate))
    their_folder = tmp_path / "paddle" / "quantized_model"
    ours_read, theirs = read_arrays(tmp_path / "ours"), read_arrays(their_folder)
    assert len(result.plan.quantized) == 6
    for weight in result.plan.quantized:
        assert ours_read[weight.name].dtype == np.int8
        assert np.array_equal(ours_read[weight.name], theirs[weight.name])
    tags = [
        {tag.weight: tag.scales.value for tag in find_tags(Model.load(folder))}
        for folder in (tmp_path / "ours", their_folder)
    ]
    assert tags[0] == tags[1]


@pytest.mark.parametrize("name", ["ppocr_det", "ppocr_rec", "ppocr_cls"])
def test_equals_paddle_2_6_2_on_models_that_people_ship(
    name: str, tmp_path: Path, tell: Tell
) -> None:
    envs.require(envs.PADDLE_26, envs.PPOCR)
    found = side_by_side(zoo.model(name), "2.6.2", tmp_path)
    assert found.differences == ()
    assert bool(found.subnormal) == (name == "ppocr_rec")
    tell(
        f"Paddle 2.6.2 {name}: {found.tensors} parameters and {found.scales} scales in "
        f"{len(SETTINGS)} settings compared, all equal but for the channels of a subnormal scale "
        f"in {len(found.subnormal)}"
    )
