"""The models of each task, with a fixed list of classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from engine.nn.base_model import BaseModel
from engine.nn.build import level_strides
from engine.runtime.errors import ModelError

CLASSIFY_BN_EPS = 1e-5
CLASSIFY_BN_MOMENTUM = 0.1


class DetectionModel(BaseModel):
    """Boxes and classes."""

    task = "detect"
    default_cfg = "yolo11n.yaml"

    def init_criterion(self) -> Any:
        """Make the detection loss with the gains of :attr:`args`."""
        from engine.losses.detection import DetectionLoss

        head = self.head
        return self._of_each_side(
            partial(DetectionLoss, self.nc, head.reg_max, self.stride, self._gains())
        )

    def _of_each_side(self, make: Callable[..., Any]) -> Any:
        """Make the loss of a head with one side, or of both sides of an end-to-end one."""
        from engine.losses.end_to_end import EndToEndLoss

        return EndToEndLoss(make) if self.head.has_one2one else make()

    def _gains(self) -> Any:
        if self.args is None:
            raise ModelError(
                "the loss needs the training's arguments.",
                remedy="Set model.args (with box, cls and dfl) before asking for the loss.",
            )
        return self.args

    def _set_up_head(self) -> None:
        self.stride = torch.tensor(level_strides(self.model), device="cpu")
        self.head.set_stride(self.stride)
        self.head.init_bias()


class SegmentationModel(DetectionModel):
    """Boxes, classes and instance masks."""

    task = "segment"
    default_cfg = "yolo11n-seg.yaml"

    def init_criterion(self) -> Any:
        """Make the segmentation loss with the gains of :attr:`args`."""
        from engine.losses.segmentation import SegmentationLoss

        gains = self._gains()
        overlap = getattr(gains, "overlap_mask", True)
        arguments = (self.nc, self.head.reg_max, self.stride, gains, overlap)
        return self._of_each_side(partial(SegmentationLoss, *arguments))


class PoseModel(DetectionModel):
    """Boxes, classes and keypoints.

    Attributes:
        kpt_shape: (K, D), the number of keypoints and of values to each (x, y, visibility).
    """

    task = "pose"
    default_cfg = "yolo11n-pose.yaml"

    @property
    def kpt_shape(self) -> tuple[int, int]:
        """Number of keypoints, and of values to each."""
        return self.head.kpt_shape

    def init_criterion(self) -> Any:
        """Make the pose loss with the gains of :attr:`args`."""
        from engine.losses.pose import LikelihoodPoseLoss, PoseLoss

        head = self.head
        arguments = (
            self.nc, head.reg_max, self.stride, self._gains(), head.kpt_shape, head.place
        )  # fmt: skip
        flow = getattr(head, "flow_model", None)
        if flow is None:
            return self._of_each_side(partial(PoseLoss, *arguments))
        made = partial(LikelihoodPoseLoss, *arguments, log_density=flow.log_prob)
        return self._of_each_side(made)


class OBBModel(DetectionModel):
    """Oriented boxes and classes."""

    task = "obb"
    default_cfg = "yolo11n-obb.yaml"

    def init_criterion(self) -> Any:
        """Make the loss of oriented boxes with the gains of :attr:`args`."""
        from engine.losses.obb import OBBLoss

        arguments = (self.nc, self.head.reg_max, self.stride, self._gains())
        return self._of_each_side(partial(OBBLoss, *arguments))


class ClassificationModel(BaseModel):
    """One class for the whole image."""

    task = "classify"
    default_cfg = "yolo11n-cls.yaml"
    default_nc = 1000

    def init_criterion(self) -> Any:
        """Make the cross-entropy, smoothed as :attr:`args` say."""
        from engine.losses.classification import ClassificationLoss

        return ClassificationLoss(getattr(self.args, "label_smoothing", None) or 0.0)

    def _set_up_head(self) -> None:
        self.stride = torch.tensor([1.0], device="cpu")
        # published classifiers were trained with the usual constants of the normalisation
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eps, module.momentum = CLASSIFY_BN_EPS, CLASSIFY_BN_MOMENTUM


class SemanticSegmentationModel(BaseModel):
    """One class for each pixel."""

    task = "semseg"
    default_cfg = "yolo26n-sem.yaml"
    default_nc = 19

    def loss(self, batch: Mapping[str, Any], preds: Any = None) -> tuple[Tensor, Tensor]:
        """Return the total loss and its parts; the pair that a head gives in training is one output."""
        preds = self(batch["img"]) if preds is None else preds
        return super().loss(batch, (None, preds))

    def init_criterion(self) -> Any:
        """Make the loss of class maps."""
        from engine.losses.class_maps import ClassMapLoss

        return ClassMapLoss(float(getattr(self.args, "label_smoothing", None) or 0.0))
