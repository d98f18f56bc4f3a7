"""Cases of Paddle 2.6.2: pooling, resizing, and the operators of detectors."""

import numpy as np
import paddle
import paddle.nn.functional as F
from paddle.vision import ops

CASES = {}


def put(name, case):
    assert name not in CASES, name
    CASES[name] = case


IMAGE = (1, 4, 8, 8)
DYNAMIC = (-1, 4, -1, -1)
put("max_pool2d", lambda b: F.max_pool2d(b.f(*IMAGE), 2))
put("max_pool2d/padding", lambda b: F.max_pool2d(b.f(*IMAGE), 3, stride=2, padding=1))
put("max_pool2d/ceil", lambda b: F.max_pool2d(b.f(*IMAGE), 3, stride=2, ceil_mode=True))
put("max_pool2d/dynamic", lambda b: F.max_pool2d(b.f(*IMAGE, spec=DYNAMIC), 2))
put("max_pool2d/same", lambda b: F.max_pool2d(b.f(*IMAGE), 3, stride=2, padding="SAME"))
put("max_pool2d/mask", lambda b: F.max_pool2d(b.f(*IMAGE), 2, return_mask=True))
put("avg_pool2d", lambda b: F.avg_pool2d(b.f(*IMAGE), 2))
put("avg_pool2d/padding", lambda b: F.avg_pool2d(b.f(*IMAGE), 3, stride=2, padding=1))
put(
    "avg_pool2d/inclusive",
    lambda b: F.avg_pool2d(b.f(*IMAGE), 3, stride=2, padding=1, exclusive=False),
)
put("adaptive_avg_pool2d/1", lambda b: F.adaptive_avg_pool2d(b.f(*IMAGE), 1))
put("adaptive_avg_pool2d/3", lambda b: F.adaptive_avg_pool2d(b.f(*IMAGE), 3))
put("adaptive_avg_pool2d/dynamic", lambda b: F.adaptive_avg_pool2d(b.f(*IMAGE, spec=DYNAMIC), 1))
put("adaptive_max_pool2d", lambda b: F.adaptive_max_pool2d(b.f(*IMAGE), 2))
put("max_pool1d", lambda b: F.max_pool1d(b.f(1, 4, 8), 2))
put("avg_pool1d", lambda b: F.avg_pool1d(b.f(1, 4, 8), 2))
put("max_pool3d", lambda b: F.max_pool3d(b.f(1, 2, 4, 4, 4), 2))
for mode in ("nearest", "bilinear", "bicubic"):
    put(
        "interpolate/" + mode,
        lambda b, mode=mode: F.interpolate(b.f(*IMAGE), scale_factor=2, mode=mode),
    )
    put(
        "interpolate/%s_size" % mode,
        lambda b, mode=mode: F.interpolate(b.f(*IMAGE), size=[12, 12], mode=mode),
    )
put(
    "interpolate/bilinear_corners",
    lambda b: F.interpolate(b.f(*IMAGE), size=[12, 12], mode="bilinear", align_corners=True),
)
put(
    "interpolate/bilinear_mode0",
    lambda b: F.interpolate(b.f(*IMAGE), size=[12, 12], mode="bilinear", align_mode=1),
)
put(
    "interpolate/nearest_dynamic",
    lambda b: F.interpolate(b.f(*IMAGE, spec=DYNAMIC), scale_factor=2, mode="nearest"),
)
put(
    "interpolate/bilinear_tensor",
    lambda b: F.interpolate(
        b.f(*IMAGE, spec=DYNAMIC),
        size=paddle.shape(b.f(1, 4, 10, 10, spec=DYNAMIC))[2:],
        mode="bilinear",
    ),
)
put(
    "interpolate/linear",
    lambda b: F.interpolate(b.f(1, 4, 8), size=[16], mode="linear", data_format="NCW"),
)
put(
    "interpolate/trilinear",
    lambda b: F.interpolate(
        b.f(1, 2, 4, 4, 4), size=[8, 8, 8], mode="trilinear", data_format="NCDHW"
    ),
)
put("upsample", lambda b: F.upsample(b.f(*IMAGE), scale_factor=2))
put("pixel_shuffle", lambda b: F.pixel_shuffle(b.f(*IMAGE), 2))
put("pixel_unshuffle", lambda b: F.pixel_unshuffle(b.f(*IMAGE), 2))
put("channel_shuffle", lambda b: F.channel_shuffle(b.f(*IMAGE), 2))
put("shuffle_channel", lambda b: b.raw("shuffle_channel", {"X": b.f(*IMAGE)}, {"group": 2}))
put("grid_sample", lambda b: F.grid_sample(b.f(*IMAGE), b.f(1, 5, 5, 2, low=-0.9, high=0.9)))
put(
    "grid_sample/nearest",
    lambda b: F.grid_sample(b.f(*IMAGE), b.f(1, 5, 5, 2, low=-0.9, high=0.9), mode="nearest"),
)
put(
    "grid_sample/corners",
    lambda b: F.grid_sample(
        b.f(*IMAGE), b.f(1, 5, 5, 2, low=-0.9, high=0.9), align_corners=False, padding_mode="border"
    ),
)
put("affine_grid", lambda b: F.affine_grid(b.f(1, 2, 3), [1, 4, 5, 5]))
put("temporal_shift", lambda b: F.temporal_shift(b.f(4, 4, 4, 4), 2))
put("label_smooth", lambda b: F.label_smooth(b.f(2, 4)))


