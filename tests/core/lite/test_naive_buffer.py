"""The size of a `.nb` to expect: the weights' data as it is, and what opt leaves of the program."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.builders import ModelBuilder, add_attribute, normal, small_model, write_model
from weightquant_cli import Model, OutputOptions, QuantizeOptions, make_plan, preview
from weightquant_cli.core.lite.naive_buffer import NaiveBufferSize, naive_buffer_size

ALL = QuantizeOptions(op_types=("all",))


def foretold(folder: Path) -> NaiveBufferSize:
    model = Model.load(folder)
    sizes = {weight.name: weight.record.data_size for weight in model.weights}
    size = naive_buffer_size(model.program, sizes)
    assert size is not None
    return size


def convolution(folder: Path, *after: str) -> NaiveBufferSize:
    """Of a convolution, and what follows it."""
    builder = ModelBuilder()
    x = builder.conv2d(builder.input("image", (-1, 3, 8, 8)), "conv", normal(16, 3, 1, 1))
    for kind in after:
        given = {"X": x}
        if kind == "batch_norm":
            for slot in ("Scale", "Bias", "Mean", "Variance"):
                given[slot] = builder.parameter(f"bn.{slot}", np.ones(16, np.float32))
        if kind == "elementwise_add":
            given["Y"] = builder.parameter("bias", np.ones(16, np.float32))
        x = builder.op(kind, given, {"Y" if kind == "batch_norm" else "Out": kind},
                       {"alpha": 1.0}, shape=(-1, 16, 8, 8))  # fmt: skip
    builder.fetch(x)
    for operator in builder.program.desc.blocks[0].ops:
        add_attribute(operator, "op_role", 0)  # as Paddle 1 and 2 write
    builder.write(folder)
    return foretold(folder)


def test_what_more_bits_add_to_the_weights_they_add_to_the_nb(tmp_path: Path) -> None:
    write_model(tmp_path / "in")
    model = Model.load(tmp_path / "in")
    results = [
        preview(model, make_plan(model, replace(ALL, bits=bits)), OutputOptions(tmp_path / "out"))
        for bits in (6, 8, 16)
    ]
    six, eight, sixteen = (result.naive_buffer for result in results)
    assert six == eight
    assert eight is not None
    assert sixteen is not None
    added = results[2].sizes.params_after - results[1].sizes.params_after
    assert sixteen.smallest - eight.smallest == added
    assert sixteen.largest - eight.largest == added


def test_an_activation_and_a_dropout_add_nothing(tmp_path: Path) -> None:
    alone = convolution(tmp_path / "alone")
    for kind in ("relu", "relu6", "hard_swish", "dropout"):
        with_it = convolution(tmp_path / kind, kind)
        assert with_it.middle - alone.middle < 50, kind  # one variable
    assert convolution(tmp_path / "tanh", "tanh").middle - alone.middle > 100


def test_a_batch_norm_becomes_one_bias(tmp_path: Path) -> None:
    bias = convolution(tmp_path / "bias", "elementwise_add")
    norm = convolution(tmp_path / "norm", "batch_norm")
    assert abs(norm.middle - bias.middle) <= 10
    assert convolution(tmp_path / "both", "elementwise_add", "batch_norm").middle <= bias.middle


def test_a_program_with_sub_blocks_is_not_foretold(tmp_path: Path) -> None:
    builder = small_model()
    builder.program.desc.blocks.add(idx=1, parent_idx=0)
    builder.write(tmp_path / "in")
    model = Model.load(tmp_path / "in")
    assert naive_buffer_size(model.program, {}) is None


def test_a_size_that_may_be_off_by_more_than_2_percent_is_a_range() -> None:
    assert NaiveBufferSize(980, 1020).is_precise
    assert NaiveBufferSize(980, 1020).middle == 1000
    assert not NaiveBufferSize(970, 1030).is_precise


def test_a_program_without_what_paddle_2_writes_on_every_operator_takes_more_for_what_it_has(
    tmp_path: Path,
) -> None:
    builder = ModelBuilder()
    builder.fetch(builder.mul(builder.input("x", (-1, 8)), "w", normal(8, 8)))
    translated = foretold(builder.write(tmp_path / "translated"))
    for operator in builder.program.desc.blocks[0].ops:
        add_attribute(operator, "op_role", 0)
    saved = foretold(builder.write(tmp_path / "saved"))
    assert translated.smallest > saved.smallest
    assert translated.largest - translated.smallest > saved.largest - saved.smallest
