"""Gathers what a validation finds, image by image, and says how good the boxes are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.metrics.average_precision import AveragePrecision, ap_per_class
from engine.metrics.matching import THRESHOLDS

MEASURES = ("precision", "recall", "mAP50", "mAP50-95")  # as results.csv names them


class DetectionMetrics:
    """Box measures of a data set: call :meth:`update` for each image, :meth:`process` at the end.

    Attributes:
        names: Class names by id.
        box: The box measures.
        speed: Milliseconds an image by stage; the validator fills it in.
    """

    def __init__(self, names: Mapping[int, str] | None = None) -> None:
        self.names = dict(names or {})
        self.speed: dict[str, float] = {}
        self.box = AveragePrecision(nc=len(self.names))
        self.images_per_class: dict[int, int] = {}
        self._rows: list[tuple[np.ndarray, ...]] = []

    def update(self, tp: Any, conf: Any, pred_cls: Any, target_cls: Any) -> None:
        """Take in one image.

        Args:
            tp: Which predictions find an object at each threshold (P, 10), of
                :func:`engine.metrics.matching.match_predictions`.
            conf: Scores (P,).
            pred_cls: Classes (P,).
            target_cls: Classes of the objects (T,).
        """
        self._add((tp, conf, pred_cls, target_cls))

    def _add(self, columns: tuple[Any, ...]) -> None:
        row = tuple(np.asarray(x.cpu() if hasattr(x, "cpu") else x) for x in columns)
        for label in np.unique(row[3]).astype(int).tolist():
            self.images_per_class[label] = self.images_per_class.get(label, 0) + 1
        self._rows.append(row)

    def process(self) -> None:
        """Work out the measures from all images so far."""
        tp, conf, pred_cls, target_cls = self._columns()[:4]
        self.box = ap_per_class(tp, conf, pred_cls, target_cls, len(self.names))

    def _columns(self) -> list[np.ndarray]:
        """Return each column of the images as one array."""
        if self._rows:
            return [np.concatenate(column) for column in zip(*self._rows, strict=True)]
        nothing = np.zeros((0, len(THRESHOLDS)), dtype=bool)
        return [nothing, np.zeros(0), np.zeros(0), np.zeros(0), nothing]

    def clear(self) -> None:
        """Forget all images and measures."""
        self._rows.clear()
        self.images_per_class.clear()
        self.box = AveragePrecision(nc=len(self.names))

    @property
    def keys(self) -> list[str]:
        """Names of the measures, in the order of :meth:`mean_results`."""
        return [f"metrics/{name}(B)" for name in MEASURES]

    @property
    def fitness(self) -> float:
        """The number by which checkpoints are compared: box AP over IoU 0.50 to 0.95."""
        return self.box.map

    @property
    def results_dict(self) -> dict[str, float]:
        """The measures by name, and ``fitness``."""
        results = dict(zip(self.keys, self.mean_results(), strict=True))
        return {**results, "fitness": self.fitness}

    @property
    def maps(self) -> np.ndarray:
        """Box AP of every class id (nc,)."""
        return self.box.maps

    @property
    def ap_class_index(self) -> np.ndarray:
        """Ids of the classes that have objects."""
        return self.box.classes

    @property
    def curves(self) -> dict[str, dict[str, object]]:
        """Precision over recall of each class, plain values, by kind."""
        return {"box": self.box.curves.to_dict()}

    def mean_results(self) -> list[float]:
        """Return the measures in the order of :attr:`keys`."""
        return self.box.mean_results()

    def class_result(self, i: int) -> tuple[float, ...]:
        """Return the measures of the i-th class of :attr:`ap_class_index`."""
        return self.box.class_result(i)

    def per_class(self) -> list[dict[str, Any]]:
        """Return a row for each class that has objects.

        Each has ``class_id``, ``name``, ``images``, ``instances``, ``box`` and ``mask``; the last two are
        ``precision``, ``recall``, ``ap50``, ``ap``, or None where there is no such measure.
        """
        return [
            {
                "class_id": label,
                "name": self.names.get(label, str(label)),
                "images": self.images_per_class.get(label, 0),
                "instances": int(self.box.instances[i]),
                "box": class_row(self.box, i),
                "mask": self._mask_row(i),
            }
            for i, label in enumerate(self.box.classes.tolist())
        ]

    def _mask_row(self, _: int) -> dict[str, float] | None:
        return None


def class_row(measure: AveragePrecision, i: int) -> dict[str, float]:
    """Return the measures of the i-th class that has objects, by name."""
    return dict(zip(("precision", "recall", "ap50", "ap"), measure.class_result(i), strict=True))
