"""From a doubtful label to a tile of the gallery: the label left, what the model found right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from engine.data.annotations import Geometry, Keypoints, Tag
from engine.data.annotations.convert import to_polygons
from studio.model.label_check import LabelDoubt
from studio.model.records import ImageRecord
from studio.model.seen import Answer, SeenImage, SeenObject
from studio.model.validation_cells import Example
from studio.widgets.tiles import Tile, example_tile, image_tile


def doubt_tile(doubt: LabelDoubt, record: ImageRecord, names: Mapping[int, str]) -> Tile:
    """Return the tile of a doubtful label.

    Args:
        doubt: The label.
        record: Its image, with its size.
        names: Class names by id.
    """
    caption = doubt.sentence(names)
    image = SeenImage(record.path, record.width, record.height, (), ())
    if isinstance(doubt.place, Tag):
        said = doubt.class_id if doubt.found_class is None else doubt.found_class
        answer = Answer(doubt.class_id, ((said, doubt.score or 0.0),))
        return replace(image_tile(replace(image, answer=answer), names), caption=caption)
    label = None
    if doubt.kind != "missing":
        label = _seen(doubt.place, doubt.class_id, None, matched=False)
    found = None
    if doubt.found is not None and doubt.found_class is not None:
        found = _seen(doubt.found, doubt.found_class, doubt.score or 0.0, matched=True)
    return replace(example_tile(Example(image, label, found), names), caption=caption)


def _seen(geometry: Geometry, class_id: int, score: float | None, matched: bool) -> SeenObject:
    """Return a shape as the gallery draws it: its largest outline, or the points of its keypoints."""
    if isinstance(geometry, Keypoints):
        points = zip(geometry.points, geometry.visibility, strict=True)
        shown = tuple((x, y, float(visibility)) for (x, y), visibility in points)
        return SeenObject(class_id, geometry.bounds(), (), matched, score, (), shown)
    outlines = to_polygons(geometry)
    ring = outlines[0].exterior if outlines and geometry.kind != "box" else ()
    return SeenObject(class_id, geometry.bounds(), ring, matched, score)
