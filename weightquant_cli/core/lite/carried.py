"""The table of what carriers quantize: operator type -> weight slot, rank, what forbids it.

Paddle Lite does not dequantize the weights of these operators, but of one that is added for them
(`carriers.py`). The place to add a type, once it was measured to come out right (FACTS.md): nothing
that `opt` does may compute with the weight's bytes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .targets import TARGETS

if TYPE_CHECKING:
    from ..model.weights import Reader, Weight

LOOKUP_TABLE = "lookup_table"
CONV2D = "conv2d"

CARRIER_OF_RANK = {2: LOOKUP_TABLE, 4: CONV2D}
"""The type of the carrier for a weight of this rank."""

CARRIER_BYTES = 1200
"""What a carrier takes in the `.nb`, its scales not counted. A lookup_table of one row takes 0.1
microseconds of an inference."""


class Carried(NamedTuple):
    """A kind of weight that a carrier quantizes.

    Attributes:
        op_type: the operator's type.
        slot: its input slot; all weights in it count, however many there are.
        rank: the rank of the weight; others in the slot, such as biases, stay.
    """

    op_type: str
    slot: str
    rank: int = 2


_CARRIED = (
    Carried("conv2d_transpose", "Filter", 4),
    Carried("crf_decoding", "Transition"),
    Carried("deformable_conv", "Filter", 4),
    Carried("depthwise_conv2d_transpose", "Filter", 4),
    *(
        Carried(f"elementwise_{name}", slot)
        for name in ("add", "div", "mul", "sub")
        for slot in ("X", "Y")
    ),
    Carried("gru", "Weight"),
    Carried("gru_unit", "Weight"),
    Carried("lookup_table", "W"),
    Carried("lookup_table_v2", "W"),
    Carried("lstm", "Weight"),
    Carried("matmul", "X"),
    Carried("matmul", "Y"),
    Carried("matmul_v2", "X"),
    Carried("matmul_v2", "Y"),
    Carried("mul", "X"),
    Carried("rnn", "WeightList"),
    Carried("sequence_conv", "Filter"),
)

CARRIED: dict[tuple[str, str], Carried] = {(line.op_type, line.slot): line for line in _CARRIED}
"""The table, by operator type and slot."""

ALL_OP_TYPES = tuple(dict.fromkeys((*TARGETS, *(line.op_type for line in _CARRIED))))
"""Every operator type that can be chosen."""


def carried_by(reader: Reader) -> Carried | None:
    """The line of the table that knows this reader, or None."""
    return CARRIED.get((reader.operator.type, reader.slot))


def carried_readers(weight: Weight) -> list[Reader]:
    """The readers for which a carrier can be added."""
    rank = len(weight.record.shape)
    return [r for r in weight.readers if (line := carried_by(r)) and line.rank == rank]
