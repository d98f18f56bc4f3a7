"""(model, options) -> what is done with every weight and why, before anything is written."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from ...errors import OptionError, counted, readable
from ..lite.storage import WeightQuantizeType
from ..lite.targets import TARGETS
from ..model.model import Model
from ..model.shown import Row, Shown
from ..model.weights import Weight
from .eligibility import Eligibility, Eligible
from .options import FLOAT_BITS, QuantizeOptions
from .patterns import match_names
from .reasons import Reason, ReasonCode
from .weight_plan import KeptWeight, Quantization, QuantizedWeight, WeightPlan


@dataclass(frozen=True, repr=False)
class Plan(Shown):
    """What is done with every weight of a model.

    Attributes:
        options: what was asked for.
        weights: the plan for every parameter, in byte order of the names.
        fixed_bits: names of the weights whose bits the user gave one by one.
    """

    options: QuantizeOptions
    weights: tuple[WeightPlan, ...]
    fixed_bits: frozenset[str] = frozenset()

    @property
    def quantized(self) -> tuple[QuantizedWeight, ...]:
        """The weights that are quantized."""
        return tuple(weight for weight in self.weights if isinstance(weight, QuantizedWeight))

    @property
    def kept(self) -> tuple[KeptWeight, ...]:
        """The weights that stay as they are."""
        return tuple(weight for weight in self.weights if isinstance(weight, KeptWeight))

    @property
    def quantized_share(self) -> float:
        """Percent of the weights' bytes, as the input stores them, that are quantized."""
        everything = sum(weight.size_before for weight in self.weights)
        done = sum(weight.size_before for weight in self.quantized)
        return 100.0 * done / everything if everything else 0.0

    def _lines(self) -> tuple[str, ...]:
        return (
            f"Plan: {counted(len(self.quantized), 'weight', len(self.weights))} to quantize",
            f"{self.quantized_share:.1f}% of their bytes, {self.options.granularity.value}",
            f"left as they are: {len(self.kept)}; `weights` has each with its reason",
        )

    def _table(self) -> tuple[Row, Sequence[Row]]:
        ranked = sorted(self.weights, key=lambda weight: (-weight.size_before, weight.name))
        return ("weight", "operator", "shape", "bytes", "bits", "why not"), [
            (
                weight.name,
                weight.operator_type,
                list(weight.weight.record.shape),
                weight.size_before,
                weight.quantization.bits if weight.quantization else None,
                weight.reason.text if weight.reason else None,
            )
            for weight in ranked
        ]

    def without(self, names: Collection[str]) -> Plan:
        """The plan without these weights, which are left out of what is written."""
        return replace(self, weights=tuple(w for w in self.weights if w.name not in names))

    def with_bits(self, bits: Mapping[str, int]) -> Plan:
        """The plan with these weights at other bits; those that are kept stay so."""
        return replace(
            self,
            weights=tuple(
                weight.with_bits(bits[weight.name])
                if isinstance(weight, QuantizedWeight) and weight.name in bits
                else weight
                for weight in self.weights
            ),
        )


def make_plan(
    model: Model, options: QuantizeOptions, eligibility: Eligibility | None = None
) -> Plan:
    """Decide what is done with every weight; reads no data.

    With automatic bits every weight is planned at 8; `auto_bits.choose_bits` decides from the data.

    Args:
        model: the model.
        options: what is asked for.
        eligibility: of the same model, where it is there from another plan.

    Raises:
        OptionError: a pattern that matches no weight, or two that contradict each other.
    """
    names = [weight.name for weight in model.weights]
    excluded = match_names("exclude", options.exclude, names)
    included = match_names("include", options.include, names) if options.include else set(names)
    bits = _bits_by_name(options, names, excluded)
    planner = Planner(options, eligibility or Eligibility(model))
    weights = tuple(
        planner.plan(weight, bits.get(weight.name), _unwanted(weight, options, excluded, included))
        for weight in model.weights
    )
    _refuse_unused_bits(weights, bits)
    return Plan(options, weights, frozenset(bits))


MAX_SCALES = 1 << 20
"""Scales of one weight. Models have thousands of channels; a hostile one, any number, and each
takes a hundred bytes of memory on its way into the program."""

MAX_SCALES_IN_ALL = 8 * MAX_SCALES
"""Scales of a model: 40 MiB of its program. A language model of 7 billion parameters has 1.4
million."""


