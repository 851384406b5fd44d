"""Instance segmentation; the classes load on first use."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "SegmentationTrainer": "engine.models.yolo.segment.train",
        "SegmentationValidator": "engine.models.yolo.segment.val",
        "SegmentationPredictor": "engine.models.yolo.segment.predict",
    },
)
