"""Automatic bits for a compressed size: 4 to 16 for every weight, by the harm per deflated byte.

Fewer bits leave the folder as it is and make the app package smaller. What a weight takes at each
number of bits is found by deflating its integers, or a sample of them. The harm that it does to
the model's answers is measured at two numbers of bits; between and beyond it goes as the power of
the weight's error, a factor of 4 for each bit (.docs/accuracy.md). The result is measured as it
would be written, and chosen anew where it is too large.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ... import threads
from ...errors import OptionError
from ..model.model import Model
from ..plan.options import MAX_BITS, MIN_BITS, USUAL_BITS, AutoBits
from ..plan.plan import Plan
from ..plan.size import readable
from ..plan.weight_plan import QuantizedWeight
from ..run import cached, stored
from ..run.values import Array
from ..tensors import kernels
from ..tensors.weight_error import decibels
from .compressed import compressed_size, deflated
from .weight_quantizer import WeightQuantizer

if TYPE_CHECKING:
    from ..run.inputs import SampleOptions

EVERY = tuple(range(MIN_BITS, MAX_BITS + 1))

ANCHORS = (8, 5)
"""Numbers of bits at which the harm of a weight is measured."""

SMALL = 8192
"""Elements of a small weight, which takes 16 bits as long as all of them together take at most
SMALL_SHARE of the size: they may do most of the harm, and it is not always seen."""

SMALL_SHARE = 0.03

SAMPLE = 1 << 18
"""Elements of a weight that are deflated at each number of bits."""

SLICES = 8

ATTEMPTS = 6
CLOSE = 0.005
"""A result that is smaller than the target by no more than this share of it is good enough."""

Measure = Callable[[Plan], int]
"""Gives the compressed size of what a plan makes."""


@dataclass(frozen=True)
class Choice:
    """One weight whose bits are free.

    Attributes:
        name: the weight's name.
        elements: how many values it has.
        sizes: deflated bytes by number of bits; estimates.
        harms: the harm that it does to the answers, by number of bits.
    """

    name: str
    elements: int
    sizes: Mapping[int, int]
    harms: Mapping[int, float]

    @property
    def least(self) -> int:
        """The fewest bits that are allowed."""
        return min(self.sizes)

    def steps(self) -> list[tuple[int, int]]:
        """The numbers of bits worth taking, as steps from the one before: harm per byte falls."""
        hull = [self.least]
        for bits in sorted(self.sizes)[1:]:
            if self.harms[bits] >= self.harms[hull[-1]]:
                continue
            while len(hull) > 1 and self.gain(hull[-1], bits) >= self.gain(hull[-2], hull[-1]):
                hull.pop()
            hull.append(bits)
        return list(itertools.pairwise(hull))

    def gain(self, low: int, high: int) -> float:
        """Harm saved per byte by going from `low` bits to `high`."""
        return (self.harms[low] - self.harms[high]) / max(self.cost(low, high), 1)

    def cost(self, low: int, high: int) -> int:
        """Bytes by which it grows."""
        return self.sizes[high] - self.sizes[low]


def plan_for_compressed_size(
    model: Model,
    plan: Plan,
    auto: AutoBits,
    measured: Measure,
    samples: SampleOptions | None = None,
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
        samples: what the model is run on; None makes inputs up.
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
    choices = _choices(model, plan, auto, samples, jobs, step)

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


def choose(choices: Sequence[Choice], budget: int) -> dict[str, int]:
    """Bits of every weight, for so many deflated bytes: small weights first, then by gain per byte.

    Ties go by name, so that the result does not depend on the machine.
    """
    bits = {choice.name: choice.least for choice in choices}
    left = budget - sum(choice.sizes[choice.least] for choice in choices)
    small = sorted((c for c in choices if c.elements <= SMALL), key=lambda c: (c.elements, c.name))
    spared = min(left, int(budget * SMALL_SHARE))
    for choice in small:
        most = max(choice.sizes)
        cost = choice.cost(choice.least, most)
        if 0 < cost <= spared:
            bits[choice.name] = most
            left, spared = left - cost, spared - cost
    steps = [
        (-choice.gain(low, high), choice.name, low, high, choice.cost(low, high))
        for choice in choices
        for low, high in choice.steps()
    ]
    for _, name, low, high, cost in sorted(steps):
        if bits[name] == low and cost <= left:
            bits[name], left = high, left - cost
    return bits


def _choices(
    model: Model,
    plan: Plan,
    auto: AutoBits,
    samples: SampleOptions | None,
    jobs: int | None,
    step: Callable[[int], None],
) -> list[Choice]:
    """Sizes and harm of every weight whose bits are free."""
    load = cached(stored(model.stored))
    free = [weight for weight in plan.quantized if weight.name not in plan.fixed_bits]

    def work(weight: QuantizedWeight, token: threads.CancelToken) -> _Profile:
        token.check()
        with model.stored.parameters.reader(weight.name) as tensor:
            quantizer = WeightQuantizer(
                weight.weight.record, weight.with_bits(MAX_BITS).quantization, plan.options
            )
            scales = quantizer.find_scales(tensor, token)
        profile = _profile(weight, load(weight.name), scales, auto)
        step(1)
        return profile

    profiles = threads.run(work, free, jobs, lambda weight: weight.size_before)
    noise = {one.name: one.noise for one in profiles}
    factors = _harm_per_noise(model, plan, free, noise, samples, jobs, step)
    return [
        Choice(
            one.name,
            one.elements,
            one.sizes,
            {bits: factors[one.name] * one.noise[bits] for bits in one.sizes},
        )
        for one in profiles
    ]


@dataclass(frozen=True)
class _Profile:
    """A weight at every number of bits that is allowed, and its relative error at any."""

    name: str
    elements: int
    sizes: Mapping[int, int]
    noise: Mapping[int, float]


def _profile(
    weight: QuantizedWeight, values: Array, scales: kernels.FloatArray, auto: AutoBits
) -> _Profile:
    """Round a weight to every number of bits.

    Args:
        weight: its plan.
        values: its data.
        scales: those at the most bits: the others are multiples.
        auto: for the floor.
    """
    axis = weight.quantization.channel_axis
    shape = [1] * values.ndim
    if axis is not None:
        shape[axis] = -1
    most = max(bits for bits in EVERY if bits == USUAL_BITS or weight.with_bits(bits).pays_off)
    span = scales.astype(np.float64).reshape(shape if axis is not None else [1] * values.ndim)
    span = (span * weight.with_bits(MAX_BITS).quantization.limit).astype(np.float32)
    unit = values / np.where(span == 0, np.float32(1), span)
    signal = kernels.energy(values)
    sizes, noise = {}, {}
    for bits in EVERY:
        planned = weight.with_bits(bits)
        limit = planned.quantization.limit
        integers = np.clip(np.rint(unit * np.float32(limit)), -limit, limit)
        error = kernels.energy(values - integers * (span / np.float32(limit)))
        noise[bits] = error / signal if signal > 0 else 0.0
        enough = auto.min_sqnr is None or decibels(signal, error) > auto.min_sqnr + 1e-3
        if bits == most or (planned.pays_off and enough):
            stored_as = integers.T if weight.transpose else integers
            sizes[bits] = _deflated_sample(stored_as, planned.quantization.dtype.numpy or "<i2")
    return _Profile(weight.name, values.size, sizes, noise)


def _deflated_sample(integers: Array, dtype: str) -> int:
    """The deflated size of integers, by a sample where they are many."""
    flat = integers.astype(dtype).reshape(-1)
    if flat.size <= SAMPLE:
        return deflated(flat.data.cast("B"))
    length = SAMPLE // SLICES
    starts = [(flat.size - length) * index // (SLICES - 1) for index in range(SLICES)]
    sample = np.concatenate([flat[start : start + length] for start in starts])
    return math.ceil(deflated(sample.data.cast("B")) * flat.size / sample.size)


def _harm_per_noise(
    model: Model,
    plan: Plan,
    weights: Sequence[QuantizedWeight],
    noise: Mapping[str, Mapping[int, float]],
    samples: SampleOptions | None,
    jobs: int | None,
    step: Callable[[int], None],
) -> dict[str, float]:
    """The harm of a weight / its relative error: the geometric mean over `ANCHORS`.

    Where the harm cannot be measured it is the error itself, as `auto_bits` has it.
    """
    from .adaptive.harm import harm_of  # the interpreter, which few runs need

    found: dict[str, list[float]] = {weight.name: [] for weight in weights}
    for bits in ANCHORS:
        at = [weight.with_bits(bits) for weight in weights]
        for name, harm in harm_of(model, plan, at, samples, jobs, step).items():
            if 0 < harm < math.inf and noise[name][bits] > 0:
                found[name].append(math.log(harm / noise[name][bits]))
    return {name: math.exp(sum(logs) / len(logs)) if logs else 1.0 for name, logs in found.items()}


def _unreachable(found: int, limit: int, auto: AutoBits) -> OptionError:
    why = f"with every weight at {MIN_BITS} bits"
    if auto.min_sqnr is not None:
        why = "with as few bits as the SQNR asked for allows"
    return OptionError(
        "the compressed size cannot be reached",
        option="target_compressed",
        expected=f"at least {readable(found)}, {why}",
        found=readable(limit),
        remedy="raise `target_compressed`, or choose more weights with `op_types` all",
    )
