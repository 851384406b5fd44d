"""From the matches of all images to average precision as COCO defines it, in one pass over the sorted predictions.

Only right predictions raise the recall, so precision is looked at where one is right: of millions of
predictions a few thousand positions remain for each class, range of sizes and threshold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.metrics.matching import SIZES, Matches
from engine.metrics.measures import CONFIDENCES, RECALLS, AveragePrecision, Curves

# COCO's numbers look at so many predictions of a class in an image
COCO_MAX_DETS = (1, 10, 100)
_RANGES = tuple(SIZES)


@dataclass(frozen=True)
class Found:
    """What was found in a whole data set.

    Attributes:
        conf: Scores (N,).
        cls: Classes (N,).
        image: Number of the image (N,).
        hits: Where a prediction is right (N,) bits, see :class:`engine.metrics.matching.Matches`.
        ignored: Where it does not count (N,) bits.
        target_cls: Classes of the objects (M,).
        counted: Whether an object counts in each range of sizes (M, ranges).
        thresholds: Number of IoU thresholds.
    """

    conf: np.ndarray
    cls: np.ndarray
    image: np.ndarray
    hits: np.ndarray
    ignored: np.ndarray
    target_cls: np.ndarray
    counted: np.ndarray
    thresholds: int


def ap_per_class(
    tp: Any, conf: Any, pred_cls: Any, target_cls: Any, nc: int = 0
) -> AveragePrecision:
    """Score the predictions of a whole data set, all of which count.

    Args:
        tp: Which predictions find an object at each IoU threshold (N, thresholds) bool.
        conf: Their scores (N,).
        pred_cls: Their classes (N,).
        target_cls: Classes of all objects (M,).
        nc: Number of classes; at least as many as the largest class id needs.
    """
    conf, pred_cls, target_cls = (np.asarray(x) for x in (conf, pred_cls, target_cls))
    matches = Matches.of_table(tp, len(target_cls))
    image = np.zeros(len(conf), np.int64)
    rest = matches.hits, matches.ignored, target_cls, matches.counted, matches.thresholds
    return score(Found(conf, pred_cls, image, *rest), nc)


def score(found: Found, nc: int = 0) -> AveragePrecision:
    """Score the predictions of a whole data set.

    Args:
        found: Matches of all images. Predictions of equal score rank in the order given, as in pycocotools.
        nc: Number of classes; at least as many as the largest class id needs.
    """
    target_cls = found.target_cls.astype(np.int64)
    classes, instances = np.unique(target_cls[found.counted[:, 0]], return_counts=True)
    nc = max(nc, int(target_cls.max()) + 1 if len(target_cls) else 0)
    if not len(classes):
        return AveragePrecision(nc=nc)
    ranked = _rank(found)
    ranges = found.counted.shape[1]
    objects = np.stack(
        [np.bincount(target_cls[counts], minlength=nc)[classes] for counts in found.counted.T]
    )
    tables = _Tables.empty(ranges, len(classes), found.thresholds)
    envelope = np.zeros((len(classes), len(RECALLS)))
    p, r = (np.zeros((len(classes), len(CONFIDENCES))) for _ in range(2))
    for row, label in enumerate(classes):
        mine = ranked.of_class(label)
        envelope[row] = tables.fill(row, mine, objects[:, row])
        p[row], r[row] = _by_confidence(mine, int(instances[row]))
    total = p + r
    f1 = np.divide(2 * p * r, total, out=np.zeros_like(p), where=total > 0)
    best = int(f1.mean(0).argmax())
    curves = Curves(classes, RECALLS, envelope, CONFIDENCES, p, r, f1)
    has_sizes = ranges == len(_RANGES)
    by_size = dict(zip(_RANGES[1:], tables.ap[1:], strict=True)) if has_sizes else {}
    return AveragePrecision(
        nc, classes, tables.ap[0], p[:, best], r[:, best], f1[:, best], float(CONFIDENCES[best]),
        instances, curves, by_size, tables.coco() if has_sizes else {},
    )  # fmt: skip


@dataclass(frozen=True)
class _Ranked:
    """Predictions in classes, in each best score first; ``place`` is the 0-based one in class and image."""

    cls: np.ndarray
    conf: np.ndarray
    hits: np.ndarray
    ignored: np.ndarray
    place: np.ndarray

    def of_class(self, label: int) -> _Ranked:
        """Return the predictions of a class."""
        low, high = np.searchsorted(self.cls, (label, label + 1))
        return self.take(slice(low, high))

    def take(self, which: Any) -> _Ranked:
        """Return some of the predictions."""
        columns = (self.cls, self.conf, self.hits, self.ignored, self.place)
        return _Ranked(*(column[which] for column in columns))


def _rank(found: Found) -> _Ranked:
    """Sort the predictions; sorts are stable, as pycocotools'."""
    order = np.argsort(-found.conf, kind="stable")
    cls = found.cls.astype(np.int64)
    order = order[np.argsort(cls[order], kind="stable")]
    cls, image = cls[order], found.image[order]
    group = np.argsort(cls * (int(image.max(initial=0)) + 1) + image, kind="stable")
    starts = np.ones(len(group), bool)
    starts[1:] = (np.diff(cls[group]) != 0) | (np.diff(image[group]) != 0)
    position = np.arange(len(group))
    place = np.empty(len(group), np.int64)
    place[group] = position - np.maximum.accumulate(np.where(starts, position, 0))
    return _Ranked(cls, found.conf[order], found.hits[order], found.ignored[order], place)


