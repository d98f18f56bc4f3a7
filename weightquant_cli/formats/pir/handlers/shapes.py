"""Shapes that are computed, and what is done with them.

Paddle 3 computes shapes with 64 bits; Paddle 2.6 and Paddle Lite with 32. The 32 bits are kept as
long as only shapes read them, so that a program comes out as Paddle 2.6 would write it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ... import dtypes
from ...program import AttrType
from .. import tables
from ..applying import apply, known, outputs_of, prepare
from ..bindings import Number, Tensor, Untranslatable
from ..constants import lazy
from ..ir import ABSENT, DataTypeName, Operation, TensorType, Value
from ..rules import parse
from ..sizes import cast_attributes

if TYPE_CHECKING:
    from ..translator import Translator

_FIRST = -(1 << 31)
"""How Paddle 3 says "to the first element" where it walks backwards."""

_INTEGERS = (dtypes.INT32, dtypes.INT64)


def _tensor_result(operation: Operation) -> tuple[Value, TensorType]:
    value = operation.result(0)
    if not isinstance(value.type, TensorType) or not operation.operands:
        raise Untranslatable("it has no operand, or its result is not a tensor")
    return value, value.type


def widened(translator: Translator, value: Value, type: TensorType, narrow: str) -> Tensor:
    """The 64 bits of a variable of 32, converted only where they are needed."""
    attributes = cast_attributes(dtypes.INT32, type.dtype)
    return lazy(translator, value, type, "cast", lambda: {"X": [narrow]}, attributes, narrow=narrow)


def shape64(translator: Translator, operation: Operation) -> None:
    """`shape64`: the shape in 64 bits."""
    value, type = _tensor_result(operation)
    name = translator.make("shape_0.tmp_0", TensorType(dtypes.INT32, type.dims))
    source = translator.tensor(operation.operand(0)).variable()
    translator.block.operator("shape", {"Input": [source]}, {"Out": [name]})
    translator.bind(value, widened(translator, value, type, name))


def slice_(translator: Translator, operation: Operation) -> None:
    """`slice`: one of a shape stays a shape."""
    value, type = _tensor_result(operation)
    rule = parse(tables.RULES["slice"])
    source = translator.bound(operation.operand(0))
    if not isinstance(source, Tensor) or source.narrow is None or type.dtype != dtypes.INT64:
        apply(translator, operation, rule)
        return
    shape = source.narrow
    others = (ABSENT, *operation.operands[1:])
    call = prepare(translator, replace(operation, operands=others), rule)
    call.inputs["Input"] = [shape]
    name = translator.make("shape_0.tmp_0_slice_0", TensorType(dtypes.INT32, type.dims))
    call.outputs["Out"] = [name]
    call.write(rule.type)
    translator.bind(value, widened(translator, value, type, name))


def stack(translator: Translator, operation: Operation) -> None:
    """`stack`: of scalars for a shape; Paddle 2.6 passes them one by one."""
    value, type = _tensor_result(operation)
    elements = translator.elements(operation.operand(0))
    is_shape = (
        type.dtype in _INTEGERS
        and type.dims == (len(elements),)  # so that no stack of a shape is within another one
        and not any(each.type.dims for each in elements)
    )
    if not is_shape or operation.attributes.get("axis") != 0:
        apply(translator, operation, parse(tables.RULES["stack"]))
        return
    numbers: list[Number] = []
    for element in elements:
        constant = known(element)
        numbers.extend(constant if constant and len(constant) == 1 else ())
    tensor = lazy(
        translator,
        value,
        type,
        "stack",
        lambda: {"X": [element.variable() for element in elements]},
        {"axis": (AttrType.INT, 0)},
        elements=elements,
        constant=tuple(numbers) if len(numbers) == len(elements) else None,
    )
    translator.bind(value, tensor)


def cast(translator: Translator, operation: Operation) -> None:
    """`cast`: to 32 bits, of a shape that has them already, it is nothing."""
    value, type = _tensor_result(operation)
    source = translator.tensor(operation.operand(0))
    if source.narrow is not None and type.dtype == dtypes.INT32:
        translator.bind(value, Tensor(type, source.narrow, narrow=source.narrow))
        return
    wanted = operation.attributes.get("dtype")
    if not isinstance(wanted, DataTypeName) or wanted.dtype is None:
        raise Untranslatable("it does not say to which element type")
    attributes = cast_attributes(source.type.dtype, wanted.dtype)
    inputs = {"X": [source.variable()]}
    translator.block.operator("cast", inputs, {"Out": translator.define(value)}, attributes)


def reshape(translator: Translator, operation: Operation) -> None:
    """`reshape`; the shape of a reshaped parameter is written out, as Paddle 2.6 does."""
    _, type = _tensor_result(operation)
    rule = parse(tables.RULES["reshape"])
    call = prepare(translator, operation, rule)
    source = translator.bound(operation.operand(0))
    is_known = "shape" in call.attributes and call.inputs.keys() == {"X"}
    if isinstance(source, Tensor) and source.is_parameter and is_known and -1 not in type.dims:
        call.set("shape", "ints", type.dims)
    outputs_of(call, rule)
    call.write(rule.type)


def strided_slice(translator: Translator, operation: Operation) -> None:
    """`strided_slice`: Paddle 2.6 also wants a flag for each axis, and crashes without.

    Backwards to the first element is the smallest number in Paddle 3, and -1 in Paddle 2.6.
    """
    rule = parse(tables.RULES["strided_slice"])
    call = prepare(translator, operation, rule)
    call.set("infer_flags", "ints", (1,) * len(call.integers("axes")))
    call.set("decrease_axis", "ints", ())
    ends, strides = call.integers("ends"), call.integers("strides")
    if len(ends) == len(strides):
        pairs = zip(ends, strides, strict=True)
        reached = (-1 if stride < 0 and end <= _FIRST else end for end, stride in pairs)
        call.set("ends", "ints", tuple(reached))
    outputs_of(call, rule)
    call.write(rule.type)


HANDLERS = {
    "pd_op.strided_slice": strided_slice,
    "pd_op.shape64": shape64,
    "pd_op.slice": slice_,
    "pd_op.stack": stack,
    "pd_op.cast": cast,
    "pd_op.reshape": reshape,
}
