"""Operations that a line of the tables cannot describe: a function each.

A handler writes what becomes of one operation, and binds the values that it defines.
May import `formats.pir`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from ..ir import Operation
from . import (
    composite,
    constants,
    control_flow,
    elementwise,
    graph,
    ranges,
    reductions,
    resize,
    shapes,
)

if TYPE_CHECKING:
    from ..translator import Translator

Handler: TypeAlias = "Callable[[Translator, Operation], None]"

_HANDLERS: dict[str, Handler] = {
    **graph.HANDLERS,
    **constants.HANDLERS,
    **ranges.HANDLERS,
    **shapes.HANDLERS,
    **resize.HANDLERS,
    **reductions.HANDLERS,
    **elementwise.HANDLERS,
    **composite.HANDLERS,
    **control_flow.HANDLERS,
}

given_name = graph.given_name


def find(name: str) -> Handler | None:
    """The handler of an operation, or of the one of which it is the variant in place."""
    return _HANDLERS.get(name) or _HANDLERS.get(name.removesuffix("_"))


def is_variant_in_place(name: str) -> bool:
    """Whether the handler is that of another operation, of which this is the variant in place."""
    return name not in _HANDLERS


def names() -> list[str]:
    """The names of all operations with a handler."""
    return list(_HANDLERS)
