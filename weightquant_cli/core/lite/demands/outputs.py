"""Output slots that opt insists on although nobody reads them at inference.

Paddle's export drops them (`clip_extra`). Adding one costs a variable that is never filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ....formats.program import Block, Operator
from .place import Declarations, Place

XSHAPE = "XShape"

UNREAD: Mapping[str, tuple[str, ...]] = {
    "flatten2": (XSHAPE,),
    "flatten_contiguous_range": (XSHAPE,),
    "reshape2": (XSHAPE,),
    "squeeze2": (XSHAPE,),
    "transpose2": (XSHAPE,),
    "unsqueeze2": (XSHAPE,),
    "instance_norm": ("SavedMean", "SavedVariance"),
    "layer_norm": ("Mean", "Variance"),
}
"""Slots that only training reads, by operator; which of them an opt demands is measured."""


def absent_outputs(operator: Operator) -> Iterator[str]:
    """The operator's slots of `UNREAD` that are not there, or empty."""
    slots = UNREAD.get(operator.type)
    if slots is None:
        return
    outputs = operator.outputs
    yield from (slot for slot in slots if not outputs.get(slot))


def add_output(
    operator: Operator, place: Place, block: Block, slot: str, declarations: Declarations
) -> str | None:
    """Declare a variable and put it into the slot; what was done, None where X is not declared."""
    names = operator.inputs.get("X", ())
    x = declarations.find(place.block, names[0]) if len(names) == 1 else None
    if x is None or x.shape is None:
        return None
    dims = (0, *x.shape) if slot == XSHAPE else (-1,)
    made = declarations.add(block, place.block, f"{names[0]}.{slot.lower()}", x, dims)
    operator.set_output(slot, [made])
    return f"output {slot} added"
