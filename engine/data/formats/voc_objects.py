"""One ``<object>`` of a Pascal VOC file and one annotation of ours, both ways. Pure functions.

VOC counts pixels from 1 and both ends of a box are inside, so the pixels xmin..xmax are our xmin - 1..xmax.
Many tools write their own numbers from 0 into the same elements; which it is is decided for a whole set.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.data.annotations import (
    Annotation,
    Box,
    Geometry,
    Mask,
    OrientedBox,
    Polygon,
    to_box,
)
from engine.data.annotations.attribute_names import DIFFICULT, OCCLUDED, TRUNCATED
from engine.data.formats.shape_checks import (
    Remark,
    UnusableShapeError,
    checked,
    parse_number,
)
from engine.data.formats.told_attributes import (
    format_value,
    is_on,
    is_plain,
    plain_value,
    shared_attributes,
)
from engine.data.formats.xml_file import Node, format_text

FLAGS = (TRUNCATED, OCCLUDED, DIFFICULT)
POSE, SCORE, BOX = "pose", "score", "box"
_LEAST_FIT = (
    0.5  # intersection over union: a box that was kept fits its shape less once that has been moved
)
_UNKNOWN_POSES = ("", "unspecified", "unknown")
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_TURNED = ("cx", "cy", "w", "h", "angle")


@dataclass(frozen=True, slots=True)
class VocObject:
    """What an ``<object>`` says.

    Attributes:
        name: Its class.
        line: Line of the file.
        annotation: With its shape; class 0, to be replaced.
        box: Its box, on the picture.
        remarks: What is odd about it.
    """

    name: str
    line: int
    annotation: Annotation
    box: Box
    remarks: list[Remark]


def object_of(node: Node, offset: float, size_wh: tuple[int, int]) -> VocObject:
    """Return what an ``<object>`` says.

    Args:
        node: The element.
        offset: 1 where pixels are counted from 1, both ends inside, 0 where corners are told.
        size_wh: Size of the frame it is drawn in, (0, 0) where unknown.

    Raises:
        UnusableShapeError: It has no name or no usable shape.
    """
    name = node.say("name")
    if not name:
        raise UnusableShapeError("It has no name of a class.")
    turned, ring = node.child("robndbox"), node.child("polygon")
    box_node = node.child("bndbox")
    if box_node is None and turned is None and ring is None:
        raise UnusableShapeError("It has no box ('bndbox').")
    geometry: Box | OrientedBox | Polygon
    if turned is not None:
        geometry = OrientedBox(*(parse_number(turned.say(key), f"'{key}'") for key in _TURNED))
    elif ring is not None:
        geometry = _polygon(ring)
    else:
        geometry = _box(box_node, offset)  # type: ignore[arg-type]
    usable, remarks = checked(geometry, *size_wh)
    box = to_box(usable)
    if box_node is not None and usable is not geometry and not isinstance(usable, Box):
        box = _box(box_node, offset)
    return VocObject(name, node.line, Annotation(usable, 0, *_facts(node)), box, remarks)


def numbers_are_from_zero(boxes: list[list[str]]) -> bool:
    """Decide how a set counts pixels: from 0 where a corner is 0 or most numbers have a decimal point.

    Args:
        boxes: xmin, ymin, xmax, ymax of its boxes as written.
    """
    pointed = sum(any("." in text for text in box) for box in boxes)
    if pointed * 2 > len(boxes):
        return True
    return any(_is_below_one(text) for box in boxes for text in box[:2])


def corner_texts(root: Node) -> list[list[str]]:
    """Return the boxes of a file as written."""
    boxes = (node.child("bndbox") for node in root.each("object"))
    return [[box.say(key) for key in _CORNERS] for box in boxes if box is not None]


def format_object(annotation: Annotation, name: str, parts: Sequence[str] = ()) -> list[str]:
    """Return the lines of an ``<object>``, with those of its parts."""
    attributes = dict(annotation.attributes)
    pose = attributes.pop(POSE, "Unspecified")
    lines = [
        "\t<object>",
        f"\t\t<name>{format_text(name)}</name>",
        f"\t\t<pose>{format_text(pose)}</pose>",
    ]
    lines += [f"\t\t<{flag}>{int(is_on(attributes.pop(flag, 0)))}</{flag}>" for flag in FLAGS]
    corners = pixel_corners(_own_box(annotation.geometry, attributes.pop(BOX, None)))
    lines += _element("bndbox", dict(zip(_CORNERS, map(str, corners), strict=True)))
    geometry = annotation.geometry
    if isinstance(geometry, OrientedBox):
        numbers = (geometry.cx, geometry.cy, geometry.w, geometry.h, geometry.angle_rad)
        lines += _element("robndbox", dict(zip(_TURNED, map(repr, numbers), strict=True)))
    if isinstance(geometry, Polygon) and not geometry.holes:
        values = {f"{axis}{place}": f"{value:.4f}".rstrip("0").rstrip(".")
                  for place, point in enumerate(geometry.exterior, start=1)
                  for axis, value in zip("xy", point, strict=True)}  # fmt: skip
        lines += _element("polygon", values)
    if annotation.score is not None:
        attributes[SCORE] = float(annotation.score)
    lines += _format_attributes(attributes)
    return [*lines, *parts, "\t</object>"]


def format_name_and_box(annotation: Annotation, name: str) -> list[str]:
    """Return the lines that are all that a part has."""
    corners = map(str, pixel_corners(to_box(annotation.geometry)))
    box = _element("bndbox", dict(zip(_CORNERS, corners, strict=True)))
    return [f"\t\t<name>{format_text(name)}</name>", *box]


def pixel_corners(box: Box) -> tuple[int, int, int, int]:
    """Return the box of pixels, counted from 1 with both ends inside, that a box covers best; one at least."""
    x1, y1, x2, y2 = (round(v) for v in box.bounds())
    return x1 + 1, y1 + 1, max(x2, x1 + 1), max(y2, y1 + 1)


def is_whole(box: Box) -> bool:
    """Tell whether the corners of a box lie between pixels, so that VOC holds it exactly."""
    return all(float(v).is_integer() for v in box.bounds())


def _own_box(geometry: Geometry, told: Any) -> Box:
    """Return the box that a person drew around an outlined object, where it still fits, else the outline's."""
    around = to_box(geometry)
    is_told = isinstance(told, list | tuple) and len(told) == 4
    if not is_told or not isinstance(geometry, Mask | Polygon):
        return around
    if not all(isinstance(v, int | float) and math.isfinite(v) for v in told):
        return around
    (x1, y1, x2, y2), (u1, v1, u2, v2) = told, around.bounds()
    shared = max(min(x2, u2) - max(x1, u1), 0) * max(min(y2, v2) - max(y1, v1), 0)
    smaller = min((x2 - x1) * (y2 - y1), around.area())
    fits = x1 < x2 and y1 < y2 and shared >= _LEAST_FIT * smaller
    return Box(*map(float, told)) if fits else around


