"""Weights that only an operator which is added for them makes quantizable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import INT64, ModelBuilder, normal
from tests.core.plan.cases import ABS_MAX, plan_of
from weightquant_cli import QuantizedWeight, QuantizeOptions, Reason, ReasonCode
from weightquant_cli.core.lite.carried import CARRIED, CARRIER_OF_RANK, Carried
from weightquant_cli.core.lite.targets import TARGETS

SHAPES = {2: (48, 40), 4: (16, 24, 2, 2)}

ALL = QuantizeOptions(op_types=("all",))

OWN = [line for line in CARRIED.values() if line.op_type not in TARGETS]
"""Lines of operators that can never carry the tag themselves."""


def reading(
    op_type: str, slot: str | None = None, *, shape: tuple[int, ...] | None = None
) -> ModelBuilder:
    """One operator of the table with the weight `w`."""
    line = next(
        line for line in CARRIED.values() if line.op_type == op_type and slot in (None, line.slot)
    )
    builder = ModelBuilder()
    builder.parameter("w", normal(*(shape or SHAPES[line.rank])))
    builder.op(op_type, {"Input": "x", line.slot: "w"}, {"Output": "y"})
    return builder


def quantized(builder: ModelBuilder, folder: Path, options: QuantizeOptions) -> QuantizedWeight:
    weight = plan_of(builder, folder, options)["w"]
    assert isinstance(weight, QuantizedWeight), weight.reason
    return weight


def reason(builder: ModelBuilder, folder: Path, options: QuantizeOptions = ALL) -> Reason:
    found = plan_of(builder, folder, options)["w"].reason
    assert found is not None
    return found


def name_of(line: Carried) -> str:
    return f"{line.op_type}-{line.slot}"


@pytest.mark.parametrize("line", OWN, ids=name_of)
def test_every_type_of_the_table_is_quantized_when_it_is_named(
    line: Carried, tmp_path: Path
) -> None:
    options = QuantizeOptions(op_types=(line.op_type,))
    weight = quantized(reading(line.op_type, line.slot), tmp_path, options)
    target = TARGETS[CARRIER_OF_RANK[line.rank]]
    shape = weight.weight.record.shape
    assert weight.operator_type == line.op_type
    assert weight.quantization.carrier == target.op_type
    assert weight.quantization.channel_axis == target.channel_axis % len(shape)
    assert weight.quantization.scales == shape[target.channel_axis]


@pytest.mark.parametrize("line", OWN, ids=name_of)
def test_unless_it_is_named_it_stays_and_the_option_is_told(line: Carried, tmp_path: Path) -> None:
    options = QuantizeOptions(op_types=("mul",))
    why = reason(reading(line.op_type, line.slot), tmp_path, options)
    assert why.code is ReasonCode.NOT_SELECTED
    assert why.remedy == f"`op_types` {line.op_type} or all"


@pytest.mark.parametrize("line", OWN, ids=name_of)
def test_without_rewrites_nothing_is_added(line: Carried, tmp_path: Path) -> None:
    options = QuantizeOptions(op_types=("all",), rewrite=False)
    why = reason(reading(line.op_type, line.slot), tmp_path, options)
    assert (why.code, why.remedy) == (ReasonCode.NO_REWRITE, "`rewrite`")


@pytest.mark.parametrize("attrs", [{"trans_x": True}, {"alpha": 0.5}, {"fused_reshape": True}])
def test_a_matmul_that_cannot_be_spelled_mul_keeps_its_spelling_and_is_carried(
    attrs: dict[str, object], tmp_path: Path
) -> None:
    builder = ModelBuilder()
    builder.matmul_v2(builder.input("x", (-1, 48)), "w", normal(48, 40), **attrs)
    weight = quantized(builder, tmp_path, ALL)
    assert weight.quantization.carrier == "lookup_table"
    assert not weight.rewrites


def test_a_matmul_that_can_be_spelled_mul_needs_no_carrier(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.matmul_v2(builder.input("x", (-1, 48)), "w", normal(48, 40))
    assert quantized(builder, tmp_path, ALL).quantization.carrier is None


@pytest.mark.parametrize("op_type", ["mul", "matmul", "matmul_v2"])
def test_a_weight_on_the_left_of_a_product_is_carried(op_type: str, tmp_path: Path) -> None:
    assert quantized(reading(op_type, "X"), tmp_path, ALL).quantization.carrier == "lookup_table"


def test_an_embedding_whose_ids_are_int32_is_carried(tmp_path: Path) -> None:
    builder = ModelBuilder()
    ids = builder.input("ids", (-1, 5), 2)
    builder.lookup_table(ids, "w", normal(48, 40), type="lookup_table_v2")
    weight = quantized(builder, tmp_path, ALL)
    assert (weight.quantization.carrier, weight.rewrites) == ("lookup_table", ())


def test_beside_a_harmless_reader_the_other_one_carries_the_tag_itself(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.mul(builder.input("x", (-1, 48)), "w", normal(48, 40))
    builder.op("elementwise_add", {"X": "z", "Y": "w"}, {"Out": "sum"})
    weight = quantized(builder, tmp_path, ALL)
    assert (weight.operator_type, weight.quantization.carrier) == ("mul", None)


@pytest.mark.parametrize("op_type", ["transpose2", "concat", "gather", "nobody_knows"])
@pytest.mark.parametrize("first", ["gru", "mul"])
def test_a_reader_that_opt_gives_the_integers_keeps_the_weight_as_it_is(
    first: str, op_type: str, tmp_path: Path
) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(48, 40))
    slot = "Weight" if first == "gru" else "Y"
    builder.op(first, {"X": "x", slot: "w"}, {"Out": "y"})
    builder.op(op_type, {"X": "w"}, {"Out": "z"})
    assert reason(builder, tmp_path).code is ReasonCode.OTHER_READER


@pytest.mark.parametrize("shared", [False, True])
def test_a_matmul_that_opt_would_turn_around_for_an_addition_stays(
    shared: bool, tmp_path: Path
) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(48, 40))
    if shared:
        builder.lookup_table(builder.input("ids", (-1, 1), INT64), "w")
    x = builder.input("x", (-1, -1))
    attrs = {"transpose_Y": True, "transpose_X": not shared, "alpha": 1.0}
    builder.op("matmul", {"X": x, "Y": "w"}, {"Out": "y"}, attrs)
    assert quantized(builder, tmp_path / "alone", ALL)
    builder.op("elementwise_add", {"X": "y", "Y": "b"}, {"Out": "z"})
    code = reason(builder, tmp_path / "added").code
    assert code is (ReasonCode.FOLDED if shared else ReasonCode.UNPROVEN)


def test_what_is_added_to_a_convolution_stays(tmp_path: Path) -> None:
    builder = ModelBuilder()
    y = builder.conv2d(builder.input("x", (-1, 3, 48, 40)), "conv.w", normal(4, 3, 1, 1))
    builder.parameter("w", normal(48, 40))
    builder.op("elementwise_add", {"X": y, "Y": "w"}, {"Out": "sum"})
    assert reason(builder, tmp_path).code is ReasonCode.FOLDED


def test_a_single_scale_is_repeated_for_a_lookup_table_which_opt_does_not_expand(
    tmp_path: Path,
) -> None:
    options = QuantizeOptions(op_types=("all",), weight_quantize_type=ABS_MAX)
    matrix = quantized(reading("gru"), tmp_path / "a", options).quantization
    assert (matrix.channels, matrix.scales) == (1, 40)
    kernel = quantized(reading("conv2d_transpose"), tmp_path / "b", options).quantization
    assert (kernel.channels, kernel.scales) == (1, 1)


def test_the_biases_among_the_weights_of_an_rnn_stay(tmp_path: Path) -> None:
    builder = ModelBuilder()
    names = [builder.parameter(name, normal(48, 40)) for name in ("w", "v")]
    names.append(builder.parameter("b", normal(4000)))
    builder.op("rnn", {"Input": "x", "WeightList": names}, {"Out": "y"})
    plans = plan_of(builder, tmp_path, QuantizeOptions(op_types=("all",)))
    assert isinstance(plans["w"], QuantizedWeight) and isinstance(plans["v"], QuantizedWeight)
    assert plans["b"].reason is not None and plans["b"].reason.code is ReasonCode.NO_TARGET


@pytest.mark.parametrize("between", [False, True])
def test_what_opt_folds_batch_norm_into_stays(between: bool, tmp_path: Path) -> None:
    builder = reading("conv2d_transpose")
    if between:
        bias = builder.parameter("b", normal(24))
        builder.op("elementwise_add", {"X": "y", "Y": bias}, {"Out": "sum"})
    builder.op("batch_norm", {"X": "sum" if between else "y"}, {"Y": "z"})
    assert reason(builder, tmp_path).code is ReasonCode.FOLDED


@pytest.mark.parametrize(
    ("rows", "bits", "kept"),
    [(23, 8, True), (24, 8, False), (34, 16, True), (35, 16, False)],
)
def test_a_carrier_must_save_twice_what_it_takes(
    rows: int, bits: int, kept: bool, tmp_path: Path
) -> None:
    """It takes 1200 bytes and 200 for 40 scales; a row saves 120 at 8 bits and 80 at 16."""
    options = QuantizeOptions(bits, op_types=("all",))
    weight = plan_of(reading("gru", shape=(rows, 40)), tmp_path, options)["w"]
    assert (weight.reason is not None and weight.reason.code is ReasonCode.CARRIER_COST) is kept


def test_a_loop_s_weight_is_carried_in_front_of_the_loop(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(48, 40))
    inner = builder.program.block()
    inner.op("gru_unit", {"Input": "x", "Weight": "w"}, {"Hidden": "y"})
    builder.op("while", {"X": "w"}, {"Out": "y"}, {"sub_block": inner})
    assert quantized(builder, tmp_path, ALL).operator_type == "gru_unit"


def test_the_stored_shape_stays(tmp_path: Path) -> None:
    weight = quantized(reading("rnn"), tmp_path, QuantizeOptions(op_types=("all",)))
    assert weight.stored_shape == (48, 40)
    assert not weight.transpose and not weight.rewrites
    assert weight.size_after == np.prod(weight.stored_shape)
