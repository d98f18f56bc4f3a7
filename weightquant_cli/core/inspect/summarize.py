"""A model's facts, from its headers alone.

No data is read, so it is fast for a model of any size; `measure.measure` adds what needs the data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import replace

from ..lite.carriers import find_carriers
from ..lite.demands.demand import Demands, grouped
from ..lite.demands.judge import findings
from ..lite.demands.versions import NEWEST
from ..lite.scales import summarize_scales
from ..lite.tags import ModelTags, Tag
from ..model.inputs_outputs import feeds, fetches
from ..model.model import SKIPPED_OPERATORS, Model
from ..model.weights import OperatorRef, Weight
from ..plan.eligibility import Eligibility
from ..plan.options import QuantizeOptions
from ..plan.plan import make_plan
from ..plan.reasons import Reason, ReasonCode
from ..plan.weight_plan import QuantizedWeight, WeightPlan
from ..quantize.sizes import exact_sizes
from .summary import ExpectedSize, ModelSummary, Verdict, WeightSummary

EXPECTED_BITS = (8, 16)


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
