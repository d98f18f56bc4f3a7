"""Kernels by operator type: every family of operators registers its own with `@kernel`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from .call import Call
from .values import Array, Tensor

Result: TypeAlias = Array | Tensor | Sequence[Array | Tensor]
"""What a kernel gives for one slot: an array, one with its LoD, or several in order."""

Results: TypeAlias = Result | Mapping[str, Result]
"""The result of the main slot alone, or results by slot."""

Function: TypeAlias = Callable[[Call], Results]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True, slots=True)
class Kernel:
    """How one operator type is computed.

    Attributes:
        function: the computation.
        out: the output slot of a result that is not given by slot.
        keeps_lod: whether an output of as many rows takes over the LoD of the first input that
            has one, as Paddle's ShareLoD does.
    """

    function: Function
    out: str = "Out"
    keeps_lod: bool = True


KERNELS: dict[str, Kernel] = {}


def kernel(*types: str, out: str = "Out", keeps_lod: bool = True) -> Callable[[F], F]:
    """Register a function as the kernel of these operator types."""

    def register(function: F) -> F:
        for name in types:
            assert name not in KERNELS, f"two kernels for {name}"
            KERNELS[name] = Kernel(function, out, keeps_lod)
        return function

    return register
