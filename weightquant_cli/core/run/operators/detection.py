"""Boxes of detectors: priors and anchors, decoding, overlap."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..call import Call
from ..registry import kernel
from ..values import Array
from .special import sigmoid


def _ratios(call: Call) -> list[float]:
    """1, then every aspect ratio that is new, and with `flip` its reciprocal."""
    ratios = [1.0]
    for ratio in call.floats("aspect_ratios", (1.0,)):
        if any(abs(ratio - known) < 1e-6 for known in ratios):
            continue
        ratios.append(ratio)
        if call.flag("flip"):
            ratios.append(1.0 / ratio)
    return ratios


def _steps(call: Call, image: Array, feature: Array) -> tuple[float, float]:
    """Width and height of a cell of the feature map, in pixels of the image."""
    width, height = call.number("step_w", 0.0), call.number("step_h", 0.0)
    if width == 0 or height == 0:
        return image.shape[3] / feature.shape[3], image.shape[2] / feature.shape[2]
    return width, height


def _with_variances(call: Call, boxes: Array) -> dict[str, Array]:
    variances = call.floats("variances", (0.1, 0.1, 0.2, 0.2))
    spread = np.broadcast_to(np.array(variances, np.float32), boxes.shape).copy()
    return {"Boxes": boxes, "Anchors": boxes, "Variances": spread}


@kernel("prior_box", out="Boxes")
def prior_box(call: Call) -> dict[str, Array]:
    """SSD's boxes for each cell, in shares of the image: [rows, columns, boxes, 4]."""
    feature, image = call.array("Input"), call.array("Image")
    step_w, step_h = _steps(call, image, feature)
    offset = call.number("offset", 0.5)
    halves = np.array(_prior_sizes(call), np.float32) / 2
    call.claim((*feature.shape[2:], len(halves), 4))
    x = (np.arange(feature.shape[3], dtype=np.float32) + np.float32(offset)) * np.float32(step_w)
    y = (np.arange(feature.shape[2], dtype=np.float32) + np.float32(offset)) * np.float32(step_h)
    centres = np.stack(np.broadcast_arrays(x[None, :, None], y[:, None, None]), axis=-1)
    size = np.array([image.shape[3], image.shape[2]], np.float32)
    boxes = np.concatenate([(centres - halves) / size, (centres + halves) / size], axis=-1)
    if call.flag("clip"):
        boxes = np.clip(boxes, 0, 1)
    return _with_variances(call, boxes)


def _prior_sizes(call: Call) -> list[tuple[float, float]]:
    """Width and height of each prior, in pixels."""
    largest, ratios = call.floats("max_sizes"), _ratios(call)
    order = call.flag("min_max_aspect_ratios_order")
    sizes: list[tuple[float, float]] = []
    for index, side in enumerate(call.floats("min_sizes")):
        shaped = [(side * math.sqrt(ratio), side / math.sqrt(ratio)) for ratio in ratios]
        between = []
        if largest:
            mean = math.sqrt(side * largest[index])
            between = [(mean, mean)]
        plain = [pair for pair, ratio in zip(shaped, ratios, strict=True) if ratio != 1.0]
        sizes += [(side, side), *between, *plain] if order else [*shaped, *between]
    return sizes


@kernel("density_prior_box", out="Boxes")
def density_prior_box(call: Call) -> dict[str, Array]:
    """Boxes of fixed sizes, several in each cell."""
    feature, image = call.array("Input"), call.array("Image")
    step_w, step_h = _steps(call, image, feature)
    offset = call.number("offset", 0.5)
    average = int((step_w + step_h) * 0.5)
    places = _dense_places(call, average)
    rows, columns = feature.shape[2:]
    call.claim((rows, columns, len(places), 4))
    x = (np.arange(columns) + offset) * step_w
    y = (np.arange(rows) + offset) * step_h
    boxes = np.empty((rows, columns, len(places), 4), np.float32)
    width, height = image.shape[3], image.shape[2]
    for index, (right, down, wide, high) in enumerate(places):
        cx, cy = (x + right)[None, :], (y + down)[:, None]
        boxes[..., index, 0] = np.maximum((cx - wide / 2) / width, 0)
        boxes[..., index, 1] = np.maximum((cy - high / 2) / height, 0)
        boxes[..., index, 2] = np.minimum((cx + wide / 2) / width, 1)
        boxes[..., index, 3] = np.minimum((cy + high / 2) / height, 1)
    if call.flag("clip"):
        boxes = np.clip(boxes, 0, 1)
    results = _with_variances(call, boxes)
    if call.flag("flatten_to_2d"):
        return {slot: array.reshape(-1, 4) for slot, array in results.items()}
    return results


