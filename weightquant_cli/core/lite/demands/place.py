"""An operator's position in a program, and what a program declares there."""

from __future__ import annotations

from dataclasses import dataclass

from ....formats.dtypes import DataType
from ....formats.program import Block, Operator, Program, Variable


@dataclass(frozen=True, order=True)
class Place:
    """An operator's place: the index of its block, and its index in that block."""

    block: int
    index: int


class Declarations:
    """The variables that a program declares, found by name, and who writes and reads them."""

    def __init__(self, program: Program) -> None:
        blocks = program.blocks
        self._parents = [block.parent for block in blocks]
        self._by_name: list[dict[str, Variable]] = []
        for block in blocks:
            self._by_name.append({})
            for variable in block.variables:
                self._by_name[-1].setdefault(variable.name, variable)
        self._taken = {name for names in self._by_name for name in names}

        self._writers: dict[str, Operator] = {}
        self._readers: dict[str, list[Operator]] = {}
        for _, _, operator in program.operators():
            for names in operator.outputs.values():
                self._writers.update(dict.fromkeys(names, operator))
            for name in {name for names in operator.inputs.values() for name in names}:
                self._readers.setdefault(name, []).append(operator)

    def writer(self, name: str) -> Operator | None:
        """The last operator that writes a variable of this name."""
        return self._writers.get(name)

    def readers(self, name: str) -> tuple[Operator, ...]:
        """The operators that read a variable of this name, in any block."""
        return tuple(self._readers.get(name, ()))

    def find(self, block: int, name: str) -> Variable | None:
        """The variable as this block sees it: its own, or that of a block around it."""
        while block >= 0:
            variable = self._by_name[block].get(name)
            if variable is not None:
                return variable
            block = self._parents[block]
        return None

    def shape(self, block: int, name: str) -> tuple[int, ...] | None:
        """The declared dims; None where nothing is declared."""
        variable = self.find(block, name)
        return None if variable is None else variable.shape

    def dtype(self, block: int, name: str) -> DataType | None:
        """The declared data type; None where nothing is declared."""
        variable = self.find(block, name)
        return None if variable is None else variable.dtype

    def add(
        self, block: Block, index: int, wanted: str, like: Variable, dims: tuple[int, ...]
    ) -> str:
        """Declare a variable in a block, under `wanted` or that with a number; its name."""
        name, number = wanted, 0
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._taken.add(name)
        self._by_name[index][name] = block.add_variable(name, like, dims)
        return name
