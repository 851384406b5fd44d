"""Losses of the boxes of positive anchors: how their sides are distributed, or how far they are off."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.ops.anchors import bbox2dist


def expected_distances(logits: Tensor, dim: int = 1) -> Tensor:
    """Return the mean of each side's distribution over bins (Generalized Focal Loss, Li et al. 2020).

    Args:
        logits: Four sides times ``reg_max`` bins along ``dim``. With one bin nothing is distributed: the
            values are the distances.
        dim: The dimension that holds sides and bins.

    Returns:
        Distances in bins, 4 along ``dim``.
    """
    shape = list(logits.shape)
    dim %= len(shape)
    reg_max = shape[dim] // 4
    if reg_max == 1:
        return logits
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


def side_distance_loss(
    distances: Tensor, points: Tensor, targets: Tensor, size_wh: Tensor
) -> Tensor:
    """Return how far the sides are from where they belong, as a share of the image's side.

    It stands in for the distribution focal loss where a head gives plain distances. A share of the image
    weighs a pixel alike on every level, as the L1 of DETR does (Carion et al. 2020).

    Args:
        distances: (P, 4) left, top, right, bottom, in cells.
        points: Anchor points (P, 2) in cells.
        targets: True corners (P, 4) in cells.
        size_wh: Width and height of the input (P, 2), in cells of each anchor's level.

    Returns:
        (P,), the mean over the four sides.
    """
    away = (distances - bbox2dist(points, targets)).abs()
    return (away / size_wh.repeat(1, 2)).mean(1)
