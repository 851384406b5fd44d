"""Training of YOLOE, boxes and masks: on words, by linear probing, on mixed data, and of visual prompts."""

from __future__ import annotations

from engine.models.yolo.segment.train import SegmentationTrainer
from engine.models.yolo.yoloe.probe import LinearProbe
from engine.models.yolo.yoloe.train import YOLOETrainer, YOLOETrainerFromScratch, YOLOEVPTrainer
from engine.models.yolo.yoloe.val import YOLOESegValidator
from engine.nn.base_model import BaseModel
from engine.nn.open_vocabulary import YOLOESegModel


class YOLOESegTrainer(YOLOETrainer, SegmentationTrainer):
    """Trains all of a YOLOE model with masks, with the names of the classes as words.

    Attributes:
        loss_names: Names of the parts of the loss.

    Examples:
        >>> trainer = YOLOESegTrainer(overrides={"model": "yoloe-11s-seg.pt", "data": "data.yaml"})
        >>> trainer.train()
    """

    task = "segment"
    default_model = "yoloe-11n-seg.yaml"
    loss_names: tuple[str, ...] = ("box", "seg", "cls", "dfl")
    model_class: type[BaseModel] = YOLOESegModel
    validator_class = YOLOESegValidator


class YOLOEPESegTrainer(LinearProbe, SegmentationTrainer):
    """Adapts a trained YOLOE model with masks by linear probing: only the last layers of the classes learn.

    What comes out is a plain segmentation model: its classes cannot be changed any more.

    Examples:
        >>> trainer = YOLOEPESegTrainer(overrides={"model": "yoloe-11s-seg.pt", "data": "data.yaml"})
        >>> trainer.train()
    """

    default_model = "yoloe-11n-seg.yaml"
    loss_names = ("box_loss", "seg_loss", "cls_loss", "dfl_loss")
    model_class: type[BaseModel] = YOLOESegModel


class YOLOESegTrainerFromScratch(YOLOETrainerFromScratch, YOLOESegTrainer):
    """Trains with masks on several data sets, see `YOLOETrainerFromScratch`."""


class YOLOESegVPTrainer(YOLOEVPTrainer, YOLOESegTrainerFromScratch):
    """Trains the encoder of visual prompts of a model with masks, see `YOLOEVPTrainer`."""
