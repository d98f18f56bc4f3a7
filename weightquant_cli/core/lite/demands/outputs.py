"""Output slots that opt insists on although they are unused at inference.

Paddle's export drops them (`clip_extra`). Adding one costs a variable that is never filled.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ....formats.program import Operator
from .position import Declarations, Position

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


def is_beside_pad3d(operator: Operator, declarations: Declarations) -> bool:
    """Whether this is an unsqueeze2 before a pad3d, or a squeeze2 behind one.

    With XShape, opt 2.11 and newer fuse the three into a pad2d that pads the wrong sides: there the
    slot is not added. Opts that demand it (2.9 to 2.11) do not convert such a program.
    """
    if operator.type == "unsqueeze2":
        return any(
            reader.type == "pad3d"
            for name in operator.outputs.get("Out", ())
            for reader in declarations.readers(name)
        )
    if operator.type == "squeeze2":
        writers = (declarations.writer(name) for name in operator.inputs.get("X", ()))
        return any(writer is not None and writer.type == "pad3d" for writer in writers)
    return False


def add_output(
    operator: Operator, position: Position, slot: str, declarations: Declarations
) -> str | None:
    """Declare a variable and put it into the slot; what was done.

    None where X is not declared, or where opt would make a wrong fusion of it.
    """
    if slot == XSHAPE and is_beside_pad3d(operator, declarations):
        return None
    names = operator.inputs.get("X", ())
    x = declarations.find(position.block, names[0]) if len(names) == 1 else None
    if x is None or x.shape is None:
        return None
    dims = (0, *x.shape) if slot == XSHAPE else (-1,)
    made = declarations.add(position.block, f"{names[0]}.{slot.lower()}", x, dims)
    operator.set_output(slot, [made])
    return f"output {slot} added"
