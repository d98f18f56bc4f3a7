"""Weights that only an operator which is added for them makes quantizable."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.builders import ModelBuilder, normal
from tests.core.plan.cases import ABS_MAX, plan_of
from weightquant_cli import QuantizedWeight, QuantizeOptions, ReasonCode
from weightquant_cli.core.lite.carried import CARRIED, CARRIER_OF_RANK
from weightquant_cli.core.lite.targets import TARGETS

SHAPES = {2: (48, 40), 4: (16, 24, 2, 2)}


def reading(op_type: str, *, shape: tuple[int, ...] | None = None) -> ModelBuilder:
    """One operator of the table with the weight `w`."""
    carried = CARRIED[op_type]
    builder = ModelBuilder()
    builder.parameter("w", normal(*(shape or SHAPES[carried.rank])))
    builder.op(op_type, {"Input": "x", carried.slot: "w"}, {"Output": "y"})
    return builder


def quantized(builder: ModelBuilder, folder: Path, options: QuantizeOptions) -> QuantizedWeight:
    weight = plan_of(builder, folder, options)["w"]
    assert isinstance(weight, QuantizedWeight), weight.reason
    return weight


@pytest.mark.parametrize("op_type", CARRIED)
def test_every_type_of_the_table_is_quantized_when_it_is_named(
    op_type: str, tmp_path: Path
) -> None:
    weight = quantized(reading(op_type), tmp_path, QuantizeOptions(op_types=(op_type,)))
    target = TARGETS[CARRIER_OF_RANK[CARRIED[op_type].rank]]
    shape = weight.weight.record.shape
    assert weight.operator_type == op_type
    assert weight.quantization.carrier == target.op_type
    assert weight.quantization.channel_axis == target.channel_axis % len(shape)
    assert weight.quantization.scales == shape[target.channel_axis]


@pytest.mark.parametrize("op_type", CARRIED)
def test_unless_it_is_named_it_stays_and_the_option_is_told(op_type: str, tmp_path: Path) -> None:
    reason = plan_of(reading(op_type), tmp_path, QuantizeOptions(op_types=("mul",)))["w"].reason
    assert reason is not None and reason.code is ReasonCode.NOT_SELECTED
    assert reason.remedy == f"`op_types` {op_type} or all"


@pytest.mark.parametrize("op_type", CARRIED)
def test_without_rewrites_nothing_is_added(op_type: str, tmp_path: Path) -> None:
    options = QuantizeOptions(op_types=("all",), rewrite=False)
    reason = plan_of(reading(op_type), tmp_path, options)["w"].reason
    assert reason is not None and reason.code is ReasonCode.NO_REWRITE
    assert reason.remedy == "`rewrite`"


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


def test_a_weight_that_an_unknown_operator_reads_as_well_stays(tmp_path: Path) -> None:
    builder = reading("gru")
    builder.op("nobody_knows", {"X": "w"}, {"Out": "z"})
    reason = plan_of(builder, tmp_path, QuantizeOptions(op_types=("all",)))["w"].reason
    assert reason is not None and reason.code is ReasonCode.OTHER_READER


@pytest.mark.parametrize("between", [False, True])
def test_what_opt_folds_batch_norm_into_stays(between: bool, tmp_path: Path) -> None:
    builder = reading("conv2d_transpose")
    if between:
        bias = builder.parameter("b", normal(24))
        builder.op("elementwise_add", {"X": "y", "Y": bias}, {"Out": "sum"})
    builder.op("batch_norm", {"X": "sum" if between else "y"}, {"Y": "z"})
    reason = plan_of(builder, tmp_path, QuantizeOptions(op_types=("all",)))["w"].reason
    assert reason is not None and reason.code is ReasonCode.FOLDED


@pytest.mark.parametrize(("rows", "bits", "kept"), [(18, 8, True), (20, 8, False), (20, 16, True)])
def test_a_carrier_must_save_two_kilobytes(
    rows: int, bits: int, kept: bool, tmp_path: Path
) -> None:
    """40 scales take 200 bytes; a row saves 120 bytes at 8 bits and 80 at 16."""
    options = QuantizeOptions(bits, op_types=("all",))
    weight = plan_of(reading("gru", shape=(rows, 40)), tmp_path, options)["w"]
    assert (weight.reason is not None and weight.reason.code is ReasonCode.CARRIER_COST) is kept


def test_the_stored_shape_stays(tmp_path: Path) -> None:
    weight = quantized(reading("rnn"), tmp_path, QuantizeOptions(op_types=("all",)))
    assert weight.stored_shape == (48, 40)
    assert not weight.transpose and not weight.rewrites
    assert weight.size_after == np.prod(weight.stored_shape)
