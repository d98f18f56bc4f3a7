"""The harm that each weight of a plan does to the model's answers, rounded to nearest alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

from ...model.model import Model
from ...plan.plan import Plan
from ...plan.weight_plan import QuantizedWeight
from ...run import Network, cached, stored
from ...run.inputs import SampleOptions, samples
from ...run.values import Array
from ..nearest import rounded_to_nearest
from .sensitivity import changes
from .statistics import INPUT_SLOTS

RUNS = 4
"""Inputs on which each weight's harm is measured: the order of the weights hardly changes with
more."""


def harm_of(
    model: Model,
    plan: Plan,
    weights: Sequence[QuantizedWeight],
    given: SampleOptions | None,
    jobs: int | None,
    step: Callable[[int], None] = lambda _: None,
) -> dict[str, float]:
    """The relative change of the answers, by the weight's name.

    Args:
        model: the FP32 model.
        plan: for its options.
        weights: the weights to try.
        given: what the model is run on; None makes inputs up.
        jobs: threads.
        step: told 1 for each run.

    Returns:
        Nothing of weights that are looked up rather than multiplied with, nor of those behind an
        operator that cannot be run.

    Raises:
        OptionError: inputs that do not fit the model.
    """
    load = cached(stored(model.stored))
    tried = {
        weight.name: weight
        for weight in weights
        if weight.operator_type in INPUT_SLOTS or weight.quantization.carrier
    }
    options = given or SampleOptions()
    few = islice(samples(model, replace(options, count=min(options.count, RUNS))), RUNS)

    def rounded(name: str) -> Array:
        return rounded_to_nearest(model, plan, tried[name], load(name))

    return changes(Network(model.program, load), list(few), list(tried), rounded, jobs, step)
