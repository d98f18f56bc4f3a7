"""What each weight is multiplied with: means and second moments, from running the model once.

Second moments of K inputs are K x K numbers. Beyond `MAX_INPUTS` they are kept in blocks along the
diagonal only: inputs of different blocks count as independent.
"""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

import numpy as np
import numpy.typing as npt

from ...lite.fusions import CONVOLUTIONS
from ...lite.targets import TARGETS
from ...run import Observer, Step
from ...run.call import Call
from ...run.operators.convolution import channels_last
from ...run.operators.windows import window
from ...run.values import Array, Tensor, Value
from ...tensors.kernels import FloatArray
from .rows import Rows
from .windows import ChosenWindows, has_finite_power

INPUT_SLOTS = {
    "conv2d": "Input",
    "depthwise_conv2d": "Input",
    "mul": "X",
    "matmul": "X",
    "matmul_v2": "X",
    "fc": "Input",
}
"""Operators whose weight meets its inputs in a product, and the slot of the inputs."""

MAX_INPUTS = 1024
MAX_MOMENTS = 8 << 20
"""Second moments that are kept for one weight: of inputs beyond that, shorter blocks."""
PART_BYTES = 1 << 20
"""Inputs of several groups that are dealt with at a time: they should stay in the cache."""
SAMPLES = 2000
"""Places of a picture, or rows of a matrix, that are looked at in one run."""


