"""Deflated size and harm of a weight at every number of bits, for a compressed size.

Sizes are those of its integers, or of a sample of them. The harm that it does to the model's
answers is measured at two numbers of bits; between and beyond it goes as the power of the weight's
error, a factor of 4 for each bit (.docs/accuracy.md).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ... import threads
from ..model.model import Model
from ..plan.options import MAX_BITS, MIN_BITS, USUAL_BITS, AutoBits
from ..plan.plan import Plan
from ..plan.weight_plan import QuantizedWeight
from ..run import cached, stored
from ..run.values import Array
from ..tensors import kernels
from ..tensors.weight_error import decibels
from .bits_choice import Choice
from .compressed import deflated
from .weight_quantizer import WeightQuantizer

if TYPE_CHECKING:
    from .adaptive.harm import Harms

EVERY = tuple(range(MIN_BITS, MAX_BITS + 1))

ANCHORS = (8, 5)
"""Numbers of bits at which the harm of a weight is measured."""

SAMPLE = 1 << 18
"""Elements of a weight that are deflated at each number of bits."""

SLICES = 8


def choices_of(
    model: Model,
    plan: Plan,
    auto: AutoBits,
    harms: Harms,
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
    factors = _harm_per_noise(free, noise, harms, step)
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
    weights: Sequence[QuantizedWeight],
    noise: Mapping[str, Mapping[int, float]],
    harms: Harms,
    step: Callable[[int], None],
) -> dict[str, float]:
    """The harm of a weight / its relative error: the geometric mean over `ANCHORS`.

    Where the harm cannot be measured it is the error itself, as `auto_bits` has it.
    """
    found: dict[str, list[float]] = {weight.name: [] for weight in weights}
    for bits in ANCHORS:
        at = [weight.with_bits(bits) for weight in weights]
        for name, harm in harms.of(at, step).items():
            if 0 < harm < math.inf and noise[name][bits] > 0:
                found[name].append(math.log(harm / noise[name][bits]))
    return {name: math.exp(sum(logs) / len(logs)) if logs else 1.0 for name, logs in found.items()}
