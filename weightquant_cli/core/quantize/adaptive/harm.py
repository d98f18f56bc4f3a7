"""The harm that each weight of a plan does to the model's answers, rounded to nearest alone."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice

from ...model.model import Model
from ...plan.plan import Plan
from ...plan.weight_plan import QuantizedWeight
from ...run import Network, cached, stored
from ...run.inputs import SampleOptions, samples
from ...run.scope import Load
from ...run.values import Array, Tensor
from ..nearest import rounded_to_nearest
from .sensitivity import changes
from .statistics import INPUT_SLOTS

RUNS = 4
"""Inputs on which each weight's harm is measured: the order of the weights hardly changes with
more."""

CACHE = 64 << 20
"""Bytes of rounded weights that are kept from input to input."""


class Harms:
    """The harm of a model's weights, measured once for each weight and number of bits.

    Args:
        model: the FP32 model.
        plan: for its options, in which plans whose weights are asked for may differ in bits alone.
        given: what the model is run on; None makes inputs up.
        jobs: threads.
    """

    def __init__(
        self, model: Model, plan: Plan, given: SampleOptions | None, jobs: int | None
    ) -> None:
        self._model = model
        self._plan = plan
        self._given = given or SampleOptions()
        self._jobs = jobs
        self._known: dict[tuple[str, int], float | None] = {}

    def of(
        self, weights: Sequence[QuantizedWeight], step: Callable[[int], None] = lambda _: None
    ) -> dict[str, float]:
        """The relative change of the answers, by the weight's name.

        Args:
            weights: the weights to try.
            step: told 1 for each run.

        Returns:
            Nothing of weights that are looked up rather than multiplied with, nor of those behind
            an operator that cannot be run.

        Raises:
            OptionError: inputs that do not fit the model.
        """
        tried = {
            weight.name: weight
            for weight in weights
            if weight.operator_type in INPUT_SLOTS or weight.quantization.carrier
        }
        new = {name: one for name, one in tried.items() if one.key not in self._known}
        if new:
            found = self._measure(new, step)
            self._known.update({one.key: found.get(name) for name, one in new.items()})
        harms = {name: self._known[one.key] for name, one in tried.items()}
        return {name: harm for name, harm in harms.items() if harm is not None}

    def _measure(
        self, tried: Mapping[str, QuantizedWeight], step: Callable[[int], None]
    ) -> dict[str, float]:
        network, load, few = self._prepared

        def rounded(name: str) -> Array:
            return rounded_to_nearest(self._model, self._plan, tried[name], load(name))

        kept = cached(rounded, CACHE)
        return changes(network, few, list(tried), kept, self._jobs, step)

    @cached_property
    def _prepared(self) -> tuple[Network, Load, list[dict[str, Tensor]]]:
        """The FP32 model, its parameters, and what it is run on."""
        load = cached(stored(self._model.stored))
        count = min(self._given.count, RUNS)
        few = islice(samples(self._model, replace(self._given, count=count)), RUNS)
        return Network(self._model.program, load), load, list(few)
