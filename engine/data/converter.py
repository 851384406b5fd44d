"""Public index of the conversions of data sets that scripts import; the code lives where its room is."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "coco80_to_coco91_class": "engine.data.coco_classes",
        "coco91_to_coco80_class": "engine.data.coco_classes",
        "convert_coco": "engine.data.convert_coco",
        "convert_segment_masks_to_yolo_seg": "engine.data.convert_masks",
        "yolo_bbox2segment": "engine.models.sam.annotator",
    },
)
