"""Losses of the boxes of positive anchors: how they overlap, and how their sides are distributed."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.ops.anchors import bbox2dist


def expected_distances(logits: Tensor, dim: int = 1) -> Tensor:
    """Return the mean of each side's distribution over bins (Generalized Focal Loss, Li et al. 2020).

    Args:
        logits: Four sides times ``reg_max`` bins along ``dim``.
        dim: The dimension that holds sides and bins.

    Returns:
        Distances in bins, 4 along ``dim``.
    """
    shape = list(logits.shape)
    dim %= len(shape)
    reg_max = shape[dim] // 4
    bins = logits.unflatten(dim, (4, reg_max))
    weights = bins.softmax(dim + 1)
    values = torch.arange(reg_max, dtype=logits.dtype, device=logits.device)
    values = values.view(-1, *[1] * (len(shape) - 1 - dim))
    return (weights * values).sum(dim + 1)


def distribution_focal_loss(logits: Tensor, points: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy of each side with the two bins around its true distance.

    Args:
        logits: (P, 4 * reg_max).
        points: Anchor points (P, 2) in cells.
        targets: True corners (P, 4) in cells.

    Returns:
        (P,), the mean over the four sides.
    """
    reg_max = logits.shape[1] // 4
    distance = bbox2dist(points, targets, reg_max - 1)  # (P, 4)
    low = distance.long()
    share = distance - low
    log_weights = F.log_softmax(logits.view(-1, 4, reg_max), 2)
    at_low = log_weights.gather(2, low.unsqueeze(2)).squeeze(2)
    at_high = log_weights.gather(2, low.unsqueeze(2) + 1).squeeze(2)
    return -torch.lerp(at_low, at_high, share).mean(1)
