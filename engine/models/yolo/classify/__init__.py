"""Classification; the classes load on first use, so that importing the package loads no torch."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "ClassificationTrainer": "engine.models.yolo.classify.train",
        "ClassificationValidator": "engine.models.yolo.classify.val",
        "ClassificationPredictor": "engine.models.yolo.classify.predict",
    },
)
