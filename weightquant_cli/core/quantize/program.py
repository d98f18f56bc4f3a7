"""The program of the output: rewritten, and tagged with the scales that Paddle Lite reads."""

from __future__ import annotations

from collections.abc import Mapping

from ...formats.program import AttrType, Operator, Program
from ..lite.tags import BITS_ATTRIBUTE, SCALE_SUFFIX, TYPE_ATTRIBUTE
from ..model.model import Model
from ..plan.plan import Plan, Quantization, WeightPlan
from ..plan.rewrites import apply
from ..tensors import kernels


def tagged_program(
    model: Model, plan: Plan, scales: Mapping[str, kernels.FloatArray], strip_callstack: bool
) -> Program:
    """A copy of the program, rewritten, with the attributes that Paddle Lite reads.

    Args:
        model: the model.
        plan: its plan.
        scales: of every quantized weight, one per channel or a single one.
        strip_callstack: drop the exporter's stack traces.
    """
    program = model.program.copy()
    if strip_callstack:
        program.strip_callstacks()
    operators = [block.operators for block in program.blocks]
    for weight in plan.quantized:
        assert weight.quantization is not None
        ref = weight.quantization.operator
        _tag(operators[ref.block][ref.index], weight, weight.quantization, scales[weight.name])
    apply(
        program,
        [rewrite for weight in plan.weights for rewrite in weight.rewrites],
        [weight.name for weight in plan.weights if weight.transpose],
    )
    return program


def _tag(
    operator: Operator,
    weight: WeightPlan,
    quantization: Quantization,
    scales: kernels.FloatArray,
) -> None:
    values = scales.tolist()
    if len(values) < quantization.scales:  # a single one, which Paddle Lite would not expand
        values *= quantization.scales
    kind = quantization.stored_type
    operator.set_attribute(TYPE_ATTRIBUTE, AttrType.STRING, kind.attribute)
    operator.set_attribute(BITS_ATTRIBUTE, AttrType.INT, 8 * quantization.dtype.itemsize)
    operator.set_attribute(weight.name + SCALE_SUFFIX, AttrType.FLOATS, tuple(values))
