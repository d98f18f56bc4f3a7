"""(model, options) -> a verdict for every weight, with one reason, before anything is written."""

from __future__ import annotations

import difflib
import enum
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from ..errors import OptionError, listed
from ..formats import dtypes
from .model import SCALE_SUFFIX, Model, OperatorRef, Reader, Weight
from .options import QuantizeOptions, WeightQuantizeType, storage_dtype
from .targets import TARGETS, Target

# Paddle Lite appends this to names of its own; a weight that has it already makes it abort.
RESERVED_NAME_PART = "/target_trans"


class ReasonCode(enum.Enum):
    """Why a weight stays as it is."""

    UNREAD = "unread"
    NO_TARGET = "no_target"
    OTHER_SLOT = "other_slot"
    NOT_SELECTED = "not_selected"
    EXCLUDED = "excluded"
    NOT_FLOAT32 = "not_float32"
    ALREADY_QUANTIZED = "already_quantized"
    EMPTY = "empty"
    RANK = "rank"
    ATTRIBUTES = "attributes"
    SEVERAL_READERS = "several_readers"
    WRITTEN = "written"
    SHADOWED = "shadowed"
    RESERVED_NAME = "reserved_name"


@dataclass(frozen=True)
class Reason:
    """Why a weight stays as it is.

    Attributes:
        code: for programs.
        text: for people, one clause.
        remedy: the option that would change it, or None.
    """

    code: ReasonCode
    text: str
    remedy: str | None = None


@dataclass(frozen=True)
class Quantization:
    """How one weight is quantized.

    Attributes:
        operator: the one operator that carries the attributes.
        bits: 8 to 16; the integers lie within +-(2^(bits-1) - 1).
        weight_quantize_type: granularity of the scales.
        channel_axis: axis of the channels, or None for one scale per tensor.
        scales: number of scales.
    """

    operator: OperatorRef
    bits: int
    weight_quantize_type: WeightQuantizeType
    channel_axis: int | None
    scales: int

    @property
    def dtype(self) -> dtypes.DataType:
        """The integer type in which the weight is stored."""
        return storage_dtype(self.bits)

    @property
    def limit(self) -> int:
        """The largest integer that is used."""
        return int(2 ** (self.bits - 1)) - 1


@dataclass(frozen=True)
class WeightPlan:
    """The verdict on one weight.

    Attributes:
        weight: the weight.
        quantization: how it is quantized, or None where it stays as it is.
        reason: why it stays as it is, or None where it is quantized.
    """

    weight: Weight
    quantization: Quantization | None
    reason: Reason | None

    @property
    def name(self) -> str:
        """The weight's name."""
        return self.weight.name

    @property
    def operator_type(self) -> str:
        """Type of the operator that the weight belongs to; empty if nobody reads it."""
        if self.quantization is not None:
            return self.quantization.operator.type
        return self.weight.readers[0].operator.type if self.weight.readers else ""

    @property
    def size_before(self) -> int:
        """Bytes of data in the input."""
        return self.weight.record.data_size

    @property
    def size_after(self) -> int:
        """Bytes of data in the output, scales not counted."""
        if self.quantization is None:
            return self.size_before
        return self.weight.record.elements * self.quantization.dtype.itemsize


@dataclass(frozen=True)
class Plan:
    """What is done with every weight of a model.

    Attributes:
        options: what was asked for.
        weights: one verdict per parameter, in byte order of the names.
    """

    options: QuantizeOptions
    weights: tuple[WeightPlan, ...]

    @property
    def quantized(self) -> tuple[WeightPlan, ...]:
        """The weights that are quantized."""
        return tuple(weight for weight in self.weights if weight.quantization is not None)

    @property
    def kept(self) -> tuple[WeightPlan, ...]:
        """The weights that stay as they are."""
        return tuple(weight for weight in self.weights if weight.quantization is None)


def make_plan(model: Model, options: QuantizeOptions) -> Plan:
    """Decide what is done with every weight; reads no data.

    Raises:
        OptionError: a pattern that matches no weight.
    """
    excluded = _match_names(options.exclude, [weight.name for weight in model.weights])
    weights = []
    for weight in model.weights:
        reason = _objection(model, weight, options, weight.name in excluded)
        quantization = None if reason else _quantization(weight, options)
        weights.append(WeightPlan(weight, quantization, reason))
    return Plan(options, tuple(weights))


def target_readers(weight: Weight) -> list[tuple[Reader, Target]]:
    """The readers that hold the weight in the slot that can be quantized."""
    return [
        (reader, TARGETS[reader.operator.type])
        for reader in weight.readers
        if reader.operator.type in TARGETS and TARGETS[reader.operator.type].slot == reader.slot
    ]


