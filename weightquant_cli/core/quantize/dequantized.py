"""Quantized parameters as arrays, as Paddle Lite dequantizes them: a model's, or a plan's."""

from __future__ import annotations

import numpy as np

from ..lite.scales import Scales, decode_scales
from ..lite.tags import ModelTags
from ..model.model import Model
from ..plan.plan import Plan
from ..run import Array, stored
from ..run.scope import Load
from ..tensors import kernels
from .adaptive.result import NO_ROUNDING, AdaptiveRounding
from .nearest import rounded_to_nearest


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
        scale = kernels.along_axis(scales[name].values, scales[name].channel_axis, array.ndim)
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
            return rounded_to_nearest(model, plan, weight, load(name))
        integers = done.integers.T if weight.transpose else done.integers
        values = np.empty(integers.shape, np.float32)
        axis = weight.quantization.channel_axis
        kernels.dequantize(integers, kernels.along_axis(done.scales, axis, integers.ndim), values)
        return values

    return read
