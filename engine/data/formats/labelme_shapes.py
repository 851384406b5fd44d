"""One shape of a labelme or X-AnyLabeling file and one annotation of ours, both ways. Pure functions.

A circle, there a centre and a point of the rim, is a polygon here that begins at that point; a polygon as
regular as that is written as a circle again. Holes and parts are joined to one ring by bridges.
"""

from __future__ import annotations

import base64
import binascii
import io
import json
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
    Point,
    Polygon,
    Polyline,
    to_polygons,
)
from engine.data.annotations.attribute_names import DESCRIPTION, DIFFICULT, FLAGS, GROUP_ID
from engine.data.formats.bridges import bridged, unbridged
from engine.data.formats.shape_checks import (
    UnusableShapeError,
    degrees,
    finite_points,
    rectangle_of,
)
from engine.data.formats.told_attributes import score_of, shared_attributes

LINKING, VISIBILITY, ROTATION = "kie_linking", "visibility", "rotation"
# A circle's polygon strays from it by a twentieth of a pixel at most.
_SAGITTA = 0.05
_FEWEST, _MOST = 16, 720
_REGULAR = 0.01


def geometry_of(shape: Mapping[str, Any], size_wh: tuple[int, int]) -> Geometry:
    """Return the geometry of a shape.

    Raises:
        UnusableShapeError: Its type is unknown or its points are not as its type needs them.
    """
    kind = shape.get("shape_type") or "polygon"  # the first versions knew nothing else
    build = _BUILDERS.get(kind) if isinstance(kind, str) else None
    if build is None:
        raise UnusableShapeError(f"Shapes of type {str(kind)[:40]!r} are not known.")
    told = shape.get("points")
    if not isinstance(told, list) or not all(isinstance(point, list) for point in told):
        raise UnusableShapeError("Expected 'points' as a list of x and y.")
    return build(finite_points(told), shape, size_wh)


def facts_of(shape: Mapping[str, Any]) -> tuple[float | None, dict[str, Any]]:
    """Return the score and the attributes of a shape."""
    told: dict[str, Any] = {}
    for name in ("attributes", "flags"):
        if isinstance(values := shape.get(name), Mapping):
            told |= values
    for name in (GROUP_ID, DESCRIPTION, DIFFICULT):
        if shape.get(name) is not None:
            told[name] = shape[name]
    if shape.get(LINKING):
        told[LINKING] = json.dumps(shape[LINKING])[:10_000]
    for name in (VISIBILITY, ROTATION):
        told.pop(name, None)
    return score_of(shape.get("score")), shared_attributes(told)


def shape_of(annotation: Annotation, label: str) -> dict[str, Any]:
    """Return ours as a shape of labelme; flags become its flags, everything else ``attributes``.

    Args:
        annotation: Any kind but tags.
        label: Name of its class.
    """
    geometry = annotation.geometry
    kind, points = _POINTS[type(geometry)](geometry)
    attributes = dict(annotation.attributes)
    shape: dict[str, Any] = {
        "label": label,
        "points": [list(point) for point in points],
        "group_id": attributes.pop(GROUP_ID, None),
        "description": attributes.pop(DESCRIPTION, ""),
        "shape_type": kind,
        "flags": {name: True for name in FLAGS if attributes.pop(name, False)},
        "mask": _encoded(geometry) if isinstance(geometry, Mask) else None,
    }
    if isinstance(geometry, OrientedBox):
        attributes[ROTATION] = degrees(geometry.angle_rad)
    if isinstance(geometry, Keypoints) and geometry.visibility != (2,):
        attributes[VISIBILITY] = list(geometry.visibility)
    if annotation.score is not None:
        shape["score"] = annotation.score
    if attributes:
        shape["attributes"] = attributes
    return shape


