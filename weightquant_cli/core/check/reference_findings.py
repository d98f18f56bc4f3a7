"""What is wrong with a weight, or to be said of the gates, beside the reference."""

from __future__ import annotations

from collections.abc import Iterator

from ...errors import counted
from ..lite.demands.unread import droppable
from ..model.model import Model
from .findings import FITTING_REFERENCE, Finding, FindingCode, Severity
from .weight_comparison import WeightComparison


def differs(name: str, two_results: bool) -> Finding:
    """Other bytes in a weight that is not quantized; `two_results`: the reference is quantized."""
    return Finding(
        FindingCode.DIFFERS,
        # Each of two results may have its own corrections.
        Severity.WARNING if two_results else Severity.ERROR,
        name,
        None,
        "it is not quantized, and not what it is in the reference",
        "the model computes with other values than the reference",
        f"{FITTING_REFERENCE}; after adaptive rounding, which corrects biases and means, also the "
        "report of quantize (`verify_report`)",
    )


def misrounded(weight: WeightComparison, reach: str) -> Finding:
    """Values are further off than rounding takes them."""
    return Finding(
        FindingCode.MISROUNDED,
        Severity.WARNING,
        weight.name,
        weight.operator,
        f"{counted(weight.misrounded, 'value', weight.elements)} beyond {reach} of the "
        "reference's, without having been clipped",
        "the model computes with other values than the reference, rounded",
        FITTING_REFERENCE,
    )


def not_finite(name: str) -> Finding:
    """The reference's weight holds NaN or infinity."""
    return Finding(
        FindingCode.REFERENCE_VALUE,
        Severity.ERROR,
        name,
        None,
        "in the reference it holds a value that is not finite",
        "it cannot be compared, and no integers stand for such a value",
        FITTING_REFERENCE,
    )


def gates_between_results(count: int) -> Finding:
    """So many weights of the reference are quantized as well."""
    return Finding(
        FindingCode.REFERENCE_QUANTIZED,
        Severity.WARNING,
        None,
        None,
        f"the reference is quantized itself ({counted(count, 'weight')})",
        "the gates hold how far two results are apart, not how far this one is from FP32",
        FITTING_REFERENCE,
    )


def unmatched(model: Model, reference: Model) -> Iterator[Finding]:
    """Weights that one of the two lacks."""
    ours, theirs = model.stored.parameters, reference.stored.parameters
    left_out = droppable(reference.program, theirs.values())
    missing = [name for name in theirs if name not in ours and name not in left_out]
    for code, names, what in (
        (FindingCode.UNKNOWN_WEIGHT, [n for n in ours if n not in theirs], "not in the reference"),
        (FindingCode.MISSING_WEIGHT, missing, "only in the reference"),
    ):
        for name in names:
            yield Finding(
                code,
                Severity.ERROR,
                name,
                None,
                f"it is {what}",
                "the model is not the one that the reference is",
                FITTING_REFERENCE,
            )
