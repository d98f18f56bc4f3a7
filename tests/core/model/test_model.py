"""The view of a model: who reads what, through sub-blocks and captures."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import (
    COMBINED,
    INT64,
    STEP_SCOPES,
    BlockBuilder,
    ModelBuilder,
    normal,
    small_model,
    write_model,
)
from weightquant_cli.core.model.model import Model
from weightquant_cli.core.model.weights import OperatorRef, Reader
from weightquant_cli.errors import ModelNotFoundError


def readers(model: Model, name: str) -> list[tuple[str, str]]:
    """Operator type and slot of everybody who reads a weight."""
    return [(reader.operator.type, reader.slot) for reader in model.weight(name).readers]


def run_block(model: ModelBuilder, block: BlockBuilder, type: str, captured: list[str]) -> None:
    """An operator of the main block that runs `block` and names what it captures."""
    scopes = f"scopes{block.index}"
    model.main.var(scopes, kind=STEP_SCOPES)
    slot = "X" if type == "while" else "Input"
    model.op(type, {slot: captured}, {"StepScopes": scopes}, {"sub_block": block})


def test_a_model_is_loaded_by_its_folder_as_text_or_path(tmp_path: Path) -> None:
    write_model(tmp_path / "model", COMBINED)
    by_path, by_text = Model.load(tmp_path / "model"), Model.load(str(tmp_path / "model"))
    assert by_path.files == by_text.files
    assert by_path.program.serialize() == by_text.program.serialize()
    with pytest.raises(ModelNotFoundError):
        Model.load(tmp_path)


def test_weights_are_in_byte_order_with_their_readers(tmp_path: Path) -> None:
    model = small_model().load(tmp_path)
    assert [weight.name for weight in model.weights] == sorted(small_model().records)
    assert readers(model, "conv.w") == [("conv2d", "Filter")]
    assert readers(model, "bn.Mean") == [("batch_norm", "Mean")]
    assert readers(model, "fc1.b") == [("elementwise_add", "Y")]
    (reader,) = model.weight("fc2.w").readers
    assert model.operator(reader.operator).inputs["Y"] == ("fc2.w",)
    assert reader == Reader(OperatorRef(0, reader.operator.index, "matmul_v2"), "Y")
    assert all(not weight.writers and not weight.shadowed for weight in model.weights)
    with pytest.raises(KeyError):
        model.weight("image")


def test_a_weight_is_read_once_for_every_place_it_stands_in(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(2, 2))
    builder.op("mul", {"X": "w", "Y": "w"}, {"Out": "a"})
    builder.op("concat", {"X": ["w", "a", "w"]}, {"Out": "b"})
    model = builder.load(tmp_path)
    assert readers(model, "w") == [("mul", "X"), ("mul", "Y"), ("concat", "X"), ("concat", "X")]


def test_feed_and_fetch_are_no_readers(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(2))
    builder.main.op("feed", {"X": "w"}, {"Out": "w"})
    builder.fetch("w")
    weight = builder.load(tmp_path).weight("w")
    assert (weight.readers, weight.writers) == ((), ())


@pytest.mark.parametrize("type", ["while", "conditional_block", "recurrent"])
def test_a_capture_is_no_reading_of_its_own(type: str, tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(2, 2))
    inner = builder.program.block()
    inner.op("mul", {"X": "x", "Y": "w"}, {"Out": "y"})
    run_block(builder, inner, type, ["x", "w"])
    model = builder.load(tmp_path)
    assert readers(model, "w") == [("mul", "Y")]
    assert model.weight("w").readers[0].operator == OperatorRef(1, 0, "mul")


def test_a_capture_through_several_blocks_is_no_reading(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(2, 2))
    outer = builder.program.block()
    inner = builder.program.block(parent=outer.index)
    inner.op("mul", {"X": "x", "Y": "w"}, {"Out": "y"})
    outer.op("conditional_block", {"Input": ["x", "w"]}, {"Out": "y"}, {"sub_block": inner})
    run_block(builder, outer, "while", ["x", "w"])
    assert readers(builder.load(tmp_path), "w") == [("mul", "Y")]


def test_what_the_sub_block_does_not_use_is_read_by_the_operator_itself(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("used", normal(2, 2))
    builder.parameter("condition", normal(1))
    inner = builder.program.block()
    inner.op("mul", {"X": "x", "Y": "used"}, {"Out": "y"})
    run_block(builder, inner, "while", ["used", "condition"])
    model = builder.load(tmp_path)
    assert readers(model, "condition") == [("while", "X")]
    assert readers(model, "used") == [("mul", "Y")]


def test_a_weight_that_a_sub_block_writes_has_a_writer_and_the_capture_is_none(
    tmp_path: Path,
) -> None:
    builder = ModelBuilder()
    builder.parameter("state", normal(2, 2))
    inner = builder.program.block()
    inner.op("assign", {"X": "x"}, {"Out": "state"})
    builder.op("while", {"X": ["state"]}, {"Out": ["state"]}, {"sub_block": inner})
    weight = builder.load(tmp_path).weight("state")
    assert weight.readers == ()
    assert weight.writers == (OperatorRef(1, 0, "assign"),)


def test_readers_in_every_block_are_found(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(2, 2))
    builder.op("mul", {"X": "x", "Y": "w"}, {"Out": "a"})
    for type in ("while", "conditional_block"):
        inner = builder.program.block()
        inner.op("mul", {"X": "a", "Y": "w"}, {"Out": "b"})
        run_block(builder, inner, type, ["w"])
    blocks = [reader.operator.block for reader in builder.load(tmp_path).weight("w").readers]
    assert blocks == [0, 1, 2]


@pytest.mark.parametrize("persistable", [True, False])
def test_another_variable_of_the_same_name_shadows(persistable: bool, tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(2, 2))
    builder.program.block().var("w", (2, 2), persistable=persistable)
    assert builder.load(tmp_path).weight("w").shadowed is not persistable


def test_a_name_means_the_variable_of_the_nearest_block(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.main.var("x", (1,))
    builder.main.var("y", (2,))
    outer = builder.program.block()
    inner = builder.program.block(parent=outer.index)
    beside = builder.program.block()
    outer.var("x", (3,), dtype=INT64)
    model = builder.load(tmp_path)

    def shape(block: int, name: str) -> tuple[int, ...] | None:
        variable = model.variable(block, name)
        return None if variable is None else variable.shape

    assert shape(inner.index, "x") == shape(outer.index, "x") == (3,)
    assert shape(inner.index, "y") == (2,)
    assert shape(beside.index, "x") == shape(0, "x") == (1,)
    assert shape(inner.index, "z") is None


def test_a_main_block_that_names_itself_as_its_parent_ends_the_search(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.main.desc.parent_idx = 0
    assert builder.load(tmp_path).variable(0, "nobody") is None


def test_the_consumers_of_a_variable_are_those_of_its_block(tmp_path: Path) -> None:
    builder = ModelBuilder()
    builder.op("relu", {"X": "a"}, {"Out": "b"})
    builder.op("concat", {"X": ["a", "b"]}, {"Out": "c"})
    builder.program.block().op("tanh", {"X": "a"}, {"Out": "d"})
    model = builder.load(tmp_path)
    assert [ref.type for ref in model.consumers(0, "a")] == ["relu", "concat"]
    assert [ref.type for ref in model.consumers(1, "a")] == ["tanh"]
    assert list(model.consumers(0, "nothing")) == []
