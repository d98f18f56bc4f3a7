"""Apply a rule of the tables to an operation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...errors import counted
from .. import dtypes
from ..program import AttributeValue, AttrType
from . import tables
from .bindings import Nothing, Tensor, Untranslatable, Vector
from .coerce import coerced
from .ir import Attribute, DataTypeName, Operation, TensorType, Value
from .rules import TYPES, Operand, Rule, parse
from .rules import Attribute as AttributeRule
from .sizes import in_32_bits, scalar_variables

if TYPE_CHECKING:
    from .translator import Translator

# Written in a list of which some elements are computed: Paddle replaces it.
_COMPUTED = -1


class Call:
    """An operator of Paddle 2.6 that is being put together for one operation."""

    def __init__(self, translator: Translator, operation: Operation) -> None:
        self.translator = translator
        self.operation = operation
        self.inputs: dict[str, list[str]] = {}
        self.outputs: dict[str, list[str]] = {}
        self.attributes: dict[str, tuple[AttrType, AttributeValue]] = {}

    def set(self, name: str, type: str, value: Attribute) -> None:
        """Set an attribute, with its type as in the rules."""
        self.attributes[name] = coerced(value, type, name)

    def integers(self, name: str) -> tuple[int, ...]:
        """The integers of an attribute that was set; none where it was not."""
        value = self.attributes[name][1] if name in self.attributes else ()
        return tuple(int(each) for each in value) if isinstance(value, tuple) else ()

    def write(self, type: str) -> None:
        """Write the operator."""
        self.translator.block.operator(type, self.inputs, self.outputs, self.attributes)


def rule_of(operation: Operation) -> Rule:
    """The rule of the tables for an operation, or for the one of which it is the variant in place.

    Raises:
        Untranslatable: there is none.
    """
    line = tables.find(operation.name)
    if line is None:
        raise Untranslatable("")
    return parse(line)


def apply(translator: Translator, operation: Operation, rule: Rule) -> None:
    """Write the operator that a rule gives.

    Raises:
        Untranslatable: Paddle 2.6 has no spelling for what the operation says.
    """
    call = prepare(translator, operation, rule)
    outputs_of(call, rule)
    call.write(rule.type)


def prepare(translator: Translator, operation: Operation, rule: Rule) -> Call:
    """The operator with its inputs and attributes, but without outputs."""
    call = Call(translator, operation)
    for name, allowed in rule.refused:
        value = operation.attributes.get(name)
        if value is not None and not _is(value, allowed):
            raise Untranslatable(f"its {name} is not {allowed}")
    if len(operation.operands) > len(rule.operands):
        raise Untranslatable(f"it has {counted(len(operation.operands), 'operand')}")
    for index, operand in enumerate(rule.operands):
        number = operation.operand(index)
        _operand(call, operand, number)
    for attribute in rule.attributes:
        _attribute(call, attribute)
    return call


def outputs_of(call: Call, rule: Rule) -> None:
    """Make the variables of an operator's results."""
    operation, translator = call.operation, call.translator
    if len(operation.results) > len(rule.results):
        raise Untranslatable(f"it has {counted(len(operation.results), 'result')}")
    for value, result in zip(operation.results, rule.results, strict=False):
        if result.shared is not None and result.slot is not None:
            tensor = translator.tensor(operation.operand(result.shared))
            translator.bind(value, tensor)
            call.outputs[result.slot] = [tensor.variable()]
        elif result.slot is not None:
            names = translator.define(value)
            if names:
                call.outputs[result.slot] = names
        else:
            translator.bind(value, Tensor(_type_of(value), write=_no_such_result))
    for slot in rule.made:
        source = translator.tensor(operation.operand(0))
        shape = TensorType(source.type.dtype, (0, *source.type.dims))
        number = operation.result(0).number
        call.outputs[slot] = [translator.make(f"value_{number}.tmp_1", shape)]


def _no_such_result() -> str:
    raise Untranslatable("a result is read that Paddle 2.6 does not give")


def _type_of(value: Value) -> TensorType:
    return value.type if isinstance(value.type, TensorType) else TensorType(dtypes.FP32, ())


def _operand(call: Call, operand: Operand, number: int) -> None:
    if operand.attribute is not None:
        parameter(call, operand, operand.attribute, number)
    elif operand.slot is not None:
        names = call.translator.names(number)
        if names:
            call.inputs[operand.slot] = names


def parameter(call: Call, operand: Operand, rule: AttributeRule, number: int) -> None:
    """An operand that is an attribute in Paddle 2.6, unless it is computed."""
    bound = call.translator.bound(number)
    if isinstance(bound, Nothing):
        _attribute(call, rule)
        return
    value = known(bound)
    if value is not None:
        call.set(rule.name, rule.type, value)
        return
    elements = bound.elements
    if elements is not None and operand.list_slot is not None:
        scalars = [known(element) for element in elements]
        if all(scalar is None or len(scalar) == 1 for scalar in scalars):
            listed = tuple(_COMPUTED if scalar is None else scalar[0] for scalar in scalars)
            call.set(rule.name, rule.type, listed)
            call.inputs[operand.list_slot] = scalar_variables(call.translator, elements)
            return
    if operand.slot is None or not isinstance(bound, Tensor):
        raise Untranslatable(f"its {rule.name} is computed")
    is_integer = rule.type in ("int", "ints", "bounds", "long", "longs")
    name = in_32_bits(call.translator, bound) if is_integer else bound.variable()
    call.inputs[operand.slot] = [name]
    _while_computed(call, rule, bound)


def _while_computed(call: Call, rule: AttributeRule, bound: Tensor) -> None:
    """What the attribute says beside a computed one: Paddle Lite reads some all the same."""
    if rule.default is not None:
        call.attributes[rule.name] = default(rule)
    elif rule.type in ("ints", "bounds", "longs") and 0 <= math.prod(bound.type.dims) <= 64:
        count = math.prod(bound.type.dims)
        call.attributes[rule.name] = (TYPES[rule.type], (_COMPUTED,) * count)


def known(bound: Tensor | Vector) -> tuple[bool | int | float, ...] | None:
    """The numbers that a value holds, where they are all known."""
    if isinstance(bound, Tensor) and bound.constant is not None:
        return bound.constant
    if not bound.elements:
        return None
    numbers: list[bool | int | float] = []
    for element in bound.elements:
        if element.constant is None or len(element.constant) != 1:
            return None
        numbers.append(element.constant[0])
    return tuple(numbers)


def _attribute(call: Call, rule: AttributeRule) -> None:
    value = call.operation.attributes.get(rule.source)
    if value is not None:
        call.set(rule.name, rule.type, value)
    elif rule.default is not None:
        call.attributes[rule.name] = default(rule)


def default(rule: AttributeRule) -> tuple[AttrType, AttributeValue]:
    """The value that a rule writes where PIR has none."""
    assert rule.default is not None
    return coerced(_literal(rule.default, rule.type), rule.type, rule.name)


def _literal(written: str, type: str) -> Attribute:
    if type == "str":
        return written
    if type == "bool":
        return written == "true"
    if type in ("ints", "bounds", "longs"):
        return tuple(int(each) for each in written.split(",") if each)
    if type == "floats":
        return tuple(float(each) for each in written.split(",") if each)
    return float(written) if type == "float" else int(written)


def _is(value: Attribute, allowed: str) -> bool:
    if isinstance(value, bool):
        return value == (allowed == "true")
    if isinstance(value, int | float):
        return value == float(allowed)
    if isinstance(value, DataTypeName):
        return value.dtype is None or value.dtype.name == allowed
    return value == allowed if isinstance(value, str) else value == ()
