"""Cases of detection heads: boxes, suppression, regions."""

import numpy as np
import paddle
from paddle.vision import ops
from pir_cases_math import normal, positive

C = paddle._C_ops


def boxes(*shape):
    corners = np.sort(positive(*shape, 2, 2), axis=-2) * 20
    return corners.reshape(*shape, 4)[..., [0, 1, 2, 3]].astype("float32")


def scores(*shape):
    return positive(*shape)


def many_nms(b, s):
    return C.multiclass_nms3(b, s, None, 0.3, 20, 10, 0.4, True, 1.0, -1)


def matrix_nms(b, s):
    return ops.matrix_nms(b, s, 0.3, 0.2, 20, 10, background_label=-1, return_index=True)


ROIS = np.array([[0, 0, 6, 6], [2, 1, 8, 7], [1, 1, 4, 5]], "float32")

CASES = {
    "multiclass_nms3": (many_nms, {"b": boxes(1, 30), "s": scores(1, 3, 30)}),
    "matrix_nms": (matrix_nms, {"b": boxes(1, 30), "s": scores(1, 3, 30)}),
    "nms": (lambda b: ops.nms(b, 0.3), {"b": boxes(20)}),
    "yolo_box": (
        lambda x, size: ops.yolo_box(x, size, [10, 13, 16, 30], 4, 0.1, 8),
        {"x": normal(1, 18, 5, 5), "size": np.array([[40, 40]], "int32")},
    ),
    "prior_box": (
        lambda x, image: ops.prior_box(
            x, image, [4.0, 8.0], [10.0, 14.0], [1.0, 2.0], flip=True, clip=True
        ),
        {"x": normal(1, 3, 4, 4), "image": normal(1, 3, 32, 32)},
    ),
    "box_coder": (
        lambda prior, target: ops.box_coder(
            prior, [0.1, 0.1, 0.2, 0.2], target, "decode_center_size", True, axis=0
        ),
        {"prior": boxes(6), "target": normal(2, 6, 4)},
    ),
    "box_coder_tensor": (
        lambda prior, variance, target: ops.box_coder(
            prior, variance, target, "encode_center_size"
        ),
        {"prior": boxes(6), "variance": positive(6, 4), "target": boxes(5)},
    ),
    "roi_align": (
        lambda x, rois, count: ops.roi_align(x, rois, count, 3, 0.5, 2),
        {"x": normal(1, 3, 9, 9), "rois": ROIS, "count": np.array([3], "int32")},
    ),
    "roi_pool": (
        lambda x, rois, count: ops.roi_pool(x, rois, count, 3, 0.5),
        {"x": normal(1, 3, 9, 9), "rois": ROIS, "count": np.array([3], "int32")},
    ),
    "psroi_pool": (
        lambda x, rois, count: ops.psroi_pool(x, rois, count, 2, 0.5),
        {"x": normal(1, 8, 9, 9), "rois": ROIS, "count": np.array([3], "int32")},
    ),
    "generate_proposals": (
        lambda s, d, size, anchors, variance: ops.generate_proposals(
            s, d, size, anchors, variance, 30, 10, 0.5, 0.1, return_rois_num=True
        ),
        {
            "s": positive(1, 3, 4, 4),
            "d": normal(1, 12, 4, 4) * np.float32(0.1),
            "size": np.array([[32, 32]], "float32"),
            "anchors": boxes(4, 4, 3),
            "variance": np.ones((4, 4, 3, 4), "float32"),
        },
    ),
    "distribute_proposals": (
        lambda rois, count: (lambda found: [*found[0], found[1], *found[2]])(
            ops.distribute_fpn_proposals(rois, 2, 4, 3, 8, rois_num=count)
        ),
        {"rois": boxes(8), "count": np.array([8], "int32")},
    ),
}
