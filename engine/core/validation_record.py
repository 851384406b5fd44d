"""validation.json: what a validation measured and, image by image, what it saw.

Whoever shows a validation (a panel, a report) reads this file and never needs the network.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine.runtime.paths import write_atomic
from engine.training.events import plain

# Predictions below this score are nothing that anyone looks at.
SHOWN_SCORE = 0.1
# A label counts as found when a prediction of at least this score matches it at IoU 0.5.
FOUND_SCORE = 0.25
# Beyond this many images the file would grow to hundreds of megabytes.
MAX_IMAGES = 2000
OUTLINE_TOLERANCE_PX = 0.7


@dataclass
class Objects:
    """Labels or predictions of one image, in pixels of the original image.

    Attributes:
        classes: (N,) class numbers.
        boxes: (N, 4) corners.
        outlines: One (K, 2) array each, None for a task without masks.
        matched: (N,) whether it belongs to a pair of label and prediction.
        scores: (N,) confidences, None for labels.
    """

    classes: np.ndarray
    boxes: np.ndarray
    outlines: list[np.ndarray] | None
    matched: np.ndarray
    scores: np.ndarray | None = None

    def at_least(self, score: float) -> Objects:
        """Give the predictions with a score of ``score`` or more."""
        scores = np.ones(len(self.boxes)) if self.scores is None else self.scores
        kept = np.flatnonzero(scores >= score)
        outlines = None if self.outlines is None else [self.outlines[i] for i in kept]
        return Objects(
            self.classes[kept], self.boxes[kept], outlines, self.matched[kept], scores[kept]
        )


class ValidationRecord:
    """Collects images and writes them with the metrics."""

    def __init__(self) -> None:
        self._images: list[dict[str, Any]] = []
        self.left_out = 0

    @property
    def full(self) -> bool:
        """Whether no more images are taken."""
        return len(self._images) >= MAX_IMAGES

    def add(self, file: str, size_wh: tuple[int, int], truth: Objects, found: Objects) -> None:
        """Take in one image."""
        if self.full:
            self.left_out += 1
            return
        self._images.append(
            {
                "file": str(file),
                "width": int(size_wh[0]),
                "height": int(size_wh[1]),
                "ground_truth": _rows(truth),
                "predictions": _rows(found),
            }
        )

    def write(
        self, path: Path, metrics: Any, confusion: Any, speed_ms: dict[str, float], weights: Any
    ) -> None:
        """Write the file."""
        results = dict(metrics.results_dict)
        values = {
            "names": metrics.names,
            "metrics": results,
            "per_class": metrics.per_class(),
            "curves": {"box": None, "mask": None, **metrics.curves},
            "confusion": confusion.to_dict(),
            "images": self._images,
            "images_left_out": self.left_out,
            "speed_ms": speed_ms,
            "weights": weights,
        }
        write_atomic(path, json.dumps(plain(values), allow_nan=False))


def _rows(objects: Objects) -> list[dict[str, Any]]:
    """Give one dictionary an object."""
    rows = []
    for i, (number, box) in enumerate(zip(objects.classes, objects.boxes, strict=True)):
        row: dict[str, Any] = {"class_id": int(number)}
        if objects.scores is not None:
            row["score"] = round(float(objects.scores[i]), 4)
        row["box"] = np.round(box.astype(float), 2).tolist()
        row["polygon"] = None
        if objects.outlines is not None:
            row["polygon"] = _thin(objects.outlines[i])
        row["matched"] = bool(objects.matched[i])
        rows.append(row)
    return rows


def _thin(outline: np.ndarray) -> list[list[float]]:
    """Leave out the points of an outline that its shape does not need, OpenCV's way: by thousands a second."""
    points: np.ndarray = np.asarray(outline, dtype=np.float32).reshape(-1, 1, 2)
    if len(points) > 4:
        points = cv2.approxPolyDP(points, OUTLINE_TOLERANCE_PX, True)
    return np.round(points.reshape(-1, 2).astype(float), 2).tolist()
