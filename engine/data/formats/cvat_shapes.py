"""One shape element of a CVAT file and one annotation of ours, both ways. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
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
    Tag,
)
from engine.data.annotations.attribute_names import (
    ANNOTATION_SOURCE,
    GROUP_ID,
    OCCLUDED,
    TRACK_ID,
)
from engine.data.formats.bridges import bridged, unbridged
from engine.data.formats.cuboids import (
    CUBOID,
    cuboid_of,
    cuboid_polygon,
    cuboid_values,
    format_cuboid,
)
from engine.data.formats.cvat_labels import CvatLabels
from engine.data.formats.ellipses import ellipse_of, ellipse_polygon
from engine.data.formats.repeated_names import with_turns
from engine.data.formats.shape_checks import UnusableShapeError, degrees, parse_number
from engine.data.formats.told_attributes import (
    format_value,
    is_on,
    is_plain,
    shared_attributes,
    whole,
)
from engine.data.formats.xml_file import Node, format_text

# What the tool says of who made a shape: by a model, with its help.
_SOURCES = {"model": "auto", "assisted": "semi-auto"}
INTERPOLATED, SCORE = "interpolated", "score"
_MOST_RUNS = 1 << 22


def geometry_of(node: Node, size_wh: tuple[int, int], labels: CvatLabels) -> Geometry:
    """Return the geometry of an element.

    Raises:
        UnusableShapeError: It is of an unknown kind, or its numbers are not as its kind needs them.
    """
    build = _BUILDERS.get(node.tag)
    if build is None:
        raise UnusableShapeError(f"Shapes of kind '{node.tag[:40]}' are not known.")
    return build(node, size_wh, labels)


def facts_of(node: Node, label: str, labels: CvatLabels) -> tuple[float | None, dict[str, Any]]:
    """Return the score and the attributes of an element."""
    told: dict[str, Any] = {}
    for entry in node.each("attribute"):
        if name := entry.attributes.get("name", "").strip():
            told[name] = labels.value(label, name, entry.text)
    if node.tag == CUBOID:
        told[CUBOID] = _cuboid_values(node)
    given = node.attributes
    maker = next((ours for ours, its in _SOURCES.items() if its == given.get("source")), None)
    if maker is not None:
        told.setdefault(ANNOTATION_SOURCE, maker)
    if is_on(given.get(OCCLUDED, "0")):
        told[OCCLUDED] = True
    if whole(given.get(GROUP_ID, "0")):
        told[GROUP_ID] = given[GROUP_ID]
    return _score(given.get(SCORE)), shared_attributes(told)


def format_shape(
    annotation: Annotation, points: Sequence[str], extra: str, name: str = ""
) -> list[str]:
    """Return the lines of an element.

    Args:
        annotation: Ours.
        points: Names of the points, where it is to be written as a skeleton.
        extra: Further attributes of the element, as text.
        name: Name of the class, empty inside a track.
    """
    attributes = dict(annotation.attributes)
    attributes.pop(TRACK_ID, None) if not name else None
    source = _SOURCES.get(str(attributes.get(ANNOTATION_SOURCE)), "manual")
    if name and source != "manual":
        del attributes[ANNOTATION_SOURCE]
    head = f' label="{format_text(name)}" source="{source}"' if name else ""
    geometry = annotation.geometry
    if not isinstance(geometry, Tag):
        head += f' occluded="{int(is_on(attributes.pop(OCCLUDED, False)))}"'
    head += extra
    if annotation.score is not None:
        head += f' {SCORE}="{annotation.score!r}"'
    if (group := attributes.pop(GROUP_ID, None)) is not None:
        head += f' group_id="{group}"'
    corners = cuboid_of(geometry, attributes)
    if corners is None:
        tag, place, inside = _format_geometry(geometry, points)
    else:
        tag, place, inside = CUBOID, format_cuboid(corners), []
    if not isinstance(geometry, Tag):
        place += ' z_order="0"'
    for key, value in attributes.items():
        if is_plain(value) and not isinstance(value, list):
            text = format_text(format_value(value))
            inside.append(f'<attribute name="{format_text(key)}">{text}</attribute>')
    return [f"<{tag}{head}{place}>", *inside, f"</{tag}>"]


def is_skeleton(keypoints: Keypoints, names: Sequence[str]) -> bool:
    """Tell whether keypoints need a skeleton: they have names, or not all are visible."""
    return bool(names) or set(keypoints.visibility) != {2}


def _box(node: Node, _: tuple[int, int], labels: CvatLabels) -> Geometry:
    x1, y1, x2, y2 = (_number(node, key) for key in ("xtl", "ytl", "xbr", "ybr"))
    turned = math.radians(_number(node, "rotation", "0"))
    if turned % math.tau:
        return OrientedBox((x1 + x2) / 2, (y1 + y2) / 2, abs(x2 - x1), abs(y2 - y1), turned)
    return Box(x1, y1, x2, y2)


def _polygon(node: Node, _: tuple[int, int], labels: CvatLabels) -> Geometry:
    points = _points(node)
    return unbridged(np.array(points)) if len(points) > 8 else Polygon(points)


def _polyline(node: Node, _: tuple[int, int], labels: CvatLabels) -> Geometry:
    return Polyline(_points(node))


def _dots(node: Node, _: tuple[int, int], labels: CvatLabels) -> Geometry:
    points = _points(node)
    return Keypoints(points, (2,) * len(points))


def _ellipse(node: Node, _: tuple[int, int], labels: CvatLabels) -> Geometry:
    cx, cy, rx, ry = (_number(node, key) for key in ("cx", "cy", "rx", "ry"))
    if rx <= 0 or ry <= 0:
        raise UnusableShapeError("The ellipse has no area.")
    angle = math.radians(_number(node, "rotation", "0"))
    return ellipse_polygon(cx, cy, rx, ry, angle)


def _mask(node: Node, size_wh: tuple[int, int], labels: CvatLabels) -> Geometry:
    """Return the mask of runs along the rows of its own box, the first one outside."""
    told = {key: whole(node.attributes.get(key)) for key in ("left", "top", "width", "height")}
    left, top, w, h = (-1 if value is None else value for value in told.values())
    if min(left, top) < 0 or min(w, h) < 1 or left + w > size_wh[0] or top + h > size_wh[1]:
        raise UnusableShapeError("The box of its mask does not lie on its picture.")
    words = node.attributes.get("rle", "").split(",", _MOST_RUNS)
    runs = [-1 if (run := whole(word)) is None else run for word in words]
    if min(runs) < 0 or sum(runs) != w * h:
        raise UnusableShapeError(f"The run lengths of its mask do not add up to {w} x {h} pixels.")
    inside = np.repeat(np.arange(len(runs)) % 2, runs).reshape(h, w)
    array = np.zeros((size_wh[1], size_wh[0]), dtype=np.uint8)
    array[top : top + h, left : left + w] = inside
    return Mask.from_array(array)


def _skeleton(node: Node, _: tuple[int, int], labels: CvatLabels) -> Geometry:
    """Return the points of a skeleton in the order of its head, then those that the head does not name, as they come."""
    found: dict[tuple[str, int], tuple[Point, int]] = {}
    children = list(node.each("points"))
    # Some files give two points one name: the second one means the second of that name in the head.
    labelled = with_turns(child.attributes.get("label", "").strip() for child in children)
    for name, child in zip(labelled, children, strict=True):
        hidden = is_on(child.attributes.get(OCCLUDED, "0"))
        outside = is_on(child.attributes.get("outside", "0"))
        found[name] = _points(child)[0], 0 if outside else 2 - hidden
    if not found:
        raise UnusableShapeError("The skeleton has no points.")
    named = with_turns(labels.point_names(node.attributes.get("label", "")))
    names = [*named, *(name for name in found if name not in named)]
    rows = [found.get(name, ((0.0, 0.0), 0)) for name in names]
    points = tuple(point if visible else (0.0, 0.0) for point, visible in rows)
    return Keypoints(points, tuple(visible for _point, visible in rows))


def _tag(node: Node, _: tuple[int, int], labels: CvatLabels) -> Geometry:
    return Tag()


def _cuboid(node: Node, _: tuple[int, int], labels: CvatLabels) -> Geometry:
    outline = cuboid_polygon(_cuboid_values(node))
    if len(outline.exterior) < 3:
        raise UnusableShapeError("Its cuboid has no area.")
    return outline


def _cuboid_values(node: Node) -> list[float]:
    return cuboid_values(lambda key: _number(node, key))


_BUILDERS: dict[str, Callable[[Node, tuple[int, int], CvatLabels], Geometry]] = {
    "box": _box,
    "polygon": _polygon,
    "polyline": _polyline,
    "points": _dots,
    "ellipse": _ellipse,
    "mask": _mask,
    "skeleton": _skeleton,
    "tag": _tag,
    "cuboid": _cuboid,
}


def _points(node: Node) -> tuple[Point, ...]:
    out = []
    for pair in node.attributes.get("points", "").split(";"):
        x, comma, y = pair.partition(",")
        if not comma:
            raise UnusableShapeError(f"Expected points as 'x,y;x,y', received {pair[:40]!r}.")
        out.append((parse_number(x), parse_number(y)))
    return tuple(out)


def _number(node: Node, key: str, default: str = "") -> float:
    return parse_number(node.attributes.get(key, default), f"'{key}'")


def _score(text: str | None) -> float | None:
    try:
        value = float(text) if text else -1.0
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def _format_geometry(geometry: Geometry, names: Sequence[str]) -> tuple[str, str, list[str]]:
    """Return the name of an element, its attributes as text, and the elements inside."""
    if isinstance(geometry, Box):
        return "box", _corners(geometry.bounds()), []
    if isinstance(geometry, OrientedBox):
        w, h = geometry.w / 2, geometry.h / 2
        bounds = geometry.cx - w, geometry.cy - h, geometry.cx + w, geometry.cy + h
        turned = f' rotation="{_text(degrees(geometry.angle_rad), 6)}"'
        return "box", _corners(bounds) + turned, []
    if isinstance(geometry, Mask):
        return "mask", _format_mask(geometry), []
    if isinstance(geometry, Keypoints):
        if is_skeleton(geometry, names):
            return "skeleton", "", _format_skeleton(geometry, names)
        return "points", _format_points(geometry.points), []
    if isinstance(geometry, Polyline):
        return "polyline", _format_points(geometry.points), []
    if isinstance(geometry, Polygon):
        return _format_polygon(geometry)
    return "tag", "", []


def _format_polygon(polygon: Polygon) -> tuple[str, str, list[str]]:
    if ellipse := ellipse_of(polygon):
        values = {"cx": ellipse.cx, "cy": ellipse.cy, "rx": ellipse.rx, "ry": ellipse.ry}
        place = "".join(f' {key}="{_text(value)}"' for key, value in values.items())
        return "ellipse", f'{place} rotation="{_text(degrees(ellipse.angle_rad), 6)}"', []
    ring: Sequence[Sequence[float]] = polygon.exterior
    if polygon.holes:
        ring = bridged([polygon]).tolist()
    return "polygon", _format_points(ring), []


def _format_mask(mask: Mask) -> str:
    x1, y1, x2, y2 = map(int, mask.bounds())
    flat = mask.to_array()[y1:y2, x1:x2].ravel()
    edges = np.concatenate(([0], np.flatnonzero(np.diff(flat)) + 1, [flat.size]))
    runs = np.diff(edges).tolist()
    if flat.size and flat[0]:
        runs.insert(0, 0)
    text = ", ".join(map(str, runs))
    return f' rle="{text}" left="{x1}" top="{y1}" width="{x2 - x1}" height="{y2 - y1}"'


def _format_skeleton(keypoints: Keypoints, names: Sequence[str]) -> list[str]:
    lines = []
    for place, (point, visible) in enumerate(
        zip(keypoints.points, keypoints.visibility, strict=True)
    ):
        name = names[place] if place < len(names) else str(place + 1)
        flags = f'outside="{int(not visible)}" occluded="{int(visible == 1)}"'
        label = f'label="{format_text(name)}" source="manual"'
        lines.append(f"<points {label} {flags}{_format_points([point])}></points>")
    return lines


def _corners(bounds: Sequence[float]) -> str:
    keys = ("xtl", "ytl", "xbr", "ybr")
    return "".join(f' {k}="{_text(v)}"' for k, v in zip(keys, bounds, strict=True))


def _format_points(points: Sequence[Sequence[float]]) -> str:
    return ' points="' + ";".join(f"{_text(x)},{_text(y)}" for x, y in points) + '"'


def _text(value: float, decimals: int = 4) -> str:
    return f"{value:.{decimals}f}"
