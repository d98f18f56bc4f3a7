"""Models to quantize, and what is asked of the result."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from tests.builders import BF16, Floats, ModelBuilder, normal, raw_record
from weightquant_cli import (
    Model,
    OutputOptions,
    Quantized,
    QuantizeOptions,
    WeightQuantizeType,
    make_plan,
    quantize,
)
from weightquant_cli.core.tensors.blocks import BLOCK_ELEMENTS, PART_ELEMENTS
from weightquant_cli.formats.program import Operator

ALL = QuantizeOptions(op_types=("all",))


CHANNEL_WISE = WeightQuantizeType.CHANNEL_WISE_ABS_MAX


ABS_MAX = WeightQuantizeType.ABS_MAX


# Axis of the channels of every weight of `small_model`.
AXES = {"conv.w": 0, "dw.w": 0, "fc1.w": 1, "fc2.w": 1, "table.w": 1}


def run(
    model: Model,
    folder: Path,
    options: QuantizeOptions = ALL,
    jobs: int | None = 2,
    block_elements: int = BLOCK_ELEMENTS,
    **output: Any,
) -> Quantized:
    """Quantize a model into `folder`."""
    plan = make_plan(model, options)
    into = OutputOptions(folder, **output)
    return quantize(model, plan, into, jobs, block_elements=block_elements)


def tagged(model: Model, weight: str) -> list[Operator]:
    """The operators that carry scales for a weight."""
    return [
        operator
        for _, operator in model.operators()
        if operator.attribute(f"{weight}_quant_scale") is not None
    ]


def stored_scales(model: Model, weight: str) -> Floats:
    """The scales of a weight as its operator carries them."""
    (operator,) = tagged(model, weight)
    value = operator.value(f"{weight}_quant_scale")
    assert isinstance(value, tuple)
    return np.asarray(value, np.float32)


def one_matrix(array: Floats, name: str = "w") -> ModelBuilder:
    builder = ModelBuilder()
    builder.fetch(builder.mul(builder.input("x", (-1, len(array))), name, array))
    return builder


def mixed_model() -> ModelBuilder:
    """Parameters of many types beside one that is quantized."""
    builder = one_matrix(normal(3, 4))
    builder.parameter("bias", normal(4), lod=[(0, 2, 4)])
    builder.parameter("steps", np.asarray(7, "<i8"))
    builder.parameter("doubles", np.linspace(0, 1, 5))
    builder.parameter("flags", np.asarray([True, False]))
    builder.parameter("none", normal(0, 3))
    builder.main.var("half", (3,), BF16, persistable=True)
    builder.records["half"] = raw_record(b"\x80\x3f\x00\x40\xc0\x7f", BF16, (3,))
    builder.parameter("large", normal(PART_ELEMENTS + 7))
    for name in list(builder.records):
        if name != "w":
            builder.op("print", {"In": name}, {"Out": f"{name}.printed"})
    return builder
