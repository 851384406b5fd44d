"""Public index: boxes, outlines and keypoints of an image's objects."""

from engine._lazy import attach

__getattr__, __dir__, __all__ = attach(
    __name__,
    {
        "Bboxes": "engine.ops.bboxes",
        "Instances": "engine.ops.instances",
    },
)
