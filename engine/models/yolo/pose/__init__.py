"""Pose estimation; the classes load on first use, so that importing the package loads no torch."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "PoseTrainer": "engine.models.yolo.pose.train",
        "PoseValidator": "engine.models.yolo.pose.val",
        "PosePredictor": "engine.models.yolo.pose.predict",
    },
)
