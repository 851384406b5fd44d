"""How the labels of a validation are distributed: classes, objects an image, places and sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, slots=True)
class ClassCount:
    """How often a class occurs: in how many images, and how many objects."""

    class_id: int
    name: str
    images: int
    objects: int


@dataclass(frozen=True)
class LabelStatistics:
    """The labels of a split.

    Attributes:
        images: Number of images.
        objects: Number of objects.
        classes: Every class, also those that do not occur.
        objects_an_image: Images with 0, 1, 2 ... objects.
        centres: Objects by the place of their centre: rows from top to bottom, columns from left to right.
        sizes: Objects by their size: rows height, columns width, both from 0 to the whole image.
    """

    images: int
    objects: int
    classes: tuple[ClassCount, ...]
    objects_an_image: tuple[int, ...]
    centres: np.ndarray
    sizes: np.ndarray

    @property
    def missing(self) -> list[str]:
        """Return the classes that do not occur."""
        return [row.name for row in self.classes if not row.objects]


def parse_statistics(values: Mapping[str, Any] | None) -> LabelStatistics | None:
    """Return what a record says, None where it says nothing of its labels.

    Raises:
        KeyError, TypeError, ValueError: It is of another kind.
    """
    if not values:
        return None
    classes = tuple(
        ClassCount(int(row["class_id"]), str(row["name"]), int(row["images"]), int(row["objects"]))
        for row in values["classes"]
    )
    return LabelStatistics(
        int(values["images"]),
        int(values["objects"]),
        classes,
        tuple(int(count) for count in values["objects_an_image"]),
        np.asarray(values["centres"], dtype=np.int64),
        np.asarray(values["sizes"], dtype=np.int64),
    )
