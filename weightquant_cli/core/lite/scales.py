"""The scales that a tag gives a weight, decoded and validated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ...errors import ParameterError
from ..model.weights import Weight
from .tags import Tag
from .targets import TARGETS


@dataclass(frozen=True)
class StoredScales:
    """The scales of one quantized weight.

    Attributes:
        scales: float32, one per channel, or a single one.
        channel_axis: axis of the channels, or None for a single scale.
    """

    scales: npt.NDArray[np.float32]
    channel_axis: int | None

    def of(self, channels: slice, shape: tuple[int, int]) -> npt.NDArray[np.float32]:
        """The scales of these channels, in a shape that broadcasts over them."""
        return self.scales[channels].reshape(shape)


def stored_scales(weight: Weight, tag: Tag) -> StoredScales:
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
    scales = np.asarray(value, dtype="<f4")
    if len(scales) == 1:
        return StoredScales(scales, None)
    target = TARGETS.get(tag.operator.type)
    axis = (target.channel_axis if target else -1) % max(len(record.shape), 1)
    channels = record.shape[axis] if record.shape else 1
    if len(scales) != channels:
        raise ParameterError(
            "wrong number of scales",
            path=record.path,
            tensor=record.name,
            expected=channels,
            found=len(scales),
        )
    return StoredScales(scales, axis)
