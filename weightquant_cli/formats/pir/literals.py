"""Read the types and attributes of a PIR program from JSON.

A type or attribute is an object with its kind under ``#`` (dialect number, dot, name) and its
contents under ``D``; a float that is not finite has its name under ``VD`` instead.
"""

from __future__ import annotations

from typing import Any

from .. import dtypes
from ..text import encode
from .ir import Attribute, DataTypeName, NoType, Opaque, Scalar, TensorType, Type, VectorType

MAX_RANK = 64
"""Dims of a tensor; Paddle's own limit is 9."""

MAX_TEXT = 1024
"""Characters of a name; a file's name has at most 255 bytes."""

_INT64 = 1 << 63

_ELEMENT_TYPES = {
    "0.t_bool": dtypes.BOOL,
    "0.t_i8": dtypes.INT8,
    "0.t_i16": dtypes.INT16,
    "0.t_i32": dtypes.INT32,
    "0.t_i64": dtypes.INT64,
    "0.t_index": dtypes.INT64,
    "0.t_ui8": dtypes.UINT8,
    "0.t_f16": dtypes.FP16,
    "0.t_bf16": dtypes.BF16,
    "0.t_f32": dtypes.FP32,
    "0.t_f64": dtypes.FP64,
    "0.t_c64": dtypes.COMPLEX64,
    "0.t_c128": dtypes.COMPLEX128,
    "0.t_f8e4m3fn": dtypes.FP8_E4M3FN,
    "0.t_f8e5m2": dtypes.FP8_E5M2,
}

_DTYPE_NAMES = {
    "bool": dtypes.BOOL,
    "int8": dtypes.INT8,
    "int16": dtypes.INT16,
    "int32": dtypes.INT32,
    "int64": dtypes.INT64,
    "uint8": dtypes.UINT8,
    "uint16": dtypes.UINT16,
    "uint32": dtypes.UINT32,
    "uint64": dtypes.UINT64,
    "float16": dtypes.FP16,
    "bfloat16": dtypes.BF16,
    "float32": dtypes.FP32,
    "float64": dtypes.FP64,
    "complex64": dtypes.COMPLEX64,
    "complex128": dtypes.COMPLEX128,
}

_NOT_FINITE = {"NaN": float("nan"), "INF": float("inf"), "-INF": float("-inf")}

# Types without a tensor behind them: stacks of the control flow dialect.
_NO_TENSOR = {"NULL", "2.t_stack", "2.t_inlet", "2.t_outlet"}

# Attributes that say where and for whom, not what: skipped, with all their contents.
_WITHOUT_MEANING = {"1.a_place", "4.a_process_mesh", "4.a_tensor_dist", "4.a_op_dist", "NULL"}


class Malformed(Exception):
    """A piece of JSON is not what PIR has there; the reader adds where."""


def field(json: Any, key: str, kind: type, what: str) -> Any:
    """The entry `key` of an object, of this JSON type.

    Raises:
        Malformed: `json` is no object, or the entry is missing or of another type.
    """
    if type(json) is not dict:
        raise Malformed(f"{what} is not an object")
    value = json.get(key)
    if type(value) is not kind:
        raise Malformed(f"{what} has no {_KINDS[kind]} {key!r}")
    return value


_KINDS = {dict: "object", list: "list", str: "text", int: "integer"}


def integer(json: Any, what: str) -> int:
    """An integer of at most 64 bits; Malformed for anything else."""
    if type(json) is not int or not -_INT64 <= json < _INT64:
        raise Malformed(f"{what} is not an integer of 64 bits")
    return json


def text(json: Any, what: str) -> str:
    """Text that can be written as UTF-8; Malformed for anything else."""
    if type(json) is not str:
        raise Malformed(f"{what} is not text")
    if not json.isascii():
        try:
            encode(json)
        except UnicodeEncodeError as error:
            raise Malformed(f"{what} is not Unicode text") from error
    return json


def name(json: Any, what: str) -> str:
    """The name of a variable: text that is neither empty nor longer than `MAX_TEXT`."""
    found = text(json, what)
    if not found or len(found) > MAX_TEXT:
        raise Malformed(f"{what} is empty or longer than {MAX_TEXT} characters")
    return found


