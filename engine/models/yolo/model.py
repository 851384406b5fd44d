"""YOLO: the family's entry point, and which classes do each task's work."""

from __future__ import annotations

from pathlib import Path

from engine.core.model import Model
from engine.models.yolo.classify.predict import ClassificationPredictor
from engine.models.yolo.detect.predict import DetectionPredictor
from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.detect.val import DetectionValidator
from engine.models.yolo.obb.predict import OBBPredictor
from engine.models.yolo.pose.predict import PosePredictor
from engine.models.yolo.segment.predict import SegmentationPredictor
from engine.models.yolo.segment.train import SegmentationTrainer
from engine.models.yolo.segment.val import SegmentationValidator
from engine.models.yolo.semseg.predict import SemanticSegmentationPredictor
from engine.nn.open_vocabulary import YOLOEModel


class YOLO(Model):
    """A YOLO model: detect, segment, classify, pose, obb or semseg.

    A file or description of an open-vocabulary model makes a `YOLOE`.

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
        "classify": {"predictor": ClassificationPredictor},
        "pose": {"predictor": PosePredictor},
        "obb": {"predictor": OBBPredictor},
        "semseg": {"predictor": SemanticSegmentationPredictor},
    }

    def __init__(
        self, model: str | Path = "yolo11n.yaml", task: str | None = None, verbose: bool = False
    ) -> None:
        super().__init__(model, task, verbose)
        if type(self) is YOLO and isinstance(self.model, YOLOEModel):
            from engine.models.yolo.yoloe.model import YOLOE  # made on top of this class

            self.__class__ = YOLOE
