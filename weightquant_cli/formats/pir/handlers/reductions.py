"""Reductions: Paddle 2.6 also says whether they go over all axes, and Paddle Lite asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...program import AttrType
from ..applying import Call, outputs_of, prepare, rule_of
from ..ir import Operation

if TYPE_CHECKING:
    from ..translator import Translator


def reduce(translator: Translator, operation: Operation) -> None:
    """A reduction over some axes, or over all: no axes, or as many as there are dims."""
    rule = rule_of(operation)
    call = prepare(translator, operation, rule)
    _over_all(call, "axis" if rule.type == "logsumexp" else "dim")
    outputs_of(call, rule)
    call.write(rule.type)


def _over_all(call: Call, name: str) -> None:
    rank = len(call.translator.tensor(call.operation.operand(0)).type.dims)
    axes = call.integers(name)
    everything = not axes or len(axes) == rank
    if everything:
        call.attributes[name] = (AttrType.INTS, tuple(range(rank)) or (0,))
    call.attributes["reduce_all"] = (AttrType.BOOLEAN, everything)


_NAMES = (
    "mean",
    "sum",
    "max",
    "min",
    "prod",
    "any",
    "all",
    "amax",
    "amin",
    "logsumexp",
)

HANDLERS = {f"pd_op.{name}": reduce for name in _NAMES}
