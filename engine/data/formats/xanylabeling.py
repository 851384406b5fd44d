"""X-AnyLabeling: one JSON a picture, beside it, with rotated boxes, attributes, scores and links of texts.

Read like labelme's files, whose layout they share. Points of a skeleton are single points of one group there,
and masks are outlines.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from engine.data.annotations import Annotation, Keypoints, Mask, OrientedBox, Polygon
from engine.data.annotations.attribute_names import DIFFICULT, GROUP_ID
from engine.data.formats.labelme_files import holds, read_files, write_files
from engine.data.formats.labelme_shapes import LINKING, ROTATION, outline_ring, shape_of
from engine.data.formats.losses import loss_sentences
from engine.data.formats.pictures import How
from engine.data.formats.records import ClassInfo, LabelledDataset, WriteReport

Progress = Callable[[int, int], None]
_TOP = {"version": "3.0.0"}


def is_this(path: Path) -> bool:
    """Say whether a path is an X-AnyLabeling file or a folder with some."""
    return holds(path, "xanylabeling")


def read(
    path: Path, progress: Progress | None = None, only: Sequence[Path] = ()
) -> LabelledDataset:
    """Read a file, or a folder and the folders in it, or of a folder only some files.

    Raises:
        DatasetError: There is no JSON file.
    """
    return read_files(path, progress, only)


def write(
    dataset: LabelledDataset, path: Path, progress: Progress | None = None, images: How = "copy"
) -> WriteReport:
    """Write pictures with their JSON below the folder ``path``, in a folder a split.

    Args:
        dataset: What to write; pictures that nobody has labelled get no JSON.
        path: Folder, made where missing; files of the same names are replaced.
        progress: Called with (done, total).
        images: Copy the pictures, link to them, or write the labels only.

    Raises:
        OSError: The folder cannot be written.
    """
    shapes = _Shapes(dataset)
    report = write_files(dataset, path, progress, images, shapes.of, _TOP)
    report.lost = loss_sentences(shapes.lost)
    return report


class _Shapes:
    """Makes the shapes of annotations, counting what they lose."""

    def __init__(self, dataset: LabelledDataset) -> None:
        self.lost: Counter[str] = Counter()
        self._classes = dataset.classes
        told = (
            a.attributes.get(GROUP_ID) for image in dataset.images for a in image.annotations or ()
        )
        self._group = max((g for g in told if isinstance(g, int)), default=0)

    def of(self, annotation: Annotation, label: str) -> list[dict[str, Any]]:
        """Return the shapes of an annotation: one, or one a point of a skeleton."""
        geometry = annotation.geometry
        if isinstance(geometry, Keypoints) and len(geometry.points) > 1:
            return self._points(annotation, geometry)
        if isinstance(geometry, Mask):
            if not geometry.area():
                return []
            self.lost[
                "[mask, written as the outline along its|masks, written as outlines along their] pixels"
            ] += 1
            outline = Polygon(tuple(outline_ring(geometry)))
            annotation = Annotation(
                outline, annotation.class_id, annotation.score, annotation.attributes
            )
        if isinstance(geometry, Polygon) and geometry.holes:
            self.lost["[polygon|polygons] with holes, written as one ring joined by bridges"] += 1
        return [_as_here(shape_of(annotation, label), geometry)]

    def _points(self, annotation: Annotation, points: Keypoints) -> list[dict[str, Any]]:
        """Return a shape for each labelled point, named by the skeleton, in a group of their own."""
        self.lost["[skeleton|skeletons], written as single points of a group"] += 1
        self._group += 1
        group = annotation.attributes.get(GROUP_ID, self._group)
        names = self._classes.get(annotation.class_id, ClassInfo()).keypoints
        shapes = []
        for place, (point, visible) in enumerate(
            zip(points.points, points.visibility, strict=True)
        ):
            if visible:
                name = names[place] if place < len(names) else f"point_{place + 1}"
                dot = Annotation(Keypoints((point,), (2,)), 0, None, {GROUP_ID: group})
                shapes.append(_as_here(shape_of(dot, name), dot.geometry))
        return shapes


def _as_here(shape: dict[str, Any], geometry: object) -> dict[str, Any]:
    """Return a shape of labelme with the fields of this tool."""
    attributes = {**shape.pop("attributes", {}), **shape["flags"]}
    del shape["mask"]
    if isinstance(geometry, OrientedBox):
        shape["shape_type"] = "rotation"
        shape["direction"] = geometry.angle_rad % math.tau
        attributes.pop(ROTATION, None)
    if shape["shape_type"] == "rectangle":
        (x1, y1), (x2, y2) = shape["points"]
        shape["points"] = [[x1, y1], [x2, y1], [x2, y2], [x1, y2]]
    links = attributes.pop(LINKING, None)
    return {
        **shape,
        "flags": {},
        "score": shape.get("score"),
        "difficult": bool(attributes.pop(DIFFICULT, False)),
        "attributes": attributes,
        "kie_linking": _links(links),
    }


def _links(text: Any) -> list[Any]:
    try:
        links = json.loads(text) if isinstance(text, str) else []
    except ValueError:
        return []
    return links if isinstance(links, list) else []
