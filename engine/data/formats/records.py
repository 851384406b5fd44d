"""What every format reads into and writes from: pictures with annotations, without a window or a project."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
        annotations: Its objects; empty when it is known to show none, None when nobody has labelled it. A
            tuple, or a sequence that builds its objects when it is walked through
            (:class:`~engine.data.formats.packed.PackedAnnotations`): walk through it once.
        attributes: What the format says of the picture, plain JSON values: ``id`` (the format's own
            number), ``frame`` (in a video, from 0), ``video`` (its name), ``flags``, ``license`` ...
        predictions: What a model proposes on it and nobody has accepted. Only formats that tell it from annotations
            write it; readers leave it empty.
    """

    path: Path
    width: int
    height: int
    split: str | None = None
    annotations: Sequence[Annotation] | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict, hash=False)
    predictions: Sequence[Annotation] = ()


@dataclass(frozen=True, slots=True)
class ClassInfo:
    """What a format says of a class beside its name.

    Attributes:
        number: The format's own number (a COCO category, a value of a mask); None where it has none.
        supercategory: Name of the group it belongs to, or of the class above it.
        color: ``#rrggbb``, empty where the format has none.
        keypoints: Names of the keypoints of an object, in order.
        skeleton: Pairs of keypoints that a line joins, counted from 0.
        flip: For each keypoint the one that it becomes in the mirror, counted from 0.
        attributes: What may be said of its objects: plain values with ``name``, ``kind`` (text, number,
            choice, flag), ``choices`` and ``default``.
        is_thing: Its objects can be counted; False for stuff such as sky.
    """

    number: int | None = None
    supercategory: str = ""
    color: str = ""
    keypoints: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()
    flip: tuple[int, ...] = ()
    attributes: tuple[Mapping[str, Any], ...] = field(default=(), hash=False)
    is_thing: bool = True


@dataclass
class LabelledDataset:
    """A data set in memory: class names, pictures, and what could not be read.

    Attributes:
        names: Class names by index.
        images: The usable pictures.
        skipped: Everything found wrong, in the order found; see :class:`Problem` for the kinds.
        keypoints: What the format says of the keypoints of an object, empty where it says nothing:
            ``kpt_shape`` (count, 2 or 3), ``flip_idx``, ``kpt_names``, as in a data.yaml.
        classes: What else is known of classes, by the same index as ``names``; may lack any of them.
        info: What the format says of the whole set, plain JSON values: ``info`` and ``licenses`` as COCO
            has them, ``video`` (name, frame rate) ...
        format: Name of the format that was read, empty for a set that was made otherwise.
    """

    names: dict[int, str]
    images: list[LabelledImage] = field(default_factory=list)
    skipped: list[Problem] = field(default_factory=list)
    keypoints: dict[str, Any] = field(default_factory=dict)
    classes: dict[int, ClassInfo] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    format: str = ""

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
