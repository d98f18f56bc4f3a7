"""Parameters that no operator uses and at which opt aborts: they can be dropped.

Paddle 3's LSTM leaves one, ``dropout_state``: UINT8 without an element. DEMANDS.md has what was
measured.
"""

from __future__ import annotations

from collections.abc import Iterable

from ....formats.lod_tensor import TensorRecord
from ....formats.program import Program
from ..storage import LOADABLE_TYPES


def droppable(program: Program, records: Iterable[TensorRecord]) -> tuple[str, ...]:
    """The names of parameters that opt cannot read, and that no operator reads or writes.

    What opt can read it leaves out of a ``.nb`` by itself.
    """
    unreadable = {
        record.name
        for record in records
        if record.dtype not in LOADABLE_TYPES or not record.data_size
    }
    if not unreadable:
        return ()
    for _, _, operator in program.operators():
        for slots in (operator.inputs, operator.outputs):
            for names in slots.values():
                unreadable.difference_update(names)
    return tuple(sorted(unreadable))