class Planner:
    """Plans the weights of one model, one by one."""

    def __init__(self, options: QuantizeOptions, eligibility: Eligibility) -> None:
        self._options = options
        self._eligibility = eligibility
        self._scales_left = MAX_SCALES_IN_ALL

    def plan(self, weight: Weight, bits: int | None, unwanted: Reason | None) -> WeightPlan:
        """The plan for one weight.

        Args:
            weight: the weight.
            bits: bits for this weight alone, or None for those of the options.
            unwanted: why the user wants it kept, or None.
        """
        found = self._eligibility.of(weight, self._options)
        if isinstance(found, Reason):
            return KeptWeight(weight, (), False, found)
        if unwanted is not None:
            return KeptWeight(weight, (), False, unwanted)
        if self._options.bits == FLOAT_BITS:
            return KeptWeight(weight, (), False, Reason(ReasonCode.FLOAT, "32 bits were asked for"))
        quantization = self._quantization(weight, found, bits or self._options.first_bits)
        planned = QuantizedWeight(weight, found.rewrites, found.transpose, quantization)
        reason = self._unaffordable(planned, found)
        if reason is not None:
            return KeptWeight(weight, (), False, reason)
        self._scales_left -= quantization.scales
        return planned

    def _unaffordable(self, planned: QuantizedWeight, found: Eligible) -> Reason | None:
        """Why the weight has too many scales, or is too small for a carrier."""
        scales = planned.quantization.scales
        if planned.quantization.carrier and not planned.pays_off:
            return found.otherwise or Reason(
                ReasonCode.CARRIER_COST,
                "it would save less than twice what the operator added for it takes",
            )
        if not planned.pays_off:
            return Reason(
                ReasonCode.SCALES_COST,
                f"its {scales} scales would take more bytes than quantizing it saves",
            )
        if scales > min(MAX_SCALES, self._scales_left):
            return Reason(
                ReasonCode.TOO_MANY_SCALES,
                f"it would take {scales} scales, more than any model has",
            )
        return None

    def _quantization(self, weight: Weight, found: Eligible, bits: int) -> Quantization:
        target = TARGETS[found.carrier or found.tagged.operator.type]
        shape = weight.record.shape
        axis = target.channel_axis % len(shape)
        if found.transpose:
            axis = len(shape) - 1 - axis
        granularity = self._options.granularity
        per_channel = granularity is WeightQuantizeType.CHANNEL_WISE_ABS_MAX
        single = not per_channel and target.expands_scale
        return Quantization(
            operator=found.tagged.operator,
            bits=bits,
            weight_quantize_type=granularity,
            channel_axis=axis if per_channel else None,
            scales=1 if single else shape[axis],
            carrier=found.carrier,
        )


def _unwanted(
    weight: Weight, options: QuantizeOptions, excluded: set[str], included: set[str]
) -> Reason | None:
    """Why the user does not want the weight quantized, by its name or its size."""
    if weight.name in excluded:
        return Reason(ReasonCode.EXCLUDED, "excluded by name")
    if weight.name not in included:
        return Reason(ReasonCode.NOT_INCLUDED, "not included by name", "`include`")
    if weight.record.data_size < options.min_bytes:
        text = f"it has fewer than {readable(options.min_bytes)}"
        return Reason(ReasonCode.SMALL, text, "`min_bytes`")
    return None


def _bits_by_name(
    options: QuantizeOptions, names: Sequence[str], excluded: set[str]
) -> dict[str, int]:
    """What `bits_for` says of every name that it matches."""
    chosen: dict[str, tuple[int, str]] = {}
    for pattern, bits in options.bits_for:
        for name in match_names("bits_for", [pattern], names):
            if name in excluded:
                raise OptionError(
                    f"`exclude` and `bits_for` {pattern}={bits} contradict each other", tensor=name
                )
            before = chosen.setdefault(name, (bits, pattern))
            if before[0] != bits:
                raise OptionError(
                    f"`bits_for` {before[1]}={before[0]} and `bits_for` {pattern}={bits} "
                    "contradict each other",
                    tensor=name,
                )
    return {name: bits for name, (bits, _) in chosen.items()}


def _refuse_unused_bits(weights: Sequence[WeightPlan], bits: Mapping[str, int]) -> None:
    """Bits for weights that all stay as they are were given by mistake."""
    reasons = {weight.name: weight.reason for weight in weights if isinstance(weight, KeptWeight)}
    if bits and all(name in reasons for name in bits):
        name = next(iter(bits))
        remedy = reasons[name].remedy
        raise OptionError(
            "`bits_for` names only weights that stay as they are",
            tensor=name,
            found=reasons[name].text,
            remedy=f"use {remedy}" if remedy else None,
        )
