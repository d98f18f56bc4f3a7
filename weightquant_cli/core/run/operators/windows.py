"""Sliding windows over images: padding rules shared by convolution and pooling, and views."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ..call import Call
from ..values import Array

Pads = tuple[tuple[int, int], tuple[int, int]]
"""Rows above and below, columns left and right."""

NO_PADS: Pads = ((0, 0), (0, 0))

MAX_BORDER = 1 << 28
"""Elements of an image with its border."""

MAX_SIDE = 4096
"""Side of a window, and cells of an adaptive one: they are gone through one by one."""


@dataclass(frozen=True, slots=True)
class Window:
    """A window in two dimensions: (height, width) each, and the padding around the image."""

    size: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    pads: Pads

    @property
    def reach(self) -> tuple[int, int]:
        """Rows and columns from the first to the last tap, both counted."""
        return (
            self.dilation[0] * (self.size[0] - 1) + 1,
            self.dilation[1] * (self.size[1] - 1) + 1,
        )

    def places(self, image: Sequence[int], ceil: bool = False) -> tuple[int, int]:
        """How many rows and columns of windows an image of (height, width) has."""
        counts = []
        for size, reach, stride, pad in zip(image, self.reach, self.stride, self.pads, strict=True):
            room = size + sum(pad) - reach
            if room < 0 and not ceil:
                raise ValueError(f"a window of {reach} over {size + sum(pad)} rows or columns")
            counts.append((room + (stride - 1 if ceil else 0)) // stride + 1)
        return counts[0], counts[1]

    def covered(self, image: Sequence[int]) -> tuple[int, int]:
        """Rows and columns that the windows cover, one `stride` after the other, one per pixel."""
        rows, columns = (
            (size - 1) * stride + reach
            for size, stride, reach in zip(image, self.stride, self.reach, strict=True)
        )
        return rows, columns

    @property
    def pointwise(self) -> bool:
        """Whether the window is the pixel itself."""
        return self.size == (1, 1) and self.stride == (1, 1) and self.pads == NO_PADS


def transposed_places(call: Call, shape: Window, image: Sequence[int]) -> tuple[int, int]:
    """Height and width behind a transposed convolution of an image of (height, width).

    What the windows cover, plus `output_padding`; or `output_size` as given.
    """
    wanted = call.ints("output_size")
    if call.has("OutputSizeTensor"):
        wanted = tuple(int(item) for item in call.array("OutputSizeTensor").reshape(-1))
    if wanted:
        return pair(wanted, "output_size")
    extra = call.ints("output_padding") or (0,)
    rows, columns = (
        size - sum(pad) + more
        for size, pad, more in zip(
            shape.covered(image), shape.pads, (*extra, extra[-1])[:2], strict=True
        )
    )
    return rows, columns


def pair(values: Sequence[int], what: str) -> tuple[int, int]:
    """Two positive integers of an attribute; one stands for both."""
    if len(values) == 1:
        values = (values[0], values[0])
    if len(values) != 2 or min(values) < 1:
        raise ValueError(f"{what} {list(values)}")
    return values[0], values[1]


def window(call: Call, size: tuple[int, int], image: Sequence[int]) -> Window:
    """The window that the attributes of a convolution or pooling describe.

    `paddings` has two values, the same on both sides, or four: top, bottom, left, right. SAME
    keeps ceil(size / stride) windows, with the odd row at the end, and ignores dilations.
    """
    stride = pair(call.ints("strides", (1, 1)), "strides")
    dilation = pair(call.ints("dilations", (1, 1)), "dilations")
    algorithm = call.one_of("padding_algorithm", "EXPLICIT", ("EXPLICIT", "SAME", "VALID"))
    if algorithm == "SAME":
        both = [_same(image[axis], size[axis], stride[axis]) for axis in (0, 1)]
        return Window(size, stride, (1, 1), (both[0], both[1]))
    if algorithm == "VALID":
        return Window(size, stride, dilation, ((0, 0), (0, 0)))
    return Window(size, stride, dilation, explicit_pads(call.ints("paddings", (0, 0))))


def explicit_pads(values: Sequence[int]) -> Pads:
    """Padding as attributes spell it."""
    if len(values) == 1:
        values = (values[0], values[0])
    if len(values) == 2:
        values = (values[0], values[0], values[1], values[1])
    if len(values) != 4:
        raise ValueError(f"paddings {list(values)}")
    return (values[0], values[1]), (values[2], values[3])


def _same(size: int, kernel: int, stride: int) -> tuple[int, int]:
    total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
    return total // 2, total - total // 2


def padded(image: Array, pads: Pads, value: float = 0.0) -> Array:
    """The image [..., height, width] with a border of `value`; itself where there is none."""
    (top, bottom), (left, right) = pads
    if not (top or bottom or left or right):
        return image
    if min(top, bottom, left, right) < 0:
        raise ValueError(f"negative padding {pads}")
    *front, height, width = image.shape
    if math.prod(front) * (height + top + bottom) * (width + left + right) > MAX_BORDER:
        raise ValueError(f"padding {pads} of an image {list(image.shape)}")
    whole = np.empty((*front, height + top + bottom, width + left + right), image.dtype)
    whole[..., :top, :] = value
    whole[..., top + height :, :] = value
    whole[..., top : top + height, :left] = value
    whole[..., top : top + height, left + width :] = value
    whole[..., top : top + height, left : left + width] = image
    return whole


def taps(image: Array, window: Window, places: tuple[int, int]) -> Array:
    """A view of the padded image [..., height, width] as [..., kh, kw, rows, columns].

    The image must be as large as the windows reach.
    """
    *front, high, wide = image.strides
    shape = (*image.shape[:-2], *window.size, *places)
    strides = (
        *front,
        high * window.dilation[0],
        wide * window.dilation[1],
        high * window.stride[0],
        wide * window.stride[1],
    )
    return as_strided(image, shape, strides, writeable=False)
