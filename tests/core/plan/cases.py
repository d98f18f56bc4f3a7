"""Models to plan, and what is asked of their plans."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tests.builders import ModelBuilder
from weightquant_cli import (
    Plan,
    QuantizedWeight,
    QuantizeOptions,
    Reason,
    ReasonCode,
    WeightPlan,
    WeightQuantizeType,
    make_plan,
)

ALL = ("all",)


ABS_MAX = WeightQuantizeType.ABS_MAX


CHANNEL_WISE = WeightQuantizeType.CHANNEL_WISE_ABS_MAX


def plan_of(builder: ModelBuilder, folder: Path, options: QuantizeOptions) -> dict[str, WeightPlan]:
    """The verdicts by name."""
    plan = make_plan(builder.load(folder), options)
    return {weight.name: weight for weight in plan.weights}


def rewrites_alone(plan: Plan) -> Plan:
    """The plan with every rewrite and nothing quantized: the same model in another spelling."""
    reason = Reason(ReasonCode.NOT_SELECTED, "nothing is to be quantized")
    weights = (w.kept(reason) if isinstance(w, QuantizedWeight) else w for w in plan.weights)
    return replace(plan, weights=tuple(weights))


def bits_of(plan: Plan) -> dict[str, int]:
    """The bits of every weight that is quantized."""
    return {w.name: w.quantization.bits for w in plan.quantized}


def verdict(builder: ModelBuilder, folder: Path, options: QuantizeOptions) -> ReasonCode | int:
    """What becomes of the weight `w`: its bits, or why it stays."""
    weight = plan_of(builder, folder, options)["w"]
    if weight.reason is not None:
        assert weight.quantization is None
        assert weight.reason.text and weight.reason.text.isprintable()
        return weight.reason.code
    assert weight.quantization is not None
    return weight.quantization.bits


def matrix_model(array: np.ndarray[tuple[int, ...], np.dtype[np.float32]]) -> ModelBuilder:
    """A `mul` with the weight `w`."""
    builder = ModelBuilder()
    builder.mul(builder.input("x", (-1, array.shape[0])), "w", array)
    return builder


DEFAULT = QuantizeOptions()
