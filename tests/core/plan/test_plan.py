"""The plan: one verdict with one reason for every weight, before anything is read."""

from __future__ import annotations

import math
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.builders import (
    COMBINED,
    FP32,
    INT64,
    STEP_SCOPES,
    Attr,
    ModelBuilder,
    normal,
    raw_record,
    small_model,
)
from weightquant_cli import (
    Model,
    OptionError,
    Plan,
    QuantizeOptions,
    ReasonCode,
    WeightPlan,
    WeightQuantizeType,
    make_plan,
    summarize,
)
from weightquant_cli.core.plan.plan import MAX_SCALES
from weightquant_cli.formats import dtypes
from weightquant_cli.formats.program import AttrType

ALL = ("all",)
ABS_MAX = WeightQuantizeType.ABS_MAX
CHANNEL_WISE = WeightQuantizeType.CHANNEL_WISE_ABS_MAX


def plan_of(builder: ModelBuilder, folder: Path, options: QuantizeOptions) -> dict[str, WeightPlan]:
    """The verdicts by name."""
    plan = make_plan(builder.load(folder), options)
    return {weight.name: weight for weight in plan.weights}


def bits_of(plan: Plan) -> dict[str, int]:
    """The bits of every weight that is quantized."""
    return {w.name: w.quantization.bits for w in plan.quantized if w.quantization is not None}


def verdict(builder: ModelBuilder, folder: Path, options: QuantizeOptions) -> ReasonCode | int:
    """What becomes of the weight `w`: its bits, or why it stays."""
    weight = plan_of(builder, folder, options)["w"]
    if weight.reason is not None:
        assert weight.quantization is None
        assert weight.reason.text and weight.reason.text.isprintable()
        return weight.reason.code
    assert weight.quantization is not None
    return weight.quantization.bits


@pytest.fixture
def everything(tmp_path: Path) -> Model:
    return small_model().load(tmp_path / "everything")


# ---- a model for every reason ------------------------------------------------------------------


