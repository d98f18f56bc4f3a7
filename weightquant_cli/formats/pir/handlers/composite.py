"""Operations that Paddle 2.6 spells as several operators, or through a tensor of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ... import dtypes
from ...program import AttributeValue, AttrType
from .. import tables
from ..applying import Call, known, outputs_of, prepare
from ..bindings import Tensor, Untranslatable
from ..coerce import coerced
from ..constants import listed
from ..ir import Operation, TensorType
from ..rules import parse

if TYPE_CHECKING:
    from ..translator import Translator


def set_value(translator: Translator, operation: Operation) -> None:
    """`set_value_` with numbers: Paddle 2.6 reads them from a tensor as well."""
    rule = parse(tables.RULES["set_value"])
    call = prepare(translator, operation, rule)
    source = translator.tensor(operation.operand(0))
    numbers = operation.attributes.get("values")
    shape = operation.attributes.get("shape")
    if not isinstance(numbers, tuple) or not isinstance(shape, tuple):
        raise Untranslatable("its values are not numbers with a shape")
    dtype = source.type.dtype
    dims = tuple(dim for dim in shape if isinstance(dim, int))
    tensor = listed(translator, None, TensorType(dtype, dims), numbers)  # type: ignore[arg-type]
    call.inputs["ValueTensor"] = [tensor.variable()]
    call.attributes["dtype"] = (AttrType.INT, dtype.number)
    outputs_of(call, rule)
    call.write("set_value")


def set_value_with_tensor(translator: Translator, operation: Operation) -> None:
    """`set_value_with_tensor_`: the element type is an attribute in Paddle 2.6."""
    rule = parse(tables.RULES["set_value_with_tensor"])
    call = prepare(translator, operation, rule)
    dtype = translator.tensor(operation.operand(0)).type.dtype
    call.attributes["dtype"] = (AttrType.INT, dtype.number)
    outputs_of(call, rule)
    call.write("set_value")


def masked_fill(translator: Translator, operation: Operation) -> None:
    """`masked_fill`: a `where` between a filled tensor and the operand itself."""
    if len(operation.operands) != 3:
        raise Untranslatable("it has not three operands")
    source, mask, value = (translator.tensor(number) for number in operation.operands)
    constant = known(value)
    if constant is None or len(constant) != 1:
        raise Untranslatable("its value is computed")
    block = translator.block
    full = translator.make("fill_any_like_0.tmp_0", source.type)
    attributes = {
        "value": (AttrType.FLOAT, float(constant[0])),
        "dtype": (AttrType.INT, source.type.dtype.number),
    }
    block.operator("fill_any_like", {"X": [source.variable()]}, {"Out": [full]}, attributes)
    condition = mask.variable()
    if mask.type.dims != source.type.dims:
        condition = _expanded(translator, mask, source)
    block.operator(
        "where",
        {"Condition": [condition], "X": [full], "Y": [source.variable()]},
        {"Out": translator.define(operation.result(0))},
    )


def _expanded(translator: Translator, mask: Tensor, like: Tensor) -> str:
    """The mask in the shape of `like`."""
    name = translator.make("expand_as_v2_0.tmp_0", TensorType(dtypes.BOOL, like.type.dims))
    translator.block.operator(
        "expand_as_v2",
        {"X": [mask.variable()], "Y": [like.variable()]},
        {"Out": [name]},
        {"target_shape": (AttrType.INTS, tuple(like.type.dims))},
    )
    return name


def close(translator: Translator, operation: Operation) -> None:
    """`isclose` and `allclose`: the tolerances are text in Paddle 2.6."""
    if len(operation.operands) != 4:
        raise Untranslatable("it has not four operands")
    x, y = (translator.tensor(number).variable() for number in operation.operands[:2])
    attributes: dict[str, tuple[AttrType, AttributeValue]] = {
        "equal_nan": (AttrType.BOOLEAN, operation.attributes.get("equal_nan") is True)
    }
    for name, number in zip(("rtol", "atol"), operation.operands[2:], strict=True):
        constant = known(translator.tensor(number))
        if constant is None or len(constant) != 1:
            raise Untranslatable(f"its {name} is computed")
        attributes[name] = (AttrType.STRING, repr(float(constant[0])))
    translator.block.operator(
        operation.name.removeprefix("pd_op."),
        {"Input": [x], "Other": [y]},
        {"Out": translator.define(operation.result(0))},
        attributes,
    )


def deformable_conv(translator: Translator, operation: Operation) -> None:
    """`deformable_conv`: without a mask it gets one of ones, since Paddle Lite demands a mask."""
    rule = parse(tables.RULES["deformable_conv"])
    call = prepare(translator, operation, rule)
    if "Mask" not in call.inputs:
        offset, kernel = (translator.tensor(operation.operand(index)) for index in (1, 2))
        call.inputs["Mask"] = [_mask_of_ones(call, offset, kernel)]
    outputs_of(call, rule)
    call.write(rule.type)


def _mask_of_ones(call: Call, offset: Tensor, kernel: Tensor) -> str:
    """Ones in the shape of the mask: the offsets have two channels for each of its channels."""
    translator = call.translator
    if len(kernel.type.dims) != 4 or len(offset.type.dims) != 4:
        raise Untranslatable("its kernel or its offsets are not of rank 4")
    groups = call.operation.attributes.get("deformable_groups", 1)
    if not isinstance(groups, int):
        raise Untranslatable("its deformable_groups is not a number")
    channels = groups * kernel.type.dims[2] * kernel.type.dims[3]
    batch, _, height, width = offset.type.dims
    type = TensorType(offset.type.dtype, (batch, channels, height, width))
    half, ones = translator.make("mask_0.tmp_0", type), translator.make("mask_0.tmp_1", type)
    bounds = {"axes": 1, "starts": 0, "ends": channels, "infer_flags": 1}
    attributes = {name: coerced(value, "ints", name) for name, value in bounds.items()}
    attributes["decrease_axis"] = (AttrType.INTS, ())
    block = translator.block
    block.operator("slice", {"Input": [offset.variable()]}, {"Out": [half]}, attributes)
    block.operator(
        "fill_any_like",
        {"X": [half]},
        {"Out": [ones]},
        {"value": (AttrType.FLOAT, 1.0), "dtype": (AttrType.INT, type.dtype.number)},
    )
    return ones


HANDLERS = {
    "pd_op.deformable_conv": deformable_conv,
    "pd_op.isclose": close,
    "pd_op.allclose": close,
    "pd_op.set_value": set_value,
    "pd_op.set_value_with_tensor": set_value_with_tensor,
    "pd_op.masked_fill": masked_fill,
}
