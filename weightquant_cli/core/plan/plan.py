"""(model, options) -> a verdict for every weight, with one reason, before anything is written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from ...errors import OptionError, listed
from ...formats import dtypes
from ..lite.storage import WeightQuantizeType, storage_dtype
from ..lite.targets import TARGETS
from ..model.model import Model
from ..model.weights import OperatorRef, Weight
from .eligibility import Use, judge
from .options import QuantizeOptions
from .reasons import Reason, ReasonCode
from .rewrites import Rewrite

__all__ = [
    "Plan",
    "Quantization",
    "Reason",
    "ReasonCode",
    "WeightPlan",
    "make_plan",
    "match_names",
    "plan_weight",
]


@dataclass(frozen=True)
class Quantization:
    """How one weight is quantized.

    Attributes:
        operator: the one operator that carries the attributes.
        bits: 8 to 16; the integers lie within +-(2^(bits-1) - 1).
        weight_quantize_type: granularity of the scales.
        channel_axis: axis of the channels in the weight as it is stored by the input, or None for
            one scale per tensor.
        scales: number of scales that the operator carries.
    """

    operator: OperatorRef
    bits: int
    weight_quantize_type: WeightQuantizeType
    channel_axis: int | None
    scales: int

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


@dataclass(frozen=True)
class WeightPlan:
    """The verdict on one weight.

    Attributes:
        weight: the weight.
        quantization: how it is quantized, or None where it stays as it is.
        reason: why it stays as it is, or None where it is quantized.
        rewrites: its readers that are spelled anew.
        transpose: whether it is stored transposed.
    """

    weight: Weight
    quantization: Quantization | None
    reason: Reason | None
    rewrites: tuple[Rewrite, ...] = ()
    transpose: bool = False

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
    def stored_shape(self) -> tuple[int, ...]:
        """The weight's dims in the output."""
        shape = self.weight.record.shape
        return shape[::-1] if self.transpose else shape

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
        fixed_bits: names of the weights whose bits the user gave one by one.
    """

    options: QuantizeOptions
    weights: tuple[WeightPlan, ...]
    fixed_bits: frozenset[str] = frozenset()

    @property
    def quantized(self) -> tuple[WeightPlan, ...]:
        """The weights that are quantized."""
        return tuple(weight for weight in self.weights if weight.quantization is not None)

    @property
    def kept(self) -> tuple[WeightPlan, ...]:
        """The weights that stay as they are."""
        return tuple(weight for weight in self.weights if weight.quantization is None)

    @property
    def quantized_share(self) -> float:
        """Percent of the weights' bytes, as the input stores them, that are quantized."""
        everything = sum(weight.size_before for weight in self.weights)
        done = sum(weight.size_before for weight in self.quantized)
        return 100.0 * done / everything if everything else 0.0

    def only_rewritten(self) -> Plan:
        """The plan with every rewrite and nothing quantized: the same model in another spelling."""
        return replace(
            self,
            weights=tuple(replace(weight, quantization=None) for weight in self.weights),
        )

    def with_bits(self, bits: Mapping[str, int]) -> Plan:
        """The plan with these weights, all of them quantized, at other bits."""
        return replace(
            self,
            weights=tuple(
                replace(weight, quantization=replace(weight.quantization, bits=bits[weight.name]))
                if weight.quantization is not None and weight.name in bits
                else weight
                for weight in self.weights
            ),
        )


def make_plan(model: Model, options: QuantizeOptions) -> Plan:
    """Decide what is done with every weight; reads no data.

    With automatic bits every weight is planned at 8; `bits.choose_bits` decides from the data.

    Raises:
        OptionError: a pattern that matches no weight, or two that contradict each other.
    """
    names = [weight.name for weight in model.weights]
    excluded = match_names("--exclude", options.exclude, names)
    bits = _bits_by_name(options, names, excluded)
    weights = tuple(
        plan_weight(model, weight, options, bits.get(weight.name), weight.name in excluded)
        for weight in model.weights
    )
    _refuse_unused_bits(weights, bits)
    return Plan(options, weights, frozenset(bits))


def match_names(option: str, patterns: Iterable[str], names: Sequence[str]) -> set[str]:
    """The names that one of the glob patterns matches.

    Raises:
        OptionError: a pattern that matches nothing; it suggests the nearest names.
    """
    matched: set[str] = set()
    for pattern in patterns:
        found = {name for name in names if fnmatchcase(name, pattern)}
        if not found:
            import difflib

            near = difflib.get_close_matches(pattern, names, n=3, cutoff=0.4)
            raise OptionError(
                f"{option}: the pattern {pattern!r} matches no weight",
                remedy=f"the nearest names are {listed(near)}"
                if near
                else "`weightquant inspect` lists the names",
            )
        matched |= found
    return matched


def plan_weight(
    model: Model, weight: Weight, options: QuantizeOptions, bits: int | None, excluded: bool
) -> WeightPlan:
    """The verdict on one weight.

    Args:
        model: the model.
        weight: one of its weights.
        options: what was asked for.
        bits: bits for this weight alone, or None for those of the options.
        excluded: whether the user wants it kept.
    """
    use = judge(model, weight, options)
    if isinstance(use, Reason):
        return WeightPlan(weight, None, use)
    if excluded:
        return WeightPlan(weight, None, Reason(ReasonCode.EXCLUDED, "excluded by name"))
    return WeightPlan(
        weight,
        _quantization(weight, use, options, bits or options.first_bits),
        None,
        use.rewrites,
        use.transpose,
    )


def _quantization(weight: Weight, use: Use, options: QuantizeOptions, bits: int) -> Quantization:
    target = TARGETS[use.tagged.operator.type]
    shape = weight.record.shape
    axis = target.channel_axis % len(shape)
    if use.transpose:
        axis = len(shape) - 1 - axis
    per_channel = options.granularity is WeightQuantizeType.CHANNEL_WISE_ABS_MAX
    single = not per_channel and target.expands_scale
    return Quantization(
        operator=use.tagged.operator,
        bits=bits,
        weight_quantize_type=options.granularity,
        channel_axis=axis if per_channel else None,
        scales=1 if single else shape[axis],
    )


def _bits_by_name(
    options: QuantizeOptions, names: Sequence[str], excluded: set[str]
) -> dict[str, int]:
    """What `--bits-for` says of every name that it matches."""
    chosen: dict[str, tuple[int, str]] = {}
    for pattern, bits in options.bits_for:
        for name in match_names("--bits-for", [pattern], names):
            if name in excluded:
                raise OptionError(
                    f"--exclude and --bits-for {pattern}={bits} contradict each other", tensor=name
                )
            before = chosen.setdefault(name, (bits, pattern))
            if before[0] != bits:
                raise OptionError(
                    f"--bits-for {before[1]}={before[0]} and --bits-for {pattern}={bits} "
                    "contradict each other",
                    tensor=name,
                )
    return {name: bits for name, (bits, _) in chosen.items()}


def _refuse_unused_bits(weights: Sequence[WeightPlan], bits: Mapping[str, int]) -> None:
    """A pattern whose weights all stay as they are is a mistake of whoever wrote it."""
    if bits and not any(weight.quantization and weight.name in bits for weight in weights):
        name = next(iter(bits))
        reason = next(weight.reason for weight in weights if weight.name == name)
        raise OptionError(
            "--bits-for names only weights that stay as they are",
            tensor=name,
            found=reason.text if reason else None,
            remedy=f"use {reason.remedy}" if reason and reason.remedy else None,
        )
