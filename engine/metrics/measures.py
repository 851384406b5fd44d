"""What a set of predictions scores: average precision by COCO's definition, curves over confidence and recall.

The values; how they are worked out is in `engine.metrics.average_precision`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

RECALLS = np.linspace(0, 1, 101)  # where COCO reads the precision
CONFIDENCES = np.linspace(0, 1, 1001)
# Every how many confidences the curves go into a file: finer than a screen shows
_FILE_STEP = 5


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

    def to_dict(self) -> dict[str, Any]:
        """Return the curves as plain lists, for JSON.

        ``precision`` by class id over ``recall``; ``p``, ``r`` and ``f1`` by class id over ``confidence``.
        """
        at = slice(None, None, _FILE_STEP)
        return {
            "recall": self.recall.round(5).tolist(),
            "precision": self._by_class(self.precision),
            "confidence": self.confidence[at].round(5).tolist(),
            **{kind: self._by_class(getattr(self, kind)[:, at]) for kind in ("p", "r", "f1")},
        }

    def _by_class(self, rows: np.ndarray) -> dict[int, list[float]]:
        return dict(zip(self.classes.tolist(), rows.round(4).tolist(), strict=True))


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
        by_size: ``ap_table`` counting objects of one range of sizes only, by its name (small, medium,
            large); not-a-number for classes without such objects. Empty where areas were not given.
        coco: COCO's own twelve numbers, which look at the best 100 predictions of each class and image; by
            name, not-a-number for what there is nothing of. Empty where areas were not given.
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
    by_size: Mapping[str, np.ndarray] = field(default_factory=dict)
    coco: Mapping[str, float] = field(default_factory=dict)

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
    def map_small(self) -> float:
        """:attr:`map` of objects up to 32 x 32 pixels; not-a-number without any."""
        return self._map_of("small")

    @property
    def map_medium(self) -> float:
        """:attr:`map` of objects from 32 x 32 to 96 x 96 pixels; not-a-number without any."""
        return self._map_of("medium")

    @property
    def map_large(self) -> float:
        """:attr:`map` of objects from 96 x 96 pixels on; not-a-number without any."""
        return self._map_of("large")

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

    def to_dict(self) -> dict[str, float]:
        """Return the means by name: ``map``, ``map50``, ``map75``, by size, and COCO's under ``coco_``."""
        names = ("map", "map50", "map75", "map_small", "map_medium", "map_large", "mp", "mr")
        own = {name: float(getattr(self, name)) for name in names}
        return own | {f"coco_{name}": value for name, value in self.coco.items()}

    def _map_of(self, size: str) -> float:
        table = self.by_size.get(size, np.zeros((0, 1)))
        there = ~np.isnan(table).any(1)
        return float(table[there].mean()) if there.any() else float("nan")


def _mean(values: np.ndarray) -> float:
    return float(values.mean()) if len(values) else 0.0
