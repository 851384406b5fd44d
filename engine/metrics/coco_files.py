"""COCO's files: annotations as ground truth, and predictions measured against them as pycocotools does.

Numbers are those of ``pycocotools.cocoeval``; only the way there differs, and takes a fraction of the time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.metrics.average_precision import Found, score
from engine.metrics.matching import Matches, match_objects
from engine.metrics.measures import AveragePrecision
from engine.metrics.overlaps import (
    Rle,
    box_overlaps,
    encode_segmentation,
    mask_areas,
    mask_overlaps,
)
from engine.runtime.errors import DatasetError

Kind = Literal["bbox", "segm"]


@dataclass(frozen=True)
class TruthImage:
    """The annotated objects of one image.

    Attributes:
        file_name: As the file says.
        size_hw: (height, width) in pixels.
        classes: Number of the category, counted from 0 in the order of their ids (T,).
        boxes: Corners in pixels (T, 4) float64.
        areas: As annotated (T,).
        crowd: Whether it is a region of many (T,) bool.
        segmentations: In any of COCO's forms, None where there is none.
        keypoints: x, y and visibility of each object's points in a row, None where there are none.
    """

    file_name: str
    size_hw: tuple[int, int]
    classes: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray
    crowd: np.ndarray
    segmentations: Sequence[Any]
    keypoints: Sequence[Any]

    @cached_property
    def masks(self) -> list[Rle]:
        """The objects' masks as run lengths; of an object without one its box."""
        return [
            encode_segmentation(shape or [_rectangle(box)], self.size_hw)
            for shape, box in zip(self.segmentations, self.boxes, strict=True)
        ]


@dataclass(frozen=True)
class CocoTruth:
    """Annotations of a data set.

    Attributes:
        names: Category names by number, see :attr:`TruthImage.classes`.
        numbers: Category id to number.
        images: By image id, in the file's order.
    """

    names: dict[int, str]
    numbers: dict[int, int]
    images: dict[Any, TruthImage]

    @cached_property
    def by_file(self) -> dict[str, Any]:
        """Image ids by file name without folders."""
        return {Path(image.file_name).name: key for key, image in self.images.items()}


def read_truth(source: str | Path | Mapping[str, Any]) -> CocoTruth:
    """Read annotations.

    Args:
        source: The JSON file or its content.

    Raises:
        DatasetError: It cannot be read or is no such file.
    """
    path = None if isinstance(source, Mapping) else Path(source)
    values = _load(source)
    try:
        categories = sorted(values["categories"], key=lambda row: row["id"])
        numbers = {row["id"]: i for i, row in enumerate(categories)}
        rows: dict[Any, list[Mapping[str, Any]]] = {row["id"]: [] for row in values["images"]}
        for row in values["annotations"]:
            if row["image_id"] in rows:  # pycocotools, too, passes over orphans
                rows[row["image_id"]].append(row)
        images = {
            row["id"]: _truth_image(row, rows[row["id"]], numbers) for row in values["images"]
        }
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(
            f"these are no COCO annotations ({type(error).__name__}: {error}).",
            path=path,
            remedy="The file needs 'images', 'categories' and 'annotations'.",
        ) from error
    names = {i: str(row.get("name", row["id"])) for i, row in enumerate(categories)}
    return CocoTruth(names, numbers, images)


def evaluate(
    truth: CocoTruth | str | Path | Mapping[str, Any],
    predictions: str | Path | Sequence[Mapping[str, Any]],
    kind: Kind = "bbox",
) -> AveragePrecision:
    """Measure predictions against annotations, as ``COCOeval(truth, truth.loadRes(predictions), kind)``.

    Args:
        truth: Annotations, read or not.
        predictions: Rows of COCO's result format (``image_id``, ``category_id``, ``score``, ``bbox`` or
            ``segmentation``), or a JSON file of them.
        kind: Compare boxes (``bbox``) or masks (``segm``).

    Returns:
        The measures of all predictions; ``coco`` has the twelve numbers that pycocotools prints.

    Raises:
        DatasetError: A file cannot be read, or predictions are for images that are not annotated.

    Examples:
        >>> evaluate("instances_val.json", "predictions.json", "segm").coco["map"]
    """
    truth = truth if isinstance(truth, CocoTruth) else read_truth(truth)
    rows = predictions if isinstance(predictions, Sequence) and not isinstance(predictions, str) else _load(predictions)  # fmt: skip
    keys = sorted(truth.images)
    found = _Rows(rows, truth, {key: i for i, key in enumerate(keys)}, kind)
    matches, scores, classes = [], [], []
    for number, key in enumerate(keys):
        mine = found.of_image(number)
        classes.append(found.classes[mine])
        scores.append(found.scores[mine])
        matches.append(_match(truth.images[key], found, mine, kind))
    images = np.repeat(np.arange(len(keys)), [len(row) for row in scores])
    everything = Found(
        np.concatenate([*scores, np.zeros(0)]),
        np.concatenate([*classes, np.zeros(0, np.int64)]),
        images,
        np.concatenate([*(m.hits for m in matches), np.zeros(0, np.int64)]),
        np.concatenate([*(m.ignored for m in matches), np.zeros(0, np.int64)]),
        np.concatenate([*(truth.images[key].classes for key in keys), np.zeros(0, np.int64)]),
        np.concatenate([*(m.counted for m in matches), np.zeros((0, 4), bool)]),
        matches[0].thresholds if matches else 10,
    )
    return score(everything, len(truth.names))


