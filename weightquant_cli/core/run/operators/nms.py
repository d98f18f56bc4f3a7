"""Suppression of boxes that overlap better ones."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..call import Call
from ..registry import kernel
from ..values import Array, Tensor, offsets
from .detection import overlaps

Detection = tuple[int, float, int]
"""Class, score, index of the box within its image."""


@kernel("multiclass_nms", "multiclass_nms2", "multiclass_nms3", keeps_lod=False)
def multiclass_nms(call: Call) -> dict[str, Tensor]:
    """Rows of class, score and box, class by class, the best first; the LoD has them by image."""
    images = _images(call)
    rows: list[Array] = []
    indices: list[int] = []
    counts: list[int] = []
    start = 0
    for boxes, scores in images:
        found = _detect(call, boxes, scores)
        counts.append(len(found))
        for label, score, index in found:
            box = boxes[index] if boxes.ndim == 2 else boxes[index, label]
            rows.append(np.array([label, score, *box], np.float32))
            indices.append(start + index if boxes.ndim == 2 else (start + index) * scores.shape[0]
                           + label)  # fmt: skip
        start += len(boxes)
    return _detections(call, rows, indices, counts, images[0][0].shape[-1])


def _images(call: Call) -> list[tuple[Array, Array]]:
    """For each image its boxes ([m, 4], or by class [m, classes, 4]), and scores [classes, m]."""
    tensor, scores = call.tensor("BBoxes"), call.array("Scores")
    if scores.ndim == 3:
        return list(zip(tensor.array, scores, strict=True))
    if call.has("RoisNum"):
        level = offsets(call.array("RoisNum").reshape(-1).tolist())
    else:
        level = call.lod("BBoxes")[-1]
    return [(tensor.array[start:end], scores[start:end].T) for start, end in pairwise(level)]


def _detections(
    call: Call, rows: list[Array], indices: list[int], counts: list[int], width: int
) -> dict[str, Tensor]:
    """Paddle 1.x gives one row with -1 where nothing was found."""
    out = np.stack(rows) if rows else np.zeros((0, 2 + width), np.float32)
    lod = (offsets(counts),)
    if not rows and call.type == "multiclass_nms":
        out, lod = np.full((1, 1), -1, np.float32), ((0, 1),)
    return {
        "Out": Tensor(out, lod),
        "Index": Tensor(np.array(indices, np.int32).reshape(-1, 1), lod),
        "NmsRoisNum": Tensor(np.array(counts, np.int32)),
        "RoisNum": Tensor(np.array(counts, np.int32)),
    }


def _detect(call: Call, boxes: Array, scores: Array) -> list[Detection]:
    """What is kept of one image: by class, and in each class by falling score."""
    background = call.integer("background_label", 0)
    extra = 0.0 if call.flag("normalized", True) else 1.0
    threshold, eta = call.number("nms_threshold", 0.3), call.number("nms_eta", 1.0)
    found: list[Detection] = []
    for label, row in enumerate(scores):
        if label == background:
            continue
        order = _best(row, call.number("score_threshold"), call.integer("nms_top_k", -1))
        own = boxes if boxes.ndim == 2 else boxes[:, label]
        kept = suppressed(own, order, threshold, eta, extra)
        if boxes.ndim == 3:  # Paddle gives these by index
            kept = sorted(kept)
        found += [(label, float(row[index]), index) for index in kept]
    limit = call.integer("keep_top_k", -1)
    if -1 < limit < len(found):
        best = sorted(found, key=lambda one: -one[1])[:limit]
        found = sorted(best, key=lambda one: one[0])
    return found


def _best(scores: Array, threshold: float, count: int) -> list[int]:
    """Indices of the scores above the threshold, the best first, at most `count`."""
    above = np.flatnonzero(scores > np.float32(threshold))
    order = above[np.argsort(-scores[above], kind="stable")]
    return [int(index) for index in (order[:count] if count > -1 else order)]


def suppressed(
    boxes: Array, order: list[int], threshold: float, eta: float, extra: float
) -> list[int]:
    """Of boxes in order of preference those that overlap no better one above the threshold.

    `eta` below 1 lowers the threshold with each box that is kept, while it is above a half.
    """
    kept: list[int] = []
    for index in order:
        if kept:
            shared = overlaps(boxes[index : index + 1], boxes[kept], extra, touching=True)
            if float(shared.max()) > threshold:
                continue
        kept.append(index)
        if eta < 1 and threshold > 0.5:
            threshold *= eta
    return kept


@kernel("matrix_nms", keeps_lod=False)
def matrix_nms(call: Call) -> dict[str, Tensor]:
    """As multiclass_nms, but scores of boxes that overlap decay (SOLOv2); the best first."""
    boxes, scores = call.array("BBoxes"), call.array("Scores")
    background, limit = call.integer("background_label", 0), call.integer("keep_top_k", -1)
    rows: list[Array] = []
    indices: list[int] = []
    counts: list[int] = []
    for image, (own, by_class) in enumerate(zip(boxes, scores, strict=True)):
        found: list[Detection] = []
        for label, row in enumerate(by_class):
            if label != background:
                found += [(label, score, index) for score, index in _decayed(call, own, row)]
        found = sorted(found, key=lambda one: -one[1])
        found = found[:limit] if limit > -1 else found
        counts.append(len(found))
        for label, score, index in found:
            rows.append(np.array([label, score, *own[index]], np.float32))
            indices.append(image * len(own) + index)
    return _detections(call, rows, indices, counts, boxes.shape[-1])


def _decayed(call: Call, boxes: Array, scores: Array) -> list[tuple[float, int]]:
    """Scores of one class after their decay, and the boxes' indices."""
    order = _best(scores, call.number("score_threshold"), call.integer("nms_top_k", -1))
    if not order:
        return []
    extra = 0.0 if call.flag("normalized", True) else 1.0
    shared = np.tril(overlaps(boxes[order], boxes[order], extra, touching=True), -1)
    largest = shared.max(axis=1)  # with any better box
    if call.flag("use_gaussian"):
        sigma = np.float32(call.number("gaussian_sigma", 2.0))
        decay = np.exp((largest[None] ** 2 - shared**2) * sigma)
    else:
        decay = (1 - shared) / (1 - largest[None])
    decay = np.where(np.tri(len(order), k=-1, dtype=bool), decay, 1).min(axis=1)
    after = decay * scores[order]
    floor = np.float32(call.number("post_threshold", 0.0))
    return [
        (float(score), index) for score, index in zip(after, order, strict=True) if score > floor
    ]
