"""What each setting makes of a model: sizes, answers beside those of FP32, time. In memory alone.

One setting is dealt with at a time. What weights meet, and what their bits do to the answers, is
measured once for all settings.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from itertools import islice

from ... import threads
from ..check.compare_outputs import Sample, for_comparing
from ..model.model import Model
from ..plan.options import AutoBits, QuantizeOptions
from ..plan.plan import Plan, make_plan
from ..plan.weight_plan import QuantizedWeight
from ..quantize.adaptive.adaptive import Rounder, weights_to_round
from ..quantize.adaptive.harm import Harms
from ..quantize.adaptive.result import NO_ROUNDING, AdaptiveRounding
from ..quantize.auto_bits import HIGH, LOW, choose_by_harm
from ..quantize.compressed import Candidate, compressed_sizes
from ..quantize.dequantized import planned
from ..quantize.quantize import refuse_quantized
from ..quantize.sizes import exact_sizes, sizes_with
from ..quantize.tagged_program import TaggedProgram
from ..run import Array, Network, Outcome, cached
from ..run.compare import OutputComparison, OutputDifference
from ..run.inputs import SampleOptions, samples
from ..run.parameters import DEFAULT_CACHE
from .answers import Answers
from .comparison import Comparison, LeftOut, Measured
from .settings import SETTINGS, Setting

AT_ONCE = 2
"""Inputs that a model is run on at the same time."""


def compare_settings(
    model: Model,
    given: SampleOptions | None = None,
    jobs: int | None = None,
    step: Callable[[int], None] = lambda _: None,
    settings: Sequence[Setting] = SETTINGS,
) -> Comparison:
    """Try every setting on a model; nothing is written.

    Args:
        model: the FP32 model.
        given: what it is run on; None makes inputs up. Those that weights are rounded by and those
            that answers are compared on are made up differently, as by `quantize` and the check.
        jobs: threads; None takes the CPUs that this process may use.
        step: told 1 for each setting that was carried out, and after each input.
        settings: which ones.

    Raises:
        AlreadyQuantizedError: the model holds quantized weights.
        NonFiniteWeightError: NaN or infinity in a weight that is to be quantized.
        OptionError: inputs that do not fit the model, or its memory.
        ModelError: the weights cannot be read.
    """
    work = _Work(model, given or SampleOptions(), jobs, step)
    tried, left_out = [], []
    for setting in settings:
        plan = work.plan(setting.options)
        refuse_quantized(model, plan)
        if not plan.quantized:
            continue
        out = work.out_of_range(setting)
        if out is None:
            tried.append((setting, plan))
        else:
            left_out.append(out)
    measured = work.measure(tried)
    model.stored.verify_unchanged()
    return Comparison(measured, tuple(left_out), work.answers.samples, tuple(work.answers.notes))


class _Work:
    """Carries out one setting after the other; what several of them need is done once."""

    def __init__(
        self, model: Model, given: SampleOptions, jobs: int | None, step: Callable[[int], None]
    ) -> None:
        self.model = model
        self.given = given
        self.jobs = jobs
        self.step = step
        self.answers = Answers(model)
        self._plans: dict[QuantizeOptions, Plan] = {}
        self._rounder: Rounder | None = None

    def plan(self, options: QuantizeOptions) -> Plan:
        """The plan with these options, automatic bits not yet chosen."""
        if options not in self._plans:
            self._plans[options] = make_plan(self.model, options)
        return self._plans[options]

    def out_of_range(self, setting: Setting) -> LeftOut | None:
        """Says whether a target size would give an error, or what another setting gives already."""
        if not isinstance(setting.bits, AutoBits) or setting.bits.target_size is None:
            return None
        limit = setting.bits.target_size.of(self.model.stored.size)
        low, high = (
            exact_sizes(self.model, self.plan(replace(setting.options, bits=bits)), True).after
            for bits in (LOW, HIGH)
        )
        allowed = f"and {limit} allowed"
        if limit < low:
            why = f"too small: {low} bytes with every weight at {LOW} bits, {allowed}"
            return LeftOut(setting, limit, why)
        if limit >= high:
            return LeftOut(setting, limit, f"every weight at {HIGH} bits: {high} bytes, {allowed}")
        return None

    def measure(self, tried: Sequence[tuple[Setting, Plan]]) -> tuple[Measured, ...]:
        """Everything about each setting, in order."""
        plans, choosing = self._with_bits(tried)
        adaptive = {
            weight.name: weight
            for (setting, _), plan in zip(tried, plans, strict=True)
            for weight in weights_to_round(self.model, plan)
            if setting.adaptive
        }
        found, rounding = [], 0.0
        for (setting, _), plan in zip(tried, plans, strict=True):
            started = time.perf_counter()
            rounded = self._round(plan, adaptive.values()) if setting.adaptive else NO_ROUNDING
            rounding = max(rounding, time.perf_counter() - started)
            one = self._measure(setting, plan, rounded)
            shared = choosing if isinstance(setting.bits, AutoBits) else 0.0
            shared += rounding if setting.adaptive else 0.0
            found.append(replace(one, seconds=one.seconds + shared))
        return tuple(found)

    def _with_bits(self, tried: Sequence[tuple[Setting, Plan]]) -> tuple[list[Plan], float]:
        """The plans with their bits chosen, and the seconds that one took for that."""
        plans, longest = [], 0.0
        harms: Harms | None = None
        for setting, plan in reversed(tried):  # the largest size asks for most weights' harm
            if isinstance(setting.bits, AutoBits):
                started = time.perf_counter()
                harms = harms or Harms(self.model, plan, self.given, self.jobs)
                plan = choose_by_harm(self.model, plan, setting.bits, harms, jobs=self.jobs)
                longest = max(longest, time.perf_counter() - started)
            plans.append(plan)
        return plans[::-1], longest

    def _round(self, plan: Plan, weights: Collection[QuantizedWeight]) -> AdaptiveRounding:
        if self._rounder is None:
            inputs = samples(self.model, self.given)
            self._rounder = Rounder(self.model, weights, inputs, self.jobs)
        return self._rounder.round(plan)

    def _measure(self, setting: Setting, plan: Plan, rounding: AdaptiveRounding) -> Measured:
        """Sizes and answers of one setting; seconds for compressing alone."""
        started = time.perf_counter()
        one = Candidate(plan, self.model.files.params is None, rounding=rounding)
        compressed = compressed_sizes(self.model, [one], self.jobs)[0]
        seconds = time.perf_counter() - started
        self.step(1)
        network = Network(
            self.model.program, cached(planned(self.model, plan, rounding), DEFAULT_CACHE // 2)
        )
        program = TaggedProgram(self.model, plan, strip_callstack=True)
        sizes = sizes_with(self.model, program.plan, program.size)
        outputs = self._compare(network)
        return Measured(
            setting,
            sizes,
            program.naive_buffer_size(),
            compressed,
            outputs,
            seconds,
            bool(rounding.corrected),
        )

    def _compare(self, network: Network) -> tuple[OutputDifference, ...]:
        """The answers beside FP32's, on `AT_ONCE` inputs at a time."""
        before = tuple(self.answers.squashed.values())
        comparison = OutputComparison(self.answers.squashed)
        inputs = enumerate(samples(self.model, for_comparing(self.given), runs=AT_ONCE))

        def work(
            one: tuple[int, Sample], token: threads.CancelToken
        ) -> tuple[Mapping[str, Array] | Outcome, Outcome]:
            token.check()
            return self.answers.find(*one), network.run(one[1], keep=before)

        while some := list(islice(inputs, AT_ONCE)):
            for (index, _), (reference, outcome) in zip(
                some, threads.run(work, some, self.jobs), strict=True
            ):
                ours, theirs = self.answers.note(index, reference), outcome.outputs
                names = (*self.answers.names, *before)
                comparison.add(*({name: one.get(name) for name in names} for one in (ours, theirs)))
                self.step(1)
        return comparison.results(self.answers.names)