class _Rows:
    """Predictions as columns, in the order of images and in each best score first."""

    def __init__(
        self,
        rows: Sequence[Mapping[str, Any]],
        truth: CocoTruth,
        place: Mapping[Any, int],
        kind: Kind,
    ) -> None:
        """Take the rows; ``place`` says which image comes when."""
        try:
            image = np.array([place[row["image_id"]] for row in rows], dtype=np.int64)
        except KeyError as error:
            raise DatasetError(
                f"there are predictions for image {error.args[0]!r}, which is not annotated.",
                value=error.args[0],
                remedy="Use the annotations of the images that were predicted on.",
            ) from error
        scores = np.array([row["score"] for row in rows], dtype=np.float64)
        self.order = np.lexsort((-scores, image))  # stable
        self.starts = np.searchsorted(image[self.order], np.arange(len(place) + 1))
        self.scores = scores
        # A category that is not annotated has no objects to find: its number never matches.
        self.classes = np.array(
            [truth.numbers.get(row["category_id"], -1) for row in rows], dtype=np.int64
        )
        self.masks: list[Rle] = [row["segmentation"] for row in rows] if kind == "segm" else []
        self.boxes, self.areas = self._shapes(rows)

    def of_image(self, number: int) -> np.ndarray:
        """Return the indices of an image's predictions, best first."""
        indices: np.ndarray = self.order[self.starts[number] : self.starts[number + 1]]
        return indices

    def _shapes(self, rows: Sequence[Mapping[str, Any]]) -> tuple[np.ndarray, np.ndarray]:
        """Return corners and areas."""
        if self.masks:
            return np.zeros((0, 4)), mask_areas(self.masks)
        boxes = np.array([row["bbox"] for row in rows], dtype=np.float64).reshape(-1, 4)
        return _corners(boxes), boxes[:, 2] * boxes[:, 3]


def _match(image: TruthImage, found: _Rows, mine: np.ndarray, kind: Kind) -> Matches:
    """Match one image's predictions."""
    classes = found.classes[mine]
    if kind == "segm":
        masks = [found.masks[i] for i in mine.tolist()]
        overlaps = mask_overlaps(image.masks, masks, image.crowd)
    else:
        overlaps = box_overlaps(image.boxes, found.boxes[mine], image.crowd)
    areas = found.areas[mine], image.areas
    return match_objects(overlaps, classes, image.classes, *areas, image.crowd)


def _truth_image(
    row: Mapping[str, Any], objects: Sequence[Mapping[str, Any]], numbers: Mapping[int, int]
) -> TruthImage:
    boxes = np.array([o["bbox"] for o in objects], dtype=np.float64).reshape(-1, 4)
    areas = np.array([o.get("area", o["bbox"][2] * o["bbox"][3]) for o in objects], np.float64)
    return TruthImage(
        str(row.get("file_name", row["id"])),
        (int(row.get("height") or 0), int(row.get("width") or 0)),
        np.array([numbers[o["category_id"]] for o in objects], dtype=np.int64),
        _corners(boxes),
        areas,
        np.array([bool(o.get("iscrowd")) for o in objects], dtype=bool),
        [o.get("segmentation") for o in objects],
        [o.get("keypoints") for o in objects],
    )


def _rectangle(box: np.ndarray) -> list[float]:
    x1, y1, x2, y2 = box.tolist()
    return [x1, y1, x2, y1, x2, y2, x1, y2]


def _corners(ltwh: np.ndarray) -> np.ndarray:
    return np.concatenate((ltwh[:, :2], ltwh[:, :2] + ltwh[:, 2:]), 1)


def _load(source: Any) -> Any:
    """Return the content of a JSON file, or what is given."""
    if isinstance(source, Mapping):
        return source
    path = Path(source)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DatasetError(f"it cannot be read ({error.strerror}).", path=path) from error
    except ValueError as error:
        raise DatasetError(f"it is not valid JSON: {error}.", path=path) from error
