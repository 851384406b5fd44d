"""What a validation found, read from ``validation.json``: figures, curves, confusion, objects image by image."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from engine.runtime.errors import DatasetError

# The thresholds of the confusion matrix: the field's usual ones, the same as in the engine's.
CONFUSION_SCORE = 0.25
CONFUSION_IOU = 0.45

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class SeenObject:
    """A label or a prediction on an image, in pixels of the upright image.

    Attributes:
        class_id: The model's class number.
        box: x1, y1, x2, y2.
        polygon: Its outline, empty for a box.
        matched: Whether a label and a prediction of its class belong together here.
        score: Confidence in 0..1; None for a label.
    """

    class_id: int
    box: Box
    polygon: tuple[tuple[float, float], ...]
    matched: bool
    score: float | None = None


@dataclass(frozen=True, slots=True)
class SeenImage:
    """One validation image with its labels and predictions."""

    file: Path
    width: int
    height: int
    truth: tuple[SeenObject, ...]
    predictions: tuple[SeenObject, ...]

    @property
    def mistakes(self) -> int:
        """Return how many labels were missed and sure predictions are wrong."""
        missed = sum(not label.matched for label in self.truth)
        return missed + sum(
            not found.matched and (found.score or 0) >= CONFUSION_SCORE
            for found in self.predictions
        )


@dataclass(frozen=True, slots=True)
class ClassRow:
    """The figures of one class; ``box`` and ``mask`` hold precision, recall, ap50 and ap."""

    class_id: int
    name: str
    images: int
    instances: int
    box: Mapping[str, float]
    mask: Mapping[str, float] | None


@dataclass(frozen=True, slots=True)
class Curve:
    """Precision over recall: one row of ``precision`` for each class id."""

    recall: tuple[float, ...]
    precision: Mapping[int, tuple[float, ...]]

    def mean(self) -> tuple[float, ...]:
        """Return the mean precision over the classes."""
        if not self.precision:
            return ()
        return tuple(np.mean(list(self.precision.values()), axis=0).tolist())


@dataclass(frozen=True, slots=True)
class Example:
    """One object of a cell of the confusion matrix: a label, a prediction, or the pair of them."""

    image: SeenImage
    truth: SeenObject | None
    prediction: SeenObject | None

    @property
    def box(self) -> Box:
        """Return the box around all of it."""
        boxes = [seen.box for seen in (self.truth, self.prediction) if seen is not None]
        corners = np.asarray(boxes)
        low, high = corners[:, :2].min(0), corners[:, 2:].max(0)
        return (float(low[0]), float(low[1]), float(high[0]), float(high[1]))


@dataclass(frozen=True)
class ValidationReport:
    """Everything that one validation wrote."""

    path: Path
    names: Mapping[int, str]
    metrics: Mapping[str, float]
    rows: tuple[ClassRow, ...]
    curves: Mapping[str, Curve]
    labels: tuple[str, ...]
    matrix: np.ndarray
    images: tuple[SeenImage, ...]
    left_out: int = 0
    speed_ms: Mapping[str, float] = field(default_factory=dict)
    weights: str = ""

    @property
    def has_masks(self) -> bool:
        """Whether masks were measured too."""
        return any(row.mask is not None for row in self.rows)

    @cached_property
    def cells(self) -> dict[tuple[int, int], list[Example]]:
        """Return the objects behind each cell ``(predicted, true)`` of the confusion matrix."""
        found: dict[tuple[int, int], list[Example]] = {}
        for image in self.images:
            for cell, example in _examples(image, background=len(self.labels) - 1):
                found.setdefault(cell, []).append(example)
        return found


def read_report(path: Path) -> ValidationReport:
    """Read ``validation.json``.

    Raises:
        DatasetError: It is missing, damaged or of another kind.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return _parse(path, values)
    except OSError as error:
        raise DatasetError(
            f"the validation cannot be read ({error.strerror}).",
            path=path,
            remedy="Validate the model again.",
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            "this is no record of a validation.", path=path, remedy="Validate the model again."
        ) from error


def _parse(path: Path, values: dict[str, Any]) -> ValidationReport:
    confusion = values["confusion"]
    curves = {kind: _curve(raw) for kind, raw in values["curves"].items() if raw}
    return ValidationReport(
        path=path,
        names={int(number): str(name) for number, name in values["names"].items()},
        metrics={name: float(v) for name, v in values["metrics"].items() if v is not None},
        rows=tuple(_row(raw) for raw in values["per_class"]),
        curves=curves,
        labels=tuple(confusion["labels"]),
        matrix=np.asarray(confusion["matrix"], dtype=np.int64),
        images=tuple(_image(raw) for raw in values["images"]),
        left_out=int(values.get("images_left_out") or 0),
        speed_ms=values.get("speed_ms") or {},
        weights=str(values.get("weights") or ""),
    )


def _row(raw: dict[str, Any]) -> ClassRow:
    return ClassRow(
        int(raw["class_id"]),
        str(raw["name"]),
        int(raw["images"]),
        int(raw["instances"]),
        raw["box"],
        raw.get("mask"),
    )


def _curve(raw: dict[str, Any]) -> Curve:
    precision = {int(number): tuple(values) for number, values in raw["precision"].items()}
    return Curve(tuple(raw["recall"]), precision)


def _image(raw: dict[str, Any]) -> SeenImage:
    return SeenImage(
        Path(raw["file"]),
        int(raw["width"]),
        int(raw["height"]),
        tuple(_object(item) for item in raw["ground_truth"]),
        tuple(_object(item) for item in raw["predictions"]),
    )


def _object(raw: dict[str, Any]) -> SeenObject:
    x1, y1, x2, y2 = (float(value) for value in raw["box"])
    outline = tuple((float(x), float(y)) for x, y in raw.get("polygon") or ())
    return SeenObject(
        int(raw["class_id"]), (x1, y1, x2, y2), outline, bool(raw["matched"]), raw.get("score")
    )


def _examples(image: SeenImage, background: int) -> list[tuple[tuple[int, int], Example]]:
    """Pair predictions and labels whatever their classes, the pair that overlaps most first."""
    sure = [found for found in image.predictions if (found.score or 0) >= CONFUSION_SCORE]
    overlap = box_overlaps([f.box for f in sure], [t.box for t in image.truth])
    pairs = np.argwhere(overlap > CONFUSION_IOU)
    order = np.argsort(-overlap[tuple(pairs.T)], kind="stable")
    partner: dict[int, int] = {}
    taken: set[int] = set()
    for i, j in pairs[order].tolist():
        if i not in partner and j not in taken:
            partner[i] = j
            taken.add(j)
    result = []
    for i, found in enumerate(sure):
        truth = image.truth[partner[i]] if i in partner else None
        column = background if truth is None else truth.class_id
        result.append(((found.class_id, column), Example(image, truth, found)))
    for j, truth in enumerate(image.truth):
        if j not in taken:
            result.append(((background, truth.class_id), Example(image, truth, None)))
    return result


def box_overlaps(first: Sequence[Box], second: Sequence[Box]) -> np.ndarray:
    """Return the intersection over union of each box with each other, (len(first), len(second))."""
    a = np.asarray(first, dtype=float).reshape(-1, 1, 4)
    b = np.asarray(second, dtype=float).reshape(1, -1, 4)
    sides = np.minimum(a[..., 2:], b[..., 2:]) - np.maximum(a[..., :2], b[..., :2])
    shared = sides.clip(0).prod(-1)
    areas = (a[..., 2:] - a[..., :2]).prod(-1) + (b[..., 2:] - b[..., :2]).prod(-1)
    return shared / np.maximum(areas - shared, 1e-9)
