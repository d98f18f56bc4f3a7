"""The variables that a program declares, as each of its blocks sees them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property

from . import dtypes
from .program import Program, Variable


class Scopes:
    """A program's variables by block and name, looked up once: thousands of operators may ask.

    Of two variables of one name in a block, the last counts, as in Paddle.
    """

    def __init__(self, program: Program) -> None:
        self._blocks = program.blocks
        self._parents = [block.parent for block in self._blocks]
        self._by_name = [{v.name: v for v in block.variables} for block in self._blocks]
        self._last: Counter[str] = Counter()

    def find(self, block: int, name: str) -> Variable | None:
        """The variable that `name` means in a block: its own, or one of an enclosing block."""
        while block >= 0:
            found = self._by_name[block].get(name)
            if found is not None:
                return found
            block = self._parents[block]
        return None

    def add(self, block: int, wanted: str, like: Variable, shape: Sequence[int]) -> str:
        """Declare a variable, described as `like` but for its dims.

        Returns:
            Its name: `wanted`, with a number where any block declares or uses that.
        """
        name = self._free_name(wanted)
        self._by_name[block][name] = self._blocks[block].add_variable(name, like, shape)
        return name

    def add_tensor(
        self, block: int, wanted: str, dtype: dtypes.DataType, shape: Sequence[int]
    ) -> str:
        """Declare a tensor that is not persistable; its name, as `add` chooses it."""
        name = self._free_name(wanted)
        self._by_name[block][name] = self._blocks[block].add_tensor(name, dtype, shape)
        return name

    def _free_name(self, wanted: str) -> str:
        number = self._last[wanted]
        name = f"{wanted}_{number}" if number else wanted
        while name in self._taken:
            number += 1
            name = f"{wanted}_{number}"
        self._last[wanted] = number
        self._taken.add(name)
        return name

    @cached_property
    def _taken(self) -> set[str]:
        used = (
            name
            for block in self._blocks
            for operator in block.operators
            for slots in (operator.inputs, operator.outputs)
            for names in slots.values()
            for name in names
        )
        return {name for names in self._by_name for name in names}.union(used)
