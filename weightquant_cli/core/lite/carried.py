"""The table of what carriers quantize: operator type -> weight slot, rank, what forbids it.

Paddle Lite does not dequantize the weights of these operators, but of one that is added for them
(`carriers.py`). The place to add a type, once it was measured to come out right (FACTS.md): nothing
that `opt` does may compute with the weight's bytes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .targets import TARGETS

if TYPE_CHECKING:
    from ..model.weights import Reader, Weight
    from .fusions import Fusions

LOOKUP_TABLE = "lookup_table"
CONV2D = "conv2d"

CARRIER_OF_RANK = {2: LOOKUP_TABLE, 4: CONV2D}
"""The type of the carrier for a weight of this rank."""

MIN_SAVING = 2048
"""Bytes that a carrier must save, its scales deducted. The two operators added take some 400 bytes
in the program and 2 microseconds of each inference."""


@dataclass(frozen=True)
class Carried:
    """A kind of weight that a carrier quantizes.

    Attributes:
        op_type: the operator's type.
        slot: its input slot; all weights in it count, however many there are.
        rank: the rank of its weights; others in the slot, such as biases, stay.
        folds: operators behind it that `opt` folds into the weight's bytes: not with these.
    """

    op_type: str
    slot: str
    rank: int
    folds: tuple[str, ...] = ()


CARRIED: dict[str, Carried] = {
    carried.op_type: carried
    for carried in (
        Carried("gru", "Weight", 2),
        Carried("rnn", "WeightList", 2),
        Carried("conv2d_transpose", "Filter", 4, folds=("batch_norm",)),
    )
}


ALL_OP_TYPES = (*TARGETS, *CARRIED)
"""Every operator type that can be chosen."""


def carried_by(reader: Reader) -> Carried | None:
    """The line of the table that knows this reader, or None."""
    carried = CARRIED.get(reader.operator.type)
    return carried if carried is not None and carried.slot == reader.slot else None


def carried_readers(weight: Weight) -> list[tuple[Reader, Carried]]:
    """The readers for which a carrier can be added, whatever the weight's rank."""
    return [(r, carried) for r in weight.readers if (carried := carried_by(r)) is not None]


def folded_behind(fusions: Fusions, reader: Reader) -> str | None:
    """The operator behind this one that `opt` folds into the weight, or None."""
    carried = carried_by(reader)
    if carried and "batch_norm" in carried.folds and reader.operator in fusions.before_batch_norm:
        return "batch_norm"
    return None
