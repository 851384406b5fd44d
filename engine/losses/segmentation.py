"""The loss of an instance segmenter: that of a detector and the masks of its positive anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from engine.losses.detection import DetectionLoss, Gains, Positives
from engine.losses.masks import MaskTargets, mask_loss, numbers_in_image, resize_nearest


class SegmentationLoss(DetectionLoss):
    """Loss over raw head tensors and a batch of labels with masks.

    ``sem_loss`` belongs to heads with a semantic branch; without one it is 0.
    """

    names = ("box_loss", "seg_loss", "cls_loss", "dfl_loss", "sem_loss")

    def __init__(
        self,
        nc: int,
        reg_max: int,
        strides: Sequence[float] | Tensor,
        gains: Gains,
        overlap_mask: bool = True,
        topk: int = 10,
    ) -> None:
        """Prepare; see :class:`DetectionLoss`.

        Args:
            nc: Number of classes.
            reg_max: Bins of each side's distribution.
            strides: Input pixels to a cell, one a level.
            gains: Weights; masks take that of the boxes.
            overlap_mask: The batch's ``masks`` are one image of numbers an image (B, h, w), i + 1 for its
                i-th object; otherwise one binary mask an object (T, h, w).
            topk: Most anchors of an object.
        """
        super().__init__(nc, reg_max, strides, gains, topk)
        self.overlap_mask = overlap_mask

    def __call__(
        self, raw: Mapping[str, Any], batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the loss to descend and its parts; see :meth:`DetectionLoss.__call__`.

        Args:
            raw: Besides the detector's: ``mask_coefficient`` (B, nm, A), ``proto`` (B, nm, H, W).
            batch: Besides the detector's: ``masks``.
        """
        with torch.autocast(raw["scores"].device.type, enabled=False):
            (box, cls, dfl), positives = self._parts(raw, batch)
            seg = self.gains.box * self._masks(raw, batch, positives)
            items = torch.stack((box, seg, cls, dfl, torch.zeros_like(box)))
        return items.sum() * raw["scores"].shape[0], items.detach()

    def _masks(
        self, raw: Mapping[str, Any], batch: Mapping[str, Tensor], positives: Positives
    ) -> Tensor:
        """Return the mask loss of the positive anchors."""
        found, targets, input_size = positives
        protos = raw["proto"].float()
        rows = raw["mask_coefficient"].transpose(1, 2)[found.image, found.anchor].float()
        height, width = protos.shape[2:]
        masks = batch["masks"].to(protos.device, non_blocking=True)
        expected = len(protos) if self.overlap_mask else len(targets.boxes)
        if len(masks) != expected:
            raise ValueError(
                f"expected {expected} masks for overlap_mask={self.overlap_mask}, "
                f"received {len(masks)}"
            )
        scale = targets.boxes.new_tensor([width / input_size[1], height / input_size[0]] * 2)
        truth = MaskTargets(
            resize_nearest(masks, (height, width)),
            targets.image,
            numbers_in_image(targets.image) if self.overlap_mask else None,
            targets.boxes * scale,
        )
        return mask_loss(protos, rows, found.target, truth)
