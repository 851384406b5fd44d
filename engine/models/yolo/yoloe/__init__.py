"""Open vocabulary: classes from words or from examples."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "YOLOE": "engine.models.yolo.yoloe.model",
        "YOLOEVPDetectPredictor": "engine.models.yolo.yoloe.predict",
        "YOLOEVPSegPredictor": "engine.models.yolo.yoloe.predict",
    },
)
