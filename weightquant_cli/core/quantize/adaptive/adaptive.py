"""Adaptive rounding of a whole model: one FP32 pass, then every weight by what it meets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from .... import threads
from ...model.model import Model
from ...plan.plan import Plan
from ...plan.weight_plan import QuantizedWeight
from ...run import Network, cached, stored
from ...run.values import Array, Tensor
from ...tensors import kernels
from ..weight_quantizer import WeightQuantizer
from .corrections import find_correction
from .lanes import Lanes
from .result import AdaptiveRounding, AdaptiveWeight
from .rounding import round_weight
from .rows import Rows
from .statistics import INPUT_SLOTS, Statistics, StatisticsObserver

Sample = Mapping[str, Array | Tensor]
"""One input of the model: a value for each of its feeds, by name."""

CACHE = 128 << 20
"""Bytes of parameters that are kept from run to run."""


def round_adaptively(
    model: Model,
    plan: Plan,
    samples: Iterable[Sample],
    jobs: int | None = None,
    step: Callable[[int], None] = lambda _: None,
) -> AdaptiveRounding:
    """Round every quantized weight of a plan so that the model's answers change least.

    Args:
        model: the FP32 model.
        plan: what is quantized, and at how many bits.
        samples: inputs to run the model on, from `run.inputs`; without any, weights are rounded by
            flips alone.
        jobs: threads; None takes the CPUs that this process may use. The result does not depend on
            it.
        step: told 1 after each sample and each weight.

    Raises:
        NonFiniteWeightError: NaN or infinity in a weight.
        ModelError: the weights cannot be read.
        RunError: a sample does not fit the model.
    """
    load = stored(model.stored)
    wanted = weights_to_round(plan)
    network = Network(model.program, cached(load, CACHE))
    reasons: tuple[str, ...] = ()
    with Lanes((jobs or threads.default_jobs()) - 1) as lanes:
        observer = StatisticsObserver([weight.name for weight in wanted], submit=lanes.submit)
        for sample in samples:
            outcome = network.run(sample, observer=observer)
            reasons = tuple(str(one) for one in outcome.not_run)
            if outcome.non_finite is not None:
                reasons += (str(outcome.non_finite),)
            step(1)
    del network  # and the parameters that it keeps

    def work(weight: QuantizedWeight, token: threads.CancelToken) -> AdaptiveWeight:
        token.check()
        found = observer.found.pop(weight.name, None)  # its moments take memory
        result = _round(model, plan, weight, load(weight.name), found, token)
        step(1)
        return result

    reached = frozenset(observer.found)
    done = threads.run(work, wanted, jobs, lambda weight: weight.size_before)
    rounded = {weight.name: one for weight, one in zip(wanted, done, strict=True)}
    model.stored.verify_unchanged()
    unreached = tuple(name for name in rounded if name not in reached)
    return AdaptiveRounding(
        rounded, _corrected(model, wanted, rounded, load), unreached, reasons if unreached else ()
    )


def weights_to_round(plan: Plan) -> list[QuantizedWeight]:
    """The weights that `round_adaptively` rounds: those that something is multiplied with."""
    return [weight for weight in plan.quantized if weight.operator_type in INPUT_SLOTS]


def _rows_of(model: Model, weight: QuantizedWeight) -> Rows:
    """How a planned weight is seen as rows: an output channel each."""
    shape = weight.weight.record.shape
    convolution = len(shape) == 4
    axis = 0 if convolution or weight.transpose else len(shape) - 1
    operator = model.operator(weight.quantization.operator)
    groups = operator.value("groups") if convolution else 1
    return Rows(shape, axis, groups if isinstance(groups, int) and groups > 0 else 1)


def _round(
    model: Model,
    plan: Plan,
    weight: QuantizedWeight,
    values: Array,
    statistics: Statistics | None,
    token: threads.CancelToken,
) -> AdaptiveWeight:
    record, quantization = weight.weight.record, weight.quantization
    with model.stored.parameters.reader(weight.name) as tensor:
        scales = WeightQuantizer(record, quantization, plan.options).find_scales(tensor, token)
    dtype = quantization.dtype.numpy
    assert dtype is not None
    rows = _rows_of(model, weight)
    found = round_weight(values, scales, quantization.limit, rows, statistics, dtype)
    integers = found.integers.T if weight.transpose else found.integers
    return AdaptiveWeight(np.ascontiguousarray(integers), scales, found.error, found.shift)


def _corrected(
    model: Model,
    weights: Iterable[QuantizedWeight],
    rounded: Mapping[str, AdaptiveWeight],
    load: Callable[[str], Array],
) -> dict[str, kernels.FloatArray]:
    """The parameters that take up shifts. A weight with several readers shifts several outputs:
    it is left as it is.
    """
    corrected: dict[str, kernels.FloatArray] = {}
    for weight in weights:
        shift = rounded[weight.name].shift
        if shift is None or len(weight.weight.readers) != 1 or not np.isfinite(shift).all():
            continue
        place = find_correction(model, weight.quantization.operator, len(shift))
        if place is not None:
            before = corrected.get(place.parameter, load(place.parameter))
            moved = before.reshape(-1) + place.sign * shift
            corrected[place.parameter] = moved.astype(np.float32).reshape(before.shape)
    return corrected
