"""YOLO: the family's entry point, and which classes do each task's work."""

from __future__ import annotations

from pathlib import Path

from engine._lazy import LazyClasses
from engine.core.model import Model
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

    # imported when they are used: who predicts needs no trainer
    task_map = {
        "detect": LazyClasses(
            trainer="engine.models.yolo.detect.train:DetectionTrainer",
            validator="engine.models.yolo.detect.val:DetectionValidator",
            predictor="engine.models.yolo.detect.predict:DetectionPredictor",
        ),
        "segment": LazyClasses(
            trainer="engine.models.yolo.segment.train:SegmentationTrainer",
            validator="engine.models.yolo.segment.val:SegmentationValidator",
            predictor="engine.models.yolo.segment.predict:SegmentationPredictor",
        ),
        "classify": LazyClasses(
            trainer="engine.models.yolo.classify.train:ClassificationTrainer",
            validator="engine.models.yolo.classify.val:ClassificationValidator",
            predictor="engine.models.yolo.classify.predict:ClassificationPredictor",
        ),
        "pose": LazyClasses(
            trainer="engine.models.yolo.pose.train:PoseTrainer",
            validator="engine.models.yolo.pose.val:PoseValidator",
            predictor="engine.models.yolo.pose.predict:PosePredictor",
        ),
        "obb": LazyClasses(
            trainer="engine.models.yolo.obb.train:OBBTrainer",
            validator="engine.models.yolo.obb.val:OBBValidator",
            predictor="engine.models.yolo.obb.predict:OBBPredictor",
        ),
        "semseg": LazyClasses(
            trainer="engine.models.yolo.semseg.train:SemSegTrainer",
            validator="engine.models.yolo.semseg.val:SemSegValidator",
            predictor="engine.models.yolo.semseg.predict:SemanticSegmentationPredictor",
        ),
    }

    def __init__(
        self, model: str | Path = "yolo11n.yaml", task: str | None = None, verbose: bool = False
    ) -> None:
        super().__init__(model, task, verbose)
        if type(self) is YOLO and isinstance(self.model, YOLOEModel):
            from engine.models.yolo.yoloe.model import YOLOE  # made on top of this class

            self.__class__ = YOLOE
