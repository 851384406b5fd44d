"""A data set's COCO annotations as the truth of a validation: with crowds, and objects in several parts.

``annotations`` in data.yaml names them: one JSON file, or one for each split. Label text knows neither crowds
nor parts; where annotations are named, what they say of an image counts instead of its label file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.metrics.coco_files import TruthImage, read_truth
from engine.runtime.errors import DatasetError
from engine.runtime.log import LOGGER


@dataclass(frozen=True)
class AnnotatedImage:
    """The objects of one image.

    Attributes:
        classes: Class numbers of the data set (T,).
        boxes: Corners in pixels (T, 4) float64.
        areas: As annotated (T,).
        crowd: (T,) bool.
        masks: Compressed run lengths, one an object.
        points: x, y and visibility of each object's keypoints in a row, None where there are none.
    """

    classes: np.ndarray
    boxes: np.ndarray
    areas: np.ndarray
    crowd: np.ndarray
    masks: list[Any]
    points: list[Any]

    def take(self, which: np.ndarray) -> AnnotatedImage:
        """Return the objects of these numbers."""
        rows = which.tolist()
        columns = (self.classes[rows], self.boxes[rows], self.areas[rows], self.crowd[rows])
        lists = ([column[i] for i in rows] for column in (self.masks, self.points))
        return AnnotatedImage(*columns, *lists)

    def keypoints(self, count: int) -> np.ndarray:
        """Return the keypoints (T, count, 3) in pixels, zeros for objects without."""
        points = np.zeros((len(self.classes), count, 3))
        for row, given in zip(points, self.points, strict=True):
            if given is not None and len(given) == row.size:
                row[:] = np.asarray(given, dtype=np.float64).reshape(count, 3)
        return points


class Annotations:
    """Annotated objects by image file."""

    def __init__(
        self, path: str | Path, names: Mapping[int, str], single_cls: bool = False
    ) -> None:
        """Read a JSON file.

        Args:
            path: The file.
            names: Class names of the data set; categories are found by name.
            single_cls: All categories are class 0.

        Raises:
            DatasetError: It cannot be read, or knows none of the classes.
        """
        self.path = Path(path)
        self._truth = read_truth(self.path)
        by_name = {name: number for number, name in names.items()}
        known = {
            i: 0 if single_cls else by_name.get(name, -1) for i, name in self._truth.names.items()
        }
        if max(known.values(), default=-1) < 0:
            raise DatasetError(
                f"none of its {len(known)} categories is a class of the data set.",
                path=self.path,
                remedy="Give categories and classes the same names, or remove 'annotations' from data.yaml.",
            )
        self._numbers = np.array([known[i] for i in range(len(known))], dtype=np.int64)

    def of(self, file: str | Path, size_hw: tuple[int, int]) -> AnnotatedImage | None:
        """Return the objects of an image, None where there is no word of it or it has another size."""
        key = self._truth.by_file.get(Path(file).name)
        if key is None:
            return None
        image = self._truth.images[key]
        if tuple(image.size_hw) != tuple(size_hw):
            LOGGER.warning(
                "%s: %s says %d x %d pixels; its label file is used.",
                file, self.path.name, image.size_hw[1], image.size_hw[0],
            )  # fmt: skip
            return None
        return self._known(image)

    def knows_keypoints(self, count: int) -> bool:
        """Say whether some object has so many keypoints."""
        images = self._truth.images.values()
        return any(len(row or ()) == 3 * count for image in images for row in image.keypoints)

    def _known(self, image: TruthImage) -> AnnotatedImage:
        """Return the objects of classes that the data set has."""
        classes = self._numbers[image.classes]
        everything = AnnotatedImage(
            classes, image.boxes, image.areas, image.crowd, image.masks, list(image.keypoints)
        )
        return everything.take(np.flatnonzero(classes >= 0))


def find_annotations(data: Mapping[str, Any], split: str) -> Path | None:
    """Return the JSON file that data.yaml names for a split, if it does.

    Raises:
        DatasetError: The entry is neither a path nor paths by split, or the file does not exist.
    """
    entry, file = data.get("annotations"), data.get("yaml_file")
    if isinstance(entry, Mapping):
        entry = entry.get(split)
    if not entry:
        return None
    if not isinstance(entry, str):
        raise DatasetError(
            "'annotations' must be the path of a JSON file or one for each split.",
            path=file,
            value=entry,
            remedy="Write for example 'annotations: {val: annotations/instances_val.json}'.",
        )
    path = Path(data["path"]) / entry
    if not path.is_file():
        raise DatasetError(
            f"its annotations {entry} do not exist.",
            path=file,
            value=str(path),
            remedy="Correct the entry 'annotations'; it is relative to 'path'.",
        )
    return path
