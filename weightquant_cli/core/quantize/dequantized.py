"""Quantized parameters as arrays, as Paddle Lite dequantizes them: a model's, or a plan's."""

from __future__ import annotations

import numpy as np

from ...threads import CancelToken
from ..lite.scales import Scales, decode_scales
from ..lite.tags import ModelTags
from ..model.model import Model
from ..plan.plan import Plan
from ..plan.weight_plan import QuantizedWeight
from ..run import Array, stored
from ..run.scope import Load
from ..tensors import kernels
from .adaptive.result import NO_ROUNDING, AdaptiveRounding
from .weight_quantizer import WeightQuantizer


def dequantized(model: Model, tags: ModelTags | None = None) -> Load:
    """Reads a parameter each time it is asked for: integers times their scales, in float32.

    What is not quantized is given as it is stored, so any model will do. It is the `load` of a
    `run.Network`.

    Args:
        model: whose parameters.
        tags: of the model, where they have been found already.
    """
    found = tags or ModelTags(model)
    load = stored(model.stored)
    scales: dict[str, Scales] = {
        weight.name: decode_scales(weight, tag)
        for weight in model.weights
        if found.is_quantized(weight) and (tag := found.of(weight)) is not None
    }

    def read(name: str) -> Array:
        array = load(name)
        if name not in scales:
            return array
        values = np.empty(array.shape, np.float32)
        scale = _along(scales[name].values, scales[name].channel_axis, array.ndim)
        kernels.dequantize(array, scale, values)
        return values

    return read


def planned(model: Model, plan: Plan, rounding: AdaptiveRounding = NO_ROUNDING) -> Load:
    """Reads a parameter of an FP32 model as it will be once the plan was carried out.

    Shapes are those of the FP32 model, so it is the `load` of a `run.Network` of its program.
    Rewrites and carriers change no answer (core/lite/FACTS.md).

    Args:
        model: the FP32 model.
        plan: what is done with every weight.
        rounding: weights that were rounded already; the others are rounded to nearest.
    """
    load = stored(model.stored)
    weights = {weight.name: weight for weight in plan.quantized}

    def read(name: str) -> Array:
        if name in rounding.corrected:
            return rounding.corrected[name]
        if name not in weights:
            return load(name)
        weight = weights[name]
        done = rounding.weights.get(name)
        if done is None:
            return _to_nearest(model, plan, weight, load(name))
        integers = done.integers.T if weight.transpose else done.integers
        values = np.empty(integers.shape, np.float32)
        axis = weight.quantization.channel_axis
        kernels.dequantize(integers, _along(done.scales, axis, integers.ndim), values)
        return values

    return read


def _to_nearest(model: Model, plan: Plan, weight: QuantizedWeight, values: Array) -> Array:
    quantization = weight.quantization
    quantizer = WeightQuantizer(weight.weight.record, quantization, plan.options)
    with model.stored.parameters.reader(weight.name) as tensor:
        scales = quantizer.find_scales(tensor, CancelToken())
    scale = _along(scales, quantization.channel_axis, values.ndim)
    work = np.empty(values.shape, np.float32)
    integers = np.empty(values.shape, quantization.dtype.numpy)
    kernels.quantize(values, scale, quantization.limit, work, integers)
    kernels.dequantize(integers, scale, work)
    return work


def _along(scales: kernels.FloatArray, axis: int | None, ndim: int) -> kernels.FloatArray:
    """Scales in a shape that can be broadcast to their weight."""
    shape = [1] * ndim
    if axis is not None:
        shape[axis] = -1
    return scales.reshape(shape)
