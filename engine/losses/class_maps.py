"""The loss of semantic segmentation: cross-entropy and Dice over pixels that have one class each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

# The class of pixels that nothing is known of
IGNORED = 255
# The coarser map only helps the layers below to learn
AUXILIARY_WEIGHT = 0.4
# Added to both sides of Dice's fraction, so that a class which is neither there nor seen costs nothing
_SMOOTH = 1.0


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
            shares = _log_shares(logits, truth)
            entropy = cross_entropy(shares, truth, self.label_smoothing)
            dice = dice_loss(shares.exp(), truth)
            auxiliary = torch.zeros_like(entropy)
            if coarse is not None:
                shares = _log_shares(coarse, truth)
                auxiliary = AUXILIARY_WEIGHT * cross_entropy(shares, truth, self.label_smoothing)
            items = torch.stack((entropy, dice, auxiliary))
        return items.sum() * len(logits), items.detach()


def cross_entropy(log_shares: Tensor, truth: Tensor, smoothing: float = 0.0) -> Tensor:
    """Return the mean cross-entropy of the pixels that have a class; 0 where none has.

    Args:
        log_shares: Logarithms of the classes' probabilities (B, nc, H, W).
        truth: Class numbers (B, H, W), 255 for none.
        smoothing: Share of the truth that is spread over all classes.
    """
    known = (truth != IGNORED).sum().clamp(min=1)
    total = F.nll_loss(log_shares, truth, ignore_index=IGNORED, reduction="sum")
    if smoothing:
        even = -(log_shares.mean(1) * (truth != IGNORED)).sum()
        total = (1 - smoothing) * total + smoothing * even
    return total / known


def dice_loss(shares: Tensor, truth: Tensor) -> Tensor:
    """Return the mean Dice loss (Milletari et al. 2016) of the classes, each over all pixels of a batch.

    Args:
        shares: Probabilities of the classes (B, nc, H, W).
        truth: Class numbers (B, H, W), 255 for none; such pixels do not count.
    """
    known = truth != IGNORED
    target = truth.where(known, 0)
    right = shares.gather(1, target[:, None])[:, 0] * known
    nothing = shares.new_zeros(shares.shape[1])
    hit = nothing.index_add(0, target.flatten(), right.flatten())
    there = nothing.index_add(0, target.flatten(), known.flatten().to(shares.dtype))
    seen = (shares * known[:, None]).sum((0, 2, 3))
    return (1 - (2 * hit + _SMOOTH) / (seen + there + _SMOOTH)).mean()


def _log_shares(logits: Tensor, truth: Tensor) -> Tensor:
    """Enlarge logits (B, nc, h, w) to the size of the truth and turn them into log-probabilities."""
    enlarged = F.interpolate(logits.float(), truth.shape[1:], mode="bilinear", align_corners=False)
    return enlarged.log_softmax(1)
