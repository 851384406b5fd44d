"""validation.json: what a validation measured and, image by image, what it saw.

Whoever shows a validation (a panel, a report) reads this file and never needs the network.

Each task says what it has. An image holds ``ground_truth`` and ``predictions``, whose objects have ``box``
and, where there are any, ``polygon``, ``corners`` of a rotated box or ``keypoints``; or it holds ``label`` and
``top`` (a classifier's answer); or ``maps`` (class maps). A row of ``per_class`` has ``box``, ``mask`` and
``pose`` with ``precision``, ``recall``, ``ap50`` and ``ap``, or ``figures`` with measures of the task's own.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine.ops.mask_windows import MaskWindow
from engine.runtime.paths import write_atomic
from engine.training.events import plain

# Predictions below this score are nothing that anyone looks at.
SHOWN_SCORE = 0.1
# A label counts as found when a prediction of at least this score matches it at IoU 0.5.
FOUND_SCORE = 0.25
# Beyond this many images the file would grow to hundreds of megabytes.
MAX_IMAGES = 2000
OUTLINE_TOLERANCE_PX = 0.7
# Class maps are kept at most this large: enough to see what is wrong where, small enough for thousands.
MAP_SIDE_PX = 256
MAP_IGNORED = 255
TOP = 5


@dataclass
class Objects:
    """Labels or predictions of one image, in pixels of the original image.

    Attributes:
        classes: (N,) class numbers.
        boxes: (N, 4) corners.
        outlines: One (K, 2) array each, None for a task without masks.
        matched: (N,) whether it belongs to a pair of label and prediction.
        scores: (N,) confidences, None for labels.
        keypoints: (N, K, 3) x, y in pixels and visibility (0, 1, 2 of labels; 0..1 of predictions), None
            for a task without.
        corners: (N, 4, 2) corners of rotated boxes, None for a task without.
        masks: The masks that ``outlines`` are traced from; not written here.
    """

    classes: np.ndarray
    boxes: np.ndarray
    outlines: list[np.ndarray] | None
    matched: np.ndarray
    scores: np.ndarray | None = None
    keypoints: np.ndarray | None = None
    corners: np.ndarray | None = None
    masks: list[MaskWindow] | None = None

    def at_least(self, score: float) -> Objects:
        """Give the predictions with a score of ``score`` or more."""
        scores = np.ones(len(self.boxes)) if self.scores is None else self.scores
        return self.take(np.flatnonzero(scores >= score))

    def take(self, kept: np.ndarray) -> Objects:
        """Give the objects of these numbers."""
        outlines = None if self.outlines is None else [self.outlines[i] for i in kept]
        return Objects(
            self.classes[kept],
            self.boxes[kept],
            outlines,
            self.matched[kept],
            None if self.scores is None else self.scores[kept],
            None if self.keypoints is None else self.keypoints[kept],
            None if self.corners is None else self.corners[kept],
            None if self.masks is None else [self.masks[i] for i in kept],
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
        """Take in one image with its objects."""
        self._take(file, size_wh, {"ground_truth": _rows(truth), "predictions": _rows(found)})

    def add_label(
        self, file: str, size_wh: tuple[int, int], truth: int, probabilities: np.ndarray
    ) -> None:
        """Take in one image with its class.

        Args:
            file: The image.
            size_wh: Width and height of the image.
            truth: Its class number.
            probabilities: (C,) what a classifier says.
        """
        best = np.argsort(-probabilities, kind="stable")[:TOP]
        top = [[int(number), round(float(probabilities[number]), 4)] for number in best]
        self._take(file, size_wh, {"label": int(truth), "top": top})

    def add_maps(
        self, file: str, size_wh: tuple[int, int], truth: np.ndarray, predicted: np.ndarray
    ) -> None:
        """Take in one image with its class maps, at a size to look at.

        Args:
            file: The image.
            size_wh: Width and height of the image.
            truth: (H, W) uint8 class numbers, 255 where nothing is known; any size.
            predicted: (H, W) uint8 class numbers of the same size.
        """
        known = truth != MAP_IGNORED
        right = float((truth == predicted)[known].mean()) if known.any() else None
        maps = {"truth": _png(truth), "predicted": _png(predicted)}
        self._take(file, size_wh, {"maps": maps, "pixel_accuracy": right})

    def _take(self, file: str, size_wh: tuple[int, int], seen: dict[str, Any]) -> None:
        if self.full:
            self.left_out += 1
            return
        size = {"width": int(size_wh[0]), "height": int(size_wh[1])}
        self._images.append({"file": str(file), **size, **seen})

    def write(
        self,
        path: Path,
        metrics: Any,
        confusion: Any,
        speed_ms: dict[str, float],
        weights: Any,
        task: str = "",
        labels: Mapping[str, Any] | None = None,
    ) -> None:
        """Write the file.

        Args:
            path: Where.
            metrics: Has ``names``, ``results_dict``, ``per_class()`` and, where there are any, ``curves`` and
                ``details`` (means by size of the objects and COCO's own numbers).
            confusion: Has ``to_dict()``.
            speed_ms: Milliseconds an image of each stage.
            weights: File of the weights.
            task: What was validated.
            labels: How the labels are distributed, see `engine.metrics.label_statistics`.
        """
        results = dict(metrics.results_dict)
        values = {
            "task": task or None,
            "names": metrics.names,
            "metrics": results,
            "per_class": metrics.per_class(),
            "details": getattr(metrics, "details", {}),
            "curves": {"box": None, "mask": None, **getattr(metrics, "curves", {})},
            "labels": labels,
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
        for key, values in (("keypoints", objects.keypoints), ("corners", objects.corners)):
            if values is not None:
                row[key] = np.round(values[i].astype(float), 2).tolist()
        row["matched"] = bool(objects.matched[i])
        rows.append(row)
    return rows


def _png(class_map: np.ndarray) -> str:
    """Give a class map as a grey PNG in base 64, its classes unmixed."""
    height, width = class_map.shape
    scale = min(1.0, MAP_SIDE_PX / max(height, width))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(class_map.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
    return base64.b64encode(cv2.imencode(".png", small)[1].tobytes()).decode("ascii")


def _thin(outline: np.ndarray) -> list[list[float]]:
    """Leave out the points of an outline that its shape does not need, OpenCV's way: by thousands a second."""
    points: np.ndarray = np.asarray(outline, dtype=np.float32).reshape(-1, 1, 2)
    if len(points) > 4:
        points = cv2.approxPolyDP(points, OUTLINE_TOLERANCE_PX, True)
    return np.round(points.reshape(-1, 2).astype(float), 2).tolist()
