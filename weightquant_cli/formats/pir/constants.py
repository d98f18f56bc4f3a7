"""Constants: written only where they are read as a tensor.

In PIR the shape of a reshape or the axis of a concat is a constant that is made by an operation of
its own. In Paddle 2.6 it is an attribute, and the operation disappears.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...errors import counted
from .. import dtypes
from ..program import AttributeValue, AttrType
from .bindings import Number, Tensor, Untranslatable
from .coerce import coerced
from .ir import TensorType, Value

if TYPE_CHECKING:
    from .translator import Translator
    from .writer import Attributes, Slots

MAX_KNOWN = 64
"""Elements of a repeated constant that are written out where an attribute takes them."""

# The attribute of assign_value for each element type, and its type.
_VALUES = {
    dtypes.BOOL: ("bool_values", "ints"),
    dtypes.INT32: ("int32_values", "ints"),
    dtypes.INT64: ("int64_values", "longs"),
    dtypes.FP32: ("fp32_values", "floats"),
    dtypes.FP64: ("fp64_values", "f64s"),
}


def lazy(
    translator: Translator,
    value: Value | None,
    type: TensorType,
    operator: str,
    inputs: Callable[[], Slots],
    attributes: Attributes,
    **facts: object,
) -> Tensor:
    """A tensor whose operator is written, at this place, when its variable is needed."""
    block = translator.block
    place = block.place()

    def write() -> str:
        if value is None:
            name = translator.make("constant_0.tmp_0", type, block)
        else:
            name = translator.name_of(value, type, block)
        block.operator(operator, inputs(), {OUTPUT.get(operator, "Out"): [name]}, attributes, place)
        return name

    return Tensor(type, write=write, **facts)  # type: ignore[arg-type]


OUTPUT = {"stack": "Y"}
"""The output slot of operators that do not call it Out."""


def _no_inputs() -> Slots:
    return {}


def filled(translator: Translator, value: Value | None, type: TensorType, number: Number) -> Tensor:
    """A tensor of one number, as fill_constant writes it."""
    if not type.dims:
        return _filled_scalar(translator, value, type, number)
    count = math.prod(type.dims)
    constant = (number,) * count if 0 <= count <= MAX_KNOWN else None
    attributes = fill_attributes(type, number)
    return lazy(translator, value, type, "fill_constant", _no_inputs, attributes, constant=constant)


def _filled_scalar(
    translator: Translator, value: Value | None, type: TensorType, number: Number
) -> Tensor:
    """A scalar without dims: Paddle Lite fills none, but takes one out of a tensor of dims [1]."""
    flat = filled(translator, None, TensorType(type.dtype, (1,)), number)
    return lazy(
        translator,
        value,
        type,
        "slice",
        lambda: {"Input": [flat.variable()]},
        {
            "axes": (AttrType.INTS, (0,)),
            "starts": (AttrType.INTS, (0,)),
            "ends": (AttrType.INTS, (1,)),
            "infer_flags": (AttrType.INTS, (1,)),
            "decrease_axis": (AttrType.INTS, (0,)),
        },
        constant=(number,),
        flat=flat,
    )


def fill_attributes(type: TensorType, number: Number) -> dict[str, tuple[AttrType, AttributeValue]]:
    """The attributes of a fill_constant; the number also as text, which is exact for INT64."""
    is_integer = type.dtype in (dtypes.INT32, dtypes.INT64, dtypes.INT16, dtypes.INT8, dtypes.UINT8)
    written = str(int(number)) if is_integer and math.isfinite(number) else str(float(number))
    return {
        "shape": coerced(type.dims, "longs", "shape"),
        "dtype": (AttrType.INT, type.dtype.number),
        "value": coerced(float(number), "float", "value"),
        "str_value": (AttrType.STRING, written),
        "force_cpu": (AttrType.BOOLEAN, False),
        "place_type": (AttrType.INT, -1),
    }


def listed(
    translator: Translator, value: Value | None, type: TensorType, numbers: Sequence[Number]
) -> Tensor:
    """A tensor of these numbers, as assign_value writes it."""
    if type.dtype not in _VALUES:
        raise Untranslatable(f"it lists numbers of the type {type.dtype}")
    if len(numbers) != math.prod(type.dims):
        raise Untranslatable(f"it lists {counted(len(numbers), 'number')} for the dims {type.dims}")
    name, kind = _VALUES[type.dtype]
    attributes = {
        "shape": coerced(type.dims, "ints", "shape"),
        "dtype": (AttrType.INT, type.dtype.number),
        name: coerced(tuple(numbers), kind, name),
    }
    return lazy(
        translator, value, type, "assign_value", _no_inputs, attributes, constant=tuple(numbers)
    )
