"""The ends of a program, and how values are passed: no arithmetic.

Parameters, inputs and outputs; vectors that are put together and taken apart; and operations that
hand on a value as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....errors import counted
from ...program import AttrType
from ..bindings import NOTHING, Tensor, Untranslatable, Vector
from ..ir import Operation, TensorType
from ..literals import MAX_TEXT

if TYPE_CHECKING:
    from ..translator import Translator

FEED, FETCH = "feed", "fetch"
"""Variables that hold all inputs, and all outputs."""

# Where each operation that has to do with a name of the model keeps it.
_NAME_ATTRIBUTE = {
    "builtin.parameter": "parameter_name",
    "builtin.constant": "value",
    "pd_op.data": "name",
    "pd_op.feed": "name",
    "pd_op.fetch": "name",
}


def given_name(operation: Operation) -> str | None:
    """The variable's name that the model itself gives: of a parameter, an input, an output."""
    name = operation.attributes.get(_NAME_ATTRIBUTE.get(operation.name, ""))
    if isinstance(name, str) and 0 < len(name) <= MAX_TEXT:
        return name
    return None


def parameter(translator: Translator, operation: Operation) -> None:
    """A parameter; one name that stands for two is refused."""
    name = given_name(operation)
    value = operation.result(0)
    if name is None or not isinstance(value.type, TensorType):
        raise Untranslatable("it has no name, or is not a tensor")
    if name in translator.given:
        raise Untranslatable(f"the name {name} is given twice")
    if operation.attributes.get("persistable") is False:
        translator.bind(value, Tensor(value.type, write=_not_stored))
        return
    translator.given.add(name)
    translator.block.variable(name, value.type, persistable=True)
    translator.bind(value, Tensor(value.type, name, is_parameter=True))


def _not_stored() -> str:
    raise Untranslatable("it reads a parameter that is not stored with the model")


def feed(translator: Translator, operation: Operation) -> None:
    """An input of the model."""
    name = given_name(operation)
    value = operation.result(0)
    if name is None or not isinstance(value.type, TensorType):
        raise Untranslatable("it has no name, or is not a tensor")
    if name in translator.given or translator.block.index != 0:
        raise Untranslatable(f"the name {name} is given twice, or not to an input")
    translator.given.add(name)
    translator.block.variable(name, value.type, need_check_feed=True)
    translator.bind(value, Tensor(value.type, name))
    column = operation.attributes.get("col", translator.inputs)
    translator.inputs += 1
    translator.block.operator(
        "feed", {"X": [FEED]}, {"Out": [name]}, {"col": (AttrType.INT, _column(column))}
    )


def fetch(translator: Translator, operation: Operation) -> None:
    """An output of the model: the variable has the output's name already, unless that was taken."""
    if not operation.operands or translator.block.index != 0:
        raise Untranslatable("it has no operand, or is in a sub-block")
    tensor = translator.tensor(operation.operand(0))
    name = given_name(operation)
    variable = tensor.variable()
    if name is not None and name != variable and name not in translator.given:
        translator.block.variable(name, tensor.type)
        translator.block.operator("assign", {"X": [variable]}, {"Out": [name]})
        variable = name
    translator.given.add(variable)
    column = operation.attributes.get("col", translator.outputs)
    translator.outputs += 1
    translator.block.operator(
        "fetch", {"X": [variable]}, {"Out": [FETCH]}, {"col": (AttrType.INT, _column(column))}
    )
    for result in operation.results:
        translator.bind(result, tensor)


def _column(column: object) -> int:
    if type(column) is not int or not 0 <= column < 1 << 31:
        raise Untranslatable("its col is not a small number")
    return column


def combine(translator: Translator, operation: Operation) -> None:
    """Tensors that become one vector."""
    elements = tuple(translator.tensor(number) for number in operation.operands)
    translator.writer.spend(8 * len(elements))
    for result in operation.results:
        translator.bind(result, Vector(elements))


def split(translator: Translator, operation: Operation) -> None:
    """A vector that becomes its tensors."""
    elements = translator.elements(operation.operand(0)) if operation.operands else ()
    if len(elements) != len(operation.results):
        raise Untranslatable(f"it makes {counted(len(operation.results), 'tensor', len(elements))}")
    for result, element in zip(operation.results, elements, strict=True):
        translator.bind(result, element)


def pick(translator: Translator, operation: Operation) -> None:
    """One tensor of a vector."""
    elements = translator.elements(operation.operand(0)) if operation.operands else ()
    index = operation.attributes.get("index")
    if not isinstance(index, int) or not 0 <= index < len(elements):
        raise Untranslatable("its index is not one of the vector")
    for result in operation.results:
        translator.bind(result, elements[index])


def same(translator: Translator, operation: Operation) -> None:
    """The operand as it is, under another number."""
    if not operation.operands:
        raise Untranslatable("it has no operand")
    for result in operation.results:
        translator.bind(result, translator.bound(operation.operand(0)))


def nothing(translator: Translator, operation: Operation) -> None:
    """An operation without a meaning for inference: it is left out."""
    for result in operation.results:
        translator.bind(result, NOTHING)


HANDLERS = {
    "builtin.parameter": parameter,
    "builtin.constant": parameter,
    "pd_op.data": feed,
    "pd_op.feed": feed,
    "pd_op.fetch": fetch,
    "builtin.combine": combine,
    "builtin.split": split,
    "builtin.slice": pick,
    "pd_op.share_data": same,
    "pd_op.shadow_feed": same,
    "pd_op.memcpy_h2d": same,
    "pd_op.memcpy_d2h": same,
    "pd_op.print": same,
    "pd_op.assert": nothing,
}
