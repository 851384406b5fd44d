"""Public index: pure functions on boxes, masks, polygons and numbers."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "clip_boxes": "engine.ops.boxes",
        "ltwh2xywh": "engine.ops.boxes",
        "ltwh2xyxy": "engine.ops.boxes",
        "scale_boxes": "engine.ops.boxes",
        "scale_coords": "engine.ops.boxes",
        "xywh2ltwh": "engine.ops.boxes",
        "xywh2xyxy": "engine.ops.boxes",
        "xywhn2xyxy": "engine.ops.boxes",
        "xyxy2ltwh": "engine.ops.boxes",
        "xyxy2xywh": "engine.ops.boxes",
        "xyxy2xywhn": "engine.ops.boxes",
        "crop_mask": "engine.ops.masks",
        "masks2segments": "engine.ops.masks",
        "process_mask": "engine.ops.masks",
        "process_mask_native": "engine.ops.masks",
        "scale_masks": "engine.ops.masks",
        "non_max_suppression": "engine.ops.nms",
        "make_divisible": "engine.ops.numbers",
        "resample_segments": "engine.ops.polygons",
        "segment2box": "engine.ops.polygons",
        "segments2boxes": "engine.ops.polygons",
        "Profile": "engine.ops.profile",
        "xyxyxyxy2xywhr": "engine.ops.rectangles",
        "xywhr2xyxyxyxy": "engine.ops.rotated",
    },
)
