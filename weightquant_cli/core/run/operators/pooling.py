"""Pooling: largest or mean value of sliding, adaptive or global windows."""

from __future__ import annotations

import numpy as np

from ..call import Call
from ..registry import kernel
from ..values import Array
from .windows import MAX_SIDE, Window, padded, pair, taps, window


@kernel("pool2d")
def pool2d(call: Call) -> Array:
    """Pools over height and width; `pooling_type` is max or avg."""
    image = call.array()
    last = call.one_of("data_format", "NCHW", ("NCHW", "NHWC", "AnyLayout")) == "NHWC"
    kind = call.one_of("pooling_type", "max", ("max", "avg"))
    if last:
        image = np.moveaxis(image, -1, 1)
    if image.ndim != 4:
        raise ValueError("pool2d needs four axes")
    result = _pool(call, image, kind)
    return np.moveaxis(result, 1, -1) if last else result


def _pool(call: Call, image: Array, kind: str) -> Array:
    if not image.size:
        raise ValueError("an image without pixels")
    size = pair(_sizes(call, image), "ksize")
    if max(size) > MAX_SIDE and not call.flag("global_pooling"):
        raise ValueError(f"windows of {size}")
    if call.flag("global_pooling") or (call.flag("adaptive") and size == (1, 1)):
        return _whole(image, kind)
    if call.flag("adaptive"):
        call.claim((*image.shape[:2], *size), image.itemsize)
        return _adaptive(image, size, kind)
    shape = window(call, size, image.shape[2:])
    shape = Window(size, shape.stride, (1, 1), shape.pads)
    places = shape.places(image.shape[2:], ceil=call.flag("ceil_mode"))
    call.claim((*image.shape[:2], *places), image.itemsize)
    pooled = _slide(image, shape, places, kind)
    if kind == "max":
        return pooled
    counts = _counts(image.shape[2:], shape, places, call.flag("exclusive", True))
    return np.asarray(pooled / counts.astype(image.dtype))


def _sizes(call: Call, image: Array) -> tuple[int, ...]:
    if call.flag("global_pooling"):
        return image.shape[2:]
    return call.ints("ksize", (1, 1))


def _whole(image: Array, kind: str) -> Array:
    if kind == "max":
        return np.asarray(image.max(axis=(2, 3), keepdims=True))
    return np.asarray(image.mean(axis=(2, 3), keepdims=True, dtype=image.dtype))