def circle_points(center: Point, rim: Point) -> tuple[Point, ...]:
    """Return the corners of the polygon that stands for a circle, the point on the rim first."""
    radius = math.dist(center, rim)
    if not radius:
        return (center,)
    step = 2 * math.acos(max(0.0, 1 - _SAGITTA / radius)) or math.tau
    count = min(_MOST, max(_FEWEST, math.ceil(math.tau / step)))
    start = math.atan2(rim[1] - center[1], rim[0] - center[0])
    angles = (start + math.tau * place / count for place in range(1, count))
    around = ((center[0] + radius * math.cos(a), center[1] + radius * math.sin(a)) for a in angles)
    return (rim, *around)


def circle_of(polygon: Polygon) -> tuple[Point, Point] | None:
    """Return centre and first corner of a polygon that is a circle; None where it is none."""
    points = polygon.exterior
    if len(points) < _FEWEST or polygon.holes:
        return None
    cx, cy = (sum(values) / len(points) for values in zip(*points, strict=True))
    radius = math.dist((cx, cy), points[0])
    side = math.dist(points[0], points[1])
    for here, there in zip(points, (*points[1:], points[0]), strict=True):
        is_off = abs(math.dist((cx, cy), here) - radius) > _REGULAR
        if is_off or abs(math.dist(here, there) - side) > _REGULAR:
            return None
    return (cx, cy), points[0]


def _polygon(points: tuple[Point, ...], shape: Mapping[str, Any], _: tuple[int, int]) -> Geometry:
    told = shape.get("attributes")
    if isinstance(told, Mapping) and ROTATION in told and len(points) == 4:
        return _turned(points, shape, _)
    return unbridged(np.array(points)) if len(points) > 8 else Polygon(points)


def _turned(points: tuple[Point, ...], shape: Mapping[str, Any], _: tuple[int, int]) -> Geometry:
    """Return the rotated box of four corners, whose rounding or cutting at a border is evened out."""
    if len(points) != 4:
        raise UnusableShapeError(f"Expected a rotated box of 4 points, received {len(points)}.")
    if exact := rectangle_of(Polygon(points)):
        return exact
    (ax, ay), (bx, by), (cx, cy), (dx, dy) = points
    w = (math.dist(points[0], points[1]) + math.dist(points[2], points[3])) / 2
    h = (math.dist(points[1], points[2]) + math.dist(points[3], points[0])) / 2
    angle = math.atan2(by - ay + cy - dy, bx - ax + cx - dx)
    return OrientedBox((ax + bx + cx + dx) / 4, (ay + by + cy + dy) / 4, w, h, angle)


def _rectangle(points: tuple[Point, ...], shape: Mapping[str, Any], _: tuple[int, int]) -> Geometry:
    """Return the box of two corners in any order, or of all four."""
    if len(points) not in (2, 4):
        raise UnusableShapeError(f"Expected a rectangle of 2 or 4 points, received {len(points)}.")
    xs, ys = zip(*points, strict=True)
    return Box(min(xs), min(ys), max(xs), max(ys))


def _circle(points: tuple[Point, ...], shape: Mapping[str, Any], _: tuple[int, int]) -> Geometry:
    if len(points) != 2:
        raise UnusableShapeError(f"Expected a circle of 2 points, received {len(points)}.")
    return Polygon(circle_points(*points))


def _line(points: tuple[Point, ...], shape: Mapping[str, Any], _: tuple[int, int]) -> Geometry:
    return Polyline(points)


def _dots(points: tuple[Point, ...], shape: Mapping[str, Any], _: tuple[int, int]) -> Geometry:
    """Return points; how well each is visible is said by an attribute of ours, or they all are."""
    attributes = shape.get("attributes")
    told = attributes.get(VISIBILITY) if isinstance(attributes, Mapping) else None
    is_fit = (
        isinstance(told, list) and len(told) == len(points) and all(v in (0, 1, 2) for v in told)
    )
    return Keypoints(points, tuple(map(int, told)) if is_fit and told else (2,) * len(points))


