"""Object keypoint similarity (OKS): how well the keypoints of one object lie on those of another.

The measure of COCO's keypoint challenge: the distance of each point in sizes of the object and in spreads of
this kind of point among people who annotated it twice, put through a Gaussian.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

# Standard deviations of the seventeen points of COCO (cocodataset.org/#keypoints-eval), as a share of
# the square root of the object's area: nose, eyes, ears, shoulders, elbows, wrists, hips, knees, ankles.
COCO_SIGMAS = np.array(
    (0.26, 0.25, 0.25, 0.35, 0.35, 0.79, 0.79, 0.72, 0.72, 0.62, 0.62, 1.07, 1.07, 0.87, 0.87, 0.89, 0.89)
) / 10.0  # fmt: skip
# Share of its box that a person covers in COCO; labels of the field know boxes, COCO measures by masks.
AREA_OF_BOX = 0.53
_LEAST_AREA = float(np.spacing(1))


def keypoint_sigmas(count: int) -> np.ndarray:
    """Return the spread of each of ``count`` keypoints (count,): COCO's for its 17, 1 / count for others."""
    return COCO_SIGMAS if count == len(COCO_SIGMAS) else np.full(count, 1 / count)


def keypoint_similarity(
    truth: Tensor,
    found: Tensor,
    area: Tensor,
    boxes: Tensor | None = None,
    sigmas: np.ndarray | None = None,
) -> Tensor:
    """Return the similarity of every labelled object with every prediction.

    Args:
        truth: Labels (T, K, 3), x, y and visibility; points of visibility 0 do not count.
        found: Predictions (P, K, 2 or more), x and y first.
        area: Of the labelled objects (T,), in squares of the points' unit.
        boxes: Corners of the labelled objects (T, 4). An object none of whose points is labelled is compared
            by how far the predicted points lie outside twice its box, as COCO does; without boxes it is
            similar to nothing.
        sigmas: Spread of each point (K,); None takes :func:`keypoint_sigmas`.

    Returns:
        (T, P) in 0..1, float64.
    """
    spread = torch.as_tensor(keypoint_sigmas(truth.shape[1]) if sigmas is None else sigmas)
    spread = (2 * spread.to(truth.device, torch.float64)) ** 2  # (K,)
    truth, found, area = (x.to(torch.float64) for x in (truth, found, area))
    seen = truth[..., 2] > 0  # (T, K)
    away = found[None, :, :, :2] - truth[:, None, :, :2]  # (T, P, K, 2)
    counted = seen[:, None].expand(away.shape[:3])
    if boxes is not None:
        blank = ~seen.any(1)
        away[blank] = _outside(found[..., :2], boxes[blank].to(torch.float64))
        counted = counted | blank[:, None, None]
    error = away.square().sum(3) / (2 * spread * (area[:, None, None] + _LEAST_AREA))
    likeness = torch.exp(-error) * counted
    return likeness.sum(2) / counted.sum(2).clamp(min=1)


def paired_similarity(truth: Tensor, found: Tensor, area: Tensor) -> Tensor:
    """Return the similarity of pairs of an object and a prediction; 0 where no point is labelled.

    Args:
        truth: Labels (N, K, 3), x, y and visibility.
        found: Predictions (N, K, 2).
        area: Of the labelled objects (N,), in squares of the points' unit.

    Returns:
        (N,) in 0..1.
    """
    sigmas = torch.as_tensor(keypoint_sigmas(truth.shape[1]), dtype=found.dtype)
    spread = (2 * sigmas.to(found.device)) ** 2 * 2
    seen = (truth[..., 2] > 0).to(found.dtype)
    error = (found - truth[..., :2]).square().sum(2) / (spread * (area[:, None] + _LEAST_AREA))
    return ((-error).exp() * seen).sum(1) / seen.sum(1).clamp(min=1)


def _outside(points: Tensor, boxes: Tensor) -> Tensor:
    """Return how far points (P, K, 2) lie outside boxes (T, 4) made twice as large, (T, P, K, 2)."""
    size = boxes[:, 2:] - boxes[:, :2]
    low, high = (boxes[:, :2] - size)[:, None, None], (boxes[:, 2:] + size)[:, None, None]
    return (low - points).clamp(min=0) + (points - high).clamp(min=0)
