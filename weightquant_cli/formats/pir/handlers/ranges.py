"""`arange`, `linspace` and `eye`: tensors that are described by a few numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import dtypes
from ...program import AttrType
from ..applying import known
from ..bindings import Untranslatable
from ..constants import filled
from ..ir import Operation, TensorType
from ..sizes import converted

if TYPE_CHECKING:
    from ..translator import Translator


def typed(translator: Translator, number: int, dtype: dtypes.DataType) -> str:
    """The variable of a scalar in this element type; of a constant, a new one."""
    tensor = translator.tensor(number)
    constant = known(tensor)
    if constant is not None and len(constant) == 1:
        if tensor.type.dtype == dtype and tensor.name is not None:
            return tensor.name
        return filled(translator, None, TensorType(dtype, (1,)), constant[0]).variable()
    if tensor.type.dtype == dtype:
        return tensor.variable()
    if tensor.narrow is not None and dtype == dtypes.INT32:
        return tensor.narrow
    return converted(translator, tensor, dtype).variable()


def arange(translator: Translator, operation: Operation) -> None:
    """`arange`: its three numbers are tensors of one element type in Paddle 2.6."""
    type = _type(operation, 3)
    slots = zip(("Start", "End", "Step"), operation.operands, strict=True)
    inputs = {slot: [typed(translator, number, type.dtype)] for slot, number in slots}
    outputs = {"Out": translator.define(operation.result(0))}
    translator.block.operator("range", inputs, outputs)


def linspace(translator: Translator, operation: Operation) -> None:
    """`linspace`: start and stop in the result's element type, the count in INT32."""
    type = _type(operation, 3)
    start, stop, count = operation.operands
    inputs = {
        "Start": [typed(translator, start, type.dtype)],
        "Stop": [typed(translator, stop, type.dtype)],
        "Num": [typed(translator, count, dtypes.INT32)],
    }
    outputs = {"Out": translator.define(operation.result(0))}
    attributes = {"dtype": (AttrType.INT, type.dtype.number)}
    translator.block.operator("linspace", inputs, outputs, attributes)


def _type(operation: Operation, count: int) -> TensorType:
    type = operation.result(0).type
    if not isinstance(type, TensorType) or len(operation.operands) != count:
        raise Untranslatable(f"it has not {count} operands and one result")
    return type


HANDLERS = {
    "pd_op.arange": arange,
    "pd_op.linspace": linspace,
}
