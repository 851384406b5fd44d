"""Regions of Label Studio as shapes and back. Places are percent of the picture, angles degrees clockwise.

What the tool has no place for (attributes, keypoints of one object) goes into an entry ``maskwright`` of the
region, which the tool leaves alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

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
)
from engine.data.formats.bridges import bridged, unbridged
from engine.data.formats.ellipses import ellipse_polygon
from engine.data.formats.labelstudio_brush import format_brush, read_brush
from engine.data.formats.shape_checks import UnusableShapeError, finite

OURS = "maskwright"
_TYPES = {
    "box": "rectanglelabels",
    "oriented_box": "rectanglelabels",
    "polygon": "polygonlabels",
    "polyline": "polygonlabels",
    "mask": "brushlabels",
    "keypoints": "keypointlabels",
}
Value = Mapping[str, Any]


def region_geometry(kind: str, value: Value, size_wh: tuple[int, int]) -> Geometry | None:
    """Return the shape of a region, None where it has none.

    Args:
        kind: The region's type, such as ``rectanglelabels``.
        value: Its value.
        size_wh: Width and height that its places are percent of.

    Raises:
        UnusableShapeError: It cannot be understood.
    """
    build = _BUILDERS.get(kind.removesuffix("labels"))
    if build is None:
        return None
    try:
        return build(value, *size_wh)
    except (KeyError, TypeError, IndexError) as error:
        raise UnusableShapeError(f"A value is missing or of another kind: {error}.") from error


def region_labels(kind: str, value: Value) -> list[str]:
    """Return the classes of a region."""
    for key in (kind, "labels", "hypertextlabels", "choices"):
        found = value.get(key)
        if isinstance(found, str):
            return [found]
        if isinstance(found, list):
            return [str(name) for name in found if isinstance(name, (str, int, float))]
    return []


def geometry_values(
    geometry: Geometry, size_wh: tuple[int, int]
) -> list[tuple[str, dict[str, Any]]]:
    """Return the types and values of the regions that hold a shape; several for keypoints, none for what has no place."""
    kind = _TYPES.get(geometry.kind)
    if kind is None:
        return []
    width, height = size_wh
    if isinstance(geometry, Keypoints):
        return [(kind, value) for value in _keypoint_values(geometry, width, height)]
    if isinstance(geometry, Box):
        x1, y1, x2, y2 = geometry.bounds()
        return [(kind, _rectangle(x1, y1, x2 - x1, y2 - y1, 0.0, width, height))]
    if isinstance(geometry, OrientedBox):
        x, y = geometry.corners()[0]
        degrees = math.degrees(geometry.angle_rad)
        return [(kind, _rectangle(x, y, geometry.w, geometry.h, degrees, width, height))]
    if isinstance(geometry, Mask):
        return [(kind, {"format": "rle", "rle": format_brush(geometry)})]
    if isinstance(geometry, Polyline):
        points, closed = np.array(geometry.points), False
    elif isinstance(geometry, Polygon):
        points, closed = np.array(geometry.exterior), True
        points = bridged([geometry]) if geometry.holes else points
    else:
        return []
    percent = points * 100.0 / (width, height)
    return [(kind, {"points": percent.tolist(), "closed": closed})]


def join_keypoints(parts: list[tuple[dict[str, Any], Annotation]]) -> Annotation:
    """Return the object that was written as several keypoints; ``parts`` have what the entry ``maskwright`` says."""
    count = max(int(said["of"]) for said, _ in parts)
    points, visibility = [(0.0, 0.0)] * count, [0] * count
    for said, part in parts:
        at = int(said["point"])
        if isinstance(part.geometry, Keypoints) and 0 <= at < count:
            points[at] = part.geometry.points[0]
            visibility[at] = 1 if said.get("visibility") == 1 else 2
    first = parts[0][1]
    joined = Keypoints(tuple(points), tuple(visibility))
    return Annotation(joined, first.class_id, first.score, first.attributes)


def _rectangle(
    x: float, y: float, w: float, h: float, degrees: float, width: int, height: int
) -> dict[str, Any]:
    return {
        "x": x * 100.0 / width,
        "y": y * 100.0 / height,
        "width": w * 100.0 / width,
        "height": h * 100.0 / height,
        "rotation": degrees,
    }


def _keypoint_values(geometry: Keypoints, width: int, height: int) -> list[dict[str, Any]]:
    found = []
    pairs = zip(geometry.points, geometry.visibility, strict=True)
    for index, ((x, y), visibility) in enumerate(pairs):
        if visibility:
            place = {"x": x * 100.0 / width, "y": y * 100.0 / height, "width": 0.5}
            said = {"point": index, "of": len(geometry.points), "visibility": visibility}
            found.append({**place, OURS: said})
    return found


def _number(value: Value, key: str) -> float:
    return finite(value[key], f"'{key}'")


def _rectangle_geometry(value: Value, width: int, height: int) -> Geometry:
    x, y = _number(value, "x") * width / 100, _number(value, "y") * height / 100
    w, h = _number(value, "width") * width / 100, _number(value, "height") * height / 100
    degrees = finite(value.get("rotation") or 0, "'rotation'")
    if not degrees:
        return Box(x, y, x + w, y + h)
    angle = math.radians(degrees)
    cos, sin = math.cos(angle), math.sin(angle)  # the box turns about its top left corner
    cx, cy = x + (w * cos - h * sin) / 2, y + (w * sin + h * cos) / 2
    return OrientedBox(cx, cy, w, h, angle)


def _polygon_geometry(value: Value, width: int, height: int) -> Geometry:
    points = [
        (finite(x) * width / 100, finite(y) * height / 100) for x, y in _pairs(value["points"])
    ]
    if value.get("closed") is False:
        return Polyline(tuple(points))
    return unbridged(np.array(points)) if len(points) > 8 else Polygon(tuple(points))


def _ellipse_geometry(value: Value, width: int, height: int) -> Geometry:
    x, y = _number(value, "x") * width / 100, _number(value, "y") * height / 100
    rx, ry = _number(value, "radiusX") * width / 100, _number(value, "radiusY") * height / 100
    angle = math.radians(finite(value.get("rotation") or 0, "'rotation'"))
    return ellipse_polygon(x, y, rx, ry, angle)


def _keypoint_geometry(value: Value, width: int, height: int) -> Geometry:
    point = _number(value, "x") * width / 100, _number(value, "y") * height / 100
    return Keypoints((point,), (2,))


def _brush_geometry(value: Value, width: int, height: int) -> Geometry:
    codes = value["rle"]
    if value.get("format", "rle") != "rle" or not isinstance(codes, list):
        raise UnusableShapeError("Expected a brush mask as run lengths.")
    try:
        return read_brush(codes, width, height)
    except ValueError as error:
        raise UnusableShapeError(f"The brush mask cannot be read: {error}.") from error


def _pairs(points: Any) -> list[tuple[Any, Any]]:
    if not isinstance(points, list) or not all(isinstance(p, list) and len(p) == 2 for p in points):
        raise UnusableShapeError("Expected points of 2 numbers.")
    return [(x, y) for x, y in points]


_BUILDERS: dict[str, Callable[[Value, int, int], Geometry]] = {
    "rectangle": _rectangle_geometry,
    "polygon": _polygon_geometry,
    "ellipse": _ellipse_geometry,
    "keypoint": _keypoint_geometry,
    "brush": _brush_geometry,
}
