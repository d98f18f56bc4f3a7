"""A PIR program in memory: values, operations and blocks, with types.

Paddle's own names: a program has one block; an operation reads values (its operands), defines
values (its results), and may own regions of further blocks (`pd_op.if`, `pd_op.while`). A value is
a number within its program; 0 is an operand that was left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from .. import dtypes

ABSENT = 0
"""The number of an operand that was left out."""


@dataclass(frozen=True, slots=True)
class TensorType:
    """A tensor's element type and dims, -1 for a dim not known in advance.

    Attributes:
        dtype: the element type.
        dims: the dims; none at all is a scalar.
        is_array: whether it is an array of such tensors (LOD_TENSOR_ARRAY).
    """

    dtype: dtypes.DataType
    dims: tuple[int, ...]
    is_array: bool = False


@dataclass(frozen=True, slots=True)
class VectorType:
    """Several tensors passed as one value."""

    elements: tuple[TensorType, ...]


@dataclass(frozen=True, slots=True)
class NoType:
    """The type of a result that is left out, or of one that holds no tensor."""


Type: TypeAlias = TensorType | VectorType | NoType


@dataclass(frozen=True, slots=True)
class Value:
    """A value where it is defined. The arguments of a block have negative numbers."""

    number: int
    type: Type


@dataclass(frozen=True, slots=True)
class DataTypeName:
    """An attribute that names an element type; None where it leaves it open."""

    dtype: dtypes.DataType | None


@dataclass(frozen=True, slots=True)
class Opaque:
    """An attribute of a kind that is not known here; whoever needs its value cannot go on."""

    kind: str


Scalar: TypeAlias = bool | int | float | str | DataTypeName | Opaque
Attribute: TypeAlias = Scalar | tuple[Scalar, ...]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation.

    Attributes:
        name: dialect and name, such as ``pd_op.conv2d``.
        operands: numbers of the values it reads, `ABSENT` for one left out.
        results: the values it defines; a result left out has the number `ABSENT`.
        attributes: by name; those without a meaning for inference are left out.
        regions: one block for each region.
        place: where it stands in the file, for messages: ``operation 12``.
    """

    name: str
    operands: tuple[int, ...]
    results: tuple[Value, ...]
    attributes: Mapping[str, Attribute]
    regions: tuple[Block, ...]
    place: str

    def operand(self, index: int) -> int:
        """The number of an operand; `ABSENT` for one beyond the last."""
        return self.operands[index] if index < len(self.operands) else ABSENT

    def result(self, index: int) -> Value:
        """A result; one without a tensor for one beyond the last."""
        return self.results[index] if index < len(self.results) else Value(ABSENT, NoType())


@dataclass(frozen=True, slots=True)
class Block:
    """A block: its arguments, and its operations in order."""

    arguments: tuple[Value, ...]
    operations: tuple[Operation, ...]
