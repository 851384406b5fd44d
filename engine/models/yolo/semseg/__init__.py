"""Semantic segmentation; the classes load on first use, so that importing the package loads no torch."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "SemSegTrainer": "engine.models.yolo.semseg.train",
        "SemSegValidator": "engine.models.yolo.semseg.val",
        "SemanticSegmentationPredictor": "engine.models.yolo.semseg.predict",
    },
)