def _mask(
    points: tuple[Point, ...], shape: Mapping[str, Any], size_wh: tuple[int, int]
) -> Geometry:
    """Return the mask of a PNG that covers the pixels from the first point to the second, both inside."""
    if len(points) != 2:
        raise UnusableShapeError(f"Expected a mask with 2 corners, received {len(points)}.")
    width, height = size_wh
    inside = _decoded(shape.get("mask"))
    x1, y1 = round(points[0][0]), round(points[0][1])
    if x1 < 0 or y1 < 0 or y1 + inside.shape[0] > height or x1 + inside.shape[1] > width:
        raise UnusableShapeError("The mask reaches over the border of its picture.")
    array = np.zeros((height, width), dtype=np.uint8)
    array[y1 : y1 + inside.shape[0], x1 : x1 + inside.shape[1]] = inside
    return Mask.from_array(array)


_Build = Callable[[tuple[Point, ...], Mapping[str, Any], tuple[int, int]], Geometry]
_BUILDERS: dict[str, _Build] = {
    "polygon": _polygon,
    "quadrilateral": _polygon,
    "rectangle": _rectangle,
    "rotation": _turned,
    "circle": _circle,
    "line": _line,
    "linestrip": _line,
    "point": _dots,
    "points": _dots,
    "mask": _mask,
}


def _decoded(text: Any) -> np.ndarray:
    """Return the pixels of a PNG in base64, not zero inside."""
    import cv2

    from engine.data.image_headers import HeaderError, read_header

    try:
        data = base64.b64decode(text, validate=True) if isinstance(text, str) else b""
        read_header(io.BytesIO(data), len(data))  # refuses what would fill the memory
    except (binascii.Error, ValueError, HeaderError):
        raise UnusableShapeError("Its mask is no PNG in base64.") from None
    array = cv2.imdecode(np.frombuffer(data, dtype=np.uint8), cv2.IMREAD_GRAYSCALE)
    if array is None:
        raise UnusableShapeError("Its mask is a damaged PNG.")
    return (array > 0).astype(np.uint8)


def _encoded(mask: Mask) -> str:
    """Return the part of a mask inside its bounds as a PNG of one bit a pixel, in base64."""
    from PIL import Image

    x1, y1, x2, y2 = map(int, mask.bounds())
    inside = mask.to_array()[y1:y2, x1:x2].astype(bool)
    data = io.BytesIO()
    Image.fromarray(inside).save(data, format="PNG")
    return base64.b64encode(data.getvalue()).decode("ascii")


def _box_points(box: Box) -> tuple[str, list[Point]]:
    return "rectangle", [(box.x1, box.y1), (box.x2, box.y2)]


def _turned_points(box: OrientedBox) -> tuple[str, list[Point]]:
    return "polygon", list(box.corners())


def _polygon_points(polygon: Polygon) -> tuple[str, list[Point]]:
    if circle := circle_of(polygon):
        return "circle", list(circle)
    if polygon.holes:
        return "polygon", [(x, y) for x, y in bridged([polygon]).tolist()]
    return "polygon", list(polygon.exterior)


def _line_points(line: Polyline) -> tuple[str, list[Point]]:
    return "line" if len(line.points) == 2 else "linestrip", list(line.points)


def _dot_points(points: Keypoints) -> tuple[str, list[Point]]:
    return "point" if len(points.points) == 1 else "points", list(points.points)


def _mask_points(mask: Mask) -> tuple[str, list[Point]]:
    x1, y1, x2, y2 = mask.bounds()
    return "mask", [(x1, y1), (x2 - 1, y2 - 1)]


_POINTS: dict[type, Callable[[Any], tuple[str, list[Point]]]] = {
    Box: _box_points,
    OrientedBox: _turned_points,
    Polygon: _polygon_points,
    Polyline: _line_points,
    Keypoints: _dot_points,
    Mask: _mask_points,
}


def outline_ring(mask: Mask) -> list[Point]:
    """Return the outlines of a mask along its pixels, joined to one ring."""
    return [(x, y) for x, y in bridged(to_polygons(mask)).tolist()]
