"""What a value of a PIR program is in the ProgramDesc: a variable, a list of them, a constant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from .ir import TensorType

Number: TypeAlias = bool | int | float


class Untranslatable(Exception):
    """An operation has no spelling in Paddle 2.6; the message says why."""


@dataclass
class Tensor:
    """One tensor.

    Attributes:
        type: its type.
        name: its variable, or None until it is needed.
        write: writes the operator that makes it, and gives its name; for one without a name.
        constant: its elements where they are known.
        elements: the scalars it is stacked from.
        narrow: an INT32 variable of the same numbers, where there is one. Paddle 3 has shapes in
            64 bits, Paddle 2.6 and Paddle Lite in 32.
        is_parameter: whether its value is stored with the model.
        flat: of a constant scalar, the same with dims [1].
    """

    type: TensorType
    name: str | None = None
    write: Callable[[], str] | None = None
    constant: tuple[Number, ...] | None = None
    elements: tuple[Tensor, ...] | None = None
    narrow: str | None = None
    is_parameter: bool = False
    flat: Tensor | None = None

    def variable(self) -> str:
        """Its variable; the operator that makes it is written where it was not."""
        if self.name is None:
            assert self.write is not None
            self.name = self.write()
        return self.name


@dataclass
class Vector:
    """Several tensors in one value."""

    elements: tuple[Tensor, ...]


@dataclass(frozen=True)
class Nothing:
    """A value that is left out, or holds no tensor."""


Bound: TypeAlias = Tensor | Vector | Nothing
NOTHING = Nothing()
