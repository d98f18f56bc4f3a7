"""Region proposals of two-stage detectors, and their levels in a pyramid."""

from __future__ import annotations

import math

import numpy as np

from ..call import Call
from ..registry import kernel
from ..values import Array, Tensor, offsets
from .nms import suppressed
from .regions import image_offsets

LARGEST_GROWTH = math.log(1000.0 / 16.0)
"""Limit of the logarithm of a box's growth over its anchor."""


@kernel("generate_proposals", "generate_proposals_v2", out="RpnRois", keeps_lod=False)
def generate_proposals(call: Call) -> dict[str, Tensor]:
    """The best boxes of each image: anchors moved by deltas, clipped, filtered, suppressed."""
    scores, deltas = call.array("Scores"), call.array("BboxDeltas")
    anchors = call.array("Anchors").reshape(-1, 4)
    variances = call.optional("Variances")
    spread = None if variances is None else variances.reshape(-1, 4)
    rois, probabilities, counts = [], [], []
    for image in range(len(scores)):
        score = np.moveaxis(scores[image], 0, -1).reshape(-1)
        delta = np.moveaxis(deltas[image].reshape(-1, 4, *deltas.shape[2:]), (0, 1), (2, 3))
        boxes, kept = _proposed(call, image, score, delta.reshape(-1, 4), anchors, spread)
        rois.append(boxes)
        probabilities.append(kept)
        counts.append(len(boxes))
    lod = (offsets(counts),)
    return {
        "RpnRois": Tensor(np.concatenate(rois), lod),
        "RpnRoiProbs": Tensor(np.concatenate(probabilities)[:, None], lod),
        "RpnRoisNum": Tensor(np.array(counts, np.int32)),
    }


def _proposed(
    call: Call, image: int, scores: Array, deltas: Array, anchors: Array, spread: Array | None
) -> tuple[Array, Array]:
    extra = np.float32(1.0 if call.flag("pixel_offset", True) else 0.0)
    first = call.integer("pre_nms_topN", 6000)
    order = np.argsort(-scores, kind="stable")
    order = order[:first] if first > 0 else order
    variance = None if spread is None else spread[order]
    boxes = _moved(anchors[order], deltas[order], variance, extra)
    height, width, scale = _image(call, image)
    boxes[:, 0::2] = np.clip(boxes[:, 0::2], 0, width - extra)
    boxes[:, 1::2] = np.clip(boxes[:, 1::2], 0, height - extra)
    large = _large_enough(call, boxes, (height, width), scale, extra)
    boxes, kept = boxes[large], scores[order][large]
    if not len(boxes):
        return np.zeros((1, 4), np.float32), np.zeros(1, np.float32)
    threshold = call.number("nms_thresh", 0.5)
    if threshold > 0:
        eta = call.number("eta", 1.0)
        chosen = suppressed(boxes, list(range(len(boxes))), threshold, eta, float(extra))
        last = call.integer("post_nms_topN", 1000)
        chosen = chosen[:last] if last > 0 else chosen
        boxes, kept = boxes[chosen], kept[chosen]
    return boxes.astype(np.float32), kept


def _image(call: Call, image: int) -> tuple[np.float32, np.float32, np.float32]:
    """Height, width and scale of an image."""
    if call.has("ImShape"):
        height, width = call.array("ImShape")[image, :2]
        return np.float32(height), np.float32(width), np.float32(1.0)
    height, width, scale = call.array("ImInfo")[image, :3]
    return np.float32(height), np.float32(width), np.float32(scale)


def _moved(anchors: Array, deltas: Array, variances: Array | None, extra: np.float32) -> Array:
    size = anchors[:, 2:] - anchors[:, :2] + extra
    centre = anchors[:, :2] + size * np.float32(0.5)
    if variances is not None:
        deltas = deltas * variances
    centre = deltas[:, :2] * size + centre
    half = np.exp(np.minimum(deltas[:, 2:], np.float32(LARGEST_GROWTH))) * size / 2
    return np.concatenate([centre - half, centre + half - extra], axis=1)


