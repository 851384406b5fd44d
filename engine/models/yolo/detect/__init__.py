"""Detection; the classes load on first use, so that importing the package loads no torch."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "DetectionTrainer": "engine.models.yolo.detect.train",
        "DetectionValidator": "engine.models.yolo.detect.val",
        "DetectionPredictor": "engine.models.yolo.detect.predict",
    },
)
