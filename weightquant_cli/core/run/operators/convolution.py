"""Convolutions through BLAS: one matrix product over gathered windows, in blocks of rows."""

from __future__ import annotations

import numpy as np

from ..call import Call, Unsupported
from ..registry import kernel
from ..values import Array
from .depthwise import depthwise
from .windows import Window, explicit_pads, padded, pair, taps, transposed_places, window

BLOCK_BYTES = 2 << 20
"""Bytes of windows gathered for one matrix product: they should stay in the cache."""


@kernel("conv2d", "depthwise_conv2d", out="Output")
def conv2d(call: Call) -> Array:
    """Output[n, o, y, x] = sum over i, u, v of Filter[o, i, u, v] * Input[n, i, y + u, x + v]."""
    image, weight, last = call.array("Input"), call.array("Filter"), channels_last(call)
    if last:
        image = np.ascontiguousarray(np.moveaxis(image, -1, 1))
    if image.ndim != 4 or weight.ndim != 4:
        raise ValueError("conv2d needs four axes")
    groups = max(call.integer("groups", 1), 1)
    if weight.shape[1] * groups != image.shape[1] or weight.shape[0] % groups:
        raise ValueError(f"{groups} groups")
    shape = window(call, (weight.shape[2], weight.shape[3]), image.shape[2:])
    places = shape.places(image.shape[2:])
    call.claim((image.shape[0], weight.shape[0], *places), image.itemsize)
    result = convolve(image, weight, shape, groups, places)
    result = _finish(call, result)
    return np.moveaxis(result, 1, -1) if last else result


def convolve(
    image: Array, weight: Array, shape: Window, groups: int, places: tuple[int, int]
) -> Array:
    """The convolution alone: image [n, c, h, w], weight [o, c / groups, kh, kw]."""
    if weight.shape[1] == 1 and groups > 1:
        return depthwise(image, weight, shape, places)
    if shape.pointwise and groups == 1:
        flat = image.reshape(*image.shape[:2], -1)
        return np.asarray(
            np.matmul(weight.reshape(len(weight), -1), flat).reshape(
                len(image), len(weight), *places
            )
        )
    whole = padded(image, shape.pads)
    count = len(weight) // groups
    result = np.empty((len(image), len(weight), *places), image.dtype)
    for index in range(groups):
        part = slice(index * count, (index + 1) * count)
        inputs = slice(index * weight.shape[1], (index + 1) * weight.shape[1])
        for source, target in zip(whole, result, strict=True):
            _product(source[inputs], weight[part], shape, target[part])
    return result


