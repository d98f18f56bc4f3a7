"""Sizes and indexes as tensors: in 32 bits, as Paddle 2.6 and Paddle Lite expect them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from .. import dtypes
from ..program import AttrType
from .bindings import Tensor
from .coerce import coerced
from .constants import filled
from .ir import TensorType

if TYPE_CHECKING:
    from .translator import Translator


def cast_attributes(old: dtypes.DataType, new: dtypes.DataType) -> dict[str, tuple[AttrType, int]]:
    """The attributes of a `cast`."""
    return {"in_dtype": (AttrType.INT, old.number), "out_dtype": (AttrType.INT, new.number)}


def converted(translator: Translator, tensor: Tensor, dtype: dtypes.DataType) -> Tensor:
    """The tensor in another element type."""
    type = TensorType(dtype, tensor.type.dims)
    name = translator.make("cast_0.tmp_0", type)
    attributes = cast_attributes(tensor.type.dtype, dtype)
    translator.block.operator("cast", {"X": [tensor.variable()]}, {"Out": [name]}, attributes)
    return Tensor(type, name)


def in_32_bits(translator: Translator, tensor: Tensor) -> str:
    """The variable of a size or an index in INT32; a larger constant ends at 32 bits."""
    if tensor.narrow is not None:
        return tensor.narrow
    if tensor.type.dtype != dtypes.INT64:
        return tensor.variable()
    constant = tensor.constant
    if constant is not None and len(constant) == 1:
        _, numbers = coerced(constant, "bounds", "size")
        assert isinstance(numbers, tuple)
        scalar = TensorType(dtypes.INT32, (1,))
        return filled(translator, None, scalar, int(numbers[0])).variable()
    return converted(translator, tensor, dtypes.INT32).variable()


def scalar_variables(translator: Translator, elements: Sequence[Tensor]) -> list[str]:
    """Variables of INT32 scalars, as Paddle 2.6 has them in lists of shapes."""
    return [in_32_bits(translator, element) for element in elements]
