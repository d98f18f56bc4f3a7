"""What variables hold while a program runs: tensors with their LoD, and arrays of tensors."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

Lod: TypeAlias = tuple[tuple[int, ...], ...]
"""Sequence boundaries, outermost level first: offsets that begin with 0 and never decrease. Those
of the innermost level count rows of the tensor, those of an outer level entries of the next."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor. Its array is never written to once it is a variable's value: others may hold it.

    Attributes:
        array: the values.
        lod: boundaries of its sequences; empty where it has none.
    """

    array: Array
    lod: Lod = ()


TensorArray: TypeAlias = tuple[Tensor | None, ...]
"""The value of a LOD_TENSOR_ARRAY variable; None where nothing was written."""

Value: TypeAlias = Tensor | TensorArray


def lengths(offsets: tuple[int, ...]) -> list[int]:
    """Lengths of the sequences of one LoD level."""
    return [end - start for start, end in pairwise(offsets)]


def offsets(sizes: list[int]) -> tuple[int, ...]:
    """The LoD level of sequences of these lengths."""
    return (0, *(int(end) for end in np.cumsum(np.asarray(sizes, np.int64))))


def check_lod(lod: Lod, rows: int) -> str | None:
    """What is wrong with the LoD of a tensor of `rows` rows, or None."""
    for level, following in zip(lod, [*(len(level) - 1 for level in lod[1:]), rows], strict=True):
        if len(level) < 2 or level[0] != 0:
            return "a level needs at least two offsets, the first of them 0"
        if any(end < start for start, end in pairwise(level)):
            return "offsets must not decrease"
        if level[-1] != following:
            return f"the last offset is {level[-1]}, and there are {following} entries"
    return None
