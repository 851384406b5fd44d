"""Training of instance segmentation: the detection trainer with masks."""

from __future__ import annotations

from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.segment.val import SegmentationValidator
from engine.nn.base_model import BaseModel
from engine.nn.tasks import SegmentationModel


class SegmentationTrainer(DetectionTrainer):
    """Trains boxes, classes and masks.

    Attributes:
        loss_names: Names of the parts of the loss.

    Examples:
        >>> trainer = SegmentationTrainer(overrides={"data": "data.yaml", "epochs": 3})
        >>> trainer.train()
    """

    task = "segment"
    default_model = "yolo11n-seg.yaml"
    loss_names: tuple[str, ...] = ("box_loss", "seg_loss", "cls_loss", "dfl_loss", "sem_loss")
    model_class: type[BaseModel] = SegmentationModel
    validator_class = SegmentationValidator