def boxes(b, count=6):
    corner = b.rng.uniform(0, 4, (count, 2))
    size = b.rng.uniform(1, 4, (count, 2))
    return b.put(np.concatenate([corner, corner + size], 1).astype("float32"))


def score_boxes(b):
    corner = b.rng.uniform(0, 4, (1, 6, 2))
    size = b.rng.uniform(1, 4, (1, 6, 2))
    return b.put(np.concatenate([corner, corner + size], 2).astype("float32"))


put(
    "yolo_box",
    lambda b: ops.yolo_box(
        b.f(1, 14, 4, 4), b.put(np.array([[32, 32]], "int32")), [10, 13, 16, 30], 2, 0.01, 8
    ),
)
put(
    "yolo_box/iou_aware",
    lambda b: ops.yolo_box(
        b.f(1, 16, 4, 4),
        b.put(np.array([[32, 32]], "int32")),
        [10, 13, 16, 30],
        2,
        0.01,
        8,
        iou_aware=True,
    ),
)
put(
    "prior_box",
    lambda b: ops.prior_box(b.f(1, 4, 4, 4), b.f(1, 3, 32, 32), [8.0], [16.0], [2.0], flip=True),
)
put(
    "box_coder",
    lambda b: ops.box_coder(
        boxes(b), [0.1, 0.1, 0.2, 0.2], b.f(6, 6, 4), "decode_center_size", axis=0
    ),
)
put(
    "roi_align", lambda b: ops.roi_align(b.f(*IMAGE), boxes(b, 3), b.put(np.array([3], "int32")), 2)
)
put("roi_pool", lambda b: ops.roi_pool(b.f(*IMAGE), boxes(b, 3), b.put(np.array([3], "int32")), 2))
put("nms", lambda b: ops.nms(boxes(b), 0.5))
put(
    "deform_conv2d",
    lambda b: ops.deform_conv2d(b.f(1, 4, 6, 6), b.f(1, 18, 4, 4), b.weight(8, 4, 3, 3)),
)
put(
    "deform_conv2d/mask",
    lambda b: ops.deform_conv2d(
        b.f(1, 4, 6, 6), b.f(1, 18, 4, 4), b.weight(8, 4, 3, 3), mask=b.f(1, 9, 4, 4)
    ),
)
put(
    "distribute_fpn",
    lambda b: (
        ops.distribute_fpn_proposals(boxes(b), 2, 4, 3, 8, rois_num=b.put(np.array([6], "int32")))[
            0
        ][0]
        * 1.0
    ),
)
put(
    "generate_proposals",
    lambda b: ops.generate_proposals(
        b.f(1, 3, 4, 4),
        b.f(1, 12, 4, 4),
        b.put(np.array([[32.0, 32.0]], "float32")),
        b.f(4, 4, 3, 4, low=0, high=9),
        b.f(4, 4, 3, 4, low=0.1, high=0.2),
        pre_nms_top_n=20,
        post_nms_top_n=5,
        return_rois_num=True,
    )[0],
)
put(
    "matrix_nms",
    lambda b: ops.matrix_nms(score_boxes(b), b.f(1, 3, 6, low=0, high=1), 0.1, 0.05, 6, 4)[0],
)
NMS = {
    "background_label": 0,
    "score_threshold": 0.1,
    "nms_top_k": 6,
    "nms_threshold": 0.3,
    "nms_eta": 1.0,
    "keep_top_k": 4,
    "normalized": True,
}
put(
    "multiclass_nms3",
    lambda b: b.raw(
        "multiclass_nms3",
        {"BBoxes": score_boxes(b), "Scores": b.f(1, 3, 6, low=0, high=1)},
        NMS,
        (("Out", "float32"), ("Index", "int32"), ("NmsRoisNum", "int32")),
    )[0],
)
put(
    "multiclass_nms",
    lambda b: b.raw(
        "multiclass_nms", {"BBoxes": score_boxes(b), "Scores": b.f(1, 3, 6, low=0, high=1)}, NMS
    ),
)
put(
    "viterbi_decode",
    lambda b: paddle.text.viterbi_decode(
        b.f(2, 4, 3), b.weight(3, 3), b.put(np.array([4, 4])), False
    ),
)
