"""The plan: what is done with every weight, before anything is read."""

from __future__ import annotations

import math
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.builders import COMBINED, FP32, INT64, ModelBuilder, normal, raw_record, small_model
from tests.core.plan.cases import (
    ABS_MAX,
    ALL,
    CHANNEL_WISE,
    DEFAULT,
    matrix_model,
    plan_of,
    verdict,
)
from weightquant_cli import (
    Model,
    OptionError,
    Plan,
    QuantizeOptions,
    ReasonCode,
    WeightQuantizeType,
    make_plan,
    summarize,
)
from weightquant_cli.core.plan.plan import MAX_SCALES
from weightquant_cli.core.plan.reasons import Reason
from weightquant_cli.formats import dtypes


@pytest.mark.parametrize(
    ("build", "channel_axis", "channels"),
    [
        (lambda b: b.conv2d("x", "w", normal(4, 3, 2, 2)), 0, 4),
        (lambda b: b.conv2d("x", "w", normal(6, 1, 3, 3), type="depthwise_conv2d"), 0, 6),
        (lambda b: b.mul("x", "w", normal(5, 3)), 1, 3),
        (lambda b: b.fc("x", "w", normal(5, 3)), 1, 3),
        (lambda b: b.lookup_table("x", "w", normal(5, 3)), 1, 3),
        (lambda b: b.matmul_v2(b.input("x", (-1, 5)), "w", normal(5, 3)), 1, 3),
        (lambda b: b.matmul_v2(b.input("x", (-1, 5)), "w", normal(3, 5), trans_y=True), 0, 3),
        (
            lambda b: b.lookup_table(
                b.input("x", (-1,), INT64), "w", normal(5, 3), type="lookup_table_v2"
            ),
            1,
            3,
        ),
    ],
)
def test_channels_lie_on_the_axis_that_paddle_lite_expects(
    build: Callable[[ModelBuilder], object], channel_axis: int, channels: int, tmp_path: Path
) -> None:
    builder = ModelBuilder()
    build(builder)
    options = QuantizeOptions(op_types=ALL, weight_quantize_type=CHANNEL_WISE)
    found = plan_of(builder, tmp_path, options)["w"].quantization
    assert found is not None
    assert (found.channel_axis, found.channels, found.scales) == (channel_axis, channels, channels)


@pytest.mark.parametrize(
    ("build", "scales"),
    [
        (lambda b: b.conv2d("x", "w", normal(4, 3, 2, 2)), 1),
        (lambda b: b.mul("x", "w", normal(5, 3)), 1),
        (lambda b: b.fc("x", "w", normal(5, 3)), 3),
        (lambda b: b.lookup_table("x", "w", normal(5, 3)), 3),
    ],
)
def test_one_scale_is_repeated_where_paddle_lite_does_not_expand_it(
    build: Callable[[ModelBuilder], object], scales: int, tmp_path: Path
) -> None:
    builder = ModelBuilder()
    build(builder)
    options = QuantizeOptions(op_types=ALL, weight_quantize_type=ABS_MAX)
    found = plan_of(builder, tmp_path, options)["w"].quantization
    assert found is not None
    assert (found.channel_axis, found.channels, found.scales) == (None, 1, scales)
    assert found.stored_type is (ABS_MAX if scales == 1 else CHANNEL_WISE)


@pytest.mark.parametrize("bits", range(8, 17))
def test_bits_set_the_range_and_the_storage(bits: int, tmp_path: Path) -> None:
    found = plan_of(matrix_model(normal(2, 2)), tmp_path, QuantizeOptions(bits=bits))["w"]
    assert found.quantization is not None
    assert found.quantization.bits == bits
    assert found.quantization.limit == 2 ** (bits - 1) - 1
    assert found.quantization.dtype is (dtypes.INT8 if bits == 8 else dtypes.INT16)
    assert found.size_after == 4 * (1 if bits == 8 else 2)


