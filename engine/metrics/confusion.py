"""Which classes a detector takes for which: a table of predictions against objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.metrics.tables import Table


class ConfusionMatrix:
    """Counts of predicted class (rows) against true class (columns); the last of each is the background.

    A row's background column counts predictions where there is nothing, a column's background row counts
    objects nobody found.

    Attributes:
        names: Class names by id, 0 to nc - 1.
        matrix: (nc + 1, nc + 1) int64.
    """

    def __init__(self, names: Mapping[int, str], conf: float = 0.25, iou: float = 0.45) -> None:
        """Count predictions with a score of at least ``conf`` that overlap by more than ``iou``."""
        self.names = dict(names)
        self.conf = conf
        self.iou = iou
        self.matrix = np.zeros((len(self.names) + 1,) * 2, dtype=np.int64)

    def update(self, iou: Any, conf: Any, pred_cls: Any, target_cls: Any) -> None:
        """Take in one image.

        Prediction and object are paired whatever their classes, the pair that overlaps most first, each
        at most once.

        Args:
            iou: Overlap of each object with each prediction (T, P), of boxes or masks.
            conf: Scores (P,).
            pred_cls: Classes (P,).
            target_cls: Classes of the objects (T,).
        """
        iou, conf, pred_cls, target_cls = (
            np.asarray(x.cpu() if hasattr(x, "cpu") else x)
            for x in (iou, conf, pred_cls, target_cls)
        )
        sure = conf >= self.conf
        rows, columns = pred_cls[sure].astype(np.int64), target_cls.astype(np.int64)
        overlap = iou[:, sure].T if len(target_cls) else np.zeros((len(rows), 0))
        prediction, target = (overlap > self.iou).nonzero()
        row_free, column_free = np.ones(len(rows), bool), np.ones(len(columns), bool)
        for k in np.argsort(-overlap[prediction, target], kind="stable"):
            i, j = prediction[k], target[k]
            if row_free[i] and column_free[j]:
                row_free[i] = column_free[j] = False
                self.matrix[rows[i], columns[j]] += 1
        background = len(self.names)
        np.add.at(self.matrix, (rows[row_free], background), 1)
        np.add.at(self.matrix, (background, columns[column_free]), 1)

    @property
    def labels(self) -> list[str]:
        """Names of rows and columns."""
        return [*(self.names[i] for i in range(len(self.names))), "background"]

    def normalized(self) -> np.ndarray:
        """Return shares of each true class (columns sum to 1, or are 0 where nothing was counted)."""
        total = self.matrix.sum(0, keepdims=True)
        return np.divide(self.matrix, total, out=np.zeros(self.matrix.shape), where=total > 0)

    def tp_fp(self) -> tuple[np.ndarray, np.ndarray]:
        """Return right and wrong predictions of each class, (nc,) each."""
        right = self.matrix.diagonal()
        return right[:-1].copy(), (self.matrix.sum(1) - right)[:-1]

    def summary(self, normalize: bool = False, decimals: int = 5) -> Table:
        """Return a row for each predicted class with its count for each true class.

        Args:
            normalize: Shares of each true class instead of counts.
            decimals: Places after the point.
        """
        values = self.normalized().round(decimals) if normalize else self.matrix
        heads = ["Predicted", *self.labels]
        return Table(
            dict(zip(heads, [name, *row], strict=True))
            for name, row in zip(self.labels, values.tolist(), strict=True)
        )

    def to_df(self, normalize: bool = False, decimals: int = 5) -> Any:
        """Return :meth:`summary` as a pandas data frame."""
        return self.summary(normalize, decimals).to_df()

    def to_csv(self, normalize: bool = False, decimals: int = 5) -> str:
        """Return :meth:`summary` as text with commas."""
        return self.summary(normalize, decimals).to_csv()

    def to_json(self, normalize: bool = False, decimals: int = 5) -> str:
        """Return :meth:`summary` as JSON."""
        return self.summary(normalize, decimals).to_json()

    def to_dict(self) -> dict[str, Any]:
        """Return labels and counts as plain values, for JSON."""
        return {"labels": self.labels, "matrix": self.matrix.tolist()}
