"""Why weights stay as they are, in the user's words."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ...core.plan.reasons import Reason, ReasonCode
from ...core.plan.weight_plan import WeightPlan
from ..option_names import as_options
from . import units

BIAS = "bias or norm"
BIASES = "biases and norms"

_WORDS = {
    ReasonCode.NO_TARGET: "operator",
    ReasonCode.OTHER_SLOT: "operator",
    ReasonCode.NOT_SELECTED: "not chosen",
}


def words(plan: WeightPlan, reason: Reason) -> str:
    """The reason in a word or two, for a table."""
    if _is_bias(plan, reason):
        return BIAS
    return _WORDS.get(reason.code) or units.words(reason.code)


def text(reason: Reason) -> str:
    """The reason as a clause."""
    return as_options(reason.text)


def remedy(reason: Reason) -> str | None:
    """The option that would change it."""
    return None if reason.remedy is None else as_options(reason.remedy)


def grouped(kept: Iterable[tuple[WeightPlan, Reason]]) -> list[str]:
    """A line per reason with the number of its weights and their bytes, the most bytes first."""
    groups: dict[str, list[int]] = defaultdict(list)
    for plan, reason in kept:
        groups[phrase(plan, reason)].append(plan.size_before)
    ranked = sorted(groups.items(), key=lambda item: (-sum(item[1]), item[0]))
    return [
        f"{len(sizes)} ({units.size(sum(sizes))}): "
        f"{BIASES if line == BIAS and len(sizes) > 1 else line}"
        for line, sizes in ranked
    ]


def phrase(plan: WeightPlan, reason: Reason) -> str:
    """The reason as a sentence has it, with the option that would change it."""
    if _is_bias(plan, reason):
        return BIAS
    if reason.code is ReasonCode.NO_TARGET:
        return f"Paddle Lite cannot dequantize {plan.operator_type}"
    option = remedy(reason)
    return text(reason) + (f" ({option})" if option else "")


def _is_bias(plan: WeightPlan, reason: Reason) -> bool:
    """Whether a weight is a vector that an operator has beside, or instead of, a matrix."""
    codes = (ReasonCode.NO_TARGET, ReasonCode.OTHER_SLOT, ReasonCode.CARRIER_COST)
    return reason.code in codes and plan.weight.is_vector