def test_bits_can_be_given_by_name(everything: Model) -> None:
    options = QuantizeOptions(bits=9, bits_for=(("fc*", 12), ("conv.w", 16), ("fc1.?", 12)))
    plan = make_plan(everything, options)
    bits = {
        weight.name: weight.quantization.bits for weight in plan.quantized if weight.quantization
    }
    assert bits == {"conv.w": 16, "fc1.w": 12, "fc2.w": 12}
    assert {"conv.w", "fc1.w", "fc2.w"} <= plan.fixed_bits


def test_patterns_that_give_one_weight_different_bits_contradict_each_other(
    everything: Model,
) -> None:
    options = QuantizeOptions(bits_for=(("fc*", 12), ("*2.w", 16)))
    with pytest.raises(OptionError, match=r"`bits_for` fc\*=12 and `bits_for` \*2\.w=16 contr"):
        make_plan(everything, options)


def test_a_weight_cannot_be_excluded_and_given_bits(everything: Model) -> None:
    options = QuantizeOptions(exclude=("fc1.w",), bits_for=(("fc*", 12),))
    with pytest.raises(OptionError, match=r"`exclude` and `bits_for` fc\*=12 contradict"):
        make_plan(everything, options)


def test_bits_for_weights_that_all_stay_are_refused_with_the_reason(everything: Model) -> None:
    options = QuantizeOptions(bits_for=(("table.w", 12),))
    with pytest.raises(OptionError, match=r"lookup_table was not chosen.*`op_types` lookup_table"):
        make_plan(everything, options)


def test_excluded_weights_stay(everything: Model) -> None:
    plan = make_plan(everything, QuantizeOptions(exclude=("fc1.*", "conv.w")))
    assert {weight.name for weight in plan.quantized} == {"fc2.w"}
    codes = {weight.name: weight.reason.code for weight in plan.kept if weight.reason}
    assert codes["conv.w"] is codes["fc1.w"] is ReasonCode.EXCLUDED
    assert codes["fc1.b"] is ReasonCode.NO_TARGET


def test_only_included_weights_are_quantized_and_the_others_say_so(everything: Model) -> None:
    plan = make_plan(everything, QuantizeOptions(include=("fc*",), exclude=("fc2*",)))
    assert {weight.name for weight in plan.quantized} == {"fc1.w"}
    reasons = {weight.name: weight.reason for weight in plan.kept}
    assert reasons["conv.w"] == Reason(ReasonCode.NOT_INCLUDED, "not included by name", "`include`")
    assert reasons["fc2.w"].code is ReasonCode.EXCLUDED


def test_weights_below_a_size_stay_and_those_of_the_size_do_not(everything: Model) -> None:
    sizes = {weight.name: weight.record.data_size for weight in everything.weights}
    for limit, kept in ((sizes["conv.w"], False), (sizes["conv.w"] + 1, True)):
        plan = make_plan(everything, QuantizeOptions(min_bytes=limit))
        small = {w.name for w in plan.kept if w.reason.code is ReasonCode.SMALL}
        assert ("conv.w" in small) == kept
        assert all(sizes[name] < limit for name in small)
        assert all(sizes[weight.name] >= limit for weight in plan.quantized)


def test_bits_do_not_overrule_a_filter(everything: Model) -> None:
    with pytest.raises(OptionError, match=r"found it has fewer than 1\.00 MiB.*`min_bytes`"):
        make_plan(everything, QuantizeOptions(bits_for=(("fc1.w", 12),), min_bytes=1 << 20))


def test_a_plan_reads_no_data(tmp_path: Path) -> None:
    builder = small_model()
    model = builder.load(tmp_path, COMBINED)
    expected = make_plan(model, QuantizeOptions(op_types=ALL))
    os.truncate(tmp_path / "__params__", 0)
    assert make_plan(model, QuantizeOptions(op_types=ALL)) == expected


