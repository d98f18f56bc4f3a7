"""Features of regions of interest: pooled, or sampled between pixels."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..call import Call
from ..registry import kernel
from ..values import Array, offsets
from .windows import pair


def image_offsets(call: Call, slot: str) -> Sequence[int]:
    """Where the regions of each image begin and end: from RoisNum, or else from their LoD."""
    if call.has("RoisNum"):
        return offsets(call.array("RoisNum").reshape(-1).tolist())
    tensor = call.tensor(slot)
    return tensor.lod[-1] if tensor.lod else (0, len(tensor.array))


def _by_image(call: Call) -> list[tuple[int, Array]]:
    """Each region with the index of its image."""
    tensor, level = call.tensor("ROIs"), image_offsets(call, "ROIs")
    images = call.array().shape[0]
    if len(level) - 1 > images:
        raise ValueError(f"regions of {len(level) - 1} images, and {images} images")
    return [
        (image, region)
        for image, (start, end) in enumerate(pairwise(level))
        for region in tensor.array[start:end]
    ]


MAX_SAMPLES = 1 << 14
"""Bins of a region, and sampling points along a side: far more than an image has pixels."""


def _size(call: Call) -> tuple[int, int]:
    size = pair((call.integer("pooled_height", 1), call.integer("pooled_width", 1)), "pooled size")
    if size[0] * size[1] > MAX_SAMPLES:
        raise ValueError(f"{size} bins of one region")
    return size


@kernel("roi_align")
def roi_align(call: Call) -> Array:
    """Means of values sampled linearly at regular points of each bin."""
    image, regions = call.array(), _by_image(call)
    size = _size(call)
    call.claim((len(regions), image.shape[1], *size), image.itemsize)
    out = np.empty((len(regions), image.shape[1], *size), image.dtype)
    scale, aligned = call.number("spatial_scale", 1.0), call.flag("aligned")
    ratio = call.integer("sampling_ratio", -1)
    for target, (index, region) in zip(out, regions, strict=True):
        corner = region.astype(np.float64) * scale - (0.5 if aligned else 0.0)
        wide, high = corner[2] - corner[0], corner[3] - corner[1]
        if not aligned:
            wide, high = max(wide, 1.0), max(high, 1.0)
        counts = [
            ratio if ratio > 0 else int(np.ceil(side / bins))
            for side, bins in ((high, size[0]), (wide, size[1]))
        ]
        if max(counts) * max(size) > MAX_SAMPLES:
            raise ValueError("a region far larger than the image")
        rows = _points(corner[1], high, size[0], counts[0], image.shape[2])
        columns = _points(corner[0], wide, size[1], counts[1], image.shape[3])
        target[...] = np.einsum("rh,chw,kw->crk", rows, image[index], columns, optimize=True)
    return out


def _points(start: float, side: float, bins: int, count: int, length: int) -> Array:
    """[bins, length]: the share of each pixel in the mean over the points of each bin."""
    weights = np.zeros((bins, length), np.float32)
    if count < 1:
        return weights
    step = side / bins / count
    places = start + (np.arange(bins * count) + 0.5) * step
    for number, place in enumerate(places):
        if place < -1 or place > length:
            continue
        place = max(place, 0.0)
        low = min(int(place), length - 1)
        high = min(low + 1, length - 1)
        share = place - low if low < length - 1 else 0.0
        weights[number // count, low] += (1 - share) / count
        weights[number // count, high] += share / count
    return weights


@kernel("roi_pool")
def roi_pool(call: Call) -> Array:
    """The largest value of each bin; zero where a bin is empty."""
    image, regions = call.array(), _by_image(call)
    size = _size(call)
    call.claim((len(regions), image.shape[1], *size), image.itemsize)
    out = np.zeros((len(regions), image.shape[1], *size), image.dtype)
    scale = np.float32(call.number("spatial_scale", 1.0))
    for target, (index, region) in zip(out, regions, strict=True):
        left, top, right, bottom = (int(np.floor(edge * scale + 0.5)) for edge in region)
        rows = _bins(top, bottom, size[0], image.shape[2])
        columns = _bins(left, right, size[1], image.shape[3])
        for row, (y0, y1) in enumerate(rows):
            for column, (x0, x1) in enumerate(columns):
                if y0 < y1 and x0 < x1:
                    target[:, row, column] = image[index, :, y0:y1, x0:x1].max(axis=(1, 2))
    return out


def _bins(start: int, end: int, count: int, length: int) -> list[tuple[int, int]]:
    step = max(end - start + 1, 1) / count
    edges = [
        (int(np.floor(bin * step)) + start, int(np.ceil((bin + 1) * step)) + start)
        for bin in range(count)
    ]
    return [(min(max(a, 0), length), min(max(b, 0), length)) for a, b in edges]