MAX_DENSITY = 64
"""Boxes along a side of a cell."""


def _dense_places(call: Call, average: int) -> list[tuple[float, float, float, float]]:
    """For each box: its centre from the cell's centre (right, down), width, height."""
    places: list[tuple[float, float, float, float]] = []
    sizes, densities = call.floats("fixed_sizes"), call.ints("densities")
    if min(densities, default=1) < 1 or max(densities, default=1) > MAX_DENSITY:
        raise ValueError(f"densities {list(densities)[:5]}")
    for side, density in zip(sizes, densities, strict=True):
        shift = average // density
        first = -average / 2 + shift / 2
        for ratio in call.floats("fixed_ratios"):
            wide, high = side * math.sqrt(ratio), side / math.sqrt(ratio)
            places += [
                (first + column * shift, first + row * shift, wide, high)
                for row in range(density)
                for column in range(density)
            ]
    return places


@kernel("anchor_generator", out="Anchors")
def anchor_generator(call: Call) -> dict[str, Array]:
    """Faster R-CNN's anchors for each cell, in pixels."""
    feature = call.array("Input")
    stride_w, stride_h = call.floats("stride", (16.0, 16.0))
    offset = call.number("offset", 0.5)
    sizes = []
    for ratio in call.floats("aspect_ratios"):
        base_w = _rounded(math.sqrt(stride_w * stride_h / ratio))
        base_h = _rounded(base_w * ratio)
        sizes += [
            (side / stride_w * base_w, side / stride_h * base_h)
            for side in call.floats("anchor_sizes")
        ]
    halves = (np.array(sizes) - 1) / 2
    call.claim((*feature.shape[2:], len(sizes), 4))
    x = np.arange(feature.shape[3]) * stride_w + offset * (stride_w - 1)
    y = np.arange(feature.shape[2]) * stride_h + offset * (stride_h - 1)
    centres = np.stack(np.broadcast_arrays(x[None, :, None], y[:, None, None]), axis=-1)
    boxes = np.concatenate([centres - halves, centres + halves], axis=-1).astype(np.float32)
    return _with_variances(call, boxes)


def _rounded(value: float) -> float:
    return math.floor(value + 0.5)


def centred(boxes: Array, extra: float) -> tuple[Array, Array]:
    """Centres and sizes of boxes (x1, y1, x2, y2); `extra` is 1 where both edges are pixels."""
    size = boxes[..., 2:] - boxes[..., :2] + np.float32(extra)
    return boxes[..., :2] + size / 2, size


@kernel("box_coder", out="OutputBox")
def box_coder(call: Call) -> Array:
    """Boxes relative to priors, or back; [targets, priors, 4]."""
    prior, target = call.array("PriorBox"), call.array("TargetBox")
    kind = call.one_of(
        "code_type", "encode_center_size", ("encode_center_size", "decode_center_size")
    )
    extra = 0.0 if call.flag("box_normalized", True) else 1.0
    variance = call.optional("PriorBoxVar")
    if variance is None:
        given = call.floats("variance")
        variance = np.array(given, np.float32) if given else np.ones(4, np.float32)
    centre, size = centred(prior, extra)
    if kind == "encode_center_size":
        call.claim((len(target), len(prior), 4))
        middle = (target[:, :2] + target[:, 2:]) / 2
        wide = target[:, 2:] - target[:, :2] + np.float32(extra)
        moved = (middle[:, None] - centre) / size
        grown = np.log(np.abs(wide[:, None] / size))
        return np.concatenate([moved, grown], axis=-1) / variance
    if call.integer("axis", 0) == 1 and prior.ndim == 2:
        centre, size = centre[:, None], size[:, None]
        variance = variance[:, None] if variance.ndim == 2 else variance
    scaled = target * variance
    middle = scaled[..., :2] * size + centre
    wide = np.exp(scaled[..., 2:]) * size
    return np.concatenate([middle - wide / 2, middle + wide / 2 - np.float32(extra)], axis=-1)


def overlaps(x: Array, y: Array, extra: float = 0.0, touching: bool = False) -> Array:
    """Intersection over union of boxes [n, 4] and [m, 4]: [n, m].

    `extra` is 1 where both edges are pixels. Boxes without a common point then still overlap if
    less than a pixel lies between them, unless `touching` asks for a common point.
    """
    extra32 = np.float32(extra)
    low = np.maximum(x[:, None, :2], y[None, :, :2])
    high = np.minimum(x[:, None, 2:4], y[None, :, 2:4])
    inside = np.maximum(high - low + extra32, 0).prod(axis=-1)
    if touching:
        inside = np.where((high < low).any(axis=-1), 0, inside)
    areas = [(b[:, 2:4] - b[:, :2] + extra32).prod(axis=-1) for b in (x, y)]
    union = areas[0][:, None] + areas[1][None] - inside
    return np.where((inside > 0) & (union > 0), inside / np.where(union > 0, union, 1), 0)


