"""What `inspect` shows of a model and of its weights: facts from headers, and what was measured."""

from __future__ import annotations

import enum
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ...errors import counted
from ...formats.lod_tensor import TensorRecord
from ...formats.model_dir import ModelFiles
from ...formats.unknown_operators import UnknownOperators
from ..lite.demands.demand import Demands
from ..lite.scales import ScalesSummary
from ..lite.storage import WeightQuantizeType
from ..model.inputs_outputs import Port
from ..model.shown import Row, Shown
from ..plan.reasons import Reason, ReasonCode
from ..plan.weight_plan import WeightPlan
from ..quantize.sizes import CompressedSizes, Sizes
from ..tensors.histogram import Histogram
from ..tensors.weight_error import WeightError


class Verdict(enum.Enum):
    """What can be done with a weight."""

    QUANTIZABLE = "quantizable"
    QUANTIZED = "quantized"
    KEPT = "kept"


@dataclass(frozen=True)
class WeightSummary:
    """One weight.

    Attributes:
        plan: how it would be quantized at 8 bits if every operator type were chosen, or why not.
        share: percent of all weights' bytes.
        verdict: what can be done with it.
        reason: why it is kept; or for a quantizable one, which option it takes; or None.
        operator_type: type of the operator that carries its tag or would; or of the first that
            reads it, a carrier not counted, which is none of the model's own; empty for none.
        scales: what the operator that carries its tag says of its scales, or None without a tag.
        error: what 8 bits would do to it, where that was measured.
        histogram: of its values, where that was measured.
        not_measured: why the error could not be measured, or None.
    """

    plan: WeightPlan
    share: float
    verdict: Verdict
    reason: Reason | None
    operator_type: str
    scales: ScalesSummary | None
    error: WeightError | None = None
    histogram: Histogram | None = None
    not_measured: str | None = None

    @property
    def name(self) -> str:
        """The weight's name."""
        return self.plan.name

    @property
    def record(self) -> TensorRecord:
        """Shape, type and place."""
        return self.plan.weight.record

    @property
    def rewritten_as(self) -> str | None:
        """What its operator would be rewritten as; None where it stays."""
        return next((used.to for used in self.plan.rewrites), None)

    @property
    def carrier(self) -> str | None:
        """Type of the operator that would be added to carry its tag; None without one."""
        return None if self.plan.quantization is None else self.plan.quantization.carrier


@dataclass(frozen=True)
class ExpectedSize:
    """What `quantize` would write with the same options but for the bits.

    Attributes:
        bits: of every weight.
        sizes: in bytes.
        compressed: of the result, where that was measured.
    """

    bits: int
    sizes: Sizes
    compressed: CompressedSizes | None = None


@dataclass(frozen=True, repr=False)
class ModelSummary(Shown):
    """A model's facts.

    Attributes:
        files: which files it is.
        paddle_version: the Paddle that wrote it; None for a development build.
        program_size, params_size: bytes of the program and of the parameters.
        inputs, outputs: in the order in which they are fed and fetched.
        operators: operator types with their numbers, the most frequent first; without what was
            added to carry tags.
        unknown_operators: those of a Paddle 3 model that cannot be translated; with any of them,
            no command but `inspect` takes the model.
        weights: every weight.
        expected: sizes after quantizing; empty where nothing could be, or is already.
        compressed: its own compressed size, where that was measured.
        lite_version: the version of Paddle Lite that `demands` is about.
        demands: what keeps its opt from converting the model, or its result from being right.
    """

    files: ModelFiles
    paddle_version: str | None
    program_size: int
    params_size: int
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    operators: tuple[tuple[str, int], ...]
    unknown_operators: tuple[UnknownOperators, ...]
    weights: tuple[WeightSummary, ...]
    expected: tuple[ExpectedSize, ...]
    lite_version: str
    demands: tuple[Demands, ...]
    compressed: CompressedSizes | None = None

    def _lines(self) -> tuple[str, ...]:
        return (
            f"ModelSummary: {self.headline}, Paddle {self.paddle_version or 'unknown'}",
            f"{counted(len(self.weights), 'weight')}, {self.params_size} bytes; "
            f"program {self.program_size}",
            f"{counted(sum(count for _, count in self.operators), 'operator')} of "
            f"{counted(len(self.operators), 'type')}",
        )

    def _table(self) -> tuple[Row, Sequence[Row]]:
        ranked = sorted(self.weights, key=lambda one: (-one.record.data_size, one.name))
        return ("weight", "operator", "shape", "bytes", "verdict", "why"), [
            (
                one.name,
                one.plan.operator_type,
                list(one.record.shape),
                one.record.data_size,
                one.verdict.value,
                one.reason.text if one.reason else None,
            )
            for one in ranked
        ]

    @property
    def size(self) -> int:
        """Bytes of program and parameters together."""
        return self.program_size + self.params_size

    def of(self, verdict: Verdict) -> tuple[WeightSummary, ...]:
        """The weights with this verdict."""
        return tuple(weight for weight in self.weights if weight.verdict is verdict)

    @property
    def headline(self) -> str:
        """What the model is: ``FP32``, ``INT8 channel-wise, 38 of 52 weights``, ``mixed ...``."""
        kinds = Counter(_kind(weight) for weight in self.weights if _is_integer_or_tagged(weight))
        if not kinds:
            return _unquantized(self.weights)
        ranked = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
        if len(ranked) == 1:
            return f"{ranked[0][0]}, {counted(ranked[0][1], 'weight', len(self.weights))}"
        listed = ", ".join(f"{count} {kind}" for kind, count in ranked)
        return f"mixed: {listed}, of {counted(len(self.weights), 'weight')}"


class Order(enum.Enum):
    """Orders of the weights: largest first, by name, or worst first."""

    SIZE = "size"
    NAME = "name"
    SQNR = "sqnr"


def ordered(weights: Sequence[WeightSummary], order: Order) -> tuple[WeightSummary, ...]:
    """The weights in this order; equal ones by name, those without an SQNR last."""
    if order is Order.NAME:
        return tuple(weights)
    if order is Order.SIZE:
        return tuple(sorted(weights, key=lambda weight: -weight.record.data_size))
    return tuple(sorted(weights, key=_quality))


def _quality(weight: WeightSummary) -> tuple[int, float]:
    if weight.not_measured is not None:
        return 0, 0.0
    return (2, 0.0) if weight.error is None else (1, weight.error.sqnr)


def _is_integer_or_tagged(weight: WeightSummary) -> bool:
    """Whether the weight was quantized, rightly or not."""
    faulty = weight.reason is not None and weight.reason.code is ReasonCode.ALREADY_QUANTIZED
    return weight.verdict is Verdict.QUANTIZED or faulty


def _kind(weight: WeightSummary) -> str:
    if weight.verdict is not Verdict.QUANTIZED or weight.scales is None:
        return f"{weight.record.dtype} {'with' if weight.scales else 'without'} scales"
    per_channel = weight.scales.granularity is WeightQuantizeType.CHANNEL_WISE_ABS_MAX
    return f"{weight.record.dtype} {'channel-wise' if per_channel else 'per tensor'}"


def _unquantized(weights: Sequence[WeightSummary]) -> str:
    """The float types, the one with the most bytes first; all types where there is no float."""
    floats = [weight for weight in weights if weight.record.dtype.name.startswith(("FP", "BF"))]
    sizes: Counter[str] = Counter()
    for weight in floats or weights:
        sizes[weight.record.dtype.name] += weight.record.data_size
    return " and ".join(name for name, _ in sizes.most_common()) or "no weights"
