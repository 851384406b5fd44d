"""Training of oriented boxes: the detection trainer with turned boxes."""

from __future__ import annotations

from engine.models.yolo.detect.train import DetectionTrainer
from engine.models.yolo.obb.val import OBBValidator
from engine.nn.tasks import OBBModel


class OBBTrainer(DetectionTrainer):
    """Trains oriented boxes and classes.

    Attributes:
        loss_names: Names of the parts of the loss.

    Examples:
        >>> trainer = OBBTrainer(overrides={"data": "data.yaml", "epochs": 3})
        >>> trainer.train()
    """

    task = "obb"
    default_model = "yolo11n-obb.yaml"
    loss_names = ("box_loss", "cls_loss", "dfl_loss", "angle_loss")
    model_class = OBBModel
    validator_class = OBBValidator
