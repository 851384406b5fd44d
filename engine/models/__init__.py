"""Families of models: what each task trains, validates and predicts with."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "YOLO": "engine.models.yolo.model",
        "YOLOE": "engine.models.yolo.yoloe.model",
        "SAM": "engine.models.sam.model",
    },
)
