"""The loss of an instance segmenter: that of a detector and the masks of its positive anchors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from engine.losses.detection import DetectionLoss, Gains, Positives
from engine.losses.masks import MaskTargets, mask_loss, numbers_in_image, resize_nearest
from engine.losses.semantic import class_places, semantic_loss
from engine.losses.shares import of_all


class SegmentationLoss(DetectionLoss):
    """Loss over raw head tensors and a batch of labels with masks.

    ``sem_loss`` belongs to heads that in training also map the classes; without such a map it is 0.
    """

    names: tuple[str, ...] = ("box_loss", "seg_loss", "cls_loss", "dfl_loss", "sem_loss")

    def __init__(
        self,
        nc: int,
        reg_max: int,
        strides: Sequence[float] | Tensor,
        gains: Gains,
        overlap_mask: bool = True,
        topk: int = 10,
        least_cells: float = 1.0,
    ) -> None:
        """Prepare; see :class:`DetectionLoss`.

        Args:
            nc: Number of classes.
            reg_max: Bins of each side's distribution.
            strides: Input pixels to a cell, one a level.
            gains: Weights; masks and class maps take that of the boxes.
            overlap_mask: The batch's ``masks`` are one image of numbers an image (B, h, w), i + 1 for its
                i-th object; otherwise one binary mask an object (T, h, w).
            topk: Most anchors of an object.
            least_cells: Cells of the finest level that an object competes with at least.
        """
        super().__init__(nc, reg_max, strides, gains, topk, least_cells)
        self.overlap_mask = overlap_mask

    def __call__(
        self, raw: Mapping[str, Any], batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the loss to descend and its parts; see :meth:`DetectionLoss.__call__`.

        Args:
            raw: Besides the detector's: ``mask_coefficient`` (B, nm, A), ``proto`` (B, nm, H, W), or a pair
                of that and the logits of class maps (B, nc, h, w).
            batch: Besides the detector's: ``masks``.
        """
        proto = raw["proto"]
        protos, maps = (proto, None) if isinstance(proto, Tensor) else proto
        with torch.autocast(protos.device.type, enabled=False):
            (box, cls, side), positives = self._parts(raw, batch)
            masks = self._checked_masks(batch, protos, positives)
            seg = self.gains.box * self._masks(protos.float(), raw, masks, positives)
            sem = torch.zeros_like(box)
            if maps is not None:
                sem = self.gains.box * self._class_maps(maps.float(), masks, positives)
            items = torch.stack((box, seg, cls, side, sem))
        return items.sum() * of_all(len(protos), items), items.detach()

    def _checked_masks(
        self, batch: Mapping[str, Tensor], protos: Tensor, positives: Positives
    ) -> Tensor:
        """Return the labels' masks on the device of the prototypes."""
        masks = batch["masks"].to(protos.device, non_blocking=True)
        expected = len(protos) if self.overlap_mask else len(positives.targets.boxes)
        if len(masks) != expected:
            raise ValueError(
                f"expected {expected} masks for overlap_mask={self.overlap_mask}, "
                f"received {len(masks)}"
            )
        return masks

    def _masks(
        self, protos: Tensor, raw: Mapping[str, Any], masks: Tensor, positives: Positives
    ) -> Tensor:
        """Return the mask loss of the positive anchors."""
        found, targets, input_size = positives
        rows = raw["mask_coefficient"].transpose(1, 2)[found.image, found.anchor].float()
        height, width = protos.shape[2:]
        scale = targets.boxes.new_tensor([width / input_size[1], height / input_size[0]] * 2)
        truth = MaskTargets(
            resize_nearest(masks, (height, width)),
            targets.image,
            numbers_in_image(targets.image) if self.overlap_mask else None,
            targets.boxes * scale,
        )
        return mask_loss(protos, rows, found.target, truth)

    def _class_maps(self, maps: Tensor, masks: Tensor, positives: Positives) -> Tensor:
        """Return the loss of the class maps."""
        targets = positives.targets
        places = class_places(masks, targets.image, targets.label, maps.shape, self.overlap_mask)
        return semantic_loss(maps, places)
