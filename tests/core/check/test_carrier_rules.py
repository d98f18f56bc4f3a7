"""Carriers that are right are passed in silence; each way to be wrong is named."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.builders import ModelBuilder, add_attribute, normal
from tests.core.lite.test_carriers import recurrent_model
from weightquant_cli import (
    Finding,
    FindingCode,
    Model,
    OutputOptions,
    QuantizeOptions,
    check,
    dequantize,
    make_plan,
    quantize,
)
from weightquant_cli.formats import framework_pb2 as pb

ALL = QuantizeOptions(op_types=("all",), mend=False)

Edit = Callable[[pb.BlockDesc], object]


def quantized(builder: ModelBuilder, folder: Path, edit: Edit = lambda _: None) -> Model:
    """The model quantized, then its main block edited."""
    source = builder.load(folder / "in")
    quantize(source, make_plan(source, ALL), OutputOptions(folder / "out"))
    path = folder / "out" / "__model__"
    program = pb.ProgramDesc.FromString(path.read_bytes())
    edit(program.blocks[0])
    path.write_bytes(program.SerializePartialToString())
    return Model.load(folder / "out")


def codes_of(findings: Iterable[Finding]) -> set[FindingCode]:
    """The codes, but for what `opt` demands of the operators, which lack attributes here."""
    return {finding.code for finding in findings if isinstance(finding.code, FindingCode)}


def carrier(block: pb.BlockDesc, weight: str) -> pb.OpDesc:
    name = f"{weight}_quant_scale".encode()
    return next(op for op in block.ops if any(attr.name == name for attr in op.attrs))


def zeros(block: pb.BlockDesc, op_type: str) -> pb.OpDesc:
    prefix = f"carrier.{op_type}".encode()
    return next(op for op in block.ops if op.outputs[0].arguments[0].startswith(prefix))


def set_longs(op: pb.OpDesc, name: bytes, *values: int) -> None:
    next(attr for attr in op.attrs if attr.name == name).longs[:] = values


def test_what_quantize_writes_is_right_with_and_without_the_reference(tmp_path: Path) -> None:
    model = quantized(recurrent_model(), tmp_path)
    result = check(model, Model.load(tmp_path / "in"))
    assert codes_of(result.findings) == set()
    assert result.quantized == 6
    assert result.comparison is not None
    assert {(w.name, w.operator) for w in result.comparison.weights} == {
        ("rnn.ih", "rnn"),
        ("rnn.hh", "rnn"),
        ("gru.w", "gru"),
        ("up1.w", "conv2d_transpose"),
        ("up2.w", "conv2d_transpose"),
        ("fc.w", "mul"),
    }


def tag_twice(block: pb.BlockDesc) -> None:
    block.ops.add().CopyFrom(carrier(block, "gru.w"))


def add_batch_norm(block: pb.BlockDesc) -> None:
    op = block.ops.add(type=b"batch_norm")
    op.inputs.add(parameter=b"X", arguments=[b"up1.w.out"])
    op.outputs.add(parameter=b"Y", arguments=[b"normed"])


def wrong_channels(block: pb.BlockDesc) -> None:
    set_longs(zeros(block, "conv2d"), b"shape", 1, 5, 2, 2)


def too_small(block: pb.BlockDesc) -> None:
    set_longs(zeros(block, "conv2d"), b"shape", 1, 24, 2, 1)


def wrong_ids(block: pb.BlockDesc) -> None:
    set_longs(zeros(block, "lookup_table"), b"shape", 1, 2)


def no_ids(block: pb.BlockDesc) -> None:
    set_longs(zeros(block, "lookup_table"), b"shape", 0, 1)


def more_ids_than_memory(block: pb.BlockDesc) -> None:
    set_longs(zeros(block, "lookup_table"), b"shape", 1 << 40, 1)


def made_too_late(block: pb.BlockDesc) -> None:
    late = pb.OpDesc()
    late.CopyFrom(zeros(block, "lookup_table"))
    block.ops.remove(zeros(block, "lookup_table"))
    block.ops.add().CopyFrom(late)


def no_carrier(block: pb.BlockDesc) -> None:
    block.ops.remove(carrier(block, "gru.w"))


def tagged_reader(block: pb.BlockDesc) -> None:
    """Scales on the gru itself, which Paddle Lite does not dequantize."""
    scales = [attr for attr in carrier(block, "gru.w").attrs if b"quant" in attr.name]
    next(op for op in block.ops if op.type == b"gru").attrs.extend(scales)
    block.ops.remove(carrier(block, "gru.w"))


def aborting_reader(block: pb.BlockDesc) -> None:
    op = block.ops.add(type=b"transpose2")
    op.inputs.add(parameter=b"X", arguments=[b"gru.w"])
    op.outputs.add(parameter=b"Out", arguments=[b"turned"])


@pytest.mark.parametrize(
    ("edit", "code"),
    [
        (tag_twice, FindingCode.SEVERAL_TAGS),
        (add_batch_norm, FindingCode.FOLDED),
        (wrong_channels, FindingCode.CARRIER),
        (too_small, FindingCode.CARRIER),
        (wrong_ids, FindingCode.CARRIER),
        (no_ids, FindingCode.CARRIER),
        (more_ids_than_memory, FindingCode.CARRIER),
        (made_too_late, FindingCode.CARRIER),
        (no_carrier, FindingCode.NO_SCALES),
        (tagged_reader, FindingCode.OPERATOR),
        (aborting_reader, FindingCode.OTHER_READER),
    ],
)
def test_each_way_to_be_wrong_is_named(edit: Edit, code: FindingCode, tmp_path: Path) -> None:
    result = check(quantized(recurrent_model(), tmp_path, edit))
    assert codes_of(result.errors) == {code}


def ids_from_text(block: pb.BlockDesc) -> None:
    zeros(block, "lookup_table").attrs.add(name=b"str_value", type=pb.STRING, s=b"9999")


def ids_of_a_tensor(block: pb.BlockDesc) -> None:
    zeros(block, "lookup_table").inputs.add(parameter=b"ValueTensor", arguments=[b"x"])


@pytest.mark.parametrize("edit", [ids_from_text, ids_of_a_tensor])
def test_what_may_not_be_zero_is_no_carrier(edit: Edit, tmp_path: Path) -> None:
    model = quantized(recurrent_model(), tmp_path, edit)
    found = codes_of(check(model, Model.load(tmp_path / "in")).errors)
    assert FindingCode.PROGRAM_DIFFERS in found


def test_a_carrier_whose_output_is_read_differs_from_the_reference(tmp_path: Path) -> None:
    def read(block: pb.BlockDesc) -> None:
        fetch = next(op for op in block.ops if op.type == b"fetch")
        fetch.inputs[0].arguments[0] = b"gru.w.carrier"

    model = quantized(recurrent_model(), tmp_path, read)
    codes = codes_of(check(model, Model.load(tmp_path / "in")).errors)
    assert FindingCode.PROGRAM_DIFFERS in codes


def test_without_its_integers_a_carrier_is_a_tag_on_fp32(tmp_path: Path) -> None:
    model = quantized(recurrent_model(), tmp_path)
    (tmp_path / "out" / "gru.w").write_bytes((tmp_path / "in" / "gru.w").read_bytes())
    codes = codes_of(check(Model.load(model.files.folder)).errors)
    assert codes == {FindingCode.STORAGE}


def test_the_dequantized_model_has_no_carriers_and_the_original_s_program(tmp_path: Path) -> None:
    model = quantized(recurrent_model(), tmp_path)
    dequantize(model, OutputOptions(tmp_path / "back"))
    back, source = Model.load(tmp_path / "back"), Model.load(tmp_path / "in")
    assert back.program.serialize() == source.program.serialize()
    assert {str(weight.record.dtype) for weight in back.weights} == {"FP32"}


def test_integers_that_only_a_gru_reads_cannot_be_dequantized_without_scales(
    tmp_path: Path,
) -> None:
    builder = ModelBuilder()
    builder.parameter("w", normal(40, 120).astype("int8"))
    builder.op("gru", {"Input": "x", "Weight": "w"}, {"Hidden": "y"})
    add_attribute(builder.main.desc.ops[0], "is_reverse", False)
    codes = codes_of(check(builder.load(tmp_path)).errors)
    assert codes == {FindingCode.NO_SCALES}
