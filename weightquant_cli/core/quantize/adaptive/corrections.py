"""Where a layer's change on average can be made good: in a parameter that is there already.

Rounding moves the mean of an output channel by `shift`. A batch_norm behind the layer subtracts a
mean, to which the shift is added; an addition of a parameter gets the shift subtracted. Both only
where nothing else reads the layer's output or the parameter: then everything behind sees the same
mean as before.
"""

from __future__ import annotations

from dataclasses import dataclass

from ....formats import dtypes
from ...lite.fusions import CONVOLUTIONS
from ...model.model import Model
from ...model.weights import OperatorRef


@dataclass(frozen=True)
class Correction:
    """A parameter that can take up the shift of a layer's output.

    Attributes:
        parameter: its name.
        sign: 1 where the shift is added to it (the Mean of batch_norm), -1 where it is subtracted.
    """

    parameter: str
    sign: int


def find_correction(model: Model, operator: OperatorRef, channels: int) -> Correction | None:
    """What could take up the shift of an operator's output; None where nothing can.

    Args:
        model: the model.
        operator: the operator whose weight is rounded.
        channels: of its output.
    """
    outputs = [name for names in model.operator(operator).outputs.values() for name in names]
    if len(outputs) != 1:
        return None
    readers = model.consumers(operator.block, outputs[0])
    if len(readers) != 1:
        return None
    follower = model.operator(readers[0])
    if outputs[0] not in follower.inputs.get("X", ()):
        return None
    if readers[0].type == "batch_norm":
        candidates, sign = follower.inputs.get("Mean", ()), 1
    elif readers[0].type == "elementwise_add":
        candidates, sign = follower.inputs.get("Y", ()), -1
    else:
        return None
    for name in candidates:
        if _is_private(model, name, channels) and (
            sign > 0 or _adds_per_channel(model, operator, readers[0], name)
        ):
            return Correction(name, sign)
    return None


def _is_private(model: Model, name: str, channels: int) -> bool:
    """Whether a parameter has one value per channel, and one operator that reads it.

    batch_norm names its Mean as an output as well: at inference it is not written.
    """
    if name not in model.stored.parameters:
        return False
    weight = model.weight(name)
    readers = {reader.operator for reader in weight.readers}
    writers = set(weight.writers) - readers
    return (
        weight.record.dtype is dtypes.FP32
        and weight.record.elements == channels
        and len(weight.readers) == 1
        and not writers
        and not weight.shadowed
    )


def _adds_per_channel(
    model: Model, operator: OperatorRef, addition: OperatorRef, parameter: str
) -> bool:
    """Whether the addition's parameter lies along the channels of what the operator writes.

    These are axis 1 behind a convolution, and the last axis behind a matrix product.
    """
    shape = model.weight(parameter).record.shape
    axis = model.operator(addition).value("axis")
    if operator.type in CONVOLUTIONS:
        return (len(shape) == 1 and axis == 1) or (len(shape) == 4 and shape[1] == max(shape))
    variable = model.variable(addition.block, model.operator(addition).inputs["X"][0])
    rank = len(variable.shape) if variable is not None and variable.shape else 0
    return bool(shape) and shape[-1] == max(shape) and axis in (None, -1, rank - len(shape))
