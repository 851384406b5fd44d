"""Shapes as lines of label text, for each task: what follows the class, and what is lost by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Literal, TypeAlias

import numpy as np

from engine.data.annotations import (
    Annotation,
    Box,
    Geometry,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Polyline,
    Tag,
    to_box,
    to_oriented_box,
    to_polygons,
)
from engine.data.formats.bridges import bridged

Task: TypeAlias = Literal["detect", "segment", "obb", "pose"]
TASKS: tuple[Task, ...] = ("detect", "segment", "obb", "pose")
_WITHOUT_AREA = (Polyline, Keypoints, Tag)
_BEYOND = 1e-6  # fractions; less is rounding


def format_row(class_id: int, values: np.ndarray) -> str:
    """Return a label line of fractions; six decimals are a hundredth of a pixel in 10,000."""
    numbers = np.asarray(values).ravel().tolist()
    return str(class_id) + " %.6f" * len(numbers) % tuple(numbers)


def geometry_values(geometry: Geometry, width: int, height: int, task: str) -> np.ndarray | None:
    """Return what follows the class in a label line of boxes, outlines or rotated boxes, as fractions.

    None for what the format cannot hold (lines, keypoints, tags) and for what has no area. Corners of
    rotated boxes may lie outside 0..1: cut off, the box would be another one.
    """
    if isinstance(geometry, _WITHOUT_AREA):
        return None
    scale = np.array((width, height), dtype=np.float64)
    if task == "detect":
        corners = np.array(to_box(geometry).bounds()).reshape(2, 2) / scale
        corners = np.clip(corners, 0, 1)
        size = corners[1] - corners[0]
        return np.concatenate((corners.mean(0), size)) if size.min() > 0 else None
    if task == "obb":
        box = to_oriented_box(geometry)
        return np.array(box.corners()) / scale if box is not None and box.area() else None
    polygons = [p for p in to_polygons(geometry) if len(p.exterior) >= 3]
    return np.clip(bridged(polygons) / scale, 0, 1) if polygons else None


def annotation_line(
    annotation: Annotation, size_wh: tuple[int, int], task: Task, points: int, lost: Counter[str]
) -> str | None:
    """Return the label line of an object, or None where the task has no line for it; counts what is lost.

    Args:
        annotation: The object.
        size_wh: Width and height of the picture.
        task: What the labels are for.
        points: Keypoints of an object, for pose.
        lost: Where to count, by sentence.
    """
    geometry = annotation.geometry
    values = (
        _pose_values(annotation, size_wh, points)
        if task == "pose"
        else geometry_values(geometry, *size_wh, task)
    )
    if values is None:
        is_odd = task == "pose" and isinstance(geometry, Keypoints)
        what = "of another number of points" if is_odd else "which this format cannot hold"
        lost[f"{geometry.kind} [shape|shapes], {what}"] += 1
        return None
    if loss := _LOSSES[task](geometry):
        lost[loss] += 1
    if task == "obb" and (values.min() < -_BEYOND or values.max() > 1 + _BEYOND):
        lost[
            "rotated [box reaches|boxes reach] beyond the picture, which some programs refuse"
        ] += 1
    if annotation.score is not None:
        lost["[score|scores]"] += 1
    if any(key != "box" or task != "pose" for key in annotation.attributes):
        lost["[set|sets] of attributes"] += 1
    return format_row(annotation.class_id, values)


def natural_task(geometries: Iterable[Geometry]) -> Task:
    """Return the task that keeps most of these shapes."""
    kinds = {type(geometry) for geometry in geometries} - {Tag, Polyline}
    if Keypoints in kinds and not kinds & {Polygon, Mask, OrientedBox}:
        return "pose"
    kinds.discard(Keypoints)
    if kinds & {Polygon, Mask}:
        return "segment"
    return "obb" if OrientedBox in kinds else "detect"


def _pose_values(
    annotation: Annotation, size_wh: tuple[int, int], points: int
) -> np.ndarray | None:
    """Return the box, then x, y and visibility of each point."""
    geometry = annotation.geometry
    if not isinstance(geometry, Keypoints) or len(geometry.points) != points:
        return None
    box = geometry_values(_box_of(annotation), *size_wh, "detect")
    if box is None:
        return None
    rows = np.zeros((points, 3))
    rows[:, :2] = np.array(geometry.points) / size_wh
    rows[:, 2] = geometry.visibility
    rows[(rows[:, 2] == 0) | (rows[:, :2] < 0).any(1) | (rows[:, :2] > 1).any(1)] = 0
    return np.concatenate((box, rows.ravel()))


def _box_of(annotation: Annotation) -> Box:
    """Return the box that came with the keypoints, else the one around those that are labelled."""
    given = annotation.attributes.get("box")
    numbers = given if isinstance(given, (list, tuple)) else ()
    if len(numbers) == 4 and all(isinstance(v, (int, float)) for v in numbers):
        return Box(*map(float, numbers))
    x1, y1, x2, y2 = annotation.geometry.bounds()
    # One labelled point has no extent, and a box must have one.
    return Box(x1 - (x1 == x2), y1 - (y1 == y2), x2 + (x1 == x2), y2 + (y1 == y2))


def _lost_in_boxes(geometry: Geometry) -> str | None:
    if isinstance(geometry, (Polygon, Mask)):
        return "[outline, written as the box around it|outlines, written as the boxes around them]"
    return (
        None
        if isinstance(geometry, Box)
        else "[rotation, written as an upright box|rotations, written as upright boxes]"
    )


def _lost_in_outlines(geometry: Geometry) -> str | None:
    return (
        "[box, written as the outline of a rectangle|boxes, written as the outlines of rectangles]"
        if isinstance(geometry, Box)
        else None
    )


def _lost_in_rotated(geometry: Geometry) -> str | None:
    if isinstance(geometry, (Box, OrientedBox)):
        return None
    return "[outline, written as the smallest rotated box around it|outlines, written as the smallest rotated boxes around them]"


_LOSSES: dict[Task, Callable[[Geometry], str | None]] = {
    "detect": _lost_in_boxes,
    "segment": _lost_in_outlines,
    "obb": _lost_in_rotated,
    "pose": lambda _: None,
}