@kernel("iou_similarity")
def iou_similarity(call: Call) -> Array:
    """Overlap of every box of X with every box of Y."""
    x, y = call.array(), call.array("Y")
    call.claim((len(x), len(y), 4), x.itemsize)
    return overlaps(x, y, 0.0 if call.flag("box_normalized", True) else 1.0)


@kernel("box_clip", out="Output")
def box_clip(call: Call) -> Array:
    """Boxes kept inside their image, whose height, width and scale ImInfo holds."""
    tensor, info = call.tensor("Input"), call.array("ImInfo")
    level: Sequence[int] = tensor.lod[-1] if tensor.lod else (0, len(tensor.array))
    result = tensor.array.copy()
    for image, (start, end) in enumerate(pairwise(level)):
        height, width = (_rounded(float(side / info[image, 2])) - 1 for side in info[image, :2])
        part = result[start:end]
        part[..., 0::2] = np.clip(part[..., 0::2], 0, width)
        part[..., 1::2] = np.clip(part[..., 1::2], 0, height)
    return np.asarray(result)


@kernel("yolo_box", out="Boxes")
def yolo_box(call: Call) -> dict[str, Array]:
    """YOLOv3's boxes in pixels of the image, and their scores; zeros below `conf_thresh`."""
    x, image = call.array(), call.array("ImgSize")
    anchors = np.array(call.ints("anchors"), np.float32).reshape(-1, 2)
    classes, count = call.integer("class_num", 1), len(anchors)
    images, _, rows, columns = x.shape
    aware = call.flag("iou_aware")
    objects = x[:, count:] if aware else x
    cells = objects.reshape(images, count, 5 + classes, rows, columns)
    scale = np.float32(call.number("scale_x_y", 1.0))
    bias = np.float32(-0.5) * (scale - 1)
    stride = call.integer("downsample_ratio", 32)
    confidence = sigmoid(cells[:, :, 4])
    if aware:
        share = np.float32(call.number("iou_aware_factor", 0.5))
        confidence = confidence ** (1 - share) * sigmoid(x[:, :count]) ** share
    kept = confidence >= np.float32(call.number("conf_thresh", 0.01))
    height, width = (image[:, side].astype(np.float32)[:, None, None, None] for side in (0, 1))
    across, down = np.arange(columns, dtype=np.float32), np.arange(rows, dtype=np.float32)[:, None]
    cx = (across + sigmoid(cells[:, :, 0]) * scale + bias) * width / np.float32(columns)
    cy = (down + sigmoid(cells[:, :, 1]) * scale + bias) * height / np.float32(rows)
    wide = np.exp(cells[:, :, 2]) * anchors[:, 0, None, None] * width / (stride * columns)
    high = np.exp(cells[:, :, 3]) * anchors[:, 1, None, None] * height / (stride * rows)
    boxes = np.stack([cx - wide / 2, cy - high / 2, cx + wide / 2, cy + high / 2], axis=-1)
    if call.flag("clip_bbox", True):
        boxes[..., :2] = np.maximum(boxes[..., :2], 0)
        boxes[..., 2] = np.minimum(boxes[..., 2], width - 1)
        boxes[..., 3] = np.minimum(boxes[..., 3], height - 1)
    boxes = np.where(kept[..., None], boxes, 0).astype(x.dtype)
    scores = np.where(kept[:, :, None], confidence[:, :, None] * sigmoid(cells[:, :, 5:]), 0)
    scores = np.moveaxis(scores, 2, -1)
    return {
        "Boxes": boxes.reshape(images, -1, 4),
        "Scores": scores.reshape(images, -1, classes).astype(x.dtype),
    }


@kernel("polygon_box_transform", out="Output")
def polygon_box_transform(call: Call) -> Array:
    """EAST's offsets made coordinates: 4 * column - x, 4 * row - y."""
    x = call.array("Input")
    rows, columns = x.shape[2:]
    result = np.empty_like(x)
    result[:, 0::2] = 4 * np.arange(columns, dtype=x.dtype) - x[:, 0::2]
    result[:, 1::2] = 4 * np.arange(rows, dtype=x.dtype)[:, None] - x[:, 1::2]
    return result
