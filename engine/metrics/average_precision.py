"""Average precision as COCO defines it, and how precision and recall change with the confidence."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

RECALLS = np.linspace(0, 1, 101)  # where COCO reads the precision
CONFIDENCES = np.linspace(0, 1, 1001)


@dataclass(frozen=True)
class Curves:
    """Curves at IoU 0.5 of the classes that have objects, in the order of ``classes``.

    Attributes:
        classes: Class ids (K,).
        recall: Where ``precision`` is read (101,).
        precision: Highest precision at this recall or beyond (K, 101).
        confidence: Where the following are read (1001,).
        p: Precision of the predictions with at least this confidence (K, 1001); 1 where there are none.
        r: Recall, likewise.
        f1: Their harmonic mean, likewise.
    """

    classes: np.ndarray
    recall: np.ndarray
    precision: np.ndarray
    confidence: np.ndarray
    p: np.ndarray
    r: np.ndarray
    f1: np.ndarray

    def to_dict(self) -> dict[str, object]:
        """Return ``recall`` and, by class id, ``precision`` as plain lists, for JSON."""
        rows = zip(self.classes.tolist(), self.precision.round(5).tolist(), strict=True)
        return {"recall": self.recall.round(5).tolist(), "precision": dict(rows)}


def _no_curves() -> Curves:
    flat = np.zeros((0, len(CONFIDENCES)))
    empty = np.zeros((0, len(RECALLS)))
    return Curves(np.zeros(0, np.int64), RECALLS, empty, CONFIDENCES, flat, flat, flat)


@dataclass(frozen=True)
class AveragePrecision:
    """What a set of predictions scores, by class and on average.

    Attributes:
        nc: Number of classes, with and without objects.
        classes: Ids of the classes that have objects (K,); the order of the arrays below.
        ap_table: Average precision (K, thresholds), IoU 0.50 to 0.95.
        p: Precision at ``best_confidence`` and IoU 0.5 (K,).
        r: Recall, likewise.
        f1: Their harmonic mean, likewise.
        best_confidence: Where the mean F1 over the classes is highest.
        instances: Objects of each class (K,).
        curves: The curves behind these.
    """

    nc: int = 0
    classes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    ap_table: np.ndarray = field(default_factory=lambda: np.zeros((0, 10)))
    p: np.ndarray = field(default_factory=lambda: np.zeros(0))
    r: np.ndarray = field(default_factory=lambda: np.zeros(0))
    f1: np.ndarray = field(default_factory=lambda: np.zeros(0))
    best_confidence: float = 0.0
    instances: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    curves: Curves = field(default_factory=_no_curves)

    @property
    def ap50(self) -> np.ndarray:
        """Average precision at IoU 0.5 of each class in ``classes``."""
        return self.ap_table[:, 0]

    @property
    def ap(self) -> np.ndarray:
        """Average precision over IoU 0.50 to 0.95 of each class in ``classes``."""
        return self.ap_table.mean(1)

    @property
    def map50(self) -> float:
        """Mean over the classes of the average precision at IoU 0.5; 0 without objects."""
        return _mean(self.ap50)

    @property
    def map75(self) -> float:
        """Mean over the classes of the average precision at IoU 0.75."""
        return _mean(self.ap_table[:, 5])

    @property
    def map(self) -> float:
        """Mean over the classes of the average precision over IoU 0.50 to 0.95."""
        return _mean(self.ap)

    @property
    def mp(self) -> float:
        """Mean precision over the classes."""
        return _mean(self.p)

    @property
    def mr(self) -> float:
        """Mean recall over the classes."""
        return _mean(self.r)

    @property
    def maps(self) -> np.ndarray:
        """Average precision of every class id (nc,); classes without objects get the mean."""
        maps = np.full(self.nc, self.map)
        maps[self.classes] = self.ap
        return maps

    @property
    def ap_class_index(self) -> np.ndarray:
        """The ids of the classes that have objects; another name of ``classes``."""
        return self.classes

    def mean_results(self) -> list[float]:
        """Return mean precision, recall, AP at 0.5 and AP over 0.50 to 0.95."""
        return [self.mp, self.mr, self.map50, self.map]

    def class_result(self, i: int) -> tuple[float, float, float, float]:
        """Return precision, recall, AP at 0.5 and AP of the i-th class of ``classes``."""
        return float(self.p[i]), float(self.r[i]), float(self.ap50[i]), float(self.ap[i])


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0


def ap_per_class(
    tp: np.ndarray, conf: np.ndarray, pred_cls: np.ndarray, target_cls: np.ndarray, nc: int = 0
) -> AveragePrecision:
    """Score the predictions of a whole data set.

    Args:
        tp: Which predictions find an object at each IoU threshold (N, thresholds) bool.
        conf: Their scores (N,).
        pred_cls: Their classes (N,).
        target_cls: Classes of all objects (M,).
        nc: Number of classes; at least as many as the largest class id needs.
    """
    classes, instances = np.unique(np.asarray(target_cls).astype(np.int64), return_counts=True)
    nc = max(nc, int(classes.max()) + 1 if len(classes) else 0)
    if not len(classes):
        return AveragePrecision(nc=nc)
    order = np.argsort(-np.asarray(conf), kind="mergesort")  # stable, as pycocotools sorts
    tp, conf, pred_cls = (np.asarray(x)[order] for x in (tp, conf, pred_cls))
    pred_cls = pred_cls.astype(np.int64)
    ap = np.zeros((len(classes), tp.shape[1]))
    envelope = np.zeros((len(classes), len(RECALLS)))
    p, r = (np.zeros((len(classes), len(CONFIDENCES))) for _ in range(2))
    for row, (label, count) in enumerate(zip(classes, instances, strict=True)):
        mine = pred_cls == label
        hits = tp[mine].cumsum(0)  # (n, thresholds)
        read = _precision_at_recalls(hits, int(count))
        ap[row], envelope[row] = read.mean(0), read[:, 0]
        p[row], r[row] = _by_confidence(hits[:, 0], conf[mine], int(count))
    total = p + r
    f1 = np.divide(2 * p * r, total, out=np.zeros_like(p), where=total > 0)
    best = int(f1.mean(0).argmax())
    curves = Curves(classes, RECALLS, envelope, CONFIDENCES, p, r, f1)
    return AveragePrecision(
        nc, classes, ap, p[:, best], r[:, best], f1[:, best], float(CONFIDENCES[best]),
        instances, curves,
    )  # fmt: skip


def _precision_at_recalls(hits: np.ndarray, objects: int) -> np.ndarray:
    """Return the highest precision at each of 101 recalls or beyond, (101, thresholds).

    Args:
        hits: How many of the best 1, 2, ... n predictions are right (n, thresholds).
        objects: How many there are to find.
    """
    count, thresholds = hits.shape
    read = np.zeros((len(RECALLS), thresholds))
    if not count:
        return read
    precision = hits / np.arange(1, count + 1)[:, None]
    precision = np.maximum.accumulate(precision[::-1])[::-1]
    recall = hits / objects
    for k in range(thresholds):
        at = np.searchsorted(recall[:, k], RECALLS, side="left")
        reached = at < count
        read[reached, k] = precision[at[reached], k]
    return read


def _by_confidence(
    hits: np.ndarray, conf: np.ndarray, objects: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return precision and recall of the predictions whose score reaches each of CONFIDENCES."""
    kept = np.searchsorted(-conf, -CONFIDENCES, side="right")  # scores fall
    right = np.concatenate(([0], hits))[kept]
    precision = np.divide(right, kept, out=np.ones(len(kept)), where=kept > 0)
    return precision, right / objects
