"""Automatic bit widths: 8 or 16 for every weight, where the answers gain most for the bytes.

Paddle Lite reads `quantize_weight_bits` per operator, so a model may mix them. Sixteen bits go to

1. weights that would fall below `min_sqnr` at 8, regardless of size;
2. weights of at most five hundred elements, the smallest first: they cost next to nothing, and
   some of them, near the input, do more harm than all others together (.docs/accuracy.md);
3. the others, most harm per byte first, as long as they fit. The harm of a weight is the relative
   change of the model's answers with that weight alone at 8 bits; where the model cannot be run, it
   is the relative error of the weight itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING

from ... import threads
from ...errors import OptionError, readable
from ..model.model import Model
from ..plan.options import AutoBits, QuantizeOptions
from ..plan.plan import Plan, make_plan
from ..plan.weight_plan import QuantizedWeight
from ..tensors.weight_error import WeightError
from .sizes import exact_sizes
from .weight_quantizer import quantization_error

if TYPE_CHECKING:
    from ..run.inputs import SampleOptions
    from .adaptive.harm import Harms

LOW = 8
HIGH = 16

SMALL = 512
"""Elements of a weight that is small. The rule is for weights near the input, whose harm does not
show. 300 to 2048 serve PP-OCRv4 recognition alike. With 2048 detection has fewer bytes left for the
others, and loses more: rms 0.0045, and 0.0039 with 300 or 600."""

ALLOWANCE = Fraction(3, 100)
"""Without a size to keep to: by how much the result may be larger than with 8 bits throughout."""


@dataclass(frozen=True)
class Candidate:
    """One weight whose bits are free.

    Attributes:
        name: the weight's name.
        cost: bytes by which it grows from 8 to 16 bits: one per element.
        error: its error at 8 bits.
    """

    name: str
    cost: int
    error: WeightError


def plan_model(
    model: Model,
    options: QuantizeOptions,
    strip_callstack: bool = True,
    jobs: int | None = None,
    samples: SampleOptions | None = None,
    step: Callable[[int], None] = lambda _: None,
    compressed: Callable[[Plan], int] | None = None,
) -> Plan:
    """The plan for a model, automatic bits decided.

    Args:
        model: the model; its data is read, and it is run, only where bits are to be chosen.
        options: what is asked for.
        strip_callstack: whether the output will lack the stack traces, for its exact size.
        jobs: threads; None takes the CPUs that this process may use.
        samples: what the model is run on; None makes inputs up.
        step: told 1 for each weight that is measured, and for each run of the model.
        compressed: gives the compressed size of a plan's result, for `target_compressed`, where it
            is not rounded to nearest, or has another layout than the input.

    Raises:
        OptionError: a pattern that matches nothing, a contradiction, an impossible target size, or
            inputs that do not fit the model.
        NonFiniteWeightError: NaN or infinity in a weight whose bits are to be chosen.
    """
    plan = make_plan(model, options)
    if not isinstance(options.bits, AutoBits):
        return plan
    from .adaptive.harm import Harms  # the interpreter, which few runs need

    harms = Harms(model, plan, samples, jobs)
    if options.bits.target_compressed is not None:
        from .compressed_bits import plan_for_compressed_size

        nearest = partial(_compressed_size, model, strip_callstack, jobs)
        return plan_for_compressed_size(
            model, plan, options.bits, nearest, harms, compressed, jobs, step
        )
    return choose_by_harm(model, plan, options.bits, harms, strip_callstack, jobs, step)


def choose_by_harm(
    model: Model,
    plan: Plan,
    auto: AutoBits,
    harms: Harms,
    strip_callstack: bool = True,
    jobs: int | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> Plan:
    """The plan with 8 or 16 bits for every weight; arguments and errors as for `plan_model`.

    Args:
        model: the model.
        plan: of it, with 8 bits for the weights whose bits are free.
        auto: the size to keep to, and the floor.
        harms: of the model's weights; what was measured for another size is not measured again.
        strip_callstack: as for `plan_model`.
        jobs: as for `plan_model`.
        step: as for `plan_model`.
    """
    free = [
        weight
        for weight in plan.quantized
        if weight.name not in plan.fixed_bits and weight.with_bits(HIGH).pays_off
    ]

    def measure(weight: QuantizedWeight, token: threads.CancelToken) -> Candidate:
        candidate = _measure(model, plan.options, weight, token)
        step(1)
        return candidate

    candidates = threads.run(measure, free, jobs, lambda weight: weight.size_before)
    harm = partial(_harm, plan, harms, step)
    smallest = exact_sizes(model, plan, strip_callstack).after
    raised = choose_bits(model.stored.size, auto, candidates, smallest, harm)
    model.stored.verify_unchanged()
    return plan.with_bits(dict.fromkeys(raised, HIGH))


def _compressed_size(model: Model, strip_callstack: bool, jobs: int | None, plan: Plan) -> int:
    from .compressed import Candidate as Compressed
    from .compressed import compressed_sizes

    one = Compressed(plan, model.files.params is None, strip_callstack)
    return compressed_sizes(model, [one], jobs)[0].total


def choose_bits(
    size_before: int,
    auto: AutoBits,
    candidates: Sequence[Candidate],
    smallest: int,
    harm: Callable[[Sequence[Candidate]], Mapping[str, float]],
) -> list[str]:
    """The weights to raise to 16 bits.

    Args:
        size_before: bytes of the input model.
        auto: the size to keep to, and the floor.
        candidates: the weights whose bits are free.
        smallest: bytes of the result with all of them at 8 bits.
        harm: gives the harm that weights do at 8 bits, by name. It is asked at most once.

    Raises:
        OptionError: a target size that cannot be reached.
    """
    limit = smallest + int(smallest * ALLOWANCE)
    if auto.target_size is not None:
        limit = auto.target_size.of(size_before)
    floor = -float("inf") if auto.min_sqnr is None else auto.min_sqnr
    raised = [one for one in candidates if one.error.sqnr < floor]
    needed = smallest + sum(one.cost for one in raised)
    if auto.target_size is not None and needed > limit:
        raise _unreachable(needed, limit, bool(raised))
    budget = limit - needed
    others = [one for one in candidates if one not in raised and one.error.noise > 0]
    small = sorted((one for one in others if one.cost <= SMALL), key=lambda c: (c.cost, c.name))
    taken = _within(small, budget)
    budget -= sum(one.cost for one in taken)
    rest = [one for one in others if one not in taken and one.cost <= budget]
    if rest:
        harms = harm(rest)
        rest = [one for one in rest if harms[one.name] > 0]
        rest.sort(key=lambda one: (-harms[one.name] / one.cost, one.name))
        taken += _within(rest, budget)
    return [one.name for one in (*raised, *taken)]


def relative_error(error: WeightError) -> float:
    """Noise power / signal power; 0 for a weight of zeros."""
    return error.noise / error.signal if error.signal > 0 else 0.0


def _within(ranked: Iterable[Candidate], budget: int) -> list[Candidate]:
    """Those that fit, in this order."""
    taken = []
    for candidate in ranked:
        if candidate.cost <= budget:
            taken.append(candidate)
            budget -= candidate.cost
    return taken


def _unreachable(needed: int, limit: int, floor: bool) -> OptionError:
    why = f"with every weight at {LOW} bits"
    if floor:
        why = "with 16 bits for the weights below the SQNR asked for"
    return OptionError(
        "the target size cannot be reached",
        option="target_size",
        expected=f"at least {readable(needed)}, {why}",
        found=readable(limit),
        remedy="raise `target_size`",
    )


def _measure(
    model: Model, options: QuantizeOptions, weight: QuantizedWeight, token: threads.CancelToken
) -> Candidate:
    with model.stored.parameters.reader(weight.name) as tensor:
        error = quantization_error(tensor, weight.quantization, options, token)
    return Candidate(weight.name, weight.weight.record.elements, error)


def _harm(
    plan: Plan, harms: Harms, step: Callable[[int], None], candidates: Sequence[Candidate]
) -> Mapping[str, float]:
    """The change of the answers where it can be measured, else the weight's own error."""
    by_name = {weight.name: weight for weight in plan.quantized}
    wanted = [by_name[candidate.name] for candidate in candidates]
    own = {candidate.name: relative_error(candidate.error) for candidate in candidates}
    return {**own, **harms.of(wanted, step)}
