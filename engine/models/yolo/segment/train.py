"""Training of instance segmentation: the detection trainer with masks."""

from __future__ import annotations

from copy import copy
from typing import Any

from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.segment.val import SegmentationValidator
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
    loss_names = ("box_loss", "seg_loss", "cls_loss", "dfl_loss", "sem_loss")
    model_class = SegmentationModel

    def get_validator(self) -> Any:
        """Build the validator of the averaged weights."""
        self.loss_names = "box_loss", "seg_loss", "cls_loss", "dfl_loss", "sem_loss"
        return SegmentationValidator(
            self.test_loader,
            save_dir=self.save_dir,
            args=copy(self.args),
            _callbacks=self.callbacks,
        )
