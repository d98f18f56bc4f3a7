"""The variables that are alive while a block runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .graph import Site
from .values import Array, Tensor, Value

Load = Callable[[str], Array]
"""Gives a parameter's values; called whenever a step reads it."""


class Unavailable(Exception):
    """A variable that has no value, since what should have computed it was not run.

    Attributes:
        name: the variable.
        site: the operator that was not run, or None where none ever writes the variable.
    """

    def __init__(self, name: str, site: Site | None) -> None:
        super().__init__(name)
        self.name = name
        self.site = site


@dataclass
class Usage:
    """Bytes of all live variables of a run; arrays that share memory count each time."""

    bytes: int = 0


def size_of(value: Value | None) -> int:
    """Bytes of a value's arrays."""
    if value is None:
        return 0
    if isinstance(value, Tensor):
        return value.array.nbytes
    return sum(tensor.array.nbytes for tensor in value if tensor is not None)


class Scope:
    """Variables of one block, and through `parent` those of the blocks around it.

    A variable is written where it is declared: in this block, or in one around it.
    """

    def __init__(
        self, declared: frozenset[str], parent: Scope | None = None, usage: Usage | None = None
    ) -> None:
        self._declared = declared
        self._parent = parent
        self._usage = usage or Usage()
        self.values: dict[str, Value] = {}
        self.missing: dict[str, Site] = {}

    def find(self, name: str) -> Value | None:
        """The variable's value here or around, or None; `Unavailable` where it is missing."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.values:
                return scope.values[name]
            if name in scope.missing:
                raise Unavailable(name, scope.missing[name])
            scope = scope._parent
        return None

    def write(self, name: str, value: Value) -> None:
        """Give the variable a value in the block that declares it."""
        scope = self._owner(name)
        self._usage.bytes += size_of(value) - size_of(scope.values.get(name))
        scope.values[name] = value
        scope.missing.pop(name, None)

    def lose(self, name: str, site: Site) -> None:
        """Note that the variable has no value since `site` was not run."""
        scope = self._owner(name)
        self._usage.bytes -= size_of(scope.values.pop(name, None))
        scope.missing[name] = site

    def drop(self, name: str) -> None:
        """Let go of a variable of this block."""
        self._usage.bytes -= size_of(self.values.pop(name, None))

    def close(self) -> None:
        """Let go of all variables of this block."""
        for name in list(self.values):
            self.drop(name)

    def _owner(self, name: str) -> Scope:
        scope = self
        while scope._parent is not None and name not in scope._declared:
            scope = scope._parent
        return scope


class Parameters:
    """Parameters as a run sees them: replaced by arrays of the caller's, or loaded.

    Attributes:
        names: the program's parameters.
    """

    def __init__(self, names: frozenset[str], load: Load, replaced: dict[str, Array]) -> None:
        self.names = names
        self._load = load
        self._replaced = replaced

    def get(self, name: str) -> Tensor | None:
        """The parameter's values; None where there is no parameter of this name."""
        if name in self._replaced:
            return Tensor(self._replaced[name])
        return Tensor(self._load(name)) if name in self.names else None