@dataclass(frozen=True)
class _Tables:
    """Average precision and highest recall (ranges, K, thresholds); not-a-number without objects.

    Attributes:
        ap: Of all predictions.
        ap_best: Of the best ``COCO_MAX_DETS[-1]`` of each class and image.
        recall: Likewise.
        recall_few: Recall of the best ``COCO_MAX_DETS[:-1]``, all sizes (2, K, thresholds).
    """

    ap: np.ndarray
    ap_best: np.ndarray
    recall: np.ndarray
    recall_few: np.ndarray

    @classmethod
    def empty(cls, ranges: int, classes: int, thresholds: int) -> _Tables:
        """Make tables of nothing."""
        sizes = (ranges, ranges, ranges, len(COCO_MAX_DETS) - 1)
        return cls(*(np.full((first, classes, thresholds), np.nan) for first in sizes))

    def fill(self, row: int, mine: _Ranked, objects: np.ndarray) -> np.ndarray:
        """Work out one class and return its precision over recall, all sizes, at the first threshold.

        Args:
            row: Place of the class.
            mine: Its predictions.
            objects: How many objects count in each range.
        """
        ranges, _, thresholds = self.ap.shape
        best = mine
        # COCO's cap belongs to its twelve numbers, which need the sizes.
        if has_more := ranges > 1 and bool((mine.place >= COCO_MAX_DETS[-1]).any()):
            best = mine.take(mine.place < COCO_MAX_DETS[-1])
        curve = np.zeros(len(RECALLS))
        for size in np.flatnonzero(objects):
            for k in range(thresholds):
                bit, count = size * thresholds + k, int(objects[size])
                read, reached, right = _read(mine, bit, count)
                self.ap[size, row, k] = float(read.mean())
                curve = read if bit == 0 else curve
                if has_more:
                    read, reached, right = _read(best, bit, count)
                self.ap_best[size, row, k], self.recall[size, row, k] = float(read.mean()), reached
                if size == 0:
                    for few, limit in zip(self.recall_few, COCO_MAX_DETS, strict=False):
                        few[row, k] = (best.place[right] < limit).sum() / count
        return curve

    def coco(self) -> dict[str, float]:
        """Return the twelve numbers that COCO reports, in its order."""
        names = ("map_small", "map_medium", "map_large")
        of_best = dict(zip(names, map(_nanmean, self.ap_best[1:]), strict=True))
        few = zip(("mar_1", "mar_10"), map(_nanmean, self.recall_few), strict=True)
        recalls = zip(
            ("mar_100", "mar_small", "mar_medium", "mar_large"),
            map(_nanmean, self.recall),
            strict=True,
        )
        everything = self.ap_best[0]
        means = {
            "map": _nanmean(everything),
            "map50": _nanmean(everything[:, 0]),
            "map75": _nanmean(everything[:, 5]),
        }
        return {**means, **of_best, **dict(few), **dict(recalls)}


def _read(mine: _Ranked, bit: int, objects: int) -> tuple[np.ndarray, float, np.ndarray]:
    """Read one class at one range and threshold.

    Args:
        mine: Predictions, best first.
        bit: Of range and threshold.
        objects: How many there are to find, at least one.

    Returns:
        The highest precision at each of 101 recalls or beyond, the recall of all predictions, and the
        positions of those that are right.
    """
    right = np.flatnonzero(mine.hits & np.int64(1 << bit))
    read = np.zeros(len(RECALLS))
    if not len(right):
        return read, 0.0, right
    number = np.arange(1, len(right) + 1)
    counted = right + 1
    skipped = mine.ignored & np.int64(1 << bit)
    if skipped.any():
        counted = counted - (skipped != 0).cumsum()[right]
    precision = np.maximum.accumulate((number / counted)[::-1])[::-1]
    recall = number / objects
    at = np.searchsorted(recall, RECALLS, side="left")
    reached = at < len(right)
    read[reached] = precision[at[reached]]
    return read, float(recall[-1]), right


def _by_confidence(mine: _Ranked, objects: int) -> tuple[np.ndarray, np.ndarray]:
    """Return precision and recall at the first threshold of what reaches each of CONFIDENCES.

    Above the surest prediction precision is 1, as its curve ends there; without any prediction it is 0.
    """
    mine = mine.take((mine.ignored & 1) == 0)
    kept = np.searchsorted(-mine.conf, -CONFIDENCES, side="right")  # scores fall
    right = np.concatenate(([0], (mine.hits & 1).cumsum()))[kept]
    none = np.full(len(kept), float(len(mine.conf) > 0))
    precision = np.divide(right, kept, out=none, where=kept > 0)
    return precision, right / objects


def _nanmean(values: np.ndarray) -> float:
    there = ~np.isnan(values)
    return float(values[there].mean()) if there.any() else float("nan")
