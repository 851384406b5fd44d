"""Oriented boxes; the classes load on first use, so that importing the package loads no torch."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "OBBTrainer": "engine.models.yolo.obb.train",
        "OBBValidator": "engine.models.yolo.obb.val",
        "OBBPredictor": "engine.models.yolo.obb.predict",
    },
)
