"""Boxes of detection heads."""

from __future__ import annotations

RULES = {
    "multiclass_nms3": (
        "multiclass_nms3 | BBoxes Scores RoisNum | Out Index NmsRoisNum | "
        "score_threshold:float nms_top_k:int keep_top_k:int nms_threshold:float "
        "normalized:bool nms_eta:float background_label:int"
    ),
    "matrix_nms": (
        "matrix_nms | BBoxes Scores | Out Index RoisNum | score_threshold:float nms_top_k:int "
        "keep_top_k:int post_threshold:float use_gaussian:bool gaussian_sigma:float "
        "background_label:int normalized:bool"
    ),
    "nms": "nms | Boxes | KeepBoxesIdxs | threshold=iou_threshold:float",
    "yolo_box": (
        "yolo_box | X ImgSize | Boxes Scores | anchors:ints class_num:int conf_thresh:float "
        "downsample_ratio:int clip_bbox:bool scale_x_y:float iou_aware:bool "
        "iou_aware_factor:float"
    ),
    "prior_box": (
        "prior_box | Input Image | Boxes Variances | min_sizes:floats max_sizes:floats "
        "aspect_ratios:floats variances:floats flip:bool clip:bool step_w:float step_h:float "
        "offset:float min_max_aspect_ratios_order:bool"
    ),
    "box_coder": (
        "box_coder | PriorBox PriorBoxVar TargetBox | OutputBox | code_type:str "
        "box_normalized:bool axis:int variance:floats"
    ),
    "anchor_generator": (
        "anchor_generator | Input | Anchors Variances | anchor_sizes:floats "
        "aspect_ratios:floats variances:floats stride:floats offset:float"
    ),
    "generate_proposals": (
        "generate_proposals_v2 | Scores BboxDeltas ImShape Anchors Variances | RpnRois "
        "RpnRoiProbs RpnRoisNum | pre_nms_top_n=pre_nms_topN:int "
        "post_nms_top_n=post_nms_topN:int nms_thresh:float min_size:float eta:float "
        "pixel_offset:bool"
    ),
    "collect_fpn_proposals": (
        "collect_fpn_proposals | MultiLevelRois MultiLevelScores MultiLevelRoIsNum | FpnRois "
        "RoisNum | post_nms_topn=post_nms_topN:int"
    ),
    "distribute_fpn_proposals": (
        "distribute_fpn_proposals | FpnRois RoisNum | MultiFpnRois MultiLevelRoIsNum "
        "RestoreIndex | min_level:int max_level:int refer_level:int refer_scale:int "
        "pixel_offset:bool"
    ),
    "roi_align": (
        "roi_align | X ROIs RoisNum | Out | pooled_height:int pooled_width:int "
        "spatial_scale:float sampling_ratio:int aligned:bool"
    ),
    "roi_pool": (
        "roi_pool | X ROIs RoisNum | Out Argmax | pooled_height:int pooled_width:int "
        "spatial_scale:float"
    ),
    "psroi_pool": (
        "psroi_pool | X ROIs RoisNum | Out | pooled_height:int pooled_width:int "
        "output_channels:int spatial_scale:float"
    ),
    "ctc_align": (
        "ctc_align | Input InputLength | Output OutputLength | blank:int merge_repeated:bool "
        "padding_value:int"
    ),
}
