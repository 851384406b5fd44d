"""Gathers what a classifier says of images and tells how often it is right."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.metrics.confusion import ConfusionMatrix
from engine.metrics.tables import Table

TOP = 5


class ClassConfusion(ConfusionMatrix):
    """Counts of predicted class (rows) against true class (columns); every image has one of each.

    Attributes:
        names: Class names by id, 0 to nc - 1.
        matrix: (nc, nc) int64.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__(names)
        self.matrix = np.zeros((len(self.names),) * 2, dtype=np.int64)

    def update(self, predicted: Any, target: Any) -> None:  # type: ignore[override]
        """Take in images: predicted and true classes (N,)."""
        np.add.at(self.matrix, (np.asarray(predicted), np.asarray(target)), 1)

    @property
    def labels(self) -> list[str]:
        """Names of rows and columns."""
        return [self.names[i] for i in range(len(self.names))]

    def tp_fp(self) -> tuple[np.ndarray, np.ndarray]:
        """Return right and wrong predictions of each class, (nc,) each."""
        right = self.matrix.diagonal()
        return right.copy(), self.matrix.sum(1) - right


class ClassificationMetrics:
    """Measures of a data set: call :meth:`update` for each batch, :meth:`process` at the end.

    Attributes:
        names: Class names by id.
        top1: Share of images whose class is the likeliest, 0..1.
        top5: Share of images whose class is among the five likeliest.
        precision: (nc,) share of right ones among the images said to be of a class, 0 where there are none.
        recall: (nc,) share of right ones among the images of a class.
        instances: (nc,) images of each class.
        confusion_matrix: Predicted against true classes.
        speed: Milliseconds an image by stage; the validator fills it in.
    """

    keys = ("metrics/accuracy_top1", "metrics/accuracy_top5")

    def __init__(
        self,
        names: Mapping[int, str] | None = None,
        confusion: type[ClassConfusion] = ClassConfusion,
    ) -> None:
        """Start without images; ``confusion`` is the kind of matrix to count in."""
        self.names, self._kind = dict(names or {}), confusion
        self.speed: dict[str, float] = {}
        self.clear()

    def clear(self) -> None:
        """Forget all images and measures."""
        nc = len(self.names)
        self.top1 = self.top5 = 0.0
        self.precision, self.recall = np.zeros(nc), np.zeros(nc)
        self.instances = np.zeros(nc, np.int64)
        self.confusion_matrix = self._kind(self.names)
        self._in_top5 = 0

    def update(self, probabilities: Any, target: Any) -> None:
        """Take in images.

        Args:
            probabilities: (N, nc), or any scores of the same order.
            target: (N,) true classes.
        """
        scores, target = np.asarray(probabilities, np.float32), np.asarray(target, np.int64)
        # Stable: of equal scores the lower class counts as likelier, whatever the machine.
        order = np.argsort(-scores, axis=1, kind="stable")[:, :TOP]
        self._in_top5 += int((order == target[:, None]).any(1).sum())
        self.confusion_matrix.update(order[:, 0], target)

    def process(self) -> None:
        """Work out the measures from all images so far."""
        matrix = self.confusion_matrix.matrix
        right, images = matrix.diagonal(), int(matrix.sum())
        self.instances = matrix.sum(0)
        self.precision, self.recall = _share(right, matrix.sum(1)), _share(right, self.instances)
        self.top1 = float(right.sum() / max(images, 1))
        self.top5 = self._in_top5 / max(images, 1)

    @property
    def fitness(self) -> float:
        """The number by which checkpoints are compared: top 1, and top 5 where that is equal."""
        return (self.top1 + self.top5) / 2

    @property
    def results_dict(self) -> dict[str, float]:
        """The measures by name, and ``fitness``."""
        return {
            **dict(zip(self.keys, (self.top1, self.top5), strict=True)),
            "fitness": self.fitness,
        }

    @property
    def curves(self) -> dict[str, Any]:
        """No curves: a classifier is asked for its likeliest class, at no threshold."""
        return {}

    def per_class(self) -> list[dict[str, Any]]:
        """Return a row for each class that has images: ``class_id``, ``name``, ``images``, ``instances`` and ``figures``."""
        return [
            {
                "class_id": i,
                "name": self.names.get(i, str(i)),
                "images": int(self.instances[i]),
                "instances": int(self.instances[i]),
                "figures": self._figures(i),
            }
            for i in np.flatnonzero(self.instances).tolist()
        ]

    def summary(self) -> Table:
        """Return a row for each class that has images, for people."""
        rows = (
            {k: v for k, v in row.items() if k != "figures"} | row["figures"]
            for row in self.per_class()
        )
        return Table(rows)

    def to_df(self) -> Any:
        """Return :meth:`summary` as a pandas data frame."""
        return self.summary().to_df()

    def to_csv(self) -> str:
        """Return :meth:`summary` as text with commas."""
        return self.summary().to_csv()

    def to_json(self) -> str:
        """Return :meth:`summary` as JSON."""
        return self.summary().to_json()

    def _figures(self, i: int) -> dict[str, float]:
        precision, recall = float(self.precision[i]), float(self.recall[i])
        f1 = 2 * precision * recall / max(precision + recall, 1e-12)
        return {"precision": precision, "recall": recall, "f1": f1}


def _share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
