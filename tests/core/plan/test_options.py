"""Options: valid once they are made."""

from __future__ import annotations

import dataclasses
import math
from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weightquant_cli import (
    AutoBits,
    OptionError,
    QuantizeOptions,
    Size,
    WeightQuantizeType,
)
from weightquant_cli.core.lite.storage import storage_dtype
from weightquant_cli.core.lite.targets import ALL_OP_TYPES, TARGETS
from weightquant_cli.core.quantize.gates import Gates
from weightquant_cli.errors import GateError
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


@pytest.mark.parametrize("bits", [7, 17, 0, -8, 32, True])
def test_bits_out_of_range_are_refused(bits: int) -> None:
    with pytest.raises(OptionError, match="bits out of range; expected 8 to 16"):
        QuantizeOptions(bits)
    with pytest.raises(OptionError, match="bits out of range"):
        QuantizeOptions(bits_for=(("w", bits),))


@pytest.mark.parametrize("bits", range(8, 17))
def test_eight_bits_are_stored_in_one_byte_and_more_in_two(bits: int) -> None:
    assert QuantizeOptions(bits).first_bits == bits
    assert storage_dtype(bits) is (dtypes.INT8 if bits == 8 else dtypes.INT16)


@pytest.mark.parametrize("rate", [-1e-9, 1.0, 1.5, math.nan, math.inf, -math.inf])
def test_a_threshold_rate_out_of_range_is_refused(rate: float) -> None:
    with pytest.raises(OptionError, match="threshold rate out of range; expected 0 <= R < 1"):
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
    assert QuantizeOptions(op_types=("all",)).chosen_op_types == set(ALL_OP_TYPES) == set(TARGETS)
    assert QuantizeOptions(op_types=("mul", "all")).chosen_op_types == set(ALL_OP_TYPES)


@pytest.mark.parametrize(
    ("op_types", "message"),
    [
        ((), "no operator type chosen"),
        (("conv2D",), "unknown operator type 'conv2D'; did you mean conv2d"),
        (("mul", "gru"), "unknown operator type 'gru'"),
        (("xxxxxxxx",), r"known are conv2d, depthwise_conv2d, .*, all"),
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


# ---- automatic bits ------------------------------------------------------------------------------


def test_automatic_bits_begin_with_eight() -> None:
    options = QuantizeOptions(AutoBits())
    assert options.first_bits == 8
    assert AutoBits() == AutoBits(min_sqnr=30.0, target_size=None)


@pytest.mark.parametrize("sqnr", [math.nan, math.inf, -math.inf])
def test_an_sqnr_that_is_not_finite_is_refused(sqnr: float) -> None:
    with pytest.raises(OptionError, match="`min_sqnr`"):
        AutoBits(min_sqnr=sqnr)


# ---- sizes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("12345", 12345), ("12345B", 12345), ("700k", 700_000), ("700K", 700_000),
        ("4.2MB", 4_200_000), ("4MiB", 4 * 2**20), ("1.5KiB", 1536), ("2g", 2 * 10**9),
        ("2.01KB", 2010), ("1.001MB", 1_001_000), ("1TiB", 2**40), (" 3 MB ", 3_000_000),
        (".5MB", 500_000), ("5.", 5), ("1.9", 1),
    ],
)  # fmt: skip
def test_sizes_are_read_as_people_write_them(text: str, size: int) -> None:
    parsed = Size.parse(text)
    assert (parsed.relative, parsed.of(10**12)) == (False, size)


@pytest.mark.parametrize(
    ("text", "whole", "size"),
    [
        ("30%", 1000, 300),
        ("33.3 %", 1000, 333),
        ("150%", 10, 15),
        ("0.01%", 10_000, 1),
        ("29%", 100, 29),
        ("57%", 100, 57),
        ("1.1%", 1000, 11),
    ],
)
def test_a_share_is_taken_of_the_whole(text: str, whole: int, size: int) -> None:
    assert Size.parse(text).of(whole) == size


