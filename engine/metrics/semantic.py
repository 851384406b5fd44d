"""How good class maps are: pixels counted by predicted and true class, and what follows from the counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.metrics.confusion import ConfusionMatrix
from engine.metrics.tables import Table

IGNORED = 255


class PixelConfusion(ConfusionMatrix):
    """Pixels by predicted class (rows) and true class (columns); every pixel has a class, so there is no background.

    Attributes:
        names: Class names by id, 0 to nc - 1.
        matrix: (nc, nc) int64.
    """

    def __init__(self, names: Mapping[int, str]) -> None:
        super().__init__(names)
        self.matrix = np.zeros((len(self.names),) * 2, dtype=np.int64)

    def add(self, truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        """Take in one image and return its own counts, (nc, nc).

        Args:
            truth: Class numbers, 255 where nothing is known; any shape.
            predicted: Class numbers 0 to nc - 1, of the same shape.

        Raises:
            ValueError: The shapes differ, or a number is no class.
        """
        if truth.shape != predicted.shape:
            raise ValueError(
                f"expected maps of one size, received {truth.shape} and {predicted.shape}"
            )
        nc = len(self.names)
        cells = (predicted.astype(np.uint16) << 8) | truth.astype(np.uint8)
        counts = np.bincount(cells.reshape(-1), minlength=1 << 16).reshape(256, 256)
        if counts[nc:, :IGNORED].any() or counts[:, nc:IGNORED].any():
            raise ValueError(f"expected class numbers below {nc}")
        self.matrix += counts[:nc, :nc]
        return counts[:nc, :nc]

    @property
    def labels(self) -> list[str]:
        """Names of rows and columns."""
        return [self.names[i] for i in range(len(self.names))]

    def tp_fp(self) -> tuple[np.ndarray, np.ndarray]:
        """Return right and wrong pixels of each predicted class, (nc,) each."""
        right = self.matrix.diagonal().copy()
        return right, self.matrix.sum(1) - right


class ClassMapMeasures:
    """What the counts of a :class:`PixelConfusion` say.

    A class that neither occurs nor is predicted has no measures (not-a-number) and does not count in the
    means; otherwise a fraction without a denominator is 0. The same goes for classes that nobody asked for.

    Attributes:
        precisions: Share of the pixels predicted as a class that are of it (nc,).
        recalls: Share of the pixels of a class that are predicted as it (nc,).
        IoUs: Intersection over union (nc,).
        DiceScores: Twice the intersection over the sum of both (nc,).
        MCRs: Misclassification rate: share of all pixels that are wrongly of the class or wrongly not (nc,).
        pixels: Pixels of each class in the truth (nc,) int64.
        occurring: Which classes have measures (nc,) bool.
        pixel_acc: Share of the pixels, of the classes that count, that are right.
    """

    def __init__(self, matrix: np.ndarray, classes: Sequence[int] | None = None) -> None:
        """Work out the measures.

        Args:
            matrix: Counts (nc, nc), predicted rows and true columns.
            classes: Ids of the classes that count; None for all.
        """
        hit = matrix.diagonal().astype(np.float64)
        seen, there, total = matrix.sum(1), matrix.sum(0), int(matrix.sum())
        union = seen + there - hit
        wanted = np.ones(len(hit), bool) if classes is None else np.isin(range(len(hit)), classes)
        self.pixels = there
        self.occurring = (union > 0) & wanted
        self.precisions = self._shares(hit, seen)
        self.recalls = self._shares(hit, there)
        self.IoUs = self._shares(hit, union)
        self.DiceScores = self._shares(2 * hit, seen + there)
        self.MCRs = self._shares(union - hit, np.full(len(hit), total))
        measured = int(there[wanted].sum())
        self.pixel_acc = float(hit[wanted].sum() / measured) if measured else 0.0

    def _shares(self, part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        found = np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0)
        return np.where(self.occurring, found, np.nan)

    def _mean(self, values: np.ndarray) -> float:
        return float(values[self.occurring].mean()) if self.occurring.any() else 0.0

    @property
    def precision(self) -> float:
        """Mean precision of the classes."""
        return self._mean(self.precisions)

    @property
    def recall(self) -> float:
        """Mean recall of the classes."""
        return self._mean(self.recalls)

    @property
    def IoU(self) -> float:
        """Mean intersection over union of the classes."""
        return self._mean(self.IoUs)

    @property
    def mIoU(self) -> float:
        """The same as :attr:`IoU`."""
        return self.IoU

    @property
    def DiceScore(self) -> float:
        """Mean Dice score of the classes."""
        return self._mean(self.DiceScores)

    @property
    def MCR(self) -> float:
        """Misclassification rate: share of all pixels that are wrong, 1 - pixel accuracy."""
        return 1.0 - self.pixel_acc if self.occurring.any() else 0.0

    def class_result(self, i: int) -> tuple[float, ...]:
        """Return precision, recall, IoU, Dice score and misclassification rate of class ``i``."""
        rows = (self.precisions, self.recalls, self.IoUs, self.DiceScores, self.MCRs)
        return tuple(float(row[i]) for row in rows)


class SemanticMetrics:
    """Measures of class maps over a data set: :meth:`update` for each image, :meth:`process` at the end.

    Attributes:
        names: Class names by id.
        confusion_matrix: The counts.
        semseg: The measures.
        speed: Milliseconds an image by stage; the validator fills it in.
        save_dir: Folder of the validation, None before one.
    """

    def __init__(
        self, names: Mapping[int, str] | None = None, classes: Sequence[int] | None = None
    ) -> None:
        """Start.

        Args:
            names: Class names by id.
            classes: Ids of the classes to measure; None for all.
        """
        self.classes = classes
        self.names = dict(names or {})
        self.speed: dict[str, float] = {}
        self.save_dir: Any = None
        self.clear()

    def update(self, truth: np.ndarray, predicted: np.ndarray) -> None:
        """Take in one image; see :meth:`PixelConfusion.add`."""
        there = self.confusion_matrix.add(truth, predicted).sum(0) > 0
        self.images_per_class += there

    def process(self) -> None:
        """Work out the measures from all images so far."""
        self.semseg = ClassMapMeasures(self.confusion_matrix.matrix, self.classes)

    def clear(self) -> None:
        """Forget all images and measures."""
        self.confusion_matrix = PixelConfusion(self.names)
        self.images_per_class = np.zeros(len(self.names), dtype=np.int64)
        self.process()

    @property
    def keys(self) -> list[str]:
        """Names of the measures in results.csv, in the order of :meth:`mean_results`."""
        return ["metrics/mIoU", "metrics/pixel_acc"]

    def mean_results(self) -> list[float]:
        """Return the measures in the order of :attr:`keys`."""
        return [self.semseg.mIoU, self.semseg.pixel_acc]

    @property
    def fitness(self) -> float:
        """The number by which checkpoints are compared: the mean intersection over union."""
        return self.semseg.mIoU

    @property
    def results_dict(self) -> dict[str, float]:
        """All measures over the classes by name, and ``fitness``."""
        more = {
            "metrics/precision": self.semseg.precision,
            "metrics/recall": self.semseg.recall,
            "metrics/DiceScore": self.semseg.DiceScore,
            "metrics/MCR": self.semseg.MCR,
        }
        main = dict(zip(self.keys, self.mean_results(), strict=True))
        return {**main, **more, "fitness": self.fitness}

    @property
    def maps(self) -> np.ndarray:
        """Intersection over union of every class id (nc,), the mean where a class does not occur."""
        return np.where(self.semseg.occurring, self.semseg.IoUs, self.semseg.mIoU)

    @property
    def ap_class_index(self) -> np.ndarray:
        """Ids of the classes that occur or were predicted."""
        return np.flatnonzero(self.semseg.occurring)

    def class_result(self, i: int) -> tuple[float, ...]:
        """Return the measures of the i-th class of :attr:`ap_class_index`; see `ClassMapMeasures`."""
        return self.semseg.class_result(int(self.ap_class_index[i]))

    def per_class(self) -> list[dict[str, Any]]:
        """Return a row for each class that occurs or was predicted.

        Each has ``class_id``, ``name``, ``images``, ``instances`` (pixels), ``box`` and ``mask``, which are
        None, and ``figures`` with ``precision``, ``recall``, ``iou``, ``dice`` and ``mcr``.
        """
        figures = ("precision", "recall", "iou", "dice", "mcr")
        return [
            {
                "class_id": label,
                "name": self.names[label],
                "images": int(self.images_per_class[label]),
                "instances": int(self.semseg.pixels[label]),
                "box": None,
                "mask": None,
                "figures": dict(zip(figures, self.semseg.class_result(label), strict=True)),
            }
            for label in self.ap_class_index.tolist()
        ]

    def summary(self, normalize: bool = True, decimals: int = 5) -> Table:
        """Return a table of the classes that occur or were predicted: counts, then the measures.

        Args:
            normalize: Measures in 0..1; otherwise in percent.
            decimals: Places after the point.
        """
        unit = 1 if normalize else 100
        heads = ("P", "R", "IoU", "DiceScore", "MCR")
        rows = []
        for row in self.per_class():
            values = zip(heads, row["figures"].values(), strict=True)
            measures = {head: round(value * unit, decimals) for head, value in values}
            counts = {"Images": row["images"], "Pixels": row["instances"]}
            rows.append({"Class": row["name"], **counts, **measures})
        return Table(rows)

    def to_df(self, normalize: bool = True, decimals: int = 5) -> Any:
        """Return :meth:`summary` as a pandas data frame."""
        return self.summary(normalize, decimals).to_df()

    def to_csv(self, normalize: bool = True, decimals: int = 5) -> str:
        """Return :meth:`summary` as text with commas."""
        return self.summary(normalize, decimals).to_csv()

    def to_json(self, normalize: bool = True, decimals: int = 5) -> str:
        """Return :meth:`summary` as JSON."""
        return self.summary(normalize, decimals).to_json()
