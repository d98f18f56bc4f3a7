"""Images in another size, and images sampled at given points."""

from __future__ import annotations

import numpy as np

from ..call import Call, Unsupported
from ..registry import kernel
from ..values import Array

NAMES = ("nearest", "bilinear", "bicubic", "linear", "trilinear")
_TYPES = [f"{name}_interp{suffix}" for name in NAMES for suffix in ("", "_v2")]


@kernel(*_TYPES)
def interpolate(call: Call) -> Array:
    """X resized along its spatial axes, one after the other."""
    x = call.array()
    last = call.one_of("data_layout", "NCHW", ("NCHW", "NHWC")) == "NHWC"
    image = np.moveaxis(x, -1, 1) if last else x
    kind = call.type.split("_")[0]
    sizes, scales = _sizes(call, image.shape[2:])
    call.claim((*image.shape[:2], *sizes), x.itemsize)
    for axis, (size, scale) in enumerate(zip(sizes, scales, strict=True), start=2):
        call.claim((*image.shape[:axis], size, *image.shape[axis + 1 :]), x.itemsize)
        image = _along(call, image, axis, size, scale, kind)
    return np.ascontiguousarray(np.moveaxis(image, 1, -1)) if last else image


def _sizes(call: Call, image: tuple[int, ...]) -> tuple[list[int], list[float]]:
    """The wanted sizes, and the given scales, 0 where the sizes decide.

    SizeTensor goes before OutSize, that before Scale (tensor or attribute), and that before the
    attributes out_d, out_h, out_w.
    """
    rank = len(image)
    none = [0.0] * rank
    if call.has("SizeTensor"):
        return [int(array.reshape(-1)[0]) for array in call.arrays("SizeTensor")], none
    scales = _scales(call, rank)
    sizes = [call.integer(name, -1) for name in ("out_d", "out_h", "out_w")[3 - rank :]]
    if scales is not None:
        sizes = [
            int(np.float32(size) * np.float32(scale))
            for size, scale in zip(image, scales, strict=True)
        ]
    if call.has("OutSize"):
        sizes = [int(size) for size in call.array("OutSize").reshape(-1)]
    if len(sizes) != rank or min(sizes) < 1:
        raise ValueError(f"an image of {list(image)} resized to {sizes}")
    used = scales if scales is not None and call.type.endswith("_v2") else none
    return sizes, list(used)


def _scales(call: Call, rank: int) -> list[float] | None:
    if call.has("Scale"):
        values = [float(value) for value in call.array("Scale").reshape(-1)]
    else:
        values = list(call.floats("scale"))
    if not values or min(values) <= 0:
        return None
    return values * rank if len(values) == 1 else values


def _along(call: Call, x: Array, axis: int, size: int, scale: float, kind: str) -> Array:
    """One axis resized."""
    length = x.shape[axis]
    corners = call.flag("align_corners", True)
    step = np.float32(0.0)
    if size > 1 or not corners:
        if corners:
            step = np.float32(length - 1) / np.float32(size - 1)
        else:
            step = np.float32(1 / scale if scale > 0 else length / size)
    places = np.arange(size, dtype=np.float32)
    if kind == "nearest":
        index = (step * places + np.float32(0.5 if corners else 0)).astype(np.int64)
        index = np.minimum(index, length - 1)
        return np.asarray(np.take(x, index, axis))
    half = not corners and (kind == "bicubic" or call.integer("align_mode", 1) == 0)
    source = step * (places + np.float32(0.5)) - np.float32(0.5) if half else step * places
    if kind == "bicubic":
        return _cubic(x, axis, source, length)
    source = np.maximum(source, 0)
    low = np.minimum(source.astype(np.int64), length - 1)
    share = (source - low).astype(x.dtype)
    share[low == length - 1] = 0
    return _blend(x, axis, low, np.minimum(low + 1, length - 1), share)


def _blend(x: Array, axis: int, low: Array, high: Array, share: Array) -> Array:
    share = share.reshape(-1, *(1,) * (x.ndim - axis - 1))
    lower = np.take(x, low, axis)
    result = np.take(x, high, axis)
    result -= lower
    result *= share
    result += lower
    return result