def lost_attributes(annotation: Annotation) -> list[str]:
    """Return the names of attributes that an ``<object>`` has no place for."""
    return [name for name, value in annotation.attributes.items() if not _has_text(value)]


def _facts(node: Node) -> tuple[float | None, dict[str, Any]]:
    """Return the score and the attributes of an object."""
    told: dict[str, Any] = {flag: node.say(flag, "0") for flag in FLAGS}
    pose = node.say(POSE)
    if pose.lower() not in _UNKNOWN_POSES:
        told[POSE] = pose
    listed = node.child("attributes")
    for entry in listed.each("attribute") if listed is not None else ():
        if name := entry.say("name"):
            told[name] = plain_value(entry.say("value"))
    score = told.pop(SCORE, None)
    is_score = isinstance(score, int | float) and not isinstance(score, bool) and 0 <= score <= 1
    return (float(score) if is_score and score is not None else None), shared_attributes(told)


def _box(node: Node, offset: float) -> Box:
    x1, y1, x2, y2 = (parse_number(node.say(key), f"'{key}'") for key in _CORNERS)
    if x2 < x1:
        x1, x2 = x1 + offset, x2 - offset  # the swap still to come is of pixels
    if y2 < y1:
        y1, y2 = y1 + offset, y2 - offset
    return Box(x1 - offset, y1 - offset, x2, y2)


def _polygon(node: Node) -> Polygon:
    """Return the polygon of x1, y1, x2, y2 ... ; also of points, each with x and y."""
    points = [(p.say("x"), p.say("y")) for p in node.each("point")]
    place = 1
    while not node.child("point") and node.child(f"x{place}") is not None:
        points.append((node.say(f"x{place}"), node.say(f"y{place}")))
        place += 1
    ring = tuple((parse_number(x), parse_number(y)) for x, y in points)
    return Polygon(ring)


def _is_below_one(text: str) -> bool:
    try:
        return float(text) < 1
    except ValueError:
        return False


def _element(tag: str, values: Mapping[str, str]) -> list[str]:
    inside = [f"\t\t\t<{key}>{value}</{key}>" for key, value in values.items()]
    return [f"\t\t<{tag}>", *inside, f"\t\t</{tag}>"]


def _has_text(value: Any) -> bool:
    return is_plain(value) and not isinstance(value, list)


def _format_attributes(attributes: Mapping[str, Any]) -> list[str]:
    rows = []
    for name, value in attributes.items():
        if _has_text(value):
            text = (
                f"<name>{format_text(name)}</name><value>{format_text(format_value(value))}</value>"
            )
            rows.append(f"\t\t\t<attribute>{text}</attribute>")
    return ["\t\t<attributes>", *rows, "\t\t</attributes>"] if rows else []