def _quantization(weight: Weight, options: QuantizeOptions) -> Quantization:
    reader, target = target_readers(weight)[0]
    per_channel = options.granularity is WeightQuantizeType.CHANNEL_WISE_ABS_MAX
    shape = weight.record.shape
    axis = target.channel_axis % len(shape) if per_channel else None
    return Quantization(
        operator=reader.operator,
        bits=options.bits,
        weight_quantize_type=options.granularity,
        channel_axis=axis,
        scales=1 if axis is None else shape[axis],
    )


def _objection(
    model: Model, weight: Weight, options: QuantizeOptions, excluded: bool
) -> Reason | None:
    """The first reason, in the order of a person's interest, why the weight stays as it is."""
    return (
        _objection_to_readers(weight)
        or _objection_to_data(model, weight)
        or _objection_to_use(model, weight)
        or _objection_by_choice(weight, options, excluded)
    )


def _objection_to_readers(weight: Weight) -> Reason | None:
    if not weight.readers:
        return Reason(ReasonCode.UNREAD, "no operator reads it")
    if target_readers(weight):
        return None
    reader = weight.readers[0]
    op_type = reader.operator.type
    if op_type in TARGETS:
        return Reason(
            ReasonCode.OTHER_SLOT,
            f"it is the {reader.slot} of {op_type}, not the weight ({TARGETS[op_type].slot})",
        )
    return Reason(ReasonCode.NO_TARGET, f"{op_type} has no weight that can be quantized")


def _objection_to_data(model: Model, weight: Weight) -> Reason | None:
    record = weight.record
    if record.dtype in (dtypes.INT8, dtypes.INT16) or _has_scales(model, weight):
        return Reason(ReasonCode.ALREADY_QUANTIZED, f"it is quantized already ({record.dtype})")
    if record.dtype is not dtypes.FP32:
        return Reason(ReasonCode.NOT_FLOAT32, f"it is {record.dtype}, not FP32")
    if record.elements == 0:
        return Reason(ReasonCode.EMPTY, "it has no elements")
    return None


def _has_scales(model: Model, weight: Weight) -> bool:
    return any(
        model.operator(reader.operator).attribute(weight.name + SCALE_SUFFIX) is not None
        for reader in weight.readers
    )


def _objection_to_use(model: Model, weight: Weight) -> Reason | None:
    if weight.writers:
        return Reason(ReasonCode.WRITTEN, f"{weight.writers[0].type} writes it")
    if weight.shadowed:
        return Reason(ReasonCode.SHADOWED, "another variable has the same name")
    if RESERVED_NAME_PART in weight.name:
        return Reason(
            ReasonCode.RESERVED_NAME,
            f"its name contains {RESERVED_NAME_PART}, on which Paddle Lite aborts",
        )
    if len(weight.readers) > 1:
        types = [reader.operator.type for reader in weight.readers]
        return Reason(
            ReasonCode.SEVERAL_READERS, f"{len(types)} operators read it ({listed(types, 3)})"
        )
    reader, target = target_readers(weight)[0]
    rank = len(weight.record.shape)
    if rank != target.rank:
        return Reason(
            ReasonCode.RANK,
            f"{target.op_type} with a weight of rank {rank}: Paddle Lite needs {target.rank}",
        )
    objection = target.objection(model.operator(reader.operator))
    return Reason(ReasonCode.ATTRIBUTES, objection) if objection else None


def _objection_by_choice(weight: Weight, options: QuantizeOptions, excluded: bool) -> Reason | None:
    if excluded:
        return Reason(ReasonCode.EXCLUDED, "excluded by name", "--exclude")
    op_type = target_readers(weight)[0][0].operator.type
    if op_type not in options.chosen_op_types:
        return Reason(
            ReasonCode.NOT_SELECTED, f"{op_type} was not chosen", f"--op-type {op_type} or all"
        )
    return None


def _match_names(patterns: Iterable[str], names: Sequence[str]) -> set[str]:
    matched: set[str] = set()
    for pattern in patterns:
        found = {name for name in names if fnmatchcase(name, pattern)}
        if not found:
            near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.4)
            raise OptionError(
                f"the pattern {pattern!r} matches no weight",
                remedy=f"the nearest names are {listed(near)}"
                if near
                else "see `weightquant inspect`",
            )
        matched |= found
    return matched


def share(part: int, whole: int) -> float:
    """`part` of `whole` in percent; 0 of nothing."""
    return 100.0 * part / whole if whole else 0.0


def decibels(signal: float, noise: float) -> float:
    """Signal-to-quantization-noise ratio 10 log10(signal / noise); inf without noise."""
    if noise <= 0:
        return math.inf
    return 10 * math.log10(signal / noise) if signal > 0 else -math.inf
