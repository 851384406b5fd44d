"""What a validation found, read from ``validation.json``: figures, curves, confusion, and what is on each image."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from engine.runtime.errors import DatasetError
from studio.language import tr
from studio.model.label_statistics import LabelStatistics, parse_statistics
from studio.model.run_figures import KINDS
from studio.model.seen import Answer, ClassMaps, SeenImage, SeenObject
from studio.model.validation_cells import Cell, Example, find_cells

# The kinds of objects that figures may be of, foremost first, as in the file; then a task's own measures.
_KINDS = (*KINDS.values(),)
OWN = "figures"
_COUNTED = {"classify": "image", "semseg": "pixel"}


@dataclass(frozen=True, slots=True)
class ClassRow:
    """The figures of one class.

    Attributes:
        class_id: Its number.
        name: Its name.
        images: Validation images that hold it.
        instances: Objects, images or pixels of it.
        figures: Under ``mask``, ``pose`` and ``box`` precision, recall, ap50 and ap; under
            :data:`OWN` the measures that a task has of its own.
    """

    class_id: int
    name: str
    images: int
    instances: int
    figures: Mapping[str, Mapping[str, float]]


@dataclass(frozen=True, slots=True)
class Curve:
    """One measure over another: a row of ``y`` for each class id."""

    x: tuple[float, ...]
    y: Mapping[int, tuple[float, ...]]

    def mean(self) -> tuple[float, ...]:
        """Return the mean over the classes."""
        return tuple(np.mean(list(self.y.values()), axis=0).tolist()) if self.y else ()

    def best(self) -> tuple[float, float] | None:
        """Return where the mean is highest and how high it is there."""
        mean = self.mean()
        place = int(np.argmax(mean)) if mean else 0
        return (self.x[place], mean[place]) if mean else None


@dataclass(frozen=True)
class ValidationReport:
    """Everything that one validation wrote; ``curves`` by kind (``box``) and name (``pr``, ``p``, ``r``, ``f1``)."""

    path: Path
    names: Mapping[int, str]
    metrics: Mapping[str, float]
    rows: tuple[ClassRow, ...]
    curves: Mapping[str, Mapping[str, Curve]]
    labels: tuple[str, ...]
    matrix: np.ndarray
    images: tuple[SeenImage, ...]
    left_out: int = 0
    speed_ms: Mapping[str, float] = field(default_factory=dict)
    weights: str = ""
    task: str = ""
    label_statistics: LabelStatistics | None = None

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """Return what was measured: some of ``mask``, ``pose``, ``box``, or :data:`OWN`; foremost first."""
        return tuple(
            kind for kind in (*_KINDS, OWN) if any(kind in row.figures for row in self.rows)
        ) or ("box",)

    @property
    def has_background(self) -> bool:
        """Whether the last row and column of the confusion matrix stand for nothing."""
        return len(self.labels) > len(self.names)

    @property
    def counts(self) -> str:
        """Return what the confusion matrix counts: ``object``, ``image`` or ``pixel``."""
        return _COUNTED.get(self.task, "object")

    @cached_property
    def cells(self) -> dict[Cell, list[Example]]:
        """Return what is behind each cell ``(predicted, true)`` of the confusion matrix, the most of it first."""
        return find_cells(self.images, background=len(self.labels) - 1)


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
            tr("the validation cannot be read ({strerror}).").format(strerror=error.strerror),
            path=path,
            remedy=tr("Validate the model again."),
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DatasetError(
            tr("this is no record of a validation."),
            path=path,
            remedy=tr("Validate the model again."),
        ) from error


def _parse(path: Path, values: dict[str, Any]) -> ValidationReport:
    confusion = values["confusion"]
    curves = {kind: _curves(raw) for kind, raw in values["curves"].items() if raw}
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
        task=str(values.get("task") or ""),
        label_statistics=parse_statistics(values.get("labels")),
    )


def _row(raw: dict[str, Any]) -> ClassRow:
    return ClassRow(
        int(raw["class_id"]),
        str(raw["name"]),
        int(raw["images"]),
        int(raw["instances"]),
        {kind: raw[kind] for kind in (*_KINDS, OWN) if raw.get(kind)},
    )


def _curves(raw: dict[str, Any]) -> dict[str, Curve]:
    curves = {"pr": _curve(raw["recall"], raw["precision"])}
    if raw.get("confidence"):
        over_confidence = (name for name in ("f1", "p", "r") if raw.get(name))
        curves |= {name: _curve(raw["confidence"], raw[name]) for name in over_confidence}
    return curves


def _curve(x: list[float], y: dict[str, list[float]]) -> Curve:
    return Curve(tuple(x), {int(number): tuple(values) for number, values in y.items()})


def _image(raw: dict[str, Any]) -> SeenImage:
    answer, maps = None, None
    if "label" in raw:
        top = tuple((int(number), float(share)) for number, share in raw["top"])
        answer = Answer(int(raw["label"]), top)
    if "maps" in raw:
        right = raw.get("pixel_accuracy")
        share = 1.0 if right is None else float(right)
        maps = ClassMaps(str(raw["maps"]["truth"]), str(raw["maps"]["predicted"]), share)
    return SeenImage(
        Path(raw["file"]),
        int(raw["width"]),
        int(raw["height"]),
        tuple(_object(item) for item in raw.get("ground_truth") or ()),
        tuple(_object(item) for item in raw.get("predictions") or ()),
        answer,
        maps,
    )


def _object(raw: dict[str, Any]) -> SeenObject:
    x1, y1, x2, y2 = (float(value) for value in raw["box"])
    points = tuple((float(x), float(y), float(v)) for x, y, v in raw.get("keypoints") or ())
    return SeenObject(
        int(raw["class_id"]),
        (x1, y1, x2, y2),
        _ring(raw.get("polygon")),
        bool(raw["matched"]),
        raw.get("score"),
        _ring(raw.get("corners")),
        points,
    )


def _ring(points: Any) -> tuple[tuple[float, float], ...]:
    return tuple((float(x), float(y)) for x, y in points or ())
