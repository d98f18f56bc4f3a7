"""The quantized program computes what the reference's does, but for what quantizing changes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.builders import INT64, ModelBuilder, add_attribute, normal, small_model
from weightquant_cli import (
    Finding,
    FindingCode,
    Model,
    OutputOptions,
    QuantizeOptions,
    Severity,
    check,
    make_plan,
    quantize,
)
from weightquant_cli.core.check.program_rules import MAX_FINDINGS, check_program
from weightquant_cli.formats import framework_pb2 as pb

ALL = QuantizeOptions(op_types=("all",))


def rich_model() -> ModelBuilder:
    """Every rewrite, a batch_norm, a relu, a sub-block and call stacks."""
    model = small_model()
    x = model.op("relu", {"X": "fc2.w.out0"}, {"Out": "relu.out"}, shape=(-1, 6))
    x = model.matmul_v2(x, "turned.w", normal(9, 6), trans_y=True, op_callstack=["a.py", "b.py"])
    ids = model.input("ids2", (-1, 5), INT64)
    model.fetch(model.lookup_table(ids, "table2.w", normal(6, 40), type="lookup_table_v2"))
    model.matmul_v2(x, "kept.w", normal(9, 4), trans_x=True)
    inner = model.program.block()
    inner.op("mul", {"X": x, "Y": model.parameter("inner.w", normal(9, 9))}, {"Out": "inner.out"})
    inner.op("tanh", {"X": "inner.out"}, {"Out": "inner.tanh"})
    model.op("while", {"X": [x, "inner.w"]}, {"Out": ["inner.tanh"]}, {"sub_block": inner})
    for op, name in zip(model.main.desc.ops, ("conv", "norm", "depthwise"), strict=False):
        add_attribute(op, "op_namescope", f"/{name}/")
    return model


def operator(program: pb.ProgramDesc, op_type: str) -> pb.OpDesc:
    return next(op for block in program.blocks for op in block.ops if op.type == op_type.encode())


def quantized(
    folder: Path, options: QuantizeOptions, edit: Callable[[pb.ProgramDesc], object]
) -> tuple[Model, Model]:
    """The rich model, quantized and then edited; and the rich model itself."""
    source = rich_model().load(folder / "in")
    quantize(source, make_plan(source, options), OutputOptions(folder / "out"))
    path = folder / "out" / "__model__"
    program = pb.ProgramDesc.FromString(path.read_bytes())
    edit(program)
    path.write_bytes(program.SerializePartialToString())
    return Model.load(folder / "out"), source


@pytest.mark.parametrize(
    "options",
    [ALL, QuantizeOptions(), QuantizeOptions(16, rewrite=False), QuantizeOptions(exclude=("*2*",))],
)
@pytest.mark.parametrize("strip_callstack", [True, False])
def test_what_quantizing_changes_is_no_difference(
    options: QuantizeOptions, strip_callstack: bool, tmp_path: Path
) -> None:
    source = rich_model().load(tmp_path / "in")
    output = OutputOptions(tmp_path / "out", strip_callstack=strip_callstack)
    quantize(source, make_plan(source, options), output)
    assert check_program(Model.load(tmp_path / "out"), source) == ()


def test_the_copies_that_paddle_puts_before_a_fetch_are_no_difference(tmp_path: Path) -> None:
    def copied(copies: int) -> Model:
        model = ModelBuilder()
        x = model.mul(model.input("x", (-1, 9)), "w", normal(9, 9))
        for index in range(copies):
            x = model.op(
                "scale", {"X": x, "ScaleTensor": []}, {"Out": f"copy{index}"},
                {"scale": 1.0, "bias": 0.0},
            )  # fmt: skip
        model.fetch(x)
        return model.load(tmp_path / str(copies))

    assert check_program(copied(2), copied(0)) == check_program(copied(0), copied(1)) == ()


def test_what_paddle_adds_and_drops_when_it_saves_again_is_no_difference(tmp_path: Path) -> None:
    def drop(program: pb.ProgramDesc) -> None:
        for op, name in (("conv2d", "use_cudnn"), ("conv2d", "fuse_relu"), ("swish", "beta")):
            attrs = operator(program, op).attrs
            del attrs[[attr.name for attr in attrs].index(name.encode())]
        reshape = operator(program, "reshape2")
        del reshape.outputs[1]

    def built(folder: str, *, saved_again: bool, beta: float = 1.0) -> Model:
        model = ModelBuilder()
        attrs: dict[str, Any] = {"use_cudnn": True, "fuse_relu": False}
        x = model.conv2d("x", "w", normal(4, 3, 3, 3), **attrs)
        x = model.op("swish", {"X": x}, {"Out": "a"}, {"beta": beta})
        model.op("reshape2", {"X": x}, {"Out": "b", "XShape": "xshape"}, {"shape": [-1]})
        model.fetch("b")
        if saved_again:
            drop(model.program.desc)
        return model.load(tmp_path / folder)

    again = built("again", saved_again=True)
    assert check_program(again, built("first", saved_again=False)) == ()
    (finding,) = check_program(again, built("other", saved_again=False, beta=2.0))
    assert finding.what == "operator 1: beta is 1.0 (FLOAT), in the reference 2.0 (FLOAT)"


def rename(program: pb.ProgramDesc, op_type: str, name: str) -> None:
    operator(program, op_type).type = name.encode()


def swap(program: pb.ProgramDesc, op_type: str, one: str, other: str) -> None:
    slots = {slot.parameter.decode(): slot for slot in operator(program, op_type).inputs}
    slots[one].parameter, slots[other].parameter = other.encode(), one.encode()


def remove(program: pb.ProgramDesc, op_type: str) -> None:
    for block in program.blocks:
        for index, op in enumerate(block.ops):
            if op.type == op_type.encode():
                del block.ops[index]
                return


def set_strides(program: pb.ProgramDesc) -> None:
    (strides,) = [a for a in operator(program, "conv2d").attrs if a.name == b"strides"]
    strides.ints[:] = [2, 2]


def set_input(program: pb.ProgramDesc) -> None:
    (image,) = [var for var in program.blocks[0].vars if var.name == b"image"]
    image.type.lod_tensor.tensor.dims[2] = 16


def set_epsilon(program: pb.ProgramDesc) -> None:
    batch_norm = operator(program, "batch_norm")
    for attr in [attr for attr in batch_norm.attrs if attr.name == b"epsilon"]:
        batch_norm.attrs.remove(attr)
    add_attribute(batch_norm, "epsilon", 1000.0)


EDITS: dict[str, tuple[Callable[[pb.ProgramDesc], object], str]] = {
    "another activation": (lambda p: rename(p, "relu", "tanh"), "is tanh, not relu"),
    "another activation inside": (
        lambda p: rename(p, "tanh", "relu"), "operator 1 is relu, not tanh",
    ),
    "swapped statistics": (
        lambda p: swap(p, "batch_norm", "Mean", "Variance"), "operator 2: another input Mean",
    ),
    "another attribute": (
        set_strides, "strides is (2, 2) (INTS), in the reference (1, 1) (INTS)",
    ),
    "another input": (set_input, "the input image is FP32 [-1, 3, 16, 8], in the reference "),
    "another epsilon": (set_epsilon, "epsilon is 1000.0 (FLOAT), in the reference "),
    "an attribute more": (
        lambda p: add_attribute(operator(p, "batch_norm"), "use_global_stats", True),
        "use_global_stats is True (BOOLEAN), in the reference ",
    ),
    "an operator less": (
        lambda p: remove(p, "elementwise_add"), "is mul, not elementwise_add",
    ),
    "the last one less": (lambda p: remove(p, "while"), "18 operators, 19 in the reference"),
    "a block more": (
        lambda p: p.blocks.add(idx=2, parent_idx=0), "3 blocks, 2 in the reference",
    ),
    "an input more": (
        lambda p: operator(p, "conv2d").inputs.add(parameter=b"Bias", arguments=[b"bn.Bias"]),
        "another input Bias",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDITS)
def test_any_other_change_is_an_error(name: str, tmp_path: Path) -> None:
    edit, expected = EDITS[name]
    model, source = quantized(tmp_path, ALL, edit)
    found = check_program(model, source)
    assert found
    assert {(finding.code, finding.severity) for finding in found} == {
        (FindingCode.PROGRAM_DIFFERS, Severity.ERROR)
    }
    assert any(expected in finding.what for finding in found), [f.what for f in found]
    result = check(model, source)
    assert not result.ok
    assert set(found) <= set(result.errors)


def test_programs_with_nothing_in_common_give_few_findings(tmp_path: Path) -> None:
    def chain(epsilon: float) -> Model:
        model = ModelBuilder()
        for index in range(100):
            model.op("relu", {"X": f"x{index}"}, {"Out": f"x{index + 1}"}, {"epsilon": epsilon})
        return model.load(tmp_path / str(epsilon))

    found: tuple[Finding, ...] = check_program(chain(1.0), chain(2.0))
    assert len(found) == MAX_FINDINGS
