"""One execution of one operator, as its kernel sees it: arrays and attributes, never names.

Attributes are read with the default that Paddle gives them: older programs leave out what newer
ones store. A kernel raises `Unsupported` where it does not know what an attribute's value means,
and ValueError (or another error of numpy) where arrays do not fit.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .attributes import Attributes
from .values import Array, Lod, Tensor, Value

# Numbers of `VarType.Type` in attributes such as `dtype` and `out_dtype`.
NUMPY_TYPES: dict[int, type[np.generic]] = {
    0: np.bool_,
    1: np.int16,
    2: np.int32,
    3: np.int64,
    4: np.float16,
    5: np.float32,
    6: np.float64,
    20: np.uint8,
    21: np.int8,
}

DEFAULT_LIMIT = 4 << 30
"""Bytes that all variables of a run may take: far above any model for phones."""


class Unsupported(Exception):
    """The kernel does not do what these attributes, or these inputs, ask for."""


@dataclass(frozen=True, slots=True)
class Call:
    """Inputs and attributes of one execution.

    Attributes:
        type: the operator's type.
        inputs: values by slot, in the order of the operator's arguments.
        attributes: the operator's attributes by name.
        outputs: how many variables each output slot has.
        limit: bytes that are left for its output.
    """

    type: str
    inputs: Mapping[str, Sequence[Value]]
    attributes: Attributes = field(default_factory=dict)
    outputs: Mapping[str, int] = field(default_factory=dict)
    limit: int = DEFAULT_LIMIT

    # ---- inputs

    def has(self, slot: str) -> bool:
        """Whether the slot holds a variable."""
        return bool(self.inputs.get(slot))

    def tensors(self, slot: str) -> list[Tensor]:
        """All tensors of a slot."""
        values = self.inputs.get(slot, ())
        if not all(isinstance(value, Tensor) for value in values):
            raise ValueError(f"the input {slot} is a tensor array, not a tensor")
        return [value for value in values if isinstance(value, Tensor)]

    def tensor(self, slot: str) -> Tensor:
        """The first tensor of a slot; ValueError where the slot is empty."""
        tensors = self.tensors(slot)
        if not tensors:
            raise ValueError(f"the input {slot} is missing")
        return tensors[0]

    def array(self, slot: str = "X") -> Array:
        """The first array of a slot; ValueError where the slot is empty."""
        return self.tensor(slot).array

    def arrays(self, slot: str = "X") -> list[Array]:
        """All arrays of a slot."""
        return [tensor.array for tensor in self.tensors(slot)]

    def optional(self, slot: str) -> Array | None:
        """The first array of a slot, or None where it is empty."""
        return self.array(slot) if self.has(slot) else None

    def lod(self, slot: str = "X") -> Lod:
        """The LoD of the first tensor of a slot; ValueError where it has none."""
        lod = self.tensor(slot).lod
        if not lod:
            raise ValueError(f"the input {slot} has no LoD (no sequence boundaries)")
        return lod

    # ---- attributes

    def given(self, name: str) -> bool:
        """Whether the attribute is there with a value."""
        return self.attributes.get(name) is not None

    def integer(self, name: str, default: int = 0) -> int:
        """An integer attribute."""
        value = self.attributes.get(name, default)
        if isinstance(value, (bool, int)):
            return int(value)
        raise self._unsupported(name, value)

    def number(self, name: str, default: float = 0.0) -> float:
        """A number as an attribute."""
        value = self.attributes.get(name, default)
        if isinstance(value, (bool, int, float)):
            return float(value)
        raise self._unsupported(name, value)

    def flag(self, name: str, default: bool = False) -> bool:
        """A truth value as an attribute."""
        return bool(self.integer(name, int(default)))

    def text(self, name: str, default: str = "") -> str:
        """A text as an attribute."""
        value = self.attributes.get(name, default)
        if isinstance(value, str):
            return value
        raise self._unsupported(name, value)

    def ints(self, name: str, default: Sequence[int] = ()) -> tuple[int, ...]:
        """Integers as an attribute; one integer counts as a list of one."""
        value = self.attributes.get(name, tuple(default))
        if isinstance(value, int):
            return (int(value),)
        if isinstance(value, tuple) and all(isinstance(item, int) for item in value):
            return tuple(int(item) for item in value)
        raise self._unsupported(name, value)

    def floats(self, name: str, default: Sequence[float] = ()) -> tuple[float, ...]:
        """Numbers as an attribute; one number counts as a list of one."""
        value = self.attributes.get(name, tuple(default))
        if isinstance(value, (int, float)):
            return (float(value),)
        if isinstance(value, tuple) and all(isinstance(item, (int, float)) for item in value):
            return tuple(float(item) for item in value)
        raise self._unsupported(name, value)

    def one_of(self, name: str, default: str, known: Sequence[str]) -> str:
        """A text attribute that must have one of the known values."""
        value = self.text(name, default)
        if value not in known:
            raise self._unsupported(name, value)
        return value

    def dtype(self, name: str, default: int = -1, fallback: Array | None = None) -> np.dtype[Any]:
        """The numpy type of a data type attribute; -1 means that of `fallback`."""
        number = self.integer(name, default)
        if number == -1 and fallback is not None:
            return fallback.dtype
        if number not in NUMPY_TYPES:
            raise self._unsupported(name, number)
        return np.dtype(NUMPY_TYPES[number])

    def _unsupported(self, name: str, value: object) -> Unsupported:
        return Unsupported(f"the attribute {name} of {self.type} has the value {value!r}")

    # ---- integers that are attributes or tensors

    def int_or_tensor(self, name: str, slot: str, default: int) -> int:
        """An integer attribute, or in its place a tensor of one element."""
        if not self.has(slot):
            return self.integer(name, default)
        return int(self.array(slot).reshape(-1)[0])

    def ints_or_tensor(
        self, name: str, slot: str, list_slot: str, default: Sequence[int] = ()
    ) -> tuple[int, ...]:
        """Integers from a tensor, else from tensors of one element each, else the attribute."""
        if self.has(slot):
            return tuple(int(item) for item in self.array(slot).reshape(-1))
        if self.has(list_slot):
            return tuple(int(array.reshape(-1)[0]) for array in self.arrays(list_slot))
        return self.ints(name, default)

    def axis(self, rank: int, name: str = "axis", default: int = -1) -> int:
        """An axis attribute, counted from 0; ValueError where there is no such axis."""
        return normal_axis(self.integer(name, default), rank)

    # ---- memory

    def claim(self, shape: Sequence[int], itemsize: int = 4) -> None:
        """Refuse an output of this shape before it is allocated, where it is far too large."""
        if any(size < 0 for size in shape):
            raise ValueError(f"a negative size in the shape {list(shape)}")
        size = math.prod(int(dim) for dim in shape) * itemsize
        if size > self.limit:
            raise ValueError(f"{size} bytes for the shape {list(shape)}; {self.limit} are left")


def normal_axis(axis: int, rank: int) -> int:
    """The axis counted from 0; ValueError where a tensor of this rank has no such axis."""
    if not -rank <= axis < rank:
        raise ValueError(f"axis {axis} of a tensor of rank {rank}")
    return axis % rank
