"""The plan for one weight: kept, with a reason, or quantized, and how."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple, TypeAlias

from ...formats import dtypes
from ..lite.carried import CARRIER_BYTES
from ..lite.carriers import NewCarrier
from ..lite.storage import WeightQuantizeType, storage_dtype
from ..lite.tags import SCALE_BYTES
from ..model.weights import OperatorRef, Weight
from .reasons import Reason
from .rewrites import Rewrite

ACCEPTED_LOSS = 64


class Quantization(NamedTuple):
    """How one weight is quantized.

    Attributes:
        operator: the one operator that carries the attributes; or with a carrier, the one whose
            weight it is.
        bits: 4 to 16; the integers lie within +-(2^(bits-1) - 1).
        weight_quantize_type: granularity of the scales.
        channel_axis: axis of the channels in the weight as the input stores it, or None for one
            scale per tensor.
        scales: number of scales that the operator carries.
        carrier: type of the operator that is added to carry the attributes, or None.
    """

    operator: OperatorRef
    bits: int
    weight_quantize_type: WeightQuantizeType
    channel_axis: int | None
    scales: int
    carrier: str | None = None

    @property
    def channels(self) -> int:
        """Number of different scales: one where a single one is repeated."""
        return 1 if self.channel_axis is None else self.scales

    @property
    def stored_type(self) -> WeightQuantizeType:
        """What the operator says of its scales: a repeated one counts as one per channel."""
        if self.scales > self.channels:
            return WeightQuantizeType.CHANNEL_WISE_ABS_MAX
        return self.weight_quantize_type

    @property
    def dtype(self) -> dtypes.DataType:
        """The integer type in which the weight is stored."""
        return storage_dtype(self.bits)

    @property
    def limit(self) -> int:
        """The largest integer that is used."""
        return int(2 ** (self.bits - 1)) - 1


@dataclass(frozen=True, eq=False, repr=False)
class _PlannedWeight:
    """What both kinds have in common.

    Attributes:
        weight: the weight.
        rewrites: the rewrites of its readers.
        transpose: whether it is stored transposed.
    """

    weight: Weight
    rewrites: tuple[Rewrite, ...]
    transpose: bool

    @property
    def name(self) -> str:
        """The weight's name."""
        return self.weight.name

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """The weight's dims in the output."""
        shape = self.weight.record.shape
        return shape[::-1] if self.transpose else shape

    @property
    def size_before(self) -> int:
        """Bytes of data in the input."""
        return self.weight.record.data_size


@dataclass(frozen=True)
class KeptWeight(_PlannedWeight):
    """A weight that stays as it is, but for its place if it is stored transposed.

    Attributes:
        reason: why it stays.
    """

    reason: Reason

    @property
    def quantization(self) -> None:
        """None: for code that does not tell the two kinds apart."""
        return None

    @property
    def operator_type(self) -> str:
        """Type of the first operator that reads it; empty if there is none."""
        return self.weight.readers[0].operator.type if self.weight.readers else ""

    @property
    def dtype(self) -> dtypes.DataType:
        """The type in which it is stored."""
        return self.weight.record.dtype

    @property
    def size_after(self) -> int:
        """Bytes of data in the output."""
        return self.size_before


@dataclass(frozen=True)
class QuantizedWeight(_PlannedWeight):
    """A weight that is quantized.

    Attributes:
        quantization: how.
    """

    quantization: Quantization

    @property
    def key(self) -> tuple[str, int]:
        """Name and bits: which rounding it is, among plans that differ in their bits alone."""
        return self.name, self.quantization.bits

    @property
    def reason(self) -> None:
        """None: for code that does not tell the two kinds apart."""
        return None

    @property
    def operator_type(self) -> str:
        """Type of the operator that carries its tag, or for which a carrier does."""
        return self.quantization.operator.type

    @property
    def dtype(self) -> dtypes.DataType:
        """The integer type in which it is stored."""
        return self.quantization.dtype

    @property
    def new_carrier(self) -> NewCarrier | None:
        """The operator that is added to carry its tag, or None."""
        carrier = self.quantization.carrier
        return None if carrier is None else NewCarrier(self.name, carrier, self.stored_shape)

    @property
    def size_after(self) -> int:
        """Bytes of data in the output, scales not counted."""
        return self.weight.record.elements * self.dtype.itemsize

    @property
    def pays_off(self) -> bool:
        """Whether its scales take no more bytes in the program than its integers save.

        A loss of 64 bytes is accepted, so that small weights are treated as Paddle treats them.
        A carrier must save twice what it takes.
        """
        saved = self.size_before - self.size_after
        scales = self.quantization.scales * SCALE_BYTES
        if self.quantization.carrier:
            return saved >= 2 * (CARRIER_BYTES + scales)
        return scales <= saved + ACCEPTED_LOSS

    def with_bits(self, bits: int) -> QuantizedWeight:
        """The same at other bits."""
        return replace(self, quantization=self.quantization._replace(bits=bits))

    def kept(self, reason: Reason) -> KeptWeight:
        """The same weight with its rewrites, not quantized."""
        return KeptWeight(self.weight, self.rewrites, self.transpose, reason)


WeightPlan: TypeAlias = KeptWeight | QuantizedWeight
"""The plan for one weight: `isinstance` tells the two kinds apart."""
