"""Will opt take the program? What Paddle Lite demands of it, as findings of the check."""

from __future__ import annotations

from collections.abc import Iterator

from ..lite.demands.demand import DemandCode, Demands, Effect, grouped
from ..lite.demands.judge import findings
from ..lite.demands.versions import NEWEST
from ..model.model import Model
from .findings import REQUANTIZE, Finding, Severity


def check_demands(model: Model, version: str = NEWEST) -> Iterator[Finding]:
    """What keeps opt from converting the program, or its result from being right.

    Equal findings about operators of one type are one finding with a count. Types of parameters
    that opt cannot read are told by `model_rules`.

    Raises:
        OptionError: a version of Paddle Lite that was not measured.
    """
    types = {weight.name: weight.record.dtype for weight in model.weights}
    for demands in grouped(findings(model.program, types, version)):
        if demands.code is not DemandCode.PARAMETER_TYPE:
            yield _finding(demands)


def _finding(demands: Demands) -> Finding:
    doubtful = demands.effect is Effect.MAY_NOT_CONVERT
    return Finding(
        demands.code,
        Severity.WARNING if doubtful else Severity.ERROR,
        demands.variable,
        demands.operator,
        demands.text,
        demands.effect.value,
        REQUANTIZE if demands.is_mendable else demands.remedy,
        demands.count,
    )