def _product(image: Array, weight: Array, shape: Window, out: Array) -> None:
    """One image [c, h, w] of one group, into `out` [o, rows, columns]."""
    places = (out.shape[1], out.shape[2])
    windows = taps(image, shape, places)
    matrix = weight.reshape(len(weight), -1)
    depth = matrix.shape[1]
    rows = max(1, BLOCK_BYTES // (depth * places[1] * image.itemsize))
    buffer = np.empty(depth * min(rows, places[0]) * places[1], image.dtype)
    flat = out.reshape(len(out), -1)
    for start in range(0, places[0], rows):
        block = windows[..., start : start + rows, :]
        gathered = buffer[: block.size].reshape(block.shape)
        np.copyto(gathered, block)
        first, last = start * places[1], (start + block.shape[-2]) * places[1]
        if len(weight) == 1 or (first, last) == (0, flat.shape[1]):
            np.matmul(matrix, gathered.reshape(depth, -1), out=flat[:, first:last])
        else:
            flat[:, first:last] = matrix @ gathered.reshape(depth, -1)


@kernel("conv2d_transpose", "depthwise_conv2d_transpose", out="Output")
def conv2d_transpose(call: Call) -> Array:
    """The gradient of a convolution with respect to its input; Filter is [in, out / groups, ...].

    Each input pixel adds its weighted kernel to the output, `strides` apart.
    """
    image, weight, last = call.array("Input"), call.array("Filter"), channels_last(call)
    if last:
        image = np.ascontiguousarray(np.moveaxis(image, -1, 1))
    groups = max(call.integer("groups", 1), 1)
    if weight.shape[0] != image.shape[1] or weight.shape[0] % groups:
        raise ValueError(f"{groups} groups")
    shape = window(call, (weight.shape[2], weight.shape[3]), image.shape[2:])
    size = transposed_places(call, shape, image.shape[2:])
    call.claim((image.shape[0], weight.shape[1] * groups, *size), image.itemsize)
    result = _scatter(image, weight, shape, groups, size)
    result = _finish(call, result)
    return np.moveaxis(result, 1, -1) if last else result


def _scatter(
    image: Array, weight: Array, shape: Window, groups: int, size: tuple[int, int]
) -> Array:
    count, (rows, columns) = len(image), image.shape[2:]
    (top, _), (left, _) = shape.pads
    covered = shape.covered((rows, columns))
    canvas_size = (max(covered[0], size[0] + top), max(covered[1], size[1] + left))
    canvas = np.zeros((count, weight.shape[1] * groups, *canvas_size), image.dtype)
    for group in range(groups):
        inputs = np.array_split(np.arange(len(weight)), groups)[group]
        matrix = weight[inputs[0] : inputs[-1] + 1].reshape(len(inputs), -1).T
        source = image[:, inputs[0] : inputs[-1] + 1].reshape(count, len(inputs), -1)
        spread = np.matmul(matrix, source)
        spread = spread.reshape(count, *weight.shape[1:], rows, columns)
        target = canvas[:, group * weight.shape[1] : (group + 1) * weight.shape[1]]
        for down in range(shape.size[0]):
            for right in range(shape.size[1]):
                y, x = down * shape.dilation[0], right * shape.dilation[1]
                target[
                    ...,
                    y : y + (rows - 1) * shape.stride[0] + 1 : shape.stride[0],
                    x : x + (columns - 1) * shape.stride[1] + 1 : shape.stride[1],
                ] += spread[:, :, down, right]
    return canvas[:, :, top : top + size[0], left : left + size[1]]


def channels_last(call: Call) -> bool:
    """Whether the image is [n, h, w, c]."""
    layout = call.one_of("data_format", "NCHW", ("NCHW", "NHWC", "AnyLayout", ""))
    return layout == "NHWC"


def _finish(call: Call, result: Array) -> Array:
    """Bias, residual and activation of the fused spellings."""
    bias = call.optional("Bias")
    if bias is not None:
        result += bias.reshape(-1, 1, 1)
    residual = call.optional("ResidualData")
    if residual is not None:
        result += residual
    activation = call.text("fuse_activation", "") or call.text("activation", "")
    if call.flag("fuse_relu") or activation == "relu":
        return np.maximum(result, 0)
    if call.flag("fuse_brelu") or activation == "relu6":
        return np.clip(result, 0, call.number("fuse_brelu_threshold", 6.0))
    if activation not in ("", "identity"):
        raise Unsupported(f"the activation {activation} inside {call.type}")
    return result


@kernel("deformable_conv", "deformable_conv_v1", out="Output")
def deformable_conv(call: Call) -> Array:
    """A convolution whose taps are moved by Offset, and weighted by Mask where there is one.

    Offset is [n, 2 * deformable_groups * kh * kw, rows, columns], dy before dx for each tap.
    Between pixels the input is interpolated linearly; outside it is zero.
    """
    image, weight, offset = call.array("Input"), call.array("Filter"), call.array("Offset")
    groups, parts = max(call.integer("groups", 1), 1), max(call.integer("deformable_groups", 1), 1)
    pads = explicit_pads(call.ints("paddings", (0, 0)))
    stride, dilation = (
        pair(call.ints("strides", (1, 1)), "strides"),
        pair(call.ints("dilations", (1, 1)), "dilations"),
    )
    kernel_size = (weight.shape[2], weight.shape[3])
    shape = Window(kernel_size, stride, dilation, pads)
    rows, columns = shape.places(image.shape[2:])
    count, points = len(image), kernel_size[0] * kernel_size[1]
    call.claim((count, image.shape[1], points, rows, columns))
    moved = offset.reshape(count, parts, points, 2, rows, columns)
    mask = call.optional("Mask")
    weights = None if mask is None else mask.reshape(count, parts, points, rows, columns)
    down, right = np.divmod(np.arange(points), kernel_size[1])
    y0 = (down * dilation[0] - pads[0][0])[:, None, None] + (np.arange(rows) * stride[0])[:, None]
    x0 = (right * dilation[1] - pads[1][0])[:, None, None] + np.arange(columns) * stride[1]
    result = np.empty((count, len(weight), rows, columns), image.dtype)
    matrix = weight.reshape(groups, len(weight) // groups, -1)
    for n in range(count):
        channels = np.split(image[n], parts)
        gathered = np.concatenate(
            [
                _sampled(channels[part], y0 + moved[n, part, :, 0], x0 + moved[n, part, :, 1])
                * (1 if weights is None else weights[n, part])
                for part in range(parts)
            ]
        ).reshape(groups, -1, rows * columns)
        result[n] = np.matmul(matrix, gathered.astype(image.dtype)).reshape(result[n].shape)
    return result


def _sampled(image: Array, y: Array, x: Array) -> Array:
    """Values of the image [c, h, w] between its pixels; zero outside."""
    height, width = image.shape[1:]
    top, left = np.floor(y).astype(np.int64), np.floor(x).astype(np.int64)
    total = np.zeros((len(image), *y.shape), np.float32)
    for down in (0, 1):
        for right in (0, 1):
            row, column = top + down, left + right
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            share = (1 - np.abs(y - row)) * (1 - np.abs(x - column)) * inside
            row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
            total += image[:, row, column] * share
    outside = (y <= -1) | (x <= -1) | (y >= height) | (x >= width)
    return np.where(outside, np.float32(0), total)
