"""What every format reads into and writes from: pictures with annotations, without a window or a project."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.data.annotations import Annotation
from engine.data.problems import Problem


@dataclass(frozen=True, slots=True)
class LabelledImage:
    """One picture and what was drawn on it.

    Attributes:
        path: The picture file.
        width: Columns of the upright picture.
        height: Rows of the upright picture.
        split: "train", "val", "test", or None where the format says nothing.
        annotations: Its objects; empty when it is known to show none, None when nobody has labelled it.
    """

    path: Path
    width: int
    height: int
    split: str | None = None
    annotations: tuple[Annotation, ...] | None = None


@dataclass
class LabelledDataset:
    """A data set in memory: class names, pictures, and what could not be read.

    Attributes:
        names: Class names by index.
        images: The usable pictures.
        skipped: Everything found wrong, in the order found; see :class:`Problem` for the kinds.
        keypoints: What the format says of the keypoints of an object, empty where it says nothing:
            ``kpt_shape`` (count, 2 or 3), ``flip_idx``, ``kpt_names``, as in a data.yaml.
    """

    names: dict[int, str]
    images: list[LabelledImage] = field(default_factory=list)
    skipped: list[Problem] = field(default_factory=list)
    keypoints: dict[str, Any] = field(default_factory=dict)

    @property
    def annotation_count(self) -> int:
        """Return the number of objects on all pictures."""
        return sum(len(image.annotations or ()) for image in self.images)


@dataclass
class WriteReport:
    """What was written.

    Attributes:
        path: The file to open the written data set with.
        images: Pictures written.
        annotations: Objects written.
        lost: What the format could not hold, one sentence each.
    """

    path: Path
    images: int = 0
    annotations: int = 0
    lost: list[str] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "path": str(self.path),
            "images": self.images,
            "annotations": self.annotations,
            "lost": list(self.lost),
        }
