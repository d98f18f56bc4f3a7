"""What `inspect` and `quantize` print of what Paddle Lite demands."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from ...core.lite.demands.demand import Demands, Effect
from ...errors import listed
from ..option_names import as_options
from . import units

if TYPE_CHECKING:
    from ...core.inspect.summary import ModelSummary

_LABELS = {
    Effect.NOT_CONVERTED: "opt aborts",
    Effect.MAY_NOT_CONVERT: "opt may crash",
    Effect.ABORTS_AT_RUN: "aborts at run",
    Effect.WRONG: "wrong answers",
}


def lines(summary: ModelSummary) -> Iterator[tuple[str, str]]:
    """A headline and a line per kind of finding, each with its effect as label."""
    yield "Paddle Lite", f"{summary.lite_version}: {_headline(summary.demands)}"
    for demands in summary.demands:
        told = f"{subject(demands)}: {demands.text}; {demands.remedy}"
        yield _LABELS[demands.effect], as_options(told)


def subject(demands: Demands) -> str:
    """What a finding is about, with its number: ``12 x swish``."""
    name = demands.operator or demands.variable or ""
    return name if demands.count == 1 else f"{demands.count} x {name}"


def warning(demands: Sequence[Demands], version: str, folder: str) -> str | None:
    """One line about a model that `quantize` has written; None where nothing speaks against it."""
    certain = [one for one in demands if one.effect is not Effect.MAY_NOT_CONVERT]
    if not certain:
        return None
    named = listed(dict.fromkeys(subject(one) for one in certain), 3)
    aborts = any(one.effect is Effect.NOT_CONVERTED for one in certain)
    effect = "opt will not take it" if aborts else "it will not run right"
    return f"Paddle Lite {version}: {effect}: {named}; see weightquant dequantize-check {folder}"


def _headline(demands: Sequence[Demands]) -> str:
    effects = {one.effect for one in demands}
    if not effects - {Effect.MAY_NOT_CONVERT}:
        return f"nothing {'certain' if effects else 'known'} speaks against it"
    told = "opt does not take it" if Effect.NOT_CONVERTED in effects else "it does not run right"
    kinds = units.count(len(demands), "reason")
    return f"{told} ({kinds})"
