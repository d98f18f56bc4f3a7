"""Cases of detectors: boxes, suppression, regions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tests.oracles.jobs import Array
from weightquant_cli.core.run import Tensor

from .cases_images import Random, floats
from .operator_runs import Case


def boxes(rng: Random, *shape: int, scale: float = 1.0) -> Array:
    corner = rng.uniform(0, 0.7, (*shape, 2))
    size = rng.uniform(0.05, 0.4, (*shape, 2))
    return (scale * np.concatenate([corner, corner + size], axis=-1)).astype("float32")


def priors(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    inputs = {"Input": floats(rng, 1, 2, 3, 4), "Image": floats(rng, 1, 3, 30, 50)}
    both = {"Boxes": 1, "Variances": 1}
    for number in range(4):
        attributes = {
            "min_sizes": [4.0, 8.0],
            "max_sizes": [] if number == 1 else [9.0, 12.0],
            "aspect_ratios": [1.0, 2.0, 3.0] if number else [2.0],
            "variances": [0.1, 0.1, 0.2, 0.2],
            "flip": number != 2,
            "clip": number == 3,
            "min_max_aspect_ratios_order": number == 3,
            "offset": 0.5,
        }
        for paddle in ("1.8.5", "2.6.2"):
            yield Case("prior_box", inputs, attributes, both, paddle)
    attributes = {"fixed_sizes": [8.0, 16.0], "fixed_ratios": [1.0, 2.0], "densities": [2, 1],
                  "variances": [0.1, 0.1, 0.2, 0.2], "clip": True, "offset": 0.5}  # fmt: skip
    yield Case("density_prior_box", inputs, attributes, both, "1.8.5")
    attributes = {"anchor_sizes": [32.0, 64.0], "aspect_ratios": [0.5, 1.0, 2.0],
                  "variances": [0.1, 0.1, 0.2, 0.2], "offset": 0.5,
                  "stride": [16.0, 16.0]}  # fmt: skip
    both = {"Anchors": 1, "Variances": 1}
    yield Case("anchor_generator", {"Input": floats(rng, 1, 2, 3, 4)}, attributes, both, "1.8.5")


def coders(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    variance = np.full((5, 4), 0.2, np.float32)
    out = {"OutputBox": 1}
    for normalized in (True, False):
        inputs = {"PriorBox": boxes(rng, 5), "PriorBoxVar": variance, "TargetBox": boxes(rng, 3)}
        attributes = {"code_type": "encode_center_size", "box_normalized": normalized}
        yield Case("box_coder", inputs, attributes, out)
        for axis in (0, 1):
            target = floats(rng, 3, 5, 4) if axis == 0 else floats(rng, 5, 3, 4)
            inputs = {"PriorBox": boxes(rng, 5), "PriorBoxVar": variance, "TargetBox": target}
            attributes = {"code_type": "decode_center_size", "box_normalized": normalized,
                          "axis": axis}  # fmt: skip
            yield Case("box_coder", inputs, attributes, out)
    inputs = {"PriorBox": boxes(rng, 5), "TargetBox": floats(rng, 3, 5, 4)}
    attributes = {"code_type": "decode_center_size", "variance": [0.1, 0.1, 0.2, 0.2]}
    yield Case("box_coder", inputs, attributes, out)
    inputs = {"X": boxes(rng, 4), "Y": boxes(rng, 6)}
    yield Case("iou_similarity", inputs, {"box_normalized": True})
    inputs = {"Input": Tensor(boxes(rng, 5, scale=100), ((0, 2, 5),)),
              "ImInfo": np.array([[40, 60, 1], [50, 80, 2]], np.float32)}  # fmt: skip
    yield Case("box_clip", inputs, {}, {"Output": 1}, "1.8.5")
    x = np.concatenate([floats(rng, 2, 2, 3, 4), floats(rng, 2, 14, 3, 4)], axis=1)
    size = np.array([[90, 120], [60, 70]], np.int32)
    attributes = {"anchors": [10, 13, 16, 30], "class_num": 2, "conf_thresh": 0.4,
                  "downsample_ratio": 32, "clip_bbox": True, "scale_x_y": 1.1}  # fmt: skip
    both = {"Boxes": 1, "Scores": 1}
    yield Case("yolo_box", {"X": x[:, 2:], "ImgSize": size}, attributes, both)
    square = floats(rng, 2, 14, 3, 3)
    yield Case("yolo_box", {"X": square, "ImgSize": size}, attributes, both, "1.8.5")
    aware = {**attributes, "iou_aware": True, "iou_aware_factor": 0.4}
    yield Case("yolo_box", {"X": x, "ImgSize": size}, aware, both)
    yield Case("polygon_box_transform", {"Input": floats(rng, 1, 8, 3, 4)}, {}, {"Output": 1},
               "1.8.5")  # fmt: skip


def suppression(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    scores = rng.random((2, 4, 30), np.float32)
    scores /= scores.sum(axis=1, keepdims=True)
    inputs = {"BBoxes": boxes(rng, 2, 30), "Scores": scores}
    base = {"background_label": 0, "score_threshold": 0.1, "nms_top_k": 20, "nms_threshold": 0.4,
            "nms_eta": 1.0, "keep_top_k": 15, "normalized": True}  # fmt: skip
    for change in (
        {}, {"keep_top_k": -1}, {"normalized": False}, {"nms_eta": 0.9, "nms_threshold": 0.8},
        {"background_label": -1}, {"score_threshold": 2.0},
    ):  # fmt: skip
        attributes = {**base, **change}
        yield Case("multiclass_nms", inputs, attributes, paddle="1.8.5")
        both = {"Out": 1, "Index": 1}
        types = {"Index": "int32"}
        if "score_threshold" not in change:
            yield Case("multiclass_nms2", inputs, attributes, both, "1.8.5", dtypes=types)
        three = {**both, "NmsRoisNum": 1}
        types = {"Index": "int32", "NmsRoisNum": "int32"}
        yield Case("multiclass_nms3", inputs, attributes, three, dtypes=types)
    by_class = Tensor(boxes(rng, 12, 3), ((0, 5, 12),))
    own = Tensor(rng.random((12, 3), np.float32), ((0, 5, 12),))
    yield Case("multiclass_nms", {"BBoxes": by_class, "Scores": own}, base, paddle="1.8.5")
    base = {"background_label": 0, "score_threshold": 0.1, "post_threshold": 0.05,
            "nms_top_k": 20, "keep_top_k": 15, "normalized": True}  # fmt: skip
    for change in ({}, {"use_gaussian": True, "gaussian_sigma": 2.0}, {"normalized": False}):
        slots = {"Out": 1, "Index": 1, "RoisNum": 1}
        types = {"Index": "int32", "RoisNum": "int32"}
        yield Case("matrix_nms", inputs, {**base, **change}, slots, dtypes=types)


def regions(rng: Random) -> Iterator[Case]:
    inputs: Any
    attributes: Any
    image = floats(rng, 2, 3, 12, 14)
    rois = boxes(rng, 5, scale=40)
    for aligned in (True, False):
        for ratio in (-1, 2):
            inputs = {"X": image, "ROIs": rois, "RoisNum": np.array([2, 3], np.int32)}
            attributes = {"pooled_height": 3, "pooled_width": 2, "spatial_scale": 0.3,
                          "sampling_ratio": ratio, "aligned": aligned}  # fmt: skip
            yield Case("roi_align", inputs, attributes)
    inputs = {"X": image, "ROIs": Tensor(rois, ((0, 2, 5),))}
    attributes = {"pooled_height": 3, "pooled_width": 2, "spatial_scale": 0.3}
    yield Case("roi_align", inputs, attributes, paddle="1.8.5")
    yield Case("roi_pool", inputs, attributes, paddle="1.8.5", others=("Argmax",),
               dtypes={"Argmax": "int64"})  # fmt: skip
    inputs = {
        "Scores": rng.random((2, 3, 4, 5), np.float32),
        "BboxDeltas": 0.3 * floats(rng, 2, 12, 4, 5),
        "Anchors": boxes(rng, 4, 5, 3, scale=60),
        "Variances": np.full((4, 5, 3, 4), 1.0, np.float32),
    }
    attributes = {"pre_nms_topN": 40, "post_nms_topN": 10, "nms_thresh": 0.5, "min_size": 2.0,
                  "eta": 1.0}  # fmt: skip
    two = {"RpnRois": 1, "RpnRoiProbs": 1}
    info = {**inputs, "ImInfo": np.array([[50, 60, 1], [40, 44, 2]], np.float32)}
    yield Case("generate_proposals", info, attributes, two, "1.8.5")
    shape = {**inputs, "ImShape": np.array([[50, 60], [40, 44]], np.float32)}
    three = {**two, "RpnRoisNum": 1}
    for offset in (True, False):
        types = {"RpnRoisNum": "int32"}
        yield Case("generate_proposals_v2", shape, {**attributes, "pixel_offset": offset}, three,
                   dtypes=types)  # fmt: skip
    many = Tensor(boxes(rng, 20, scale=900), ((0, 8, 20),))
    attributes = {"min_level": 2, "max_level": 5, "refer_level": 4, "refer_scale": 224}
    slots = {"MultiFpnRois": 4, "RestoreIndex": 1}
    types = {"RestoreIndex": "int32"}
    yield Case("distribute_fpn_proposals", {"FpnRois": many}, attributes, slots, "1.8.5",
               dtypes=types)  # fmt: skip
    levels = [Tensor(boxes(rng, 6), ((0, 2, 6),)), Tensor(boxes(rng, 5), ((0, 3, 5),))]
    scores = [Tensor(rng.random((n, 1), np.float32), t.lod) for n, t in zip((6, 5), levels,
                                                                          strict=True)]  # fmt: skip
    inputs = {"MultiLevelRois": levels, "MultiLevelScores": scores}
    yield Case("collect_fpn_proposals", inputs, {"post_nms_topN": 7}, {"FpnRois": 1}, "1.8.5")