def _cubic(x: Array, axis: int, source: Array, length: int) -> Array:
    """Keys' cubic with a = -0.75, edges repeated."""
    low = np.floor(source).astype(np.int64)
    t = source - low
    a = np.float32(-0.75)

    def near(d: Array) -> Array:
        return np.asarray(((a + 2) * d - (a + 3)) * d * d + 1)

    def far(d: Array) -> Array:
        return np.asarray(((a * d - 5 * a) * d + 8 * a) * d - 4 * a)

    weights = (far(t + 1), near(t), near(1 - t), far(2 - t))
    total = np.float32(0)
    for shift, weight in enumerate(weights, start=-1):
        taken = np.take(x, np.clip(low + shift, 0, length - 1), axis)
        total = total + taken * weight.reshape(-1, *(1,) * (x.ndim - axis - 1)).astype(x.dtype)
    return np.asarray(total)


@kernel("grid_sampler", out="Output")
def grid_sampler(call: Call) -> Array:
    """X [n, c, h, w] at the points of Grid [n, rows, columns, (x, y)], from -1 to 1."""
    image, grid = call.array(), call.array("Grid")
    if image.ndim != 4:
        raise Unsupported("grid_sampler of volumes")
    mode = call.one_of("mode", "bilinear", ("bilinear", "nearest"))
    border = call.one_of("padding_mode", "zeros", ("zeros", "border", "reflection"))
    corners = call.flag("align_corners", True)
    height, width = image.shape[2:]
    call.claim((*image.shape[:2], *grid.shape[1:3]), image.itemsize)
    x = _unnormalized(grid[..., 0], width, border, corners)
    y = _unnormalized(grid[..., 1], height, border, corners)
    if mode == "nearest":
        points = zip(image, np.rint(y), np.rint(x), strict=True)
        return np.stack([_pixels(*point) for point in points])
    left, top = np.floor(x), np.floor(y)
    total = np.zeros((*image.shape[:2], *grid.shape[1:3]), image.dtype)
    for down in (0, 1):
        for right in (0, 1):
            share = (1 - np.abs(y - top - down)) * (1 - np.abs(x - left - right))
            for n in range(len(image)):
                total[n] += _pixels(image[n], top[n] + down, left[n] + right) * share[n]
    return total


def _unnormalized(place: Array, size: int, border: str, corners: bool) -> Array:
    pixels = (place + 1) * np.float32((size - 1) / 2)
    if not corners:
        pixels = ((place + 1) * np.float32(size) - 1) * np.float32(0.5)
    if border == "border":
        return np.asarray(np.clip(pixels, 0, size - 1))
    if border == "reflection":
        low, span = (0.0, size - 1.0) if corners else (-0.5, float(size))
        if span <= 0:
            return np.zeros_like(pixels)
        away = np.abs(pixels - np.float32(low))
        extra = np.fmod(away, np.float32(2 * span))
        pixels = np.minimum(extra, np.float32(2 * span) - extra) + np.float32(low)
        return np.asarray(np.clip(pixels, 0, size - 1))
    return np.asarray(pixels)


def _pixels(image: Array, y: Array, x: Array) -> Array:
    """Values of [c, h, w] at whole coordinates; zero outside."""
    height, width = image.shape[1:]
    inside = (y >= 0) & (y <= height - 1) & (x >= 0) & (x <= width - 1)
    rows = np.clip(y, 0, height - 1).astype(np.int64)
    columns = np.clip(x, 0, width - 1).astype(np.int64)
    return np.asarray(image[:, rows, columns] * inside)


@kernel("affine_grid", out="Output")
def affine_grid(call: Call) -> Array:
    """Grids for grid_sampler, from Theta [n, 2, 3]."""
    theta = call.array("Theta")
    if call.has("OutputShape"):
        shape = [int(size) for size in call.array("OutputShape").reshape(-1)]
    else:
        shape = list(call.ints("output_shape"))
    corners = call.flag("align_corners", True)
    rows, columns = shape[2], shape[3]
    call.claim((len(theta), rows, columns, 2), theta.itemsize)
    y, x = (_line(size, corners) for size in (rows, columns))
    points = np.stack([*np.meshgrid(x, y), np.ones((rows, columns), np.float32)], axis=-1)
    return np.asarray(np.einsum("rck,nik->nrci", points, theta).astype(theta.dtype))


def _line(size: int, corners: bool) -> Array:
    line = np.linspace(-1, 1, size, dtype=np.float32)
    return line if corners else line * np.float32((size - 1) / size)