def test_every_weight_has_one_verdict(everything: Model) -> None:
    plan = make_plan(everything, QuantizeOptions(op_types=ALL))
    assert [weight.weight for weight in plan.weights] == list(everything.weights)
    assert all(
        (weight.quantization is None) == (weight.reason is not None) for weight in plan.weights
    )
    assert set(plan.quantized) | set(plan.kept) == set(plan.weights)


def test_the_share_that_is_quantized_is_counted_in_bytes(tmp_path: Path) -> None:
    builder = matrix_model(normal(3, 3))
    builder.parameter("b", normal(1))
    assert make_plan(builder.load(tmp_path), DEFAULT).quantized_share == 90.0


def test_of_a_model_without_weights_nothing_is_quantized(tmp_path: Path) -> None:
    plan = make_plan(ModelBuilder().load(tmp_path), DEFAULT)
    assert (plan, plan.quantized_share) == (Plan(DEFAULT, ()), 0.0)


def test_a_plan_can_be_given_other_bits(everything: Model) -> None:
    plan = make_plan(everything, DEFAULT).with_bits({"conv.w": 16, "fc1.b": 16})
    bits = {
        weight.name: weight.quantization.bits for weight in plan.quantized if weight.quantization
    }
    assert bits == {"conv.w": 16, "fc1.w": 8, "fc2.w": 8}


@pytest.mark.parametrize(
    ("shape", "bits", "kind", "quantized"),
    [
        ((1, 100), 8, CHANNEL_WISE, False),
        ((1, 100), 8, ABS_MAX, True),
        ((2, 100), 8, CHANNEL_WISE, True),
        ((2, 100), 16, CHANNEL_WISE, False),
        ((3, 100), 16, CHANNEL_WISE, True),
        ((1, 10), 8, CHANNEL_WISE, True),  # a few bytes
    ],
)
def test_a_weight_whose_scales_cost_more_than_they_save_stays(
    shape: tuple[int, int], bits: int, kind: WeightQuantizeType, quantized: bool, tmp_path: Path
) -> None:
    options = QuantizeOptions(bits, kind)
    found = verdict(matrix_model(normal(*shape)), tmp_path, options)
    assert found == (bits if quantized else ReasonCode.SCALES_COST)


def sparse(folder: Path, *shapes: tuple[int, int]) -> Model:
    """A model of `mul`s with weights w0, w1, ... of these shapes, whose files are all holes."""
    builder = ModelBuilder()
    for index, shape in enumerate(shapes):
        builder.main.var(f"w{index}", shape, persistable=True)
        builder.records[f"w{index}"] = raw_record(b"", FP32, shape)
        builder.mul("x", f"w{index}")
    builder.write(folder)
    for index, shape in enumerate(shapes):
        path = folder / f"w{index}"
        os.truncate(path, path.stat().st_size + 4 * math.prod(shape))
    return Model.load(folder)


@pytest.mark.parametrize(
    ("shapes", "codes"),
    [
        ([(1, 60_000_000)], [ReasonCode.SCALES_COST]),
        ([(2, 60_000_000)], [ReasonCode.TOO_MANY_SCALES]),
        ([(2, MAX_SCALES)], [None]),
        ([(2, MAX_SCALES)] * 10, [None] * 8 + [ReasonCode.TOO_MANY_SCALES] * 2),
    ],
)
def test_the_number_of_scales_is_bounded(
    shapes: list[tuple[int, int]], codes: list[ReasonCode | None], tmp_path: Path
) -> None:
    plan = make_plan(sparse(tmp_path, *shapes), DEFAULT)
    assert [weight.reason and weight.reason.code for weight in plan.weights] == codes


def test_a_weight_of_one_row_and_millions_of_columns_takes_no_memory(tmp_path: Path) -> None:
    model = sparse(tmp_path, (1, 60_000_000))
    tracemalloc.start()
    try:
        summarize(model)
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
