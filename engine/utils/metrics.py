"""Public index: overlap, average precision, confusion."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "AveragePrecision": "engine.metrics.measures",
        "ap_per_class": "engine.metrics.average_precision",
        "ConfusionMatrix": "engine.metrics.confusion",
        "DetectionMetrics": "engine.metrics.detection",
        "match_predictions": "engine.metrics.matching",
        "OBBMetrics": "engine.metrics.obb",
        "SegmentationMetrics": "engine.metrics.segmentation",
        "TrackingMeasures": "engine.metrics.tracking",
        "measure_tracks": "engine.metrics.tracking",
        "bbox_iou": "engine.ops.iou",
        "box_iou": "engine.ops.iou",
        "mask_iou": "engine.ops.iou",
        "batch_probiou": "engine.ops.rotated",
        "probiou": "engine.ops.rotated",
    },
)
