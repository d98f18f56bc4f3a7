"""What `inspect` shows: a model's facts, from its headers alone.

`summarize` reads no data, so it is fast for a model of any size; `measure.measure` adds
what needs the data.
"""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from ...errors import counted
from ...formats.lod_tensor import TensorRecord
from ...formats.model_dir import ModelFiles
from ...formats.unknown_operators import UnknownOperators
from ..lite.carriers import find_carriers
from ..lite.demands.demand import Demands, grouped
from ..lite.demands.judge import findings
from ..lite.demands.versions import NEWEST
from ..lite.scales import ScalesSummary, summarize_scales
from ..lite.storage import WeightQuantizeType
from ..lite.tags import ModelTags, Tag
from ..model.inputs_outputs import Port, feeds, fetches
from ..model.model import SKIPPED_OPERATORS, Model
from ..model.shown import Row, Shown
from ..model.weights import OperatorRef, Weight
from ..plan.eligibility import Eligibility
from ..plan.options import QuantizeOptions
from ..plan.plan import make_plan
from ..plan.reasons import Reason, ReasonCode
from ..plan.weight_plan import QuantizedWeight, WeightPlan
from ..quantize.sizes import CompressedSizes, Sizes, exact_sizes
from ..tensors.histogram import Histogram
from ..tensors.weight_error import WeightError

EXPECTED_BITS = (8, 16)


class Verdict(enum.Enum):
    """What can be done with a weight."""

    QUANTIZABLE = "quantizable"
    QUANTIZED = "quantized"
    KEPT = "kept"


@dataclass(frozen=True)
class WeightSummary:
    """One weight.

    Attributes:
        plan: how it would be quantized at 8 bits if every operator type were chosen, or why not.
        share: percent of all weights' bytes.
        verdict: what can be done with it.
        reason: why it is kept; or for a quantizable one, which option it takes; or None.
        operator_type: type of the operator that carries its tag or would; or of the first that
            reads it, a carrier not counted, which is none of the model's own; empty for none.
        scales: what the operator that carries its tag says of its scales, or None without a tag.
        error: what 8 bits would do to it, where that was measured.
        histogram: of its values, where that was measured.
        not_measured: why the error could not be measured, or None.
    """

    plan: WeightPlan
    share: float
    verdict: Verdict
    reason: Reason | None
    operator_type: str
    scales: ScalesSummary | None
    error: WeightError | None = None
    histogram: Histogram | None = None
    not_measured: str | None = None

    @property
    def name(self) -> str:
        """The weight's name."""
        return self.plan.name

    @property
    def record(self) -> TensorRecord:
        """Shape, type and place."""
        return self.plan.weight.record

    @property
    def rewritten_as(self) -> str | None:
        """What its operator would be rewritten as; None where it stays."""
        return next((used.to for used in self.plan.rewrites), None)

    @property
    def carrier(self) -> str | None:
        """Type of the operator that would be added to carry its tag; None without one."""
        return None if self.plan.quantization is None else self.plan.quantization.carrier


@dataclass(frozen=True)
class ExpectedSize:
    """What `quantize` would write with the same options but for the bits.

    Attributes:
        bits: of every weight.
        sizes: in bytes.
        compressed: of the result, where that was measured.
    """

    bits: int
    sizes: Sizes
    compressed: CompressedSizes | None = None


