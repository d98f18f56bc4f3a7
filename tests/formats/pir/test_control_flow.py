"""Branches and loops: regions become blocks."""

from __future__ import annotations

import pytest

from weightquant_cli.errors import UnsupportedModelError
from weightquant_cli.formats.program import Program

from .builder import FILE, Builder, attributes, operators, tensor, types

BOOL = tensor(1, element="bool")


def branch() -> Builder:
    """The input doubled or squared, by a flag."""
    b = Builder()
    flag, x = b.data("flag", 1, element="bool"), b.data("x", 4)
    sides = []
    for name in ("exp", "tanh"):
        side = Builder(b)
        side.op("2.yield", [side.op(name, [x], tensor(4))])
        sides.append(side)
    b.fetch(b.op("if", [flag], tensor(4), regions=sides))
    return b


def loop(swapped: bool = False) -> Builder:
    """A loop over two variables, which may change places."""
    b = Builder()
    flag, x, y = b.data("flag", 1, element="bool"), b.data("x", 4), b.data("y", 4)
    body = Builder(b)
    first, second = body.argument(tensor(4)), body.argument(tensor(4))
    sum_ = body.op("add", [first, second], tensor(4))
    test = body.op(
        "any",
        [body.op("cast", [sum_], BOOL, dtype={"#": "1.a_dtype", "D": "bool"})],
        BOOL,
        axis=[],
        keepdim=True,
    )
    body.op("2.yield", [test, second, first] if swapped else [test, sum_, second])
    out = b.op("while", [flag, x, y], tensor(4), tensor(4), regions=[body])
    b.fetch(out)
    return b


def test_a_branch_is_two_conditional_blocks_and_a_choice() -> None:
    program = branch().translated()
    assert types(program) == [
        "cast",
        "conditional_block",
        "logical_not",
        "conditional_block",
        "select_input",
    ]
    assert types(program, 1) == ["exp", "assign"]
    assert types(program, 2) == ["tanh", "assign"]
    assert [block.parent for block in program.blocks] == [-1, 0, 0]
    first = operators(program)[1]
    assert first.inputs == {"Cond": ("flag",), "Input": ("x",)}
    assert first.sub_blocks() == (1,)
    choice = operators(program)[-1]
    assert choice.outputs == {"Out": ("out",)}
    assert choice.inputs["X"][1] == first.outputs["Out"][0]


def test_a_loop_works_on_copies_of_its_variables() -> None:
    program = loop().translated()
    assert types(program) == ["assign", "assign", "assign", "while", "assign"]
    loop_ = operators(program)[3]
    assert loop_.inputs["Condition"][0] in loop_.outputs["Out"]
    assert attributes(loop_)["is_test"] is True
    written = [op.outputs["Out"][0] for op in operators(program, 1) if op.type == "assign"]
    assert set(written) == {loop_.inputs["Condition"][0], loop_.inputs["X"][0]}


def test_variables_that_change_places_are_both_read_before_they_are_written() -> None:
    program = loop(swapped=True).translated()
    (loop_,) = [op for op in operators(program) if op.type == "while"]
    variables = loop_.outputs["Out"]
    written: set[str] = set()
    for operator in operators(program, 1):
        assert not written & set(operator.inputs["X"])
        written |= set(operator.outputs["Out"]) & set(variables)
    assert written == set(variables)


def test_the_blocks_are_numbered_as_paddle_numbers_them() -> None:
    for builder in (branch(), loop()):
        program = builder.translated()
        assert Program.parse(program.serialize(), FILE).serialize() == program.serialize()


def test_a_region_that_yields_too_few_values_is_refused() -> None:
    b = Builder()
    flag, x = b.data("flag", 1, element="bool"), b.data("x", 4)
    sides = [Builder(b), Builder(b)]
    for side in sides:
        side.op("2.yield", [])
    b.op("if", [flag], tensor(4), regions=sides)
    b.fetch(x)
    with pytest.raises(UnsupportedModelError, match="does not end by yielding 1 value"):
        b.translated()


def test_what_a_branch_changes_in_place_is_changed_outside() -> None:
    b = Builder()
    flag, x = b.data("flag", 1, element="bool"), b.data("x", 4)
    y = b.op("tanh", [x], tensor(4))
    sides = []
    for name in ("relu_", "exp"):
        side = Builder(b)
        side.op("2.yield", [side.op(name, [y], tensor(4))])
        sides.append(side)
    b.op("if", [flag], tensor(4), regions=sides)
    b.fetch(b.op("exp", [y], tensor(4)))
    program = b.translated()
    tanh = operators(program)[0].outputs["Out"]
    assert tanh in [op.outputs.get("Out") for op in operators(program, 1)]
    assert operators(program)[-1].inputs["X"] == tanh


def test_a_value_written_into_another_ones_variable_is_read_from_there() -> None:
    b = Builder()
    x = b.op("tanh", [b.data("x", 4)], tensor(4))
    y = b.op("exp", [x], tensor(4))
    b.op("assign_out_", [y, x], tensor(4))
    b.fetch(b.op("abs", [x], tensor(4)))
    _, exp, assign, abs_ = operators(b.translated())
    assert assign.inputs["X"] == exp.outputs["Out"]
    assert abs_.inputs["X"] == assign.outputs["Out"]


def test_a_choice_of_older_models_keeps_its_mask_and_its_order() -> None:
    b = Builder()
    mask, x, y = b.data("mask", 1, element="i32"), b.data("x", 4), b.data("y", 4)
    b.fetch(b.op("select_input", [mask, x, y], tensor(4)))
    (choice,) = operators(b.translated())
    assert choice.inputs == {"Mask": ("mask",), "X": ("x", "y")}


def test_a_constant_has_the_dims_that_it_gives_itself() -> None:
    b = Builder()
    shape = {"#": "1.a_intarray", "D": [2]}
    value = b.op("full", [], tensor(-1, 8), value=1.0, shape=shape)
    b.fetch(value)
    (fill,) = operators(b.translated())
    assert attributes(fill)["shape"] == (2,)
