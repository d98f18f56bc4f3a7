"""What may be asked for, and what contradicts itself."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest

from weightquant_cli import AutoBits, OptionError, QuantizeOptions, WeightQuantizeType
from weightquant_cli.core.lite.carried import ALL_OP_TYPES, CARRIED
from weightquant_cli.core.lite.storage import storage_dtype
from weightquant_cli.core.lite.targets import TARGETS
from weightquant_cli.formats import dtypes

CHANNEL_WISE = WeightQuantizeType.CHANNEL_WISE_ABS_MAX


ABS_MAX = WeightQuantizeType.ABS_MAX


def test_the_defaults_are_those_of_the_manual() -> None:
    options = QuantizeOptions()
    assert (options.bits, options.granularity, options.clips) == (8, CHANNEL_WISE, False)
    assert options.chosen_op_types == {"conv2d", "mul", "matmul", "matmul_v2"}
    assert options.rewrite


def test_options_cannot_be_changed() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        QuantizeOptions().bits = 9  # type: ignore[misc]


@pytest.mark.parametrize("bits", [3, 17, 0, -8, 31, True])
def test_bits_out_of_range_are_refused(bits: int) -> None:
    with pytest.raises(OptionError, match="`bits`: out of range; expected 4 to 16"):
        QuantizeOptions(bits)
    with pytest.raises(OptionError, match="`bits_for`: out of range; expected 4 to 16, found"):
        QuantizeOptions(bits_for=(("w", bits),))


@pytest.mark.parametrize("bits", range(4, 17))
def test_eight_bits_are_stored_in_one_byte_and_more_in_two(bits: int) -> None:
    assert QuantizeOptions(bits).first_bits == bits
    assert storage_dtype(bits) is (dtypes.INT8 if bits <= 8 else dtypes.INT16)


@pytest.mark.parametrize("rate", [-1e-9, 1.0, 1.5, math.nan, math.inf, -math.inf])
def test_a_threshold_rate_out_of_range_is_refused(rate: float) -> None:
    with pytest.raises(OptionError, match="`threshold_rate`: out of range; expected 0 <= R < 1"):
        QuantizeOptions(threshold_rate=rate)


@pytest.mark.parametrize(
    ("rate", "clips"), [(0.0, False), (9e-11, False), (1e-10, True), (0.5, True), (0.999, True)]
)
def test_paddle_takes_a_tiny_threshold_rate_for_none(rate: float, clips: bool) -> None:
    assert QuantizeOptions(threshold_rate=rate).clips is clips


@pytest.mark.parametrize(
    ("kind", "rate", "granularity"),
    [(None, 0.0, CHANNEL_WISE), (None, 0.01, ABS_MAX), (ABS_MAX, 0.01, ABS_MAX),
     (ABS_MAX, 0.0, ABS_MAX), (CHANNEL_WISE, 0.0, CHANNEL_WISE)],
)  # fmt: skip
def test_a_threshold_rate_without_a_type_means_one_scale(
    kind: WeightQuantizeType | None, rate: float, granularity: WeightQuantizeType
) -> None:
    options = QuantizeOptions(weight_quantize_type=kind, threshold_rate=rate)
    assert options.granularity is granularity


def test_a_threshold_rate_with_channels_contradicts_itself() -> None:
    with pytest.raises(OptionError, match="goes with abs_max only"):
        QuantizeOptions(weight_quantize_type=CHANNEL_WISE, threshold_rate=0.01)


def test_all_stands_for_every_known_operator() -> None:
    chosen = QuantizeOptions(op_types=("all",)).chosen_op_types
    assert (
        chosen
        == set(ALL_OP_TYPES)
        == {
            *TARGETS,
            *(op_type for op_type, _ in CARRIED),
        }
    )
    assert QuantizeOptions(op_types=("mul", "all")).chosen_op_types == set(ALL_OP_TYPES)


@pytest.mark.parametrize(
    ("op_types", "message"),
    [
        ((), "no operator type chosen"),
        (("conv2D",), "unknown operator type 'conv2D'; did you mean conv2d"),
        (("mul", "relu"), "unknown operator type 'relu'"),
        (("xxxxxxxx",), r"Paddle Lite dequantizes the weights of conv2d, depthwise_conv2d, "),
        (("",), "unknown operator type ''"),
    ],
)
def test_an_unknown_operator_type_is_refused(op_types: tuple[str, ...], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        QuantizeOptions(op_types=op_types)


def test_the_attribute_is_spelled_as_paddle_spells_it() -> None:
    assert CHANNEL_WISE.attribute == "post_weight_channel_wise_abs_max"
    assert ABS_MAX.attribute == "post_weight_abs_max"


def test_every_target_is_spelled_as_one_that_paddle_lite_dequantizes() -> None:
    for op_type, target in TARGETS.items():
        assert target.op_type == op_type
        if target.rewrite is not None:
            other = TARGETS[target.rewrite]
            assert other.rewrite is None
            assert (other.channel_axis, other.rank) == (target.channel_axis, target.rank)
            assert other.expands_scale is target.expands_scale


def test_automatic_bits_begin_with_eight() -> None:
    options = QuantizeOptions(AutoBits())
    assert options.first_bits == 8
    assert AutoBits() == AutoBits(min_sqnr=None, target_size=None)


@pytest.mark.parametrize("sqnr", [math.nan, math.inf, -math.inf])
def test_an_sqnr_that_is_not_finite_is_refused(sqnr: float) -> None:
    with pytest.raises(OptionError, match="`min_sqnr`"):
        AutoBits(min_sqnr=sqnr)


def test_equal_options_are_equal() -> None:
    arguments: dict[str, Any] = {"bits": 9, "exclude": ("a*",), "bits_for": (("b", 12),)}
    assert QuantizeOptions(**arguments) == QuantizeOptions(**arguments)
    assert QuantizeOptions(**arguments) != QuantizeOptions()


def test_a_size_below_zero_is_refused() -> None:
    with pytest.raises(OptionError, match="`min_bytes`: a size below zero; found -1"):
        QuantizeOptions(min_bytes=-1)
