"""Losses of the keypoints of positive anchors: how far off, how well seen, how likely the error.

They take rows of P positive anchors; what is an anchor and what its object, `pose` says.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.losses.shares import mean_over_processes, share_of_number
from engine.ops.keypoints import keypoint_sigmas

# How much more a joint's error weighs the further out on a limb it is (Li et al. 2021): shoulders and hips
# are easy, wrists and ankles hard. In COCO's order.
COCO_WEIGHTS = (1.0,) * 7 + (1.2, 1.2, 1.5, 1.5, 1.0, 1.0, 1.2, 1.2, 1.5, 1.5)
_LEAST_AREA = 1e-9
_LEAST_SPREAD = 1e-9
# An error of more spreads counts as this many: beyond, the flow extrapolates and its values explode.
_MOST_SPREADS = 100.0


def similarity_loss(placed: Tensor, truth: Tensor, seen: Tensor, area: Tensor) -> Tensor:
    """Return one minus the object keypoint similarity, the measure of COCO, averaged over the rows.

    As in YOLO-Pose (Maji et al. 2022): the distance counts in sizes of the object and in spreads of this
    kind of point.

    Args:
        placed: Predicted x, y (P, K, 2), in any unit.
        truth: Where they should be (P, K, 2).
        seen: Which points are labelled (P, K), bool.
        area: Of each row's box (P,), in squares of the same unit.
    """
    sigmas = torch.as_tensor(keypoint_sigmas(placed.shape[1]), dtype=placed.dtype)
    spread = (2 * sigmas.to(placed.device)) ** 2 * (area[:, None] + _LEAST_AREA) * 2  # (P, K)
    error = (placed - truth).square().sum(2) / spread
    weight = seen.to(placed.dtype)
    # the mean over an object's labelled points: one with few of them weighs as much as any other
    counts = weight.sum(1, keepdim=True).clamp(min=1)
    return _mean((-torch.expm1(-error) * weight / counts).sum(1))


def visibility_loss(logits: Tensor, seen: Tensor) -> Tensor:
    """Return the binary cross-entropy of whether points are labelled.

    Args:
        logits: (P, K).
        seen: (P, K), bool.
    """
    values = F.binary_cross_entropy_with_logits(logits, seen.to(logits.dtype), reduction="none")
    return _mean(values.mean(1))


def likelihood_loss(
    error: Tensor, spread_logits: Tensor, seen: Tensor, log_density: Callable[[Tensor], Tensor]
) -> Tensor:
    """Return the residual log-likelihood loss (RLE, Li et al. 2021), the mean over the labelled points.

    The density of an error is a Laplace distribution of the predicted spread times what a normalising flow
    has learned of how real errors differ from it. A likelihood has no lower end, so the loss stops at 0.

    Args:
        error: Predicted less true x, y (P, K, 2), in cells.
        spread_logits: Predicted spread of each before the sigmoid (P, K, 2); after it in cells.
        seen: Which points are labelled (P, K), bool.
        log_density: The flow: from errors (N, 2) in spreads to log densities (N,).
    """
    weights = _weights(error)[None].expand(error.shape[:2])[seen][:, None]
    logits = spread_logits[seen]  # (N, 2)
    away = (error[seen] / (logits.sigmoid() + _LEAST_SPREAD)).clamp(-_MOST_SPREADS, _MOST_SPREADS)
    log_spread = F.logsigmoid(logits)
    by_flow = log_spread - log_density(away)[:, None]
    by_laplace = log_spread + math.log(2) + away.abs()
    mean = _mean(((by_flow + by_laplace) * weights).sum(1))
    return mean * (mean_over_processes(mean) > 0)


def _weights(points: Tensor) -> Tensor:
    """Return how much each of the points (P, K, 2) weighs (K,)."""
    count = points.shape[1]
    if count == len(COCO_WEIGHTS):
        return points.new_tensor(COCO_WEIGHTS)
    return points.new_ones(count)


def _mean(values: Tensor) -> Tensor:
    """Return the mean; of nothing 0, still part of the graph."""
    return values.sum() / share_of_number(values.shape[0], values)