def read_type(json: Any) -> Type:
    """The type of a value.

    Raises:
        Malformed: it is not one, or of a kind that is not known here.
    """
    kind = field(json, "#", str, "a type")
    if kind == "0.t_dtensor":
        return _tensor(field(json, "D", list, "a tensor's type"))
    if kind == "0.t_vec":
        elements = [read_element(each) for each in field(json, "D", list, "a vector's type")]
        return VectorType(tuple(elements))
    if kind in _NO_TENSOR:
        return NoType()
    if kind == "1.t_dense_tensor_array":
        array = _tensor(field(json, "D", list, "a tensor array's type"))
        return TensorType(array.dtype, array.dims, is_array=True)
    _known_shape(kind, ".t_")
    return NoType()


def read_element(json: Any) -> TensorType:
    """The type of one element of a vector: a tensor."""
    if field(json, "#", str, "a type") == "NULL":
        return TensorType(dtypes.FP32, ())
    if json["#"] != "0.t_dtensor":
        raise Malformed(f"a vector holds the type {json['#']!r}")
    return _tensor(field(json, "D", list, "a tensor's type"))


def _tensor(data: list[Any]) -> TensorType:
    if len(data) < 2 or type(data[1]) is not list:
        raise Malformed("a tensor's type has no dims")
    element = field(data[0], "#", str, "an element type")
    dtype = _ELEMENT_TYPES.get(element)
    if dtype is None:
        raise Malformed(f"the element type {element!r} is not known")
    dims = data[1]
    if len(dims) > MAX_RANK:
        raise Malformed(f"a tensor has {len(dims)} dims")
    for dim in dims:
        integer(dim, "a dim")
    return TensorType(dtype, tuple(max(dim, -1) for dim in dims))  # -6: 6 times an unknown one


def read_attribute(json: Any) -> Attribute | None:
    """An attribute's value; None where it has no meaning for inference.

    Raises:
        Malformed: it is not an attribute, or of a kind that is not known here.
    """
    kind = field(json, "#", str, "an attribute")
    if kind == "0.a_array":
        items = field(json, "D", list, "an array")
        return tuple(_scalar(field(item, "#", str, "an attribute"), item) for item in items)
    if kind == "1.a_intarray":
        numbers = field(json, "D", list, "an array")
        return tuple(integer(number, "an array's element") for number in numbers)
    if kind in _WITHOUT_MEANING:
        return None
    return _scalar(kind, json)


def _scalar(kind: str, json: dict[str, Any]) -> Scalar:
    data = json.get("D")
    if kind in ("0.a_i32", "0.a_i64", "0.a_index"):
        return integer(data, "an attribute")
    if kind in ("0.a_f32", "0.a_f64"):
        return _float(json, data)
    if kind == "0.a_bool":
        if type(data) is not bool:
            raise Malformed("an attribute is not true or false")
        return data
    if kind in ("0.a_str", "0.a_tensorname", "1.a_layout"):
        return text(data, "an attribute")
    if kind == "1.a_dtype":
        return _dtype(text(data, "an element type"))
    if kind == "1.a_scalar":
        return _typed_scalar(data)
    if kind == "0.a_type":
        element = field(data, "#", str, "an element type")
        return DataTypeName(_ELEMENT_TYPES.get(element))
    return Opaque(_known_shape(kind, ".a_"))


def _known_shape(kind: str, part: str) -> str:
    """The name of a kind that is not known here, if it looks like one."""
    if part not in kind or len(kind) > MAX_TEXT:
        raise Malformed(f"{kind[:40]!r} is not a type's name")
    return kind


def _float(json: dict[str, Any], data: Any) -> float:
    if type(data) is float:
        return data
    if type(data) is int:
        return float(integer(data, "an attribute"))
    not_finite = json.get("VD")
    if type(not_finite) is str and not_finite in _NOT_FINITE:
        return _NOT_FINITE[not_finite]
    raise Malformed("an attribute is not a number")


def _dtype(named: str) -> DataTypeName:
    if named.lower().startswith(("undefined", "all")):
        return DataTypeName(None)
    dtype = _DTYPE_NAMES.get(named)
    if dtype is None:
        raise Malformed(f"the element type {named!r} is not known")
    return DataTypeName(dtype)


def _typed_scalar(data: Any) -> bool | int | float:
    if type(data) is not list or len(data) != 2 or type(data[1]) not in (bool, int, float):
        raise Malformed("an attribute is not a real number with its type")
    value: bool | int | float = data[1]
    return integer(value, "an attribute") if type(value) is int else value
