"""The scales that a tag gives a weight: decoded and validated, or described as they are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...errors import ParameterError
from ..model.weights import Weight
from .storage import WeightQuantizeType
from .tags import Tag
from .targets import TARGETS


@dataclass(frozen=True)
class Scales:
    """The scales of one quantized weight, valid.

    Attributes:
        values: float32, one per channel, or a single one.
        channel_axis: axis of the channels, or None for a single scale.
    """

    values: npt.NDArray[np.float32]
    channel_axis: int | None

    def of(self, channels: slice, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """The scales of these channels, in a shape that broadcasts over them."""
        return self.values if self.channel_axis is None else self.values[channels].reshape(shape)


@dataclass(frozen=True)
class ScalesSummary:
    """The scales that an operator carries for a weight, as they are, right or wrong.

    Attributes:
        bits: the attribute `quantize_weight_bits`, or None.
        count: number of scales.
        smallest, largest: the range of the scales, or None where they are not numbers.
        granularity: per channel or per tensor, as `quantization_type` or else their number says.
    """

    bits: int | None
    count: int
    smallest: float | None
    largest: float | None
    granularity: WeightQuantizeType


def decode_scales(weight: Weight, tag: Tag) -> Scales:
    """The scales that `tag` gives `weight`.

    Raises:
        ParameterError: not a list of floats, or not one per channel or a single one.
    """
    record = weight.record
    value = tag.scales.value
    if not isinstance(value, tuple) or not all(isinstance(item, float) for item in value):
        raise ParameterError(
            "the scales are not a list of floats",
            path=record.path,
            tensor=record.name,
            found=tag.scales.type.name,
        )
    values = np.asarray(value, dtype="<f4")
    if len(values) == 1:
        return Scales(values, None)
    target = TARGETS.get(tag.operator.type)
    axis = (target.channel_axis if target else -1) % max(len(record.shape), 1)
    channels = record.shape[axis] if record.shape else 1
    if len(values) != channels:
        raise ParameterError(
            "wrong number of scales",
            path=record.path,
            tensor=record.name,
            expected=channels,
            found=len(values),
        )
    return Scales(values, axis)


def summarize_scales(tag: Tag) -> ScalesSummary:
    """What a tag says of its scales."""
    value = tag.scales.value
    values: tuple[object, ...] = value if isinstance(value, tuple) else (value,)
    numbers = [item for item in values if isinstance(item, (int, float))]
    known = bool(numbers) and len(numbers) == len(values) and not any(map(math.isnan, numbers))
    bits = tag.bits.value if tag.bits is not None else None
    return ScalesSummary(
        bits=bits if isinstance(bits, int) else None,
        count=len(values),
        smallest=min(numbers) if known else None,
        largest=max(numbers) if known else None,
        granularity=_granularity(tag, len(values)),
    )


def _granularity(tag: Tag, count: int) -> WeightQuantizeType:
    stated = None if tag.type is None else tag.type.value
    for kind in WeightQuantizeType:
        if kind.attribute == stated:
            return kind
    return WeightQuantizeType.ABS_MAX if count == 1 else WeightQuantizeType.CHANNEL_WISE_ABS_MAX
