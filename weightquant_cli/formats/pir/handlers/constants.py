"""Operations that make constants, or a tensor that is one number repeated."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..applying import known
from ..bindings import Tensor, Untranslatable
from ..coerce import coerced
from ..constants import fill_attributes, filled, listed
from ..ir import DataTypeName, Operation, TensorType, Value
from ..sizes import in_32_bits, scalar_variables

if TYPE_CHECKING:
    from ..translator import Translator


def _result(operation: Operation) -> tuple[Value, TensorType]:
    value = operation.result(0)
    if not isinstance(value.type, TensorType):
        raise Untranslatable("its result is not a tensor")
    return value, value.type


def full(translator: Translator, operation: Operation) -> None:
    """`full`: one number, repeated."""
    value, type = _result(operation)
    number = operation.attributes.get("value")
    if not isinstance(number, bool | int | float):
        raise Untranslatable("its value is not a number")
    translator.bind(value, filled(translator, value, _own_type(operation, type), number))


def full_int_array(translator: Translator, operation: Operation) -> None:
    """`full_int_array` and `assign_value`: numbers one by one."""
    value, type = _result(operation)
    numbers = operation.attributes.get("value", operation.attributes.get("values"))
    if not isinstance(numbers, tuple):
        raise Untranslatable("it has no values")
    for number in numbers:
        if not isinstance(number, bool | int | float):
            raise Untranslatable("its values are not numbers")
    tensor = listed(translator, value, _own_type(operation, type), numbers)  # type: ignore[arg-type]
    translator.bind(value, tensor)


def _own_type(operation: Operation, type: TensorType) -> TensorType:
    """The type with the dims that the operation itself gives; its result's may be another's."""
    shape = operation.attributes.get("shape")
    if not isinstance(shape, tuple):
        return type
    dims = tuple(dim for dim in shape if isinstance(dim, int) and dim >= 0)
    return TensorType(type.dtype, dims) if len(dims) == len(shape) else type


def assign_value_(translator: Translator, operation: Operation) -> None:
    """`assign_value_`: the same, into a variable that was made before."""
    full_int_array(translator, operation)
    if operation.operands:
        translator.rebind(operation.operand(0), operation.result(0))


def full_with_tensor(translator: Translator, operation: Operation) -> None:
    """`full_with_tensor`: one number, repeated; the number or the dims are computed."""
    value, type = _result(operation)
    if len(operation.operands) != 2:
        raise Untranslatable("it has not two operands")
    number, shape = operation.operands
    bound = translator.tensor(number)
    constant = known(bound)
    dtype = operation.attributes.get("dtype")
    if isinstance(dtype, DataTypeName) and dtype.dtype is not None:
        type = TensorType(dtype.dtype, type.dims)
    attributes = fill_attributes(type, constant[0] if constant else 0)
    inputs: dict[str, list[str]] = {}
    if constant is None:
        inputs["ValueTensor"] = [bound.variable()]
        del attributes["str_value"]
    dims = known(translator.bound(shape)) if shape else type.dims  # type: ignore[arg-type]
    if dims is not None:
        attributes["shape"] = coerced(dims, "longs", "shape")
    else:
        inputs |= shape_inputs(translator, shape)
    translator.block.operator(
        "fill_constant", inputs, {"Out": translator.define(value)}, attributes
    )


def shape_inputs(translator: Translator, number: int) -> dict[str, list[str]]:
    """A computed shape, as fill_constant takes it."""
    bound = translator.bound(number)
    elements = translator.elements(number) if not isinstance(bound, Tensor) else bound.elements
    if elements:
        return {"ShapeTensorList": scalar_variables(translator, elements)}
    return {"ShapeTensor": [in_32_bits(translator, translator.tensor(number))]}


HANDLERS = {
    "pd_op.full": full,
    "pd_op.full_int_array": full_int_array,
    "pd_op.assign_value": full_int_array,
    "pd_op.assign_value_": assign_value_,
    "pd_op.full_with_tensor": full_with_tensor,
}