@pytest.mark.parametrize(
    "text", ["", "MB", "-4MB", "4 PB", "4,2MB", "1e6", "4MBB", "%", "30%B", "inf", "nan",
             "0x10", "4 M B", "9" * 400, "9" * 5000, "٣"],
)  # fmt: skip
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(OptionError):
        Size.parse(text)


@pytest.mark.parametrize("text", ["0", "0%", "0.0MB"])
def test_a_size_must_be_above_zero(text: str) -> None:
    with pytest.raises(OptionError, match="a size must be above zero"):
        Size.parse(text)


@pytest.mark.parametrize("number", [math.nan, math.inf, -1.0, 0])
def test_a_number_that_is_no_size_is_refused(number: float) -> None:
    with pytest.raises(OptionError, match="a size must be above zero"):
        Size(number)


def test_a_float_means_the_decimal_number_that_it_is_printed_as() -> None:
    assert Size(2.01e3).of(0) == 2010
    assert Size(1.1, relative=True) == Size.parse("1.1%")


@given(st.text(max_size=12))
def test_any_text_is_a_size_or_an_option_error(text: str) -> None:
    try:
        assert Size.parse(text).number > 0
    except OptionError as error:
        assert str(error).isprintable()


# ---- gates ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("percent", [-0.1, 100.1, math.nan, math.inf])
def test_a_percentage_out_of_range_is_refused(percent: float) -> None:
    with pytest.raises(OptionError, match="expected 0 to 100"):
        Gates(min_quantized=percent)


@pytest.mark.parametrize(
    ("gates", "passes"),
    [
        (Gates(), True),
        (Gates(max_size=Size(500)), True),
        (Gates(max_size=Size(499)), False),
        (Gates(max_size=Size(50, relative=True)), True),
        (Gates(max_size=Size(49.9, relative=True)), False),
        (Gates(min_quantized=80), True),
        (Gates(min_quantized=80.5), False),
        (Gates(Size(499), 10), False),
    ],
)
def test_a_gate_is_met_at_its_limit_and_not_beyond(gates: Gates, passes: bool) -> None:
    def enforce() -> None:
        gates.enforce(size_before=1000, size_after=500, quantized_share=80.0)

    if passes:
        enforce()
    else:
        with pytest.raises(GateError):
            enforce()


@pytest.mark.parametrize(
    ("gates", "share", "passes"),
    [
        (Gates(), 0.0, True),
        (Gates(require_quantized=True), 0.0, False),
        (Gates(require_quantized=True), 0.1, True),
        (Gates(require_quantized=True, min_quantized=0), 0.0, True),
        (Gates(require_quantized=True, min_quantized=1), 0.0, False),
    ],
)
def test_a_result_without_a_quantized_weight_is_refused_where_that_is_wanted(
    gates: Gates, share: float, passes: bool
) -> None:
    with nullcontext() if passes else pytest.raises(GateError):
        gates.enforce(1000, 500, share)


def test_sizes_in_a_refusal_are_for_people_and_exact() -> None:
    with pytest.raises(GateError, match=r"allows 1\.96 KiB \(2010 bytes\), the result has 1\.43 MiB"):
        Gates(Size.parse("2.01KB")).enforce(10**7, 1_500_000, 80.0)


def test_every_gate_that_is_not_met_is_named() -> None:
    with pytest.raises(GateError) as caught:
        Gates(Size(10), 90).enforce(1000, 500, 80.0)
    assert "`max_size` allows 10 bytes, the result has 500" in str(caught.value)
    assert "`min_quantized` asks for 90% of the weights' bytes, 80.00%" in str(caught.value)


def test_equal_options_are_equal() -> None:
    arguments: dict[str, Any] = {"bits": 9, "exclude": ("a*",), "bits_for": (("b", 12),)}
    assert QuantizeOptions(**arguments) == QuantizeOptions(**arguments)
    assert QuantizeOptions(**arguments) != QuantizeOptions()