def matrix_model(array: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> ModelBuilder:
    """A `mul` with the weight `w`."""
    builder = ModelBuilder()
    builder.mul(builder.input("x", (-1, array.shape[0])), "w", array)
    return builder


def unread() -> ModelBuilder:
    builder = ModelBuilder()
    builder.parameter("w", normal(2, 2))
    return builder


def no_target() -> ModelBuilder:
    builder = unread()
    builder.op("conv2d_transpose", {"Input": "x", "Filter": "w"}, {"Output": "y"})
    return builder


def other_slot() -> ModelBuilder:
    builder = unread()
    builder.op("mul", {"X": "w", "Y": "y"}, {"Out": "z"})
    return builder


def not_selected() -> ModelBuilder:
    builder = ModelBuilder()
    builder.lookup_table(builder.input("ids", (-1, 1), INT64), "w", normal(5, 3))
    return builder


def not_float32() -> ModelBuilder:
    builder = ModelBuilder()
    builder.mul("x", "w", np.ones((2, 2), np.float64))
    return builder


def integers() -> ModelBuilder:
    builder = ModelBuilder()
    builder.mul("x", "w", np.ones((2, 2), np.int8))
    return builder


def empty() -> ModelBuilder:
    return matrix_model(normal(0, 3))


def rank() -> ModelBuilder:
    return matrix_model(normal(2, 2, 2))


def attributes() -> ModelBuilder:
    builder = ModelBuilder()
    builder.mul("x", "w", normal(2, 2), y_num_col_dims=2)
    return builder


def unproven() -> ModelBuilder:
    builder = ModelBuilder()
    builder.matmul_v2(builder.input("x", (2, -1)), "w", normal(2, 2), trans_x=True)
    return builder


def other_reader() -> ModelBuilder:
    builder = matrix_model(normal(2, 2))
    builder.op("elementwise_add", {"X": "y", "Y": "w"}, {"Out": "z"})
    return builder


def shared_transposed() -> ModelBuilder:
    builder = ModelBuilder()
    x = builder.input("x", (-1, 3))
    builder.matmul_v2(x, "w", normal(3, 3), trans_y=True)
    builder.matmul_v2(x, "w", trans_x=True)
    return builder


def no_rewrite() -> ModelBuilder:
    builder = ModelBuilder()
    builder.matmul_v2(builder.input("x", (-1, 2)), "w", normal(2, 2))
    return builder


def shared_batch_norm() -> ModelBuilder:
    builder = ModelBuilder()
    x = builder.input("x", (-1, 2, 8, 8))
    a = builder.conv2d(x, "w", normal(2, 2, 1, 1))
    builder.conv2d(x, "w")
    builder.op("batch_norm", {"X": a}, {"Y": "b"})
    return builder


def shared_batch_norm_behind_a_bias() -> ModelBuilder:
    builder = ModelBuilder()
    x = builder.input("x", (-1, 2, 8, 8))
    builder.conv2d(x, "w", normal(2, 2, 1, 1))
    a = builder.conv2d(x, "w")
    builder.parameter("bias", normal(2))
    builder.op("elementwise_add", {"X": a, "Y": "bias"}, {"Out": "sum"})
    builder.op("batch_norm", {"X": "sum"}, {"Y": "b"})
    return builder


def written() -> ModelBuilder:
    builder = matrix_model(normal(2, 2))
    builder.op("assign", {"X": "x"}, {"Out": "w"})
    return builder


def shadowed() -> ModelBuilder:
    builder = matrix_model(normal(2, 2))
    builder.program.block().var("w", (2, 2))
    return builder


DEFAULT = QuantizeOptions()
REASONS: list[tuple[ReasonCode, Callable[[], ModelBuilder], QuantizeOptions]] = [
    (ReasonCode.UNREAD, unread, DEFAULT),
    (ReasonCode.NO_TARGET, no_target, DEFAULT),
    (ReasonCode.OTHER_SLOT, other_slot, DEFAULT),
    (ReasonCode.NOT_SELECTED, not_selected, DEFAULT),
    (ReasonCode.NOT_FLOAT32, not_float32, DEFAULT),
    (ReasonCode.ALREADY_QUANTIZED, integers, DEFAULT),
    (ReasonCode.EMPTY, empty, DEFAULT),
    (ReasonCode.RANK, rank, DEFAULT),
    (ReasonCode.ATTRIBUTES, attributes, DEFAULT),
    (ReasonCode.UNPROVEN, unproven, DEFAULT),
    (ReasonCode.OTHER_READER, other_reader, DEFAULT),
    (ReasonCode.SHARED_BATCH_NORM, shared_batch_norm, DEFAULT),
    (ReasonCode.SHARED_BATCH_NORM, shared_batch_norm_behind_a_bias, DEFAULT),
    (ReasonCode.NO_REWRITE, no_rewrite, QuantizeOptions(rewrite=False)),
    (ReasonCode.SHARED_TRANSPOSED, shared_transposed, DEFAULT),
    (ReasonCode.WRITTEN, written, DEFAULT),
    (ReasonCode.SCALES_COST, lambda: matrix_model(normal(1, 100)), DEFAULT),
    (ReasonCode.SCALES_COST, lambda: matrix_model(normal(2, 100)), QuantizeOptions(16)),
    (ReasonCode.SHADOWED, shadowed, DEFAULT),
    (ReasonCode.EXCLUDED, lambda: matrix_model(normal(2, 2)), QuantizeOptions(exclude=("w*",))),
]


@pytest.mark.parametrize(
    ("code", "build", "options"),
    REASONS,
    ids=[f"{c.value}-{n}" for n, (c, _, _) in enumerate(REASONS)],
)
def test_every_reason_has_a_model_for_which_it_is_given(
    code: ReasonCode, build: Callable[[], ModelBuilder], options: QuantizeOptions, tmp_path: Path
) -> None:
    assert verdict(build(), tmp_path, options) is code


def test_without_rewrites_a_matmul_stays_and_the_option_is_named(tmp_path: Path) -> None:
    weight = plan_of(no_rewrite(), tmp_path, QuantizeOptions(rewrite=False))["w"]
    assert weight.reason is not None
    assert weight.reason.remedy == "`rewrite`"
    assert verdict(no_rewrite(), tmp_path, DEFAULT) == 8


def test_a_name_that_paddle_lite_reserves_stays(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.mul("x", "w/target_trans", normal(2, 2))
    weight = plan_of(builder, tmp_path, DEFAULT)["w/target_trans"]
    assert weight.reason is not None
    assert weight.reason.code is ReasonCode.RESERVED_NAME


def test_a_weight_with_scales_is_quantized_already_whatever_its_type(tmp_path: Path) -> None:
    builder = ModelBuilder()
    scales = {"w_quant_scale": Attr(AttrType.FLOATS, [1.0, 1.0])}
    builder.mul("x", "w", normal(2, 2), **scales)
    assert verdict(builder, tmp_path, DEFAULT) is ReasonCode.ALREADY_QUANTIZED


def test_every_reason_is_given_somewhere() -> None:
    assert {code for code, _, _ in REASONS} | {
        ReasonCode.RESERVED_NAME,
        ReasonCode.TOO_MANY_SCALES,
    } == set(ReasonCode)


@pytest.mark.parametrize("kind", ["Bias", "Input"])
def test_a_bias_is_never_quantized(kind: str, tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(4))
    builder.parameter("filter", normal(4, 4, 1, 1))
    inputs = {"Input": "x", "Filter": "filter", kind: "w"}
    builder.op("conv2d", inputs, {"Output": "y"})
    found = plan_of(builder, tmp_path, QuantizeOptions(op_types=ALL))
    assert found["filter"].quantization is not None
    reason = found["w"].reason
    assert reason is not None and reason.code is ReasonCode.OTHER_SLOT
    assert reason.text == f"it is the {kind} of conv2d, not the weight (Filter)"


# ---- which operators -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("op_types", "expected"),
    [
        (QuantizeOptions().op_types, {"conv.w", "fc1.w", "fc2.w"}),
        (("conv2d",), {"conv.w"}),
        (("depthwise_conv2d", "mul"), {"dw.w", "fc1.w"}),
        (("lookup_table",), {"table.w"}),
        (ALL, {"conv.w", "dw.w", "fc1.w", "fc2.w", "table.w"}),
    ],
)
def test_the_weights_of_the_chosen_operators_are_quantized(
    op_types: tuple[str, ...], expected: set[str], everything: Model
) -> None:
    plan = make_plan(everything, QuantizeOptions(op_types=op_types))
    assert {weight.name for weight in plan.quantized} == expected
    left = {weight.name for weight in plan.kept}
    assert left == {weight.name for weight in everything.weights} - expected


def test_a_type_that_was_not_chosen_says_which_option_would_choose_it(everything: Model) -> None:
    plan = make_plan(everything, QuantizeOptions(op_types=("mul",)))
    (weight,) = [weight for weight in plan.weights if weight.name == "conv.w"]
    assert weight.reason is not None
    assert weight.reason.code is ReasonCode.NOT_SELECTED
    assert weight.reason.remedy == "`op_types` conv2d or all"


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


# ---- shared weights ------------------------------------------------------------------------------


def test_one_operator_alone_carries_the_attributes_of_a_shared_weight(tmp_path: Path) -> None:
    builder = matrix_model(normal(3, 3))
    builder.mul("x", "w")
    builder.matmul_v2("x", "w")
    weight = plan_of(builder, tmp_path, DEFAULT)["w"]
    assert weight.quantization is not None
    assert weight.quantization.operator == weight.weight.readers[0].operator
    assert len(weight.weight.readers) == 3


def test_of_plain_and_transposing_readers_the_plain_ones_are_spelled_anew(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.input("x", (-1, 3))
    builder.matmul_v2(x, "w", normal(3, 3), trans_y=True)
    builder.matmul_v2(x, "w")
    weight = plan_of(builder, tmp_path, DEFAULT)["w"]
    _, plain = weight.weight.readers
    assert weight.quantization is not None
    assert weight.quantization.operator == plain.operator
    assert [rewrite.operator for rewrite in weight.rewrites] == [plain.operator]
    assert (weight.transpose, weight.stored_shape) == (False, (3, 3))


def test_a_weight_that_is_only_read_transposed_is_stored_transposed(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.matmul_v2(builder.input("x", (-1, 5)), "w", normal(3, 5), trans_y=True)
    weight = plan_of(builder, tmp_path, DEFAULT)["w"]
    assert (weight.transpose, weight.stored_shape) == (True, (5, 3))
    assert [(rewrite.to, rewrite.transpose) for rewrite in weight.rewrites] == [("mul", True)]


def test_of_several_readers_one_that_was_chosen_carries_the_attributes(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.lookup_table(builder.input("ids", (-1, 1), INT64), "w", normal(3, 3))
    builder.mul(builder.input("x", (-1, 3)), "w")
    found = plan_of(builder, tmp_path, DEFAULT)["w"].quantization
    assert found is not None
    assert found.operator.type == "mul"


def test_a_shared_convolution_without_batch_norm_is_quantized(tmp_path: Path) -> None:
    builder = ModelBuilder()
    x = builder.input("x", (-1, 2, 8, 8))
    builder.op("relu", {"X": builder.conv2d(x, "w", normal(2, 2, 1, 1))}, {"Out": "a"})
    builder.conv2d(x, "w")
    assert verdict(builder, tmp_path, DEFAULT) == 8


def test_a_convolution_with_batch_norm_and_a_weight_of_its_own_is_quantized(
    tmp_path: Path,
) -> None:
    builder = ModelBuilder()
    a = builder.conv2d("x", "w", normal(2, 2, 1, 1))
    builder.op("batch_norm", {"X": a}, {"Y": "b"})
    assert verdict(builder, tmp_path, DEFAULT) == 8


# ---- sub-blocks ----------------------------------------------------------------------------------


@pytest.mark.parametrize("type", ["while", "conditional_block"])
def test_a_weight_of_a_sub_block_counts_like_any_other(type: str, tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(2, 2))
    inner = builder.program.block()
    inner.op("mul", {"X": "x", "Y": "w"}, {"Out": "y"})
    builder.main.var("scopes", kind=STEP_SCOPES)
    builder.op(type, {"X": ["x", "w"]}, {"StepScopes": "scopes"}, {"sub_block": inner})
    weight = plan_of(builder, tmp_path, DEFAULT)["w"]
    assert weight.quantization is not None
    assert (weight.quantization.operator.block, weight.operator_type) == (1, "mul")


# ---- bits ----------------------------------------------------------------------------------------


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


# ---- excluding -----------------------------------------------------------------------------------


def test_excluded_weights_stay(everything: Model) -> None:
    plan = make_plan(everything, QuantizeOptions(exclude=("fc1.*", "conv.w")))
    assert {weight.name for weight in plan.quantized} == {"fc2.w"}
    codes = {weight.name: weight.reason.code for weight in plan.kept if weight.reason}
    assert codes["conv.w"] is codes["fc1.w"] is ReasonCode.EXCLUDED
    assert codes["fc1.b"] is ReasonCode.NO_TARGET


def test_patterns_know_case_and_brackets(everything: Model) -> None:
    plan = make_plan(everything, QuantizeOptions(exclude=("fc[1-2].[!b]",)))
    assert {weight.name for weight in plan.quantized} == {"conv.w"}
    with pytest.raises(OptionError, match=r"'CONV\.W' matches no weight"):
        make_plan(everything, QuantizeOptions(exclude=("CONV.W",)))


@pytest.mark.parametrize("option", ["exclude", "bits_for"])
def test_a_pattern_that_matches_nothing_suggests_the_nearest_names(
    option: str, everything: Model
) -> None:
    options = (
        QuantizeOptions(exclude=("fc1.ww",))
        if option == "exclude"
        else QuantizeOptions(bits_for=(("fc1.ww", 9),))
    )
    with pytest.raises(OptionError) as caught:
        make_plan(everything, options)
    assert str(caught.value).startswith(
        f"`{option}`: the pattern 'fc1.ww' matches no weight; the nearest names are fc1.w"
    )


def test_a_pattern_that_is_like_nothing_says_where_the_names_are(everything: Model) -> None:
    with pytest.raises(OptionError, match="`weightquant inspect` lists the names"):
        make_plan(everything, QuantizeOptions(exclude=("zzzzzzzzzzzzzzzz",)))


# ---- the plan as a whole -------------------------------------------------------------------------


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


def test_a_plan_of_rewrites_alone_quantizes_nothing(everything: Model) -> None:
    plan = make_plan(everything, DEFAULT).only_rewritten()
    assert plan.quantized == ()
    assert [weight.name for weight in plan.weights if weight.rewrites] == ["fc2.w"]


# ---- scales that cost too much -------------------------------------------------------------------


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
