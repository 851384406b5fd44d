"""The loss of semantic segmentation: one class a pixel, at the full size of the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor

from engine.losses.pixels import pixel_losses
from engine.losses.shares import of_all

# The coarser map only helps the layers below to learn
AUXILIARY_WEIGHT = 0.4


class ClassMapLoss:
    """Loss over the logits of one class a pixel and a batch of class maps.

    Logits are enlarged to the size of the maps, so that what is as thin as a pole is learned too.

    Attributes:
        names: Names of the parts.
        label_smoothing: Share of each pixel's truth that is spread over all classes, 0..1.
    """

    names: ClassVar[tuple[str, ...]] = ("ce_loss", "dice_loss", "aux_loss")

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = label_smoothing

    def __call__(
        self, raw: Tensor | tuple[Tensor, Tensor], batch: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Return the loss to descend and its parts.

        Args:
            raw: Logits (B, nc, h, w), in training with a pair of those of a coarser map.
            batch: ``masks`` (B, H, W) class numbers, 255 where nothing is known.

        Returns:
            The sum of the parts times the images in the batch, and (3,) the parts without gradients:
            cross-entropy, Dice loss and the weighted cross-entropy of the coarser map.
        """
        logits, coarse = (raw, None) if isinstance(raw, Tensor) else raw
        truth = batch["masks"].to(logits.device, non_blocking=True).long()
        with torch.autocast(logits.device.type, enabled=False):
            entropy, dice = pixel_losses(logits.float(), truth, self.label_smoothing)
            auxiliary = torch.zeros_like(entropy)
            if coarse is not None:
                entropy_there, _ = pixel_losses(
                    coarse.float(), truth, self.label_smoothing, dice=False
                )
                auxiliary = AUXILIARY_WEIGHT * entropy_there
            items = torch.stack((entropy, dice, auxiliary))
        return items.sum() * of_all(len(logits), items), items.detach()
