"""One weight of a plan, rounded to nearest and dequantized: what trying it out needs."""

from __future__ import annotations

import numpy as np

from ...threads import CancelToken
from ..model.model import Model
from ..plan.plan import Plan
from ..plan.weight_plan import QuantizedWeight
from ..run import Array
from ..tensors import kernels
from .weight_quantizer import WeightQuantizer


def rounded_to_nearest(model: Model, plan: Plan, weight: QuantizedWeight, values: Array) -> Array:
    """The weight as Paddle Lite would dequantize it, in the shape in which the model stores it.

    Args:
        model: the FP32 model.
        plan: for its options.
        weight: of the plan.
        values: the weight's data.
    """
    quantization = weight.quantization
    quantizer = WeightQuantizer(weight.weight.record, quantization, plan.options)
    with model.stored.parameters.reader(weight.name) as tensor:
        scales = quantizer.find_scales(tensor, CancelToken())
    scale = kernels.along_axis(scales, quantization.channel_axis, values.ndim)
    work = np.empty(values.shape, np.float32)
    integers = np.empty(values.shape, quantization.dtype.numpy)
    kernels.quantize(values, scale, quantization.limit, work, integers)
    kernels.dequantize(integers, scale, work)
    return work