@dataclass(frozen=True, repr=False)
class ModelSummary(Shown):
    """A model's facts.

    Attributes:
        files: which files it is.
        paddle_version: the Paddle that wrote it; None for a development build.
        program_size, params_size: bytes of the program and of the parameters.
        inputs, outputs: in the order in which they are fed and fetched.
        operators: operator types with their numbers, the most frequent first; without what was
            added to carry tags.
        unknown_operators: those of a Paddle 3 model that cannot be translated; with any of them,
            no command but `inspect` takes the model.
        weights: every weight.
        expected: sizes after quantizing; empty where nothing could be, or is already.
        compressed: its own compressed size, where that was measured.
        lite_version: the version of Paddle Lite that `demands` is about.
        demands: what keeps its opt from converting the model, or its result from being right.
    """

    files: ModelFiles
    paddle_version: str | None
    program_size: int
    params_size: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    operators: tuple[tuple[str, int], ...]
    unknown_operators: tuple[UnknownOperators, ...]
    weights: tuple[WeightSummary, ...]
    expected: tuple[ExpectedSize, ...]
    lite_version: str
    demands: tuple[Demands, ...]
    compressed: CompressedSizes | None = None

    def _lines(self) -> tuple[str, ...]:
        return (
            f"ModelSummary: {self.headline}, Paddle {self.paddle_version or 'unknown'}",
            f"{counted(len(self.weights), 'weight')}, {self.params_size} bytes; "
            f"program {self.program_size}",
            f"{counted(sum(count for _, count in self.operators), 'operator')} of "
            f"{counted(len(self.operators), 'type')}",
        )

    def _table(self) -> tuple[Row, Sequence[Row]]:
        ranked = sorted(self.weights, key=lambda one: (-one.record.data_size, one.name))
        return ("weight", "operator", "shape", "bytes", "verdict", "why"), [
            (
                one.name,
                one.plan.operator_type,
                list(one.record.shape),
                one.record.data_size,
                one.verdict.value,
                one.reason.text if one.reason else None,
            )
            for one in ranked
        ]

    @property
    def size(self) -> int:
        """Bytes of program and parameters together."""
        return self.program_size + self.params_size

    def of(self, verdict: Verdict) -> tuple[WeightSummary, ...]:
        """The weights with this verdict."""
        return tuple(weight for weight in self.weights if weight.verdict is verdict)

    @property
    def headline(self) -> str:
        """What the model is: ``FP32``, ``INT8 channel-wise, 38 of 52 weights``, ``mixed ...``."""
        kinds = Counter(_kind(weight) for weight in self.weights if _is_integer_or_tagged(weight))
        if not kinds:
            return _unquantized(self.weights)
        ranked = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
        if len(ranked) == 1:
            return f"{ranked[0][0]}, {counted(ranked[0][1], 'weight', len(self.weights))}"
        listed = ", ".join(f"{count} {kind}" for kind, count in ranked)
        return f"mixed: {listed}, of {counted(len(self.weights), 'weight')}"


class Order(enum.Enum):
    """Orders of the weights: largest first, by name, or worst first."""

    SIZE = "size"
    NAME = "name"
    SQNR = "sqnr"


def summarize(
    model: Model,
    options: QuantizeOptions | None = None,
    lite_version: str = NEWEST,
) -> ModelSummary:
    """A model's facts, from its headers alone.

    Args:
        model: the model.
        options: those of the sizes to expect.
        lite_version: the version of Paddle Lite whose opt shall take the model.

    Raises:
        OptionError: a version of Paddle Lite that was not measured.
    """
    tags = ModelTags(model)
    eligibility = Eligibility(model, tags)
    options = options or QuantizeOptions()
    default = make_plan(model, options, eligibility)
    everything = make_plan(model, QuantizeOptions(op_types=("all",)), eligibility)
    total = sum(weight.record.data_size for weight in model.weights)
    carriers = find_carriers(model, tags)
    added = {ref for carrier in carriers for ref in (carrier.operator, carrier.zeros)}
    weights = tuple(
        _summarize_weight(plan, planned.reason, tags, added, total)
        for plan, planned in zip(everything.weights, default.weights, strict=True)
    )
    counts = Counter(
        ref.type
        for ref, _ in model.operators()
        if ref.type not in SKIPPED_OPERATORS and ref not in added
    )
    quantized = any(weight.verdict is Verdict.QUANTIZED for weight in weights)
    if quantized:
        weights = tuple(_left_out(weight) for weight in weights)
    unknown = model.program.unknown_operators
    possible = default.quantized and not quantized and not unknown
    return ModelSummary(
        files=model.files,
        paddle_version=model.paddle_version,
        program_size=model.stored.program_size,
        params_size=model.stored.parameters.size + model.stored.carried_size,
        inputs=feeds(model),
        outputs=fetches(model),
        operators=tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
        unknown_operators=unknown,
        weights=weights,
        expected=_expected(model, options, eligibility) if possible else (),
        lite_version=lite_version,
        demands=_demands(model, lite_version),
    )


def ordered(weights: Sequence[WeightSummary], order: Order) -> tuple[WeightSummary, ...]:
    """The weights in this order; equal ones by name, those without an SQNR last."""
    if order is Order.NAME:
        return tuple(weights)
    if order is Order.SIZE:
        return tuple(sorted(weights, key=lambda weight: -weight.record.data_size))
    return tuple(sorted(weights, key=_quality))