def _adaptive(image: Array, size: tuple[int, int], kind: str) -> Array:
    """Window i goes from floor(i * length / count) to ceil((i + 1) * length / count)."""
    for axis, count in zip((2, 3), size, strict=True):
        length = image.shape[axis]
        parts = []
        for index in range(count):
            edges = slice(index * length // count, -(-(index + 1) * length // count))
            part = image[:, :, edges] if axis == 2 else image[..., edges]
            parts.append(
                part.max(axis=axis, keepdims=True)
                if kind == "max"
                else part.mean(axis=axis, keepdims=True, dtype=image.dtype)
            )
        image = np.concatenate(parts, axis=axis)
    return image


def _slide(image: Array, shape: Window, places: tuple[int, int], kind: str) -> Array:
    """Largest value, or sum, of each window: first along rows, then along columns."""
    outside = float(np.finfo(image.dtype).min) if kind == "max" else 0.0
    combine = np.maximum if kind == "max" else np.add
    needed = [
        (places[axis] - 1) * shape.stride[axis] + shape.size[axis] - image.shape[2 + axis]
        for axis in (0, 1)
    ]
    (top, _), (left, _) = shape.pads
    pads = ((top, max(needed[0] - top, 0)), (left, max(needed[1] - left, 0)))
    whole = padded(image, pads, outside)
    for axis in (3, 2):
        count, stride = places[axis - 2], shape.stride[axis - 2]
        shifted = [
            whole[(slice(None),) * axis + (slice(tap, tap + (count - 1) * stride + 1, stride),)]
            for tap in range(shape.size[axis - 2])
        ]
        total = shifted[0].copy()
        for other in shifted[1:]:
            combine(total, other, out=total)
        whole = total
    return whole


def _counts(
    image: tuple[int, ...], shape: Window, places: tuple[int, int], exclusive: bool
) -> Array:
    """Elements that each mean is over: those inside the image, or inside the padded image."""
    sides = []
    for axis in (0, 1):
        before, after = shape.pads[axis]
        start = np.arange(places[axis]) * shape.stride[axis] - before
        end = np.minimum(start + shape.size[axis], image[axis] + (0 if exclusive else after))
        sides.append(end - (np.maximum(start, 0) if exclusive else start))
    return np.outer(sides[0], sides[1])


@kernel("max_pool2d_with_index")
def max_pool2d_with_index(call: Call) -> dict[str, Array]:
    """As pool2d with max, and where in the image [h * w] each largest value lies."""
    image = call.array()
    size = pair(_sizes(call, image), "ksize")
    if max(size) > MAX_SIDE:
        raise ValueError(f"windows of {size}")
    if call.flag("adaptive"):
        call.claim((*image.shape[:2], *size), image.itemsize)
        return _adaptive_with_index(image, size)
    if call.flag("global_pooling"):
        shape = Window(size, (1, 1), (1, 1), ((0, 0), (0, 0)))
    else:
        shape = window(call, size, image.shape[2:])
    places = shape.places(image.shape[2:])
    call.claim((*image.shape[:2], *places, size[0] * size[1]), image.itemsize)
    windows = taps(padded(image, shape.pads, -np.inf), shape, places)
    flat = windows.reshape(*image.shape[:2], size[0] * size[1], *places)
    best = flat.argmax(axis=2)
    rows = np.arange(places[0])[:, None] * shape.stride[0] - shape.pads[0][0] + best // size[1]
    columns = np.arange(places[1]) * shape.stride[1] - shape.pads[1][0] + best % size[1]
    mask = (rows * image.shape[3] + columns).astype(np.int32)
    return {"Out": flat.max(axis=2), "Mask": mask}


def _adaptive_with_index(image: Array, size: tuple[int, int]) -> dict[str, Array]:
    height, width = image.shape[2:]
    out = np.empty((*image.shape[:2], *size), image.dtype)
    mask = np.empty(out.shape, np.int32)
    for row, column in np.ndindex(size):
        top, bottom = row * height // size[0], -(-(row + 1) * height // size[0])
        left, right = column * width // size[1], -(-(column + 1) * width // size[1])
        part = image[:, :, top:bottom, left:right].reshape(*image.shape[:2], -1)
        best = part.argmax(axis=-1)
        out[:, :, row, column] = part.max(axis=-1)
        y, x = np.divmod(best, right - left)
        mask[:, :, row, column] = (y + top) * width + x + left
    return {"Out": out, "Mask": mask}


@kernel("unpool")
def unpool(call: Call) -> Array:
    """Puts each value back where `Indices` says it came from; the rest is zero."""
    image, indices = call.array(), call.array("Indices")
    size = call.ints("output_size")
    if not size:
        kernel_size, stride = pair(call.ints("ksize"), "ksize"), pair(call.ints("strides"), "s")
        pads = pair(tuple(p + 1 for p in call.ints("paddings", (0, 0))), "paddings")
        size = tuple(
            (image.shape[2 + axis] - 1) * stride[axis] - 2 * (pads[axis] - 1) + kernel_size[axis]
            for axis in (0, 1)
        )
    size = size[-2:]
    call.claim((*image.shape[:2], *size), image.itemsize)
    out = np.zeros((image.shape[0] * image.shape[1], size[0] * size[1]), image.dtype)
    flat = indices.reshape(len(out), -1)
    if flat.size and (flat.min() < 0 or flat.max() >= out.shape[1]):
        raise ValueError("an index outside the output")
    np.put_along_axis(out, flat.astype(np.int64), image.reshape(len(out), -1), axis=1)
    return out.reshape(*image.shape[:2], *size)
