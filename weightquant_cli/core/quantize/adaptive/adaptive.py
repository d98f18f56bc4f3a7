"""Adaptive rounding of a whole model: one FP32 pass, then every weight by what it meets."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import numpy as np

from .... import threads
from ...lite.targets import TARGETS
from ...model.model import Model
from ...model.weights import Reader
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
from .statistics import INPUT_SLOTS, Statistics, StatisticsObserver, transposes_weight

Sample = Mapping[str, Array | Tensor]
"""One input of the model: a value for each of its feeds, by name."""

CACHE = 512 << 20
"""Bytes of parameters that are kept from run to run: nothing is rounded yet, so there is room.
Reading a matrix of VGG16, 411 MB, anew for each run took a quarter of the time."""


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
    weights = weights_to_round(model, plan)
    return Rounder(model, weights, samples, jobs, step).round(plan, last=True)


class Rounder:
    """Rounds a model for one plan after the other; the model is run once, on making it.

    What two plans that follow each other have in common is rounded once.

    Args:
        model: the FP32 model.
        weights: those that any of the plans quantizes, of `weights_to_round`.
        samples: as for `round_adaptively`.
        jobs: as for `round_adaptively`.
        step: as for `round_adaptively`.

    Raises:
        ModelError, RunError: as `round_adaptively` does.
    """

    def __init__(
        self,
        model: Model,
        weights: Iterable[QuantizedWeight],
        samples: Iterable[Sample],
        jobs: int | None = None,
        step: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._model = model
        self._jobs = jobs
        self._step = step
        self._load = stored(model.stored)
        self._reasons: tuple[str, ...] = ()
        self._statistics = self._run(weights, samples)
        self._reached = frozenset(self._statistics)
        self._done: dict[tuple[str, int], AdaptiveWeight] = {}

    def round(self, plan: Plan, last: bool = False) -> AdaptiveRounding:
        """Round every quantized weight of a plan.

        Args:
            plan: plans may differ in their bits alone.
            last: whether no other plan follows; what is known of the inputs is then let go of.

        Raises:
            NonFiniteWeightError, ModelError: as `round_adaptively` does.
        """
        model = self._model
        wanted = weights_to_round(model, plan)
        take = self._statistics.pop if last else self._statistics.get

        def work(weight: QuantizedWeight, token: threads.CancelToken) -> AdaptiveWeight:
            token.check()
            found = take(weight.name, None)  # its moments take memory
            result = self._done.get(weight.key)
            if result is None:
                values = self._load(weight.name)
                result = _round(model, plan, weight, values, found, token)
            self._step(1)
            return result

        done = threads.run(work, wanted, self._jobs, lambda weight: weight.size_before)
        rounded = {weight.name: one for weight, one in zip(wanted, done, strict=True)}
        if not last:
            self._done = {weight.key: rounded[weight.name] for weight in wanted}
        model.stored.verify_unchanged()
        corrected = _corrected(model, wanted, rounded, self._load)
        unreached = tuple(name for name in rounded if name not in self._reached)
        return AdaptiveRounding(rounded, corrected, unreached, self._reasons if unreached else ())

    def _run(
        self, weights: Iterable[QuantizedWeight], samples: Iterable[Sample]
    ) -> dict[str, Statistics]:
        """What is known of the weights' inputs, from running the model."""
        rows = {weight.name: _rows_of(self._model, weight) for weight in weights}
        network = Network(self._model.program, cached(self._load, CACHE))
        with Lanes((self._jobs or threads.default_jobs()) - 1) as lanes:
            observer = StatisticsObserver(rows, submit=lanes.submit)
            for sample in samples:
                outcome = network.run(sample, observer=observer)
                self._reasons = tuple(str(one) for one in outcome.not_run)
                if outcome.non_finite is not None:
                    self._reasons += (str(outcome.non_finite),)
                self._step(1)
        return observer.found


def weights_to_round(model: Model, plan: Plan) -> list[QuantizedWeight]:
    """The weights that `round_adaptively` rounds: those that something is multiplied with.

    Not a matrix that a carrier serves and that stands on the left of its product, or is transposed
    as it is read: it has a scale for each input, and not for each output.
    """
    return [
        weight
        for weight in plan.quantized
        if weight.operator_type in INPUT_SLOTS and _has_scales_of_outputs(model, weight)
    ]


def _has_scales_of_outputs(model: Model, weight: QuantizedWeight) -> bool:
    ref = weight.quantization.operator
    if Reader(ref, TARGETS[ref.type].slot) not in weight.weight.readers:
        return False
    return weight.transpose == transposes_weight(model.operator(ref).value)


def _rows_of(model: Model, weight: QuantizedWeight) -> Rows:
    """How a planned weight is seen as rows: an output channel each."""
    shape = weight.weight.record.shape
    convolution = len(shape) == 4
    axis = 0 if convolution or weight.transpose else len(shape) - 1
    operator = model.operator(weight.quantization.operator)
    groups = operator.value("groups") if convolution else 1
    if not isinstance(groups, int) or groups < 1 or shape[axis] % groups:
        groups = 1  # the convolution cannot be run either, or means 1
    return Rows(shape, axis, groups)


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
