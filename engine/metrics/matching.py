"""Which prediction finds which object of an image, as COCO counts it.

What is compared (boxes, masks, rotated boxes, keypoints) is the caller's matter: it brings the overlaps.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # IoU from which a prediction counts as right
# COCO's ranges of an object's area, in pixels of the original image; both ends belong to a range.
SIZES = {"all": (0.0, 1e10), "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, 1e10)}  # fmt: skip
_CLOSE_TO_ONE = 1 - 1e-10  # COCO lets a threshold of 1 pass with rounding


@dataclass(frozen=True)
class Matches:
    """One image's predictions held against its objects, for each range of sizes and each IoU threshold.

    Ranges and thresholds are the bits of an integer: bit ``range * thresholds + threshold``. An object that
    does not count in a range (of another size, or a crowd) is ignored there, and with it whoever finds it.

    Attributes:
        index: Object that each prediction finds, all sizes counting (P, thresholds); -1 for none.
        hits: Where a prediction finds an object that counts (P,) int64 bits.
        ignored: Where it is neither right nor wrong (P,) int64 bits.
        counted: Whether an object counts in each range (T, ranges) bool.
        thresholds: Number of thresholds.
    """

    index: np.ndarray
    hits: np.ndarray
    ignored: np.ndarray
    counted: np.ndarray
    thresholds: int = len(THRESHOLDS)

    @property
    def tp(self) -> np.ndarray:
        """Which predictions find an object that counts, all sizes together (P, thresholds) bool."""
        return (self.hits[:, None] >> np.arange(self.thresholds) & 1).astype(bool)

    @classmethod
    def of_table(cls, tp: Any, objects: int) -> Matches:
        """Take a plain table of right predictions (P, thresholds) of an image with so many objects.

        Such a table does not say which object is found: ``index`` is 0 where one is.
        """
        table = _array(tp).astype(bool)
        table = table.reshape(len(table), -1) if table.size else table.reshape(0, len(THRESHOLDS))
        hits = (table << np.arange(table.shape[1], dtype=np.int64)).sum(1, dtype=np.int64)
        index = np.where(table, 0, -1)
        return cls(
            index, hits, np.zeros_like(hits), np.ones((objects, 1), dtype=bool), table.shape[1]
        )


def match_objects(
    iou: Any,
    pred_cls: Any,
    target_cls: Any,
    pred_area: Any = None,
    target_area: Any = None,
    crowd: Any = None,
    thresholds: np.ndarray = THRESHOLDS,
    sizes: Sequence[tuple[float, float]] = tuple(SIZES.values()),
) -> Matches:
    """Match the predictions of an image with its objects.

    Predictions choose in their order; each takes the object of its class that it overlaps most among those
    not yet taken at this threshold, of equal overlaps the last one, as pycocotools does. Objects that count
    come before those that do not. A crowd can be found any number of times and its finders are ignored,
    as are unmatched predictions of another size than the range's.

    Args:
        iou: Overlap of each object with each prediction (T, P), array or tensor; of a crowd the share of the
            prediction that it holds, see :func:`engine.ops.iou.box_iou` and COCO.
        pred_cls: Class of each prediction (P,), the predictions ordered best score first.
        target_cls: Class of each object (T,).
        pred_area: Area of each prediction in pixels of the original image (P,); None counts all sizes only.
        target_area: Area of each object, likewise (T,).
        crowd: Whether an object is a region of many (T,); None for none.
        thresholds: IoU thresholds, ascending.
        sizes: Ranges of area; the first should hold all.
    """
    iou, pred_cls, target_cls = (_array(x) for x in (iou, pred_cls, target_cls))
    count, targets = len(pred_cls), len(target_cls)
    is_crowd = np.zeros(targets, bool) if crowd is None else _array(crowd).astype(bool)
    if pred_area is None or target_area is None:
        counted, outside = ~is_crowd[:, None], np.zeros((count, 1), dtype=bool)
    else:
        low, high = np.array(sizes).T
        pred_area, target_area = (
            _array(a).astype(float)[:, None] for a in (pred_area, target_area)
        )
        counted = ~is_crowd[:, None] & (target_area >= low) & (target_area <= high)
        outside = (pred_area < low) | (pred_area > high)
    bits = len(thresholds)
    weight = (
        np.int64(1) << np.arange(counted.shape[1], dtype=np.int64) * bits
    )  # a range's lowest bit
    index = np.full((count, bits), -1, dtype=np.int64)
    hits, ignored = np.zeros(count, np.int64), np.zeros(count, np.int64)
    if count and targets:
        pairs = _pairs(iou, pred_cls, target_cls, np.minimum(thresholds, _CLOSE_TO_ONE))
        free = (counted @ weight * ((1 << bits) - 1)).tolist()
        _take_in_turn(pairs, (free, is_crowd.tolist()), (index, hits, ignored), weight)
    ignored |= outside @ weight * ((1 << bits) - 1) & ~hits
    return Matches(index, hits, ignored, counted, bits)


def match_predictions(
    iou: Any, pred_cls: Any, target_cls: Any, thresholds: np.ndarray = THRESHOLDS
) -> np.ndarray:
    """Return which predictions find an object, (P, thresholds) bool; see :func:`match_objects`."""
    return match_indices(iou, pred_cls, target_cls, thresholds) >= 0


def match_indices(
    iou: Any, pred_cls: Any, target_cls: Any, thresholds: np.ndarray = THRESHOLDS
) -> np.ndarray:
    """Return which object each prediction finds, (P, thresholds) int64, -1 for none; see :func:`match_objects`."""
    return match_objects(iou, pred_cls, target_cls, thresholds=thresholds).index


_Pair = tuple[int, int, int]


def _pairs(
    iou: np.ndarray, pred_cls: np.ndarray, target_cls: np.ndarray, limits: np.ndarray
) -> list[_Pair]:
    """Return (prediction, object, thresholds passed) of all that may match, in the order of choice."""
    overlaps = iou.T  # (P, T)
    rows, columns = (
        overlaps > limits[0] - 1e-6
    ).nonzero()  # the exact comparison follows in float64
    same = pred_cls[rows] == target_cls[columns]
    rows, columns = rows[same], columns[same]
    overlap = overlaps[rows, columns].astype(np.float64)
    passed = np.searchsorted(limits, overlap, side="right")
    order = np.lexsort((-columns, -overlap, rows))
    order = order[passed[order] > 0]
    return list(
        zip(rows[order].tolist(), columns[order].tolist(), passed[order].tolist(), strict=True)
    )


def _take_in_turn(
    pairs: list[_Pair],
    objects: tuple[list[int], list[bool]],
    out: tuple[np.ndarray, np.ndarray, np.ndarray],
    weight: np.ndarray,
) -> None:
    """Let predictions take objects, all ranges and thresholds at once, as bits.

    Args:
        pairs: In the order of choice.
        objects: Bits at which each counts, and whether it is a crowd.
        out: ``index``, ``hits``, ``ignored`` to fill, see :class:`Matches`.
        weight: Lowest bit of each range.
    """
    free, is_crowd = objects
    index, hits, ignored = out
    bits = index.shape[1]
    first = (1 << bits) - 1
    everywhere = first * int(weight.sum())
    spare = [everywhere & ~bit for bit in free]  # where an object is ignored and not yet taken
    passes = [((1 << count) - 1) * int(weight.sum()) for count in range(bits + 1)]
    start, total = 0, len(pairs)
    while start < total:
        prediction = pairs[start][0]
        end = start + 1
        while end < total and pairs[end][0] == prediction:
            end += 1
        left, right = everywhere, 0
        for _, target, count in pairs[start:end]:
            gain = passes[count] & left & free[target]
            if gain:
                free[target] ^= gain
                left ^= gain
                right |= gain
                _note(index, prediction, target, gain & first)
        hits[prediction] = right
        if left:
            unseen = 0
            for _, target, count in pairs[start:end]:
                gain = passes[count] & left & spare[target]
                if gain:
                    if not is_crowd[target]:
                        spare[target] ^= gain
                    left ^= gain
                    unseen |= gain
            ignored[prediction] = unseen
        start = end


def _note(index: np.ndarray, prediction: int, target: int, gain: int) -> None:
    """Write down the object that a prediction takes at some thresholds, given as bits."""
    if gain & (gain + 1):
        index[prediction, [k for k in range(index.shape[1]) if gain >> k & 1]] = target
    else:  # the usual case: all thresholds up to one
        index[prediction, : gain.bit_length()] = target


def _array(x: Any) -> np.ndarray:
    """Return a tensor or sequence as an array on the CPU."""
    return np.asarray(x.detach().cpu() if hasattr(x, "detach") else x)
