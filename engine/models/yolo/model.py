"""YOLO: the family's entry point, and which classes do each task's work."""

from __future__ import annotations

from engine.core.model import Model
from engine.models.yolo.detect.predict import DetectionPredictor
from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.detect.val import DetectionValidator
from engine.models.yolo.segment.predict import SegmentationPredictor
from engine.models.yolo.segment.train import SegmentationTrainer
from engine.models.yolo.segment.val import SegmentationValidator


class YOLO(Model):
    """A YOLO model for detection or instance segmentation.

    Examples:
        >>> model = YOLO("yolo11n-seg.yaml")
        >>> model.train(data="data.yaml", epochs=50)
        >>> results = model("image.jpg")
        >>> model.export(format="onnx")
    """

    task_map = {
        "detect": {
            "trainer": DetectionTrainer,
            "validator": DetectionValidator,
            "predictor": DetectionPredictor,
        },
        "segment": {
            "trainer": SegmentationTrainer,
            "validator": SegmentationValidator,
            "predictor": SegmentationPredictor,
        },
    }
