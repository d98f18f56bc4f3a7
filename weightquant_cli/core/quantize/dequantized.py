"""A quantized model's parameters as arrays, dequantized as Paddle Lite does it at load."""

from __future__ import annotations

import numpy as np

from ..lite.scales import Scales, decode_scales
from ..lite.tags import ModelTags
from ..model.model import Model
from ..run import Array, stored
from ..run.scope import Load
from ..tensors import kernels


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
        shape = [1] * array.ndim
        axis = scales[name].channel_axis
        if axis is not None:
            shape[axis] = -1
        values = np.empty(array.shape, np.float32)
        kernels.dequantize(array, scales[name].values.reshape(shape), values)
        return values

    return read
