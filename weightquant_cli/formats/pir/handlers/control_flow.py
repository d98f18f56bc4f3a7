"""`if` and `while`: regions become blocks, in the form that Paddle 2.6 gives them.

A branch or a loop in a ProgramDesc changes variables of the block around it, where PIR yields
values. So each value that is yielded is assigned to a variable outside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ....errors import counted
from ... import dtypes
from ...program import AttrType
from ...text import decode
from ..bindings import Tensor, Untranslatable
from ..ir import Block, Operation, TensorType, Value
from ..sizes import cast_attributes
from ..writer import STEP_SCOPES, BlockWriter
from .graph import nothing

if TYPE_CHECKING:
    from ..translator import Translator

_YIELD = "cf.yield"


def branch(translator: Translator, operation: Operation) -> None:
    """`if`: a conditional_block for each side, and a select_input for each result."""
    if len(operation.operands) != 1 or len(operation.regions) != 2:
        raise Untranslatable("it has not one condition and two regions")
    types = [_tensor_type(value) for value in operation.results]
    condition = translator.tensor(operation.operand(0)).variable()
    block = translator.block
    chosen = _mask(translator, condition)
    sides = []
    for index, region in enumerate(operation.regions):
        stems = [f"value_{value.number}.if_{index}" for value in operation.results]
        names = [translator.make(stem, type) for stem, type in zip(stems, types, strict=True)]
        cond = condition if index == 0 else _negated(translator, condition)
        inner = _region(translator, region, names)
        scope = translator.writer.fresh("scope_0")
        block.holder(scope, STEP_SCOPES)
        block.operator(
            "conditional_block",
            {"Cond": [cond], "Input": read_outside(inner)},
            {"Out": names, "Scope": [scope]},
            {
                "is_scalar_condition": (AttrType.BOOLEAN, True),
                "sub_block": (AttrType.BLOCK, inner.index),
            },
        )
        sides.append(names)
    for position, value in enumerate(operation.results):
        inputs = {"Mask": [chosen], "X": [sides[1][position], sides[0][position]]}
        block.operator("select_input", inputs, {"Out": translator.define(value)})


def loop(translator: Translator, operation: Operation) -> None:
    """`while`: its variables are copies of the initial values, which the block changes."""
    if not operation.operands or len(operation.regions) != 1:
        raise Untranslatable("it has no condition, or not one region")
    region, initial = operation.regions[0], operation.operands[1:]
    if not len(initial) == len(region.arguments) == len(operation.results):
        raise Untranslatable("its operands, results and arguments are not as many")
    types = [_tensor_type(value) for value in operation.results]
    block = translator.block
    condition = _copy(translator, operation.operand(0), TensorType(dtypes.BOOL, (1,)), "condition")
    names = [
        _copy(translator, number, type, f"value_{value.number}.while")
        for number, type, value in zip(initial, types, operation.results, strict=True)
    ]
    for argument, type, name in zip(region.arguments, types, names, strict=True):
        translator.bind(argument, Tensor(type, name))
    inner = _region(translator, region, [condition, *names])
    scope = translator.writer.fresh("scope_0")
    block.holder(scope, STEP_SCOPES)
    read = [name for name in read_outside(inner) if name not in (condition, *names)]
    block.operator(
        "while",
        {"Condition": [condition], "X": [*names, *read]},
        {"Out": [*names, condition], "StepScopes": [scope]},
        {"is_test": (AttrType.BOOLEAN, True), "sub_block": (AttrType.BLOCK, inner.index)},
    )
    for value, type, name in zip(operation.results, types, names, strict=True):
        translator.bind(value, Tensor(type, name))


def _tensor_type(value: Value) -> TensorType:
    if not isinstance(value.type, TensorType):
        raise Untranslatable("a result is not one tensor")
    return value.type


def _region(translator: Translator, region: Block, targets: Sequence[str]) -> BlockWriter:
    """Translate a region into a block that assigns what it yields to `targets`."""
    last = region.operations[-1] if region.operations else None
    if last is None or last.name != _YIELD or len(last.operands) != len(targets):
        raise Untranslatable(f"a region does not end by yielding {counted(len(targets), 'value')}")
    outer = translator.block
    translator.block = inner = translator.writer.block(outer.index)
    try:
        translator.operations(region.operations[:-1])
        _assign(translator, last.operands, targets)
    finally:
        translator.block = outer
    return inner


def _assign(translator: Translator, yielded: Sequence[int], targets: Sequence[str]) -> None:
    """Assign values to variables, none of which is overwritten before it is read."""
    block = translator.block
    tensors = [translator.tensor(number) for number in yielded]
    names = [tensor.variable() for tensor in tensors]
    for position, (tensor, name) in enumerate(zip(tensors, names, strict=True)):
        if name in targets and name != targets[position]:
            names[position] = translator.make("carried_0.tmp_0", tensor.type)
            block.operator("assign", {"X": [name]}, {"Out": [names[position]]})
    for name, target in zip(names, targets, strict=True):
        if name != target:
            block.operator("assign", {"X": [name]}, {"Out": [target]})


def read_outside(block: BlockWriter) -> list[str]:
    """The variables that a block reads, and those within it, but does not declare."""
    own = {decode(variable.name) for variable in block.variables}
    found: dict[str, None] = {}
    for operator in block.operators:
        if operator is not None:
            for slot in operator.inputs:
                found.update(dict.fromkeys(decode(name) for name in slot.arguments))
    return [name for name in found if name not in own]


def _copy(translator: Translator, number: int, type: TensorType, stem: str) -> str:
    name = translator.make(stem, type)
    source = translator.tensor(number).variable()
    translator.block.operator("assign", {"X": [source]}, {"Out": [name]})
    return name


def _mask(translator: Translator, condition: str) -> str:
    """The condition as the index of the side: 0 where it does not hold, 1 where it does."""
    name = translator.make("mask_0.tmp_0", TensorType(dtypes.INT32, (1,)))
    attributes = cast_attributes(dtypes.BOOL, dtypes.INT32)
    translator.block.operator("cast", {"X": [condition]}, {"Out": [name]}, attributes)
    return name


def _negated(translator: Translator, condition: str) -> str:
    name = translator.make("logical_not_0.tmp_0", TensorType(dtypes.BOOL, (1,)))
    translator.block.operator("logical_not", {"X": [condition]}, {"Out": [name]})
    return name


def choice(translator: Translator, operation: Operation) -> None:
    """`select_input`: the number of the chosen one, and those to choose from."""
    inputs = {
        "Mask": [translator.tensor(operation.operand(0)).variable()],
        "X": [translator.tensor(number).variable() for number in operation.operands[1:]],
    }
    outputs = {"Out": translator.define(operation.result(0))}
    translator.block.operator("select_input", inputs, outputs)


def assign_out(translator: Translator, operation: Operation) -> None:
    """`assign_out_`: a value is written into the variable of another one."""
    source = translator.tensor(operation.operand(0)).variable()
    outputs = {"Out": translator.define(operation.result(0))}
    translator.block.operator("assign", {"X": [source]}, outputs)
    translator.rebind(operation.operand(1), operation.result(0))


HANDLERS = {
    "pd_op.select_input": choice,
    "pd_op.assign_out_": assign_out,
    "pd_op.if": branch,
    "pd_op.while": loop,
    "cf.stack_create": nothing,
    "cf.tuple_push": nothing,
}
