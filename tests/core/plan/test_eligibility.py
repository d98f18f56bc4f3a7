"""Which weights are quantized, and a model for every reason why one is not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.builders import INT64, STEP_SCOPES, Attr, ModelBuilder, normal
from tests.core.plan.cases import ALL, DEFAULT, matrix_model, plan_of, verdict
from weightquant_cli import Model, QuantizeOptions, ReasonCode, make_plan
from weightquant_cli.formats.program import AttrType

EVERYTHING = QuantizeOptions(op_types=ALL)


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
    builder.op("transpose2", {"X": "w"}, {"Out": "z"})
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


def folded() -> ModelBuilder:
    builder = ModelBuilder()
    y = transposed_convolution(builder)
    builder.op("batch_norm", {"X": y}, {"Y": "z"})
    return builder


def inside_a_loop() -> ModelBuilder:
    """The loop declares the weight itself."""
    builder = ModelBuilder()
    builder.parameter("w", normal(40, 120), declare=False)
    inner = builder.program.block()
    inner.var("w", (40, 120), persistable=True)
    inner.op("gru", {"Input": "x", "Weight": "w"}, {"Hidden": "y"})
    builder.op("while", {"X": "w"}, {"Out": "y"}, {"sub_block": inner})
    return builder


def small_gru() -> ModelBuilder:
    builder = ModelBuilder()
    builder.parameter("w", normal(8, 24))
    builder.op("gru", {"Input": "x", "Weight": "w"}, {"Hidden": "y"})
    return builder


def transposed_convolution(builder: ModelBuilder) -> str:
    builder.parameter("w", normal(16, 24, 2, 2))
    return builder.op("conv2d_transpose", {"Input": "x", "Filter": "w"}, {"Output": "y"})


def shadowed() -> ModelBuilder:
    builder = matrix_model(normal(2, 2))
    builder.program.block().var("w", (2, 2))
    return builder


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
    (ReasonCode.FOLDED, folded, EVERYTHING),
    (ReasonCode.SUB_BLOCK, inside_a_loop, EVERYTHING),
    (ReasonCode.CARRIER_COST, small_gru, EVERYTHING),
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
        ReasonCode.NOT_INCLUDED,  # by name and by size: test_plan.py
        ReasonCode.SMALL,
        ReasonCode.FLOAT,
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


def test_a_convolution_with_batch_norm_and_a_weight_of_its_own_is_quantized(tmp_path: Path) -> None:
    builder = ModelBuilder()
    a = builder.conv2d("x", "w", normal(2, 2, 1, 1))
    builder.op("batch_norm", {"X": a}, {"Y": "b"})
    assert verdict(builder, tmp_path, DEFAULT) == 8


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
