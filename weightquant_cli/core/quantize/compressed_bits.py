"""Automatic bits for a compressed size: 4 to 16 for every weight, by the harm per deflated byte.

Fewer bits leave the folder as it is and make the app package smaller. What each number of bits
would take and harm is estimated (`bits_profiles`), and the bits are chosen from that
(`bits_choice`). The result is measured as it would be written, and chosen anew where it is too
large.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from ...errors import OptionError, readable
from ..model.model import Model
from ..plan.options import MIN_BITS, AutoBits
from ..plan.plan import Plan
from .bits_choice import Choice, choose
from .bits_profiles import choices_of
from .compressed import compressed_size

if TYPE_CHECKING:
    from .adaptive.harm import Harms

ATTEMPTS = 6
CLOSE = 0.005
"""A result that is smaller than the target by no more than this share of it is good enough."""

Measure = Callable[[Plan], int]
"""Gives the compressed size of what a plan makes."""


def plan_for_compressed_size(
    model: Model,
    plan: Plan,
    auto: AutoBits,
    measured: Measure,
    harms: Harms,
    final: Measure | None = None,
    jobs: int | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> Plan:
    """The plan with the bits that keep the answers best within a compressed size.

    Args:
        model: the FP32 model.
        plan: its plan; weights whose bits the user gave keep them.
        auto: the size to keep to, and the floor.
        measured: gives the compressed size of what a plan makes, rounded to nearest.
        harms: of the model's weights.
        final: gives the size of what is made in the end, where that is rounded otherwise and takes
            long; called as seldom as possible.
        jobs: threads; None takes the CPUs that this process may use.
        step: told 1 for each weight and each plan that is measured, and for each run of the model.

    Raises:
        OptionError: a target that cannot be reached, or inputs that do not fit the model.
        NonFiniteWeightError: NaN or infinity in a weight whose bits are to be chosen.
    """
    assert auto.target_compressed is not None
    limit = auto.target_compressed.of(compressed_size(model.stored, jobs).total)
    choices = choices_of(model, plan, auto, harms, jobs, step)

    search = _Search(plan, choices, limit)
    smallest = search.smallest
    found = search.measure(smallest, measured, step)
    if found > limit:
        raise _unreachable(found, limit, auto)
    best = search.run(measured, step, CLOSE) or smallest
    if final is not None and search.measure(best, final, step) > limit:
        best = search.run(final, step, 1.0) or smallest
        found = search.measure(best, final, step) if best is smallest else limit
        if found > limit:
            raise _unreachable(found, limit, auto)
    model.stored.verify_unchanged()
    return best


class _Search:
    """Looks for the best plan whose measured size is within the limit.

    Args:
        plan: the plan, its free bits to be chosen.
        choices: the weights whose bits are free.
        limit: the compressed size.
    """

    def __init__(self, plan: Plan, choices: Sequence[Choice], limit: int) -> None:
        self._plan = plan
        self._choices = choices
        self._limit = limit
        self._rest = 0  # the rest of the model, and what the estimates are off by
        self.smallest = plan.with_bits({choice.name: choice.least for choice in choices})

    def measure(self, trial: Plan, measured: Measure, step: Callable[[int], None]) -> int:
        """The size of what a plan makes; a better guess of the rest follows from it."""
        found = measured(trial)
        step(1)
        bits = {one.name: one.quantization.bits for one in trial.quantized}
        estimate = sum(choice.sizes[bits[choice.name]] for choice in self._choices)
        self._rest = found - estimate
        return found

    def run(self, measured: Measure, step: Callable[[int], None], close: float) -> Plan | None:
        """The best plan found within the limit, or None.

        Args:
            measured: gives the size of a plan.
            step: told 1 for each plan.
            close: a plan that is smaller by no more than this share ends the search.
        """
        best = None
        tried = []
        for _ in range(ATTEMPTS):
            bits = choose(self._choices, self._limit - self._rest)
            if bits in tried:
                break
            tried.append(bits)
            trial = self._plan.with_bits(bits)
            found = self.measure(trial, measured, step)
            if found > self._limit:
                self._rest += 1 + (found - self._limit) // 8
                continue
            best = trial
            if found >= self._limit * (1 - close):
                break
        return best


def _unreachable(found: int, limit: int, auto: AutoBits) -> OptionError:
    why = f"with every weight at {MIN_BITS} bits"
    if auto.min_sqnr is not None:
        why = "with as few bits as the SQNR asked for allows"
    return OptionError(
        "the compressed size cannot be reached",
        option="target_compressed",
        expected=f"at least {readable(found)}, {why}",
        found=readable(limit),
        remedy="raise `target_compressed`",
    )
