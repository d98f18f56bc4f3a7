"""A weight with several readers: ours is right in Paddle Lite, Paddle's own API is not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.oracles import (
    envs,
    ours,
    paddle,
    zoo,
)
from tests.oracles.conftest import Tell
from tests.oracles.jobs import Array, OracleFailed, relative_difference
from weightquant_cli import (
    Model,
    QuantizeOptions,
    ReasonCode,
    make_plan,
)
from weightquant_cli.core.lite.tags import find_tags

pytestmark = pytest.mark.oracle

WRONG_IN_PADDLE = (
    "shared_mul_mul",
    "shared_mul_three_times",
    "shared_fc_fc",
    "shared_conv_conv",
    "shared_depthwise",
    "shared_mul_subblock",
)
QUANTIZED_BY_US_ALONE = ("shared_mul_matmul", "shared_lookup_matmul")
ALL = QuantizeOptions(op_types=("all",))


def error_of_paddle(model: zoo.ZooModel, tmp_path: Path, expected: list[Array]) -> float:
    """How far Paddle's own quantized model is off in Paddle Lite; inf where it aborts."""
    paddle.quantize("1.8.5", [paddle.QuantizeJob.of(model, tmp_path / "paddle")])
    folder = tmp_path / "paddle" / "quantized_model"
    try:
        found = ours.lite_outputs("2.12", folder, model, tmp_path / "p")
    except OracleFailed:
        return float("inf")
    return relative_difference(found, expected)


@pytest.mark.parametrize("name", WRONG_IN_PADDLE)
def test_ours_is_right_where_paddle_dequantizes_twice(
    name: str, tmp_path: Path, tell: Tell
) -> None:
    envs.require(envs.PADDLE_18)
    model = zoo.model(name)
    folder = tmp_path / "quantized"
    assert ours.quantized(model, folder, ALL).plan.quantized
    fp32 = ours.dequantized(folder, model, tmp_path / "dequantized")
    expected = ours.lite_outputs("2.12", fp32, model, tmp_path / "a")
    found = ours.lite_outputs("2.12", folder, model, tmp_path / "b")
    ours_off = relative_difference(found, expected)
    paddle_off = error_of_paddle(model, tmp_path, expected)
    assert ours_off <= 1e-5
    assert paddle_off > 0.01
    tell(f"shared weight, {name}: ours off by {ours_off:.1e}, Paddle's own by {paddle_off:.1e}")


@pytest.mark.parametrize("name", QUANTIZED_BY_US_ALONE)
def test_one_tag_serves_readers_of_different_types(name: str, tmp_path: Path) -> None:
    envs.require(envs.PADDLE_18)
    model = zoo.model(name)
    folder = tmp_path / "quantized"
    assert [w.name for w in ours.quantized(model, folder, ALL).plan.quantized] == ["shared"]
    fp32 = ours.dequantized(folder, model, tmp_path / "dequantized")
    expected = ours.lite_outputs("2.12", fp32, model, tmp_path / "a")
    assert (
        relative_difference(ours.lite_outputs("2.12", folder, model, tmp_path / "b"), expected)
        <= 1e-5
    )


def test_a_shared_convolution_before_batch_norm_stays_fp32_since_lite_itself_is_wrong(
    tmp_path: Path,
) -> None:
    envs.require(envs.PADDLE_18)
    model = zoo.model("shared_conv_conv_bn")
    plan = make_plan(ours.load(model), ALL)
    reasons = {weight.name: weight.reason for weight in plan.weights}
    reason = reasons["shared"]
    assert reason is not None
    assert reason.code is ReasonCode.SHARED_BATCH_NORM
    (right,) = paddle.run(
        "1.8.5", [paddle.RunJob(model.folder, model.program, model.params, model.feeds)]
    )
    lite_fp32 = ours.lite_outputs("2.12", model.folder, model, tmp_path / "a")
    assert relative_difference(lite_fp32, right) > 0.01


def test_exactly_one_operator_carries_the_attributes(tmp_path: Path) -> None:
    envs.require(envs.PADDLE_18)
    folder = tmp_path / "quantized"
    ours.quantized(zoo.model("shared_mul_three_times"), folder, ALL)
    tags = [tag.weight for tag in find_tags(Model.load(folder))]
    assert tags == ["shared"]
