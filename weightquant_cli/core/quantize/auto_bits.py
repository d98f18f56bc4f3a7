"""Automatic bit widths: 8 or 16 for every weight, by a quality to reach or a size to keep.

Paddle Lite reads `quantize_weight_bits` per operator, so a model may mix them. Both choices rest on
measured errors, and every run makes the same.

A target size minimizes the sum over the weights of noise power / signal power (the reciprocal of
the SQNR as a ratio). That is relative to each weight, because the magnitude of a layer's weights
says nothing about its share in the output.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ... import threads
from ...errors import OptionError
from ..model.model import Model
from ..plan.options import AutoBits, QuantizeOptions
from ..plan.plan import Plan, make_plan
from ..plan.size import readable
from ..plan.weight_plan import QuantizedWeight
from ..tensors.weight_error import WeightError
from .sizes import exact_sizes
from .weight_quantizer import quantization_error

LOW = 8
HIGH = 16


@dataclass(frozen=True)
class Candidate:
    """One weight whose bits are free.

    Attributes:
        name: the weight's name.
        cost: bytes by which it grows from 8 to 16 bits: one per element.
        low: its error at 8 bits.
        high: its error at 16 bits; the same as `low` where it was not measured.
    """

    name: str
    cost: int
    low: WeightError
    high: WeightError

    @property
    def gain(self) -> float:
        """Relative error that 16 bits remove."""
        return relative_error(self.low) - relative_error(self.high)


def plan_model(
    model: Model, options: QuantizeOptions, strip_callstack: bool = True, jobs: int | None = None
) -> Plan:
    """The plan for a model, automatic bits decided.

    Args:
        model: the model; its data is read only where bits are to be chosen.
        options: what is asked for.
        strip_callstack: whether the output will lack the stack traces, for its exact size.
        jobs: threads; None takes the CPUs that this process may use.

    Raises:
        OptionError: a pattern that matches nothing, a contradiction, or an impossible target size.
        NonFiniteWeightError: NaN or infinity in a weight whose bits are to be chosen.
    """

    def size_of(plan: Plan) -> int:
        return exact_sizes(model, plan, strip_callstack).after

    return choose_bits(model, make_plan(model, options), size_of, jobs)


def relative_error(error: WeightError) -> float:
    """Noise power / signal power; 0 for a weight of zeros."""
    return error.noise / error.signal if error.signal > 0 else 0.0


def choose_bits(
    model: Model, plan: Plan, size_of: Callable[[Plan], int], jobs: int | None = None
) -> Plan:
    """The plan with 8 or 16 bits for every weight that `bits_for` does not name.

    Args:
        model: the model.
        plan: its free weights are planned at 8; returned as it is where its options do not ask
            for automatic bits.
        size_of: exact bytes of the whole output under a plan.
        jobs: threads; None takes the CPUs that this process may use.

    Raises:
        NonFiniteWeightError: NaN or infinity in a weight.
        OptionError: a target size below the smallest possible one, which it names.
    """
    auto = plan.options.bits
    if not isinstance(auto, AutoBits):
        return plan
    free = [
        weight
        for weight in plan.quantized
        if weight.name not in plan.fixed_bits and weight.with_bits(HIGH).pays_off
    ]
    measure = partial(_measure, model, plan.options, auto.target_size is not None)
    jobs = jobs or threads.default_jobs()
    candidates = threads.run(measure, free, jobs, lambda weight: weight.size_before)
    model.stored.verify_unchanged()
    if auto.target_size is None:
        raised = [c.name for c in candidates if c.low.sqnr < auto.min_sqnr]
    else:
        limit = auto.target_size.of(model.stored.size)
        raised = most_gain_within(candidates, limit - _smallest(plan, size_of, limit))
    return plan.with_bits(dict.fromkeys(raised, HIGH))


def most_gain_within(candidates: list[Candidate], budget: int) -> list[str]:
    """The weights to raise to 16 bits: most error removed per byte first, as long as they fit."""
    ranked = sorted(candidates, key=lambda c: (-c.gain / c.cost, c.name))
    raised = []
    for candidate in ranked:
        if candidate.gain > 0 and candidate.cost <= budget:
            raised.append(candidate.name)
            budget -= candidate.cost
    return raised


def _smallest(plan: Plan, size_of: Callable[[Plan], int], limit: int) -> int:
    smallest = size_of(plan)
    if smallest > limit:
        raise OptionError(
            "the target size cannot be reached",
            expected=f"at least {readable(smallest)}, with every weight at {LOW} bits",
            found=readable(limit),
            remedy="raise `target_size`, or choose more weights with `op_types` all",
        )
    return smallest


def _measure(
    model: Model,
    options: QuantizeOptions,
    both: bool,
    weight: QuantizedWeight,
    token: threads.CancelToken,
) -> Candidate:
    """The weight's error at 8 bits, and at 16 if `both`."""
    cost = weight.weight.record.elements
    with model.stored.parameters.reader(weight.name) as tensor:
        low = quantization_error(tensor, weight.quantization, options, token)
        if not both:
            return Candidate(weight.name, cost, low, low)
        raised = weight.with_bits(HIGH).quantization
        return Candidate(weight.name, cost, low, quantization_error(tensor, raised, options, token))
