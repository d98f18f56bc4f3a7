"""A weight, its record and the operators that read or write it."""

from __future__ import annotations

from dataclasses import dataclass

from ...formats.lod_tensor import TensorRecord


@dataclass(frozen=True)
class OperatorRef:
    """Where an operator stands in the program."""

    block: int
    index: int
    type: str


@dataclass(frozen=True)
class Reader:
    """An operator that reads a weight, and the input slot by which it does."""

    operator: OperatorRef
    slot: str


@dataclass(frozen=True)
class Weight:
    """One parameter of the model.

    Attributes:
        record: name, shape, type and place of its data.
        readers: every operator that computes with it, captures left out.
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
