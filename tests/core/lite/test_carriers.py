"""Carriers are added, found again, and removed without a trace."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.builders import ModelBuilder, normal
from tests.core.quantize.cases import ALL, run, tagged
from weightquant_cli import Model
from weightquant_cli.core.lite.carriers import (
    NewCarrier,
    add_carriers,
    find_carriers,
    without_carriers,
)
from weightquant_cli.core.lite.tags import ModelTags


def recurrent_model() -> ModelBuilder:
    """An rnn with two matrices and a bias, a gru, two transposed convolutions, a mul."""
    model = ModelBuilder()
    x = model.input("x", (-1, 40))
    weights = [
        model.parameter("rnn.ih", normal(48, 40)),
        model.parameter("rnn.hh", normal(48, 40, seed=1)),
        model.parameter("rnn.b", normal(48)),
    ]
    x = model.op("rnn", {"Input": x, "WeightList": weights}, {"Out": "rnn.out"}, shape=(-1, 40))
    gru = {"Input": x, "Weight": model.parameter("gru.w", normal(40, 120))}
    x = model.op("gru", gru, {"Hidden": "gru.out"}, shape=(-1, 40))
    for name in ("up1.w", "up2.w"):
        inputs = {"Input": x, "Filter": model.parameter(name, normal(16, 24, 2, 2))}
        x = model.op("conv2d_transpose", inputs, {"Output": f"{name}.out"}, shape=(-1, 24))
    model.fetch(model.mul(x, "fc.w", normal(40, 40)))
    return model


CARRIED = {"rnn.ih", "rnn.hh", "gru.w", "up1.w", "up2.w"}


def types(model: Model) -> list[str]:
    return [ref.type for ref, _ in model.operators()]


def test_each_weight_gets_one_carrier_and_carriers_share_their_zeros(tmp_path: Path) -> None:
    source = recurrent_model().load(tmp_path / "in")
    run(source, tmp_path / "out")
    model = Model.load(tmp_path / "out")
    added = len(types(model)) - len(types(source))
    assert types(model)[:added] == [
        *["fill_constant"] * 2,
        *["lookup_table"] * 3,
        *["conv2d"] * 2,
    ]
    carriers = find_carriers(model, ModelTags(model))
    assert {carrier.weight for carrier in carriers} == CARRIED
    assert all(len(tagged(model, name)) == 1 for name in CARRIED | {"fc.w"})


def test_the_zeros_and_the_output_have_the_shapes_that_the_kernels_want(tmp_path: Path) -> None:
    run(recurrent_model().load(tmp_path / "in"), tmp_path / "out")
    model = Model.load(tmp_path / "out")
    (lookup,), (conv,) = tagged(model, "gru.w"), tagged(model, "up1.w")
    found = {
        name: model.variable(0, name)
        for operator in (lookup, conv)
        for slots in (operator.inputs, operator.outputs)
        for names in slots.values()
        for name in names
    }
    shapes = {name: (str(v.dtype), v.shape, v.persistable) for name, v in found.items() if v}
    assert shapes == {
        "carrier.lookup_table.1x1": ("INT64", (1, 1), False),
        "gru.w": ("FP32", (40, 120), True),
        "gru.w.carrier": ("FP32", (1, 120), False),
        "carrier.conv2d.1x24x2x2": ("FP32", (1, 24, 2, 2), False),
        "up1.w": ("FP32", (16, 24, 2, 2), True),
        "up1.w.carrier": ("FP32", (1, 16, 1, 1), False),
    }


def test_removing_them_gives_the_program_back(tmp_path: Path) -> None:
    source = recurrent_model().load(tmp_path / "in")
    run(source, tmp_path / "out")
    model = Model.load(tmp_path / "out")
    bare = without_carriers(model, find_carriers(model, ModelTags(model)))
    blocks, original = bare.blocks[0], source.program.blocks[0]
    assert [op.type for op in blocks.operators] == [op.type for op in original.operators]
    assert [v.name for v in blocks.variables] == [v.name for v in original.variables]


def test_added_names_never_collide_with_names_of_the_model(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(64, 64))
    builder.main.var("w.carrier")
    builder.op("gru", {"Input": "carrier.lookup_table.1x1", "Weight": "w"}, {"Hidden": "y"})
    model = builder.load(tmp_path)
    program = model.program.copy()
    added = add_carriers(program, [NewCarrier("w", "lookup_table", (64, 64))])
    assert added["w"].outputs == {"Out": ("w.carrier_1",)}
    assert added["w"].inputs["Ids"] == ("carrier.lookup_table.1x1_1",)


def test_what_somebody_reads_or_what_is_not_fed_with_zeros_is_no_carrier(tmp_path: Path) -> None:
    builder = ModelBuilder()
    scales = {"quantize_weight_bits": 8}
    ones = {"shape": [1, 1], "value": 1.0, "dtype": 3}
    for name, made in (("a", {"value": 0.0, "shape": [1, 1]}), ("b", ones)):
        builder.op("fill_constant", {}, {"Out": f"{name}.zeros"}, made)
        builder.parameter(f"{name}.w", np.ones((4, 4), np.int8))
        inputs = {"Ids": f"{name}.zeros", "W": f"{name}.w"}
        tag = {**scales, f"{name}.w_quant_scale": [1.0] * 4}
        builder.op("lookup_table", inputs, {"Out": f"{name}.out"}, tag)
    builder.op("relu", {"X": "a.out"}, {"Out": "y"})
    model = builder.load(tmp_path)
    tags = ModelTags(model)
    assert len(tags.all) == 2
    assert find_carriers(model, tags) == ()


def test_zeros_that_another_operator_reads_stay(tmp_path: Path) -> None:
    source = recurrent_model()
    run(source.load(tmp_path / "in"), tmp_path / "out")
    model = Model.load(tmp_path / "out")
    program = model.program
    added = program.blocks[0].insert_operator(len(types(model)), "cast")
    added.set_input("X", ["carrier.lookup_table.1x1"])
    added.set_output("Out", ["z"])
    again = Model(model.stored)
    bare = without_carriers(again, find_carriers(again, ModelTags(again)))
    kept = [op.outputs["Out"] for op in bare.blocks[0].operators if op.type == "fill_constant"]
    assert kept == [("carrier.lookup_table.1x1",)]


def test_the_same_model_gives_the_same_bytes_however_many_threads(tmp_path: Path) -> None:
    for jobs in (1, 3):
        run(recurrent_model().load(tmp_path / "in"), tmp_path / str(jobs), ALL, jobs)
    one, other = (
        {path.name: path.read_bytes() for path in (tmp_path / jobs).iterdir()} for jobs in "13"
    )
    assert one == other