@dataclass
class Statistics:
    """Sums over the inputs of one weight, for each group of a convolution.

    Attributes:
        samples: how many inputs were seen.
        total: their sum, float64, of shape ``(groups, inputs)``.
        products: sums of x x^T, float32, of shape ``(groups, size, size)`` for each of `spans`.
        spans: which inputs each of them covers.
    """

    samples: int
    total: npt.NDArray[np.float64]
    spans: tuple[slice, ...]
    products: list[FloatArray] = field(default_factory=list)

    @classmethod
    def empty(cls, groups: int, inputs: int, taps: int, limit: int = MAX_INPUTS) -> Statistics:
        """No inputs seen so far; spans hold whole kernels of `taps` inputs."""
        limit = min(limit, MAX_MOMENTS // max(inputs, 1))
        spans = _spans(inputs, taps, limit)
        products = [
            np.zeros((groups, span.stop - span.start, span.stop - span.start), np.float32)
            for span in spans
        ]
        return cls(0, np.zeros((groups, inputs)), spans, products)

    def add(self, inputs: FloatArray) -> bool:
        """Take inputs of shape ``(groups, inputs, samples)`` into account, if all are finite."""
        if not has_finite_power(inputs):
            return False
        self.add_parts(inputs.shape[2], lambda groups, span: inputs[groups, span])
        return True

    def add_parts(self, samples: int, part: Callable[[slice, slice], FloatArray]) -> None:
        """Take inputs into account that are made part by part, and that are finite.

        Args:
            samples: how many inputs there are.
            part: gives the inputs of some groups, and of these a span, of shape
                ``(groups, inputs, samples)``.
        """
        for span, product in zip(self.spans, self.products, strict=True):
            bytes = 4 * (span.stop - span.start) * samples
            step = max(1, PART_BYTES // max(bytes, 1))
            for start in range(0, len(product), step):
                groups = slice(start, min(start + step, len(product)))
                inputs = part(groups, span)
                self.total[groups, span] += inputs.sum(axis=2)
                product[groups] += inputs @ inputs.transpose(0, 2, 1)
        self.samples += samples

    @property
    def mean(self) -> npt.NDArray[np.float64]:
        """Mean of the inputs, of shape ``(groups, inputs)``."""
        return self.total / max(self.samples, 1)

    def moments(self, index: int) -> FloatArray:
        """E[x x^T] of the inputs of a span."""
        moments: FloatArray = self.products[index] / np.float32(max(self.samples, 1))
        return moments


Submit = Callable[[str, Callable[[], None]], None]
"""Has work done, at once or later; work of the same key in the order in which it was submitted."""


class StatisticsObserver(Observer):
    """Collects the statistics of some weights while the model runs.

    Args:
        weights: how each weight is seen as rows, by its name.
        samples: how many places or rows of each input are looked at; chosen by the weight's name
            and the number of the run, so that they are the same in every run of the program.
        submit: has the statistics of an operator's inputs taken, by its weight's name; None takes
            them at once. They are complete when all of this work is done.

    Attributes:
        found: by the weight's name. What holds NaN or infinity is left out.
    """

    def __init__(
        self, weights: Mapping[str, Rows], samples: int = SAMPLES, submit: Submit | None = None
    ) -> None:
        self.found: dict[str, Statistics] = {}
        self._weights = weights
        self._samples = samples
        self._submit: Submit = submit or (lambda _, work: work())
        self._calls: dict[str, int] = {}
        self._inputs: Mapping[str, Sequence[Value]] = {}

    def before(self, step: Step, inputs: Mapping[str, Sequence[Value]]) -> None:
        """Keep the inputs until the operator has run, so that they are known to fit it."""
        self._inputs = inputs

    def after(self, step: Step, outputs: Mapping[str, Value]) -> None:
        """Look at the inputs of an operator that has multiplied them with one of the weights."""
        inputs, self._inputs = self._inputs, {}
        slot = INPUT_SLOTS.get(step.type)
        if slot is None:
            return
        name = step.inputs[TARGETS[step.type].slot][0]
        if name not in self._weights:
            return
        weight, values = inputs[TARGETS[step.type].slot][0], inputs[slot][0]
        assert isinstance(weight, Tensor) and isinstance(values, Tensor)
        calls = self._calls[name] = self._calls.get(name, 0) + 1
        random = np.random.default_rng([zlib.crc32(name.encode("utf-8", "replace")), calls])
        if step.type in CONVOLUTIONS:
            call = Call(step.type, inputs, step.attributes, {}, 0)
            work = partial(self._convolution, name, call, values.array, weight.array, random)
        elif transposes_weight(step.attributes.get) == (self._weights[name].channel_axis == 0):
            work = partial(self._product, name, _rows(step, values.array), random)
        else:
            return
        self._submit(name, work)

    def _product(self, name: str, inputs: Array, random: np.random.Generator) -> None:
        rows = inputs.reshape(-1, self._weights[name].inputs)
        chosen = self._chosen(len(rows), random)
        self._add(name, (rows if len(chosen) == len(rows) else rows[chosen]).T[None], 1)

    def _convolution(
        self, name: str, call: Call, image: Array, weight: Array, random: np.random.Generator
    ) -> None:
        """What some windows of a convolution hold."""
        if channels_last(call):
            image = np.moveaxis(image, -1, 1)
        shape = window(call, (weight.shape[2], weight.shape[3]), image.shape[2:])
        places = shape.places(image.shape[2:])
        chosen = self._chosen(len(image) * places[0] * places[1], random)
        windows = ChosenWindows(image, shape, chosen)
        kernels, taps = weight.shape[1], weight.shape[2] * weight.shape[3]
        sums = self._sums(name, image.shape[1] // kernels, weight[0].size, taps)
        if sums is None or not len(chosen) or not windows.are_finite:
            return

        def part(groups: slice, span: slice) -> FloatArray:
            first = groups.start * kernels + span.start // taps
            count = (groups.stop - 1 - groups.start) * kernels + (span.stop - span.start) // taps
            held = windows.of(slice(first, first + count))
            return held.reshape(groups.stop - groups.start, -1, held.shape[2])

        sums.add_parts(len(chosen), part)
        self.found[name] = sums

    def _chosen(self, count: int, random: np.random.Generator) -> npt.NDArray[np.intp]:
        """The places or rows to look at, in order."""
        if count <= self._samples:
            return np.arange(count)
        return np.sort(random.choice(count, self._samples, replace=False))

    def _add(self, name: str, inputs: Array, taps: int) -> None:
        sums = self._sums(name, inputs.shape[0], inputs.shape[1], taps)
        if sums is not None and sums.add(inputs.astype(np.float32, copy=False)):
            self.found[name] = sums

    def _sums(self, name: str, groups: int, inputs: int, taps: int) -> Statistics | None:
        """The sums to add to; None for a reader that sees the weight otherwise."""
        rows = self._weights[name]
        if (groups, inputs) != (rows.groups, rows.inputs):
            return None
        return self.found.get(name) or Statistics.empty(groups, inputs, taps)


def transposes_weight(value: Callable[[str], object]) -> bool:
    """Whether a matrix product transposes its weight, by its attributes' values."""
    return bool(value("trans_y") or value("transpose_Y"))


def _rows(step: Step, inputs: Array) -> Array:
    """The inputs of a matrix product with what meets one output channel along the last axis."""
    turned = step.attributes.get("trans_x") or step.attributes.get("transpose_X")
    return np.swapaxes(inputs, -1, -2) if turned and inputs.ndim > 1 else inputs


def _spans(inputs: int, taps: int, limit: int) -> tuple[slice, ...]:
    """Inputs in as few spans of at most `limit` as there can be, of about the same size."""
    kernels = inputs // taps
    count = -(-kernels // max(limit // taps, 1)) if kernels else 0
    edges = [taps * (kernels * index // max(count, 1)) for index in range(count + 1)]
    return tuple(slice(start, end) for start, end in itertools.pairwise(edges))
