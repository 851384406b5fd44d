"""Which detection is which track: distances, and the pairs that make their sum smallest."""

from __future__ import annotations

import numpy as np
import torch

from engine.ops.boxes import xywh2xyxy
from engine.ops.iou import box_iou
from engine.ops.rotated import batch_probiou

Pairs = tuple[list[tuple[int, int]], list[int], list[int]]


def overlap_distance(tracks: np.ndarray, detections: np.ndarray) -> np.ndarray:
    """Return (T, D) distances 1 - IoU of boxes: xywh (.., 4), or rotated xywhr (.., 5) by ProbIoU."""
    if not len(tracks) or not len(detections):
        return np.ones((len(tracks), len(detections)))
    first, second = (torch.from_numpy(np.ascontiguousarray(b)) for b in (tracks, detections))
    if tracks.shape[1] == 5:
        return 1 - batch_probiou(first, second).numpy()
    return 1 - box_iou(xywh2xyxy(first), xywh2xyxy(second)).numpy()


def with_scores(distance: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Return distances in which less sure detections are further away: 1 - similarity times score."""
    return 1 - (1 - distance) * scores[None, :]


def appearance_distance(tracks: np.ndarray, detections: np.ndarray) -> np.ndarray:
    """Return (T, D) cosine distances in 0..1 of features of length one."""
    return np.clip(1 - tracks @ detections.T, 0, 2) / 2


def assign(distance: np.ndarray, largest: float) -> Pairs:
    """Pair rows with columns so that the sum of the distances is smallest; no pair is further than ``largest``.

    Returns:
        The pairs, the rows and the columns that are left.
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = distance.shape
    if not rows or not columns:
        return [], list(range(rows)), list(range(columns))
    # A pair that is too far counts as two that are left alone: it must never push out a near one.
    costs = np.where(distance > largest, 1e6, distance)
    pairs = [(int(r), int(c)) for r, c in zip(*linear_sum_assignment(costs), strict=True)]
    pairs = [(r, c) for r, c in pairs if distance[r, c] <= largest]
    taken_rows, taken_columns = ({pair[i] for pair in pairs} for i in (0, 1))
    return (
        pairs,
        [r for r in range(rows) if r not in taken_rows],
        [c for c in range(columns) if c not in taken_columns],
    )
