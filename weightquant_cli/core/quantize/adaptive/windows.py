"""What chosen windows of a convolution hold, for some of its channels at a time."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ...run.operators.windows import Window, padded, taps
from ...run.values import Array
from ...tensors.kernels import FloatArray


class ChosenWindows:
    """Windows over images.

    Args:
        images: of shape ``(pictures, channels, height, width)``.
        shape: of the windows.
        chosen: the numbers of the windows to look at, in order: those of the first picture come
            first, row by row.
    """

    def __init__(self, images: Array, shape: Window, chosen: npt.NDArray[np.intp]) -> None:
        self._shape = shape
        self._places = shape.places(images.shape[2:])
        each = self._places[0] * self._places[1]
        picture = chosen // max(each, 1)
        self._pictures = [
            (images[index], chosen[picture == index] - index * each) for index in np.unique(picture)
        ]

    @property
    def are_finite(self) -> bool:
        """Whether no picture holds NaN or infinity, nor values whose squares overflow."""
        return all(has_finite_power(image) for image, _ in self._pictures)

    def of(self, channels: slice) -> FloatArray:
        """What the windows hold of some channels, of shape ``(channels, taps, windows)``."""
        held = [part.astype(np.float32, copy=False) for part in self._parts(channels)]
        return held[0] if len(held) == 1 else np.concatenate(held, axis=2)

    def _parts(self, channels: slice) -> Iterator[Array]:
        area = self._shape.size[0] * self._shape.size[1]
        for image, places in self._pictures:
            whole = padded(image[channels], self._shape.pads)
            if len(places) == self._places[0] * self._places[1]:
                yield taps(whole, self._shape, self._places).reshape(len(whole), area, -1)
            else:
                index = self._index(places, whole.shape[2])
                yield whole.reshape(len(whole), -1).take(index, axis=1)

    def _index(self, places: npt.NDArray[np.intp], width: int) -> npt.NDArray[np.intp]:
        """Where in a padded picture the taps of the windows lie, of shape ``(taps, windows)``."""
        shape = self._shape
        row, column = np.divmod(places, self._places[1])
        first = row * shape.stride[0] * width + column * shape.stride[1]
        down, right = (
            np.arange(size) * step for size, step in zip(shape.size, shape.dilation, strict=True)
        )
        return np.asarray((down[:, None] * width + right).reshape(-1, 1) + first)


def has_finite_power(values: Array) -> bool:
    """Whether the sum of the squares is finite; with a NaN or an infinity it is not."""
    flat = values.reshape(-1)
    with np.errstate(over="ignore"):
        return bool(np.isfinite(np.dot(flat, flat)))
