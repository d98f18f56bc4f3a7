"""A weight, its record and the operators that read or write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ...formats.lod_tensor import TensorRecord


@dataclass(frozen=True)
class OperatorRef:
    """An operator's place in the program: index of the block, index in the block, and its type."""

    block: int
    index: int
    type: str


class Reader(NamedTuple):
    """An operator that reads a weight, and the input slot by which it does."""

    operator: OperatorRef
    slot: str


class Weight(NamedTuple):
    """One parameter of the model.

    Attributes:
        record: its header: name, shape, type, and where the data is.
        readers: every operator that computes with it, once per input; captures do not count.
        writers: operators that write it.
        shadowed: whether a sub-block declares another variable of the same name.
    """

    record: TensorRecord
    readers: tuple[Reader, ...]
    writers: tuple[OperatorRef, ...]
    shadowed: bool

    @property
    def name(self) -> str:
        """The variable's name."""
        return self.record.name

    @property
    def is_vector(self) -> bool:
        """Whether at most one of its dims is larger than 1, as those of biases and norms are."""
        return sum(dim > 1 for dim in self.record.shape) < 2
