"""An operator's position in a program, and what a program declares there."""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

from ....formats.dtypes import DataType
from ....formats.program import Operator, Program
from ....formats.scopes import Scopes


class Position(NamedTuple):
    """An operator's position: the index of its block, and its own index in that block."""

    block: int
    operator: int


class Declarations(Scopes):
    """The variables that a program declares, and the operators that write and read them."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._program = program

    @cached_property
    def types(self) -> frozenset[DataType | None]:
        """The data types of all variables."""
        blocks = self._program.blocks
        return frozenset(variable.dtype for block in blocks for variable in block.variables)

    @cached_property
    def _writers(self) -> dict[str, Operator]:
        writers: dict[str, Operator] = {}
        for _, _, operator in self._program.operators():
            for names in operator.outputs.values():
                writers.update(dict.fromkeys(names, operator))
        return writers

    @cached_property
    def _readers(self) -> dict[str, list[Operator]]:
        readers: dict[str, list[Operator]] = {}
        for _, _, operator in self._program.operators():
            for name in {name for names in operator.inputs.values() for name in names}:
                readers.setdefault(name, []).append(operator)
        return readers

    def writer(self, name: str) -> Operator | None:
        """The last operator that writes a variable of this name."""
        return self._writers.get(name)

    def readers(self, name: str) -> tuple[Operator, ...]:
        """The operators that read a variable of this name, in any block."""
        return tuple(self._readers.get(name, ()))

    def shape(self, block: int, name: str) -> tuple[int, ...] | None:
        """The declared dims; None where nothing is declared."""
        variable = self.find(block, name)
        return None if variable is None else variable.shape

    def dtype(self, block: int, name: str) -> DataType | None:
        """The declared data type; None where nothing is declared."""
        variable = self.find(block, name)
        return None if variable is None else variable.dtype