def _large_enough(
    call: Call,
    boxes: Array,
    image: tuple[np.float32, np.float32],
    scale: np.float32,
    extra: np.float32,
) -> Array:
    """Boxes of at least `min_size`, in the original image, whose centre lies inside."""
    least = max(call.number("min_size", 0.1), 1.0)
    sides = boxes[:, 2:] - boxes[:, :2]
    if not extra:
        return np.asarray((sides >= least).all(axis=1))
    real = sides / scale + 1 if call.type == "generate_proposals" else sides + 1
    centre = boxes[:, :2] + (sides + extra) / 2
    inside = (centre[:, 0] <= image[1]) & (centre[:, 1] <= image[0])
    return np.asarray((real >= least).all(axis=1) & inside)


MAX_LEVELS = 64


@kernel("distribute_fpn_proposals", out="MultiFpnRois", keeps_lod=False)
def distribute_fpn_proposals(call: Call) -> dict[str, Tensor | list[Tensor]]:
    """Boxes by the pyramid's level that suits their size, and the way back to their order."""
    tensor = call.tensor("FpnRois")
    low, high = call.integer("min_level", 2), call.integer("max_level", 5)
    if not low <= high < low + MAX_LEVELS:
        raise ValueError(f"levels from {low} to {high}")
    level = image_offsets(call, "FpnRois")
    extra = np.float32(1.0 if call.flag("pixel_offset", True) else 0.0)
    sides = tensor.array[:, 2:] - tensor.array[:, :2] + extra
    areas = np.where((sides < extra).any(axis=1), 0, sides.prod(axis=1))
    ratio = np.sqrt(areas) / np.float32(call.integer("refer_scale", 224))
    chosen = np.floor(np.log2(ratio + np.float32(1e-8)) + call.integer("refer_level", 4))
    chosen = np.clip(chosen, low, high)
    image = np.repeat(np.arange(len(level) - 1), np.diff(level))
    parts, order = [], []
    counts_by_level = []
    for number in range(low, high + 1):
        own = np.flatnonzero(chosen == number)
        counts = np.bincount(image[own], minlength=len(level) - 1).tolist()
        parts.append(Tensor(tensor.array[own], (offsets(counts),)))
        counts_by_level.append(Tensor(np.array(counts, np.int32)))
        order.append(own)
    back = np.argsort(np.concatenate(order), kind="stable").astype(np.int32)
    return {
        "MultiFpnRois": parts,
        "RestoreIndex": Tensor(back[:, None]),
        "MultiLevelRoIsNum": counts_by_level,
    }


@kernel("collect_fpn_proposals", out="FpnRois", keeps_lod=False)
def collect_fpn_proposals(call: Call) -> dict[str, Tensor]:
    """The best boxes of all levels, by image."""
    rois, scores = call.tensors("MultiLevelRois"), call.arrays("MultiLevelScores")
    if call.has("MultiLevelRoIsNum"):
        levels = [offsets(n.reshape(-1).tolist()) for n in call.arrays("MultiLevelRoIsNum")]
    else:
        levels = [one.lod[-1] if one.lod else (0, len(one.array)) for one in rois]
    images = np.concatenate([np.repeat(np.arange(len(v) - 1), np.diff(v)) for v in levels])
    boxes = np.concatenate([one.array for one in rois])
    score = np.concatenate([one.reshape(-1) for one in scores])
    best = np.argsort(-score, kind="stable")[: call.integer("post_nms_topN", 1000)]
    best = best[np.argsort(images[best], kind="stable")]
    counts = np.bincount(images[best], minlength=len(levels[0]) - 1).tolist()
    return {
        "FpnRois": Tensor(boxes[best], (offsets(counts),)),
        "RoisNum": Tensor(np.array(counts, np.int32)),
    }
