"""A model's inputs and outputs, as its feed and fetch operators name them."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import printable
from ...formats import dtypes
from .model import Model


@dataclass(frozen=True)
class Port:
    """An input or output of the model.

    Attributes:
        name: the variable's name.
        dtype: its declared type, or None where it is unknown.
        shape: its declared dims, -1 for one not known in advance; None where there are none.
    """

    name: str
    dtype: dtypes.DataType | None
    shape: tuple[int, ...] | None

    def __str__(self) -> str:
        """As in ``image FP32 ?x1x8x8``; a dash for what is not known."""
        dims = "-"
        if self.shape is not None:
            dims = "x".join("?" if dim < 0 else str(dim) for dim in self.shape) or "scalar"
        return printable(f"{self.name} {self.dtype or '-'} {dims}")


def feeds(model: Model) -> tuple[Port, ...]:
    """The inputs, in the order of their columns."""
    return _ports(model, "feed", "Out")


def fetches(model: Model) -> tuple[Port, ...]:
    """The outputs, in the order of their columns."""
    return _ports(model, "fetch", "X")


def _ports(model: Model, op_type: str, slot: str) -> tuple[Port, ...]:
    """What the feed or fetch operators of the main block name, in the order of their columns."""
    found: list[tuple[int, str]] = []
    for ref, operator in model.operators():
        if ref.block != 0 or ref.type != op_type:
            continue
        slots = {**operator.inputs, **operator.outputs}
        column = operator.value("col")
        place = column if isinstance(column, int) else len(found)
        found += [(place, name) for name in slots.get(slot, ())]
    ports = []
    for _, name in sorted(found, key=lambda item: item[0]):
        variable = model.variable(0, name)
        ports.append(
            Port(name, variable.dtype if variable else None, variable.shape if variable else None)
        )
    return tuple(ports)