def _quality(weight: WeightSummary) -> tuple[int, float]:
    if weight.not_measured is not None:
        return 0, 0.0
    return (2, 0.0) if weight.error is None else (1, weight.error.sqnr)


def _summarize_weight(
    plan: WeightPlan,
    by_default: Reason | None,
    tags: ModelTags,
    added: Collection[OperatorRef],
    total: int,
) -> WeightSummary:
    """One weight.

    Args:
        plan: with every operator type chosen.
        by_default: why it is kept with the default ones, or None.
        tags: of the model.
        added: operators that were added to carry tags.
        total: bytes of all weights.
    """
    weight = plan.weight
    tag = tags.of(weight)
    if tags.is_quantized(weight):
        verdict, reason = Verdict.QUANTIZED, None
    elif isinstance(plan, QuantizedWeight):
        verdict, reason = Verdict.QUANTIZABLE, by_default
    else:
        verdict, reason = Verdict.KEPT, _reason_to_keep(weight, plan.reason, tag)
    return WeightSummary(
        plan=plan,
        share=100 * weight.record.data_size / total if total else 0.0,
        verdict=verdict,
        reason=reason,
        operator_type=_operator_type(plan, added),
        scales=None if tag is None else summarize_scales(tag),
    )


def _operator_type(plan: WeightPlan, added: Collection[OperatorRef]) -> str:
    if isinstance(plan, QuantizedWeight):
        return plan.operator_type
    readers = (reader.operator for reader in plan.weight.readers)
    return next((ref.type for ref in readers if ref not in added), plan.operator_type)


def _left_out(weight: WeightSummary) -> WeightSummary:
    """A weight of a quantized model; what was left FP32 will not be quantized any more."""
    if weight.verdict is not Verdict.QUANTIZABLE:
        return weight
    stayed = f"stayed {weight.record.dtype} when the model was quantized"
    reason = Reason(ReasonCode.NOT_SELECTED, stayed)
    return replace(weight, verdict=Verdict.KEPT, reason=reason)


def _reason_to_keep(weight: Weight, reason: Reason, tag: Tag | None) -> Reason:
    """Says more than "quantized already" where data and scales do not belong together."""
    if reason.code is not ReasonCode.ALREADY_QUANTIZED:
        return reason
    state = "without scales" if tag is None else "with scales"
    return Reason(
        reason.code,
        f"{weight.record.dtype} {state}: Paddle Lite computes garbage",
        "weightquant dequantize-check",
    )


def _is_integer_or_tagged(weight: WeightSummary) -> bool:
    """Whether the weight was quantized, rightly or not."""
    faulty = weight.reason is not None and weight.reason.code is ReasonCode.ALREADY_QUANTIZED
    return weight.verdict is Verdict.QUANTIZED or faulty


def _kind(weight: WeightSummary) -> str:
    if weight.verdict is not Verdict.QUANTIZED or weight.scales is None:
        return f"{weight.record.dtype} {'with' if weight.scales else 'without'} scales"
    per_channel = weight.scales.granularity is WeightQuantizeType.CHANNEL_WISE_ABS_MAX
    return f"{weight.record.dtype} {'channel-wise' if per_channel else 'per tensor'}"


def _unquantized(weights: Sequence[WeightSummary]) -> str:
    """The float types, the one with the most bytes first; all types where there is no float."""
    floats = [weight for weight in weights if weight.record.dtype.name.startswith(("FP", "BF"))]
    sizes: Counter[str] = Counter()
    for weight in floats or weights:
        sizes[weight.record.dtype.name] += weight.record.data_size
    return " and ".join(name for name, _ in sizes.most_common()) or "no weights"


def _demands(model: Model, version: str) -> tuple[Demands, ...]:
    types = {weight.name: weight.record.dtype for weight in model.weights}
    return grouped(findings(model.program, types, version))


def _expected(
    model: Model, options: QuantizeOptions, eligibility: Eligibility
) -> tuple[ExpectedSize, ...]:
    """Sizes at 8 and at 16 bits."""
    plans = [make_plan(model, replace(options, bits=bits), eligibility) for bits in EXPECTED_BITS]
    return tuple(
        ExpectedSize(bits, exact_sizes(model, plan, strip_callstack=True))
        for bits, plan in zip(EXPECTED_BITS, plans, strict=True)
    )
