"""Which prediction finds which object of an image, as COCO counts it."""

from __future__ import annotations

from typing import Any

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # IoU from which a prediction counts as right
_CLOSE_TO_ONE = 1 - 1e-10  # COCO lets a threshold of 1 pass with rounding


def match_predictions(
    iou: Any, pred_cls: Any, target_cls: Any, thresholds: np.ndarray = THRESHOLDS
) -> np.ndarray:
    """Return which predictions find an object.

    Args:
        iou: Overlap of each object with each prediction (T, P), array or tensor.
        pred_cls: Class of each prediction (P,), the predictions ordered best score first.
        target_cls: Class of each object (T,).
        thresholds: IoU thresholds, ascending.

    Returns:
        (P, thresholds) bool.
    """
    return match_indices(iou, pred_cls, target_cls, thresholds) >= 0


def match_indices(
    iou: Any, pred_cls: Any, target_cls: Any, thresholds: np.ndarray = THRESHOLDS
) -> np.ndarray:
    """Return which object each prediction finds at each threshold, -1 for none.

    Predictions choose in their order; each takes the object of its class that it overlaps most among those
    not yet taken at this threshold, of equal overlaps the last one, as pycocotools does. The thresholds are
    worked on together, as bits of an integer: bit k of an object says that it is taken at threshold k.

    Returns:
        (P, thresholds) int64.
    """
    iou, pred_cls, target_cls = (_array(x) for x in (iou, pred_cls, target_cls))
    limits = np.minimum(thresholds, _CLOSE_TO_ONE)
    found = np.full((len(pred_cls), len(limits)), -1, dtype=np.int64)
    if not len(pred_cls) or not len(target_cls):
        return found
    iou = iou.astype(np.float64).T  # (P, T)
    possible = (iou >= limits[0]) & (pred_cls[:, None] == target_cls[None])
    rows, columns = possible.nonzero()
    overlap = iou[rows, columns]
    passed = np.searchsorted(limits, overlap, side="right")  # how many thresholds the pair passes
    order = np.lexsort((-columns, -overlap, rows))
    taken = [0] * len(target_cls)
    pairs = []
    row, left = -1, 0
    steps = (rows[order].tolist(), columns[order].tolist(), passed[order].tolist())
    for prediction, target, count in zip(*steps, strict=True):
        if prediction != row:
            row, left = prediction, -1  # all bits: nothing found yet
        gain = ((1 << count) - 1) & left & ~taken[target]
        if gain:
            taken[target] |= gain
            left &= ~gain
            pairs.append((prediction, target, gain))
    for prediction, target, gain in pairs:
        if gain & (gain + 1):
            bits = [k for k in range(len(limits)) if gain >> k & 1]
            found[prediction, bits] = target
        else:  # the usual case: all thresholds up to one
            found[prediction, : gain.bit_length()] = target
    return found


def _array(x: Any) -> np.ndarray:
    """Return a tensor or sequence as an array on the CPU."""
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
