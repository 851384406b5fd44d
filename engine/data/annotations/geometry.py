"""The geometry types: frozen values in pixels that draw, train, read and write alike.

Every type has ``bounds()``, ``area()``, ``translated()``, ``scaled()`` and ``to_dict()``;
:func:`geometry_from_dict` is the way back. The run-length mask lives in :mod:`engine.data.annotations.mask`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from engine.data.annotations.mask import Mask
from engine.runtime.errors import DatasetError

Point: TypeAlias = tuple[float, float]
Bounds: TypeAlias = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """An axis-aligned box from its top-left corner (x1, y1) to its bottom-right corner (x2, y2)."""

    x1: float
    y1: float
    x2: float
    y2: float
    kind: ClassVar[str] = "box"

    def bounds(self) -> Bounds:
        """Return (x1, y1, x2, y2)."""
        return self.x1, self.y1, self.x2, self.y2

    def area(self) -> float:
        """Return the area in square pixels."""
        return max(0.0, self.x2 - self.x1) * max(0.0, self.y2 - self.y1)

    def corners(self) -> tuple[Point, ...]:
        """Return the four corners, clockwise on screen from the top left."""
        return (self.x1, self.y1), (self.x2, self.y1), (self.x2, self.y2), (self.x1, self.y2)

    def translated(self, dx: float, dy: float) -> Box:
        """Return the box moved by (dx, dy) pixels."""
        return Box(self.x1 + dx, self.y1 + dy, self.x2 + dx, self.y2 + dy)

    def scaled(self, sx: float, sy: float) -> Box:
        """Return the box in an image resized by the positive factors (sx, sy)."""
        return Box(self.x1 * sx, self.y1 * sy, self.x2 * sx, self.y2 * sy)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"kind": self.kind, "xyxy": list(self.bounds())}


@dataclass(frozen=True, slots=True)
class OrientedBox:
    """A rotated box: centre, width along its own x axis, height, and the angle of that axis.

    ``angle_rad`` turns from the image's x axis towards its y axis, so clockwise on screen.
    """

    cx: float
    cy: float
    w: float
    h: float
    angle_rad: float
    kind: ClassVar[str] = "oriented_box"

    def corners(self) -> tuple[Point, ...]:
        """Return the four corners, clockwise on screen, from the box's own top left."""
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        halves = ((-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5))
        return tuple(
            (
                self.cx + u * self.w * cos - v * self.h * sin,
                self.cy + u * self.w * sin + v * self.h * cos,
            )
            for u, v in halves
        )

    def bounds(self) -> Bounds:
        """Return the corners (x1, y1, x2, y2) of the upright box around it."""
        return _bounds_of(self.corners())

    def area(self) -> float:
        """Return the area in square pixels."""
        return abs(self.w * self.h)

    def translated(self, dx: float, dy: float) -> OrientedBox:
        """Return the box moved by (dx, dy) pixels."""
        return OrientedBox(self.cx + dx, self.cy + dy, self.w, self.h, self.angle_rad)

    def scaled(self, sx: float, sy: float) -> OrientedBox:
        """Return the box in an image resized by the positive factors (sx, sy).

        Unequal factors shear a rotated box; its two axes are then scaled each along its own direction,
        which keeps centre, length and width exact and squares the corners again.
        """
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        w = self.w * math.hypot(cos * sx, sin * sy)
        h = self.h * math.hypot(sin * sx, cos * sy)
        return OrientedBox(self.cx * sx, self.cy * sy, w, h, math.atan2(sin * sy, cos * sx))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"kind": self.kind, "xywhr": [self.cx, self.cy, self.w, self.h, self.angle_rad]}


@dataclass(frozen=True, slots=True)
class Polygon:
    """A closed outline with holes; the last point of a ring is joined to its first."""

    exterior: tuple[Point, ...]
    holes: tuple[tuple[Point, ...], ...] = ()
    kind: ClassVar[str] = "polygon"

    @classmethod
    def of(
        cls, exterior: Iterable[Iterable[float]], holes: Iterable[Iterable[Iterable[float]]] = ()
    ) -> Polygon:
        """Build from any nested sequences or arrays of points."""
        return cls(_ring(exterior), tuple(_ring(hole) for hole in holes))

    def rings(self) -> tuple[tuple[Point, ...], ...]:
        """Return the exterior, then the holes."""
        return (self.exterior, *self.holes)

    def bounds(self) -> Bounds:
        """Return the corners (x1, y1, x2, y2) of the box around the exterior."""
        return _bounds_of(self.exterior)

    def area(self) -> float:
        """Return the area of the exterior less that of the holes, in square pixels."""
        inside = sum(abs(_signed_area(hole)) for hole in self.holes)
        return max(0.0, abs(_signed_area(self.exterior)) - inside)

    def translated(self, dx: float, dy: float) -> Polygon:
        """Return the polygon moved by (dx, dy) pixels."""
        return self._mapped(lambda p: (p[0] + dx, p[1] + dy))

    def scaled(self, sx: float, sy: float) -> Polygon:
        """Return the polygon in an image resized by the positive factors (sx, sy)."""
        return self._mapped(lambda p: (p[0] * sx, p[1] * sy))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        out: dict[str, Any] = {"kind": self.kind, "exterior": self.exterior}
        if self.holes:
            out["holes"] = self.holes
        return out

    def _mapped(self, move: Callable[[Point], Point]) -> Polygon:
        rings = [tuple(map(move, ring)) for ring in self.rings()]
        return Polygon(rings[0], tuple(rings[1:]))


@dataclass(frozen=True, slots=True)
class Polyline:
    """An open line through its points in their order: a lane, a crack, a wire. It covers nothing."""

    points: tuple[Point, ...]
    kind: ClassVar[str] = "polyline"

    @classmethod
    def of(cls, points: Iterable[Iterable[float]]) -> Polyline:
        """Build from any nested sequences or an array of points."""
        return cls(_ring(points))

    def length(self) -> float:
        """Return the length along the line in pixels."""
        return sum(map(math.dist, self.points, self.points[1:]))

    def bounds(self) -> Bounds:
        """Return the corners (x1, y1, x2, y2) of the box around the points."""
        return _bounds_of(self.points)

    def area(self) -> float:
        """Return 0: a line covers nothing."""
        return 0.0

    def translated(self, dx: float, dy: float) -> Polyline:
        """Return the line moved by (dx, dy) pixels."""
        return Polyline(tuple((x + dx, y + dy) for x, y in self.points))

    def scaled(self, sx: float, sy: float) -> Polyline:
        """Return the line in an image resized by the positive factors (sx, sy)."""
        return Polyline(tuple((x * sx, y * sy) for x, y in self.points))

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"kind": self.kind, "points": self.points}


@dataclass(frozen=True, slots=True)
class Keypoints:
    """Named places of one object in the order of its class's skeleton.

    ``visibility`` has one of 0 (not labelled, the point means nothing), 1 (hidden) or 2 (visible) a point.
    """

    points: tuple[Point, ...]
    visibility: tuple[int, ...]
    kind: ClassVar[str] = "keypoints"

    def labelled(self) -> tuple[Point, ...]:
        """Return the points that were labelled, hidden ones included."""
        return tuple(p for p, v in zip(self.points, self.visibility, strict=True) if v > 0)

    def bounds(self) -> Bounds:
        """Return the corners (x1, y1, x2, y2) of the box around the labelled points."""
        return _bounds_of(self.labelled())

    def area(self) -> float:
        """Return 0: points cover nothing."""
        return 0.0

    def translated(self, dx: float, dy: float) -> Keypoints:
        """Return the points moved by (dx, dy) pixels."""
        return Keypoints(tuple((x + dx, y + dy) for x, y in self.points), self.visibility)

    def scaled(self, sx: float, sy: float) -> Keypoints:
        """Return the points in an image resized by the positive factors (sx, sy)."""
        return Keypoints(tuple((x * sx, y * sy) for x, y in self.points), self.visibility)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "kind": self.kind,
            "points": self.points,
            "visibility": self.visibility,
        }


@dataclass(frozen=True, slots=True)
class Tag:
    """The class of the whole image."""

    kind: ClassVar[str] = "tag"

    def bounds(self) -> Bounds:
        """Return zeros: a tag has no place."""
        return 0.0, 0.0, 0.0, 0.0

    def area(self) -> float:
        """Return 0: a tag covers nothing."""
        return 0.0

    def translated(self, dx: float, dy: float) -> Tag:
        """Return itself."""
        return self

    def scaled(self, sx: float, sy: float) -> Tag:
        """Return itself."""
        return self

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {"kind": self.kind}


Geometry: TypeAlias = Box | OrientedBox | Polygon | Polyline | Mask | Keypoints | Tag


def geometry_from_dict(values: Mapping[str, Any]) -> Geometry:
    """Build the geometry that ``to_dict`` of any kind wrote.

    Raises:
        DatasetError: The kind is unknown, or values are missing, not finite or of the wrong number.
    """
    kind = values.get("kind")
    build = _BUILDERS.get(kind) if isinstance(kind, str) else None
    if build is None:
        known = ", ".join(_BUILDERS)
        raise DatasetError(f"Expected a shape of kind {known}; received {kind!r}.", value=kind)
    try:
        return build(values)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DatasetError(f"This {kind} cannot be read: {error}.", value=dict(values)) from error


def _box(values: Mapping[str, Any]) -> Box:
    return Box(*_numbers(values["xyxy"], 4))


def _oriented_box(values: Mapping[str, Any]) -> OrientedBox:
    return OrientedBox(*_numbers(values["xywhr"], 5))


def _polygon(values: Mapping[str, Any]) -> Polygon:
    return Polygon.of(values["exterior"], values.get("holes", ()))


def _polyline(values: Mapping[str, Any]) -> Polyline:
    return Polyline.of(values["points"])


def _mask(values: Mapping[str, Any]) -> Mask:
    return Mask(tuple(map(int, values["counts"])), int(values["height"]), int(values["width"]))


def _keypoints(values: Mapping[str, Any]) -> Keypoints:
    points, visibility = _ring(values["points"]), tuple(map(int, values["visibility"]))
    if len(points) != len(visibility):
        raise ValueError(f"{len(points)} points but {len(visibility)} visibilities")
    return Keypoints(points, visibility)


def _tag(values: Mapping[str, Any]) -> Tag:
    return Tag()


_BUILDERS: dict[str, Callable[[Mapping[str, Any]], Geometry]] = {
    Box.kind: _box,
    OrientedBox.kind: _oriented_box,
    Polygon.kind: _polygon,
    Polyline.kind: _polyline,
    Mask.kind: _mask,
    Keypoints.kind: _keypoints,
    Tag.kind: _tag,
}


def _numbers(values: Iterable[float], count: int) -> tuple[float, ...]:
    numbers = tuple(float(v) for v in values)
    if len(numbers) != count:
        raise ValueError(f"expected {count} numbers, received {len(numbers)}")
    if not all(map(math.isfinite, numbers)):
        raise ValueError("expected finite numbers")
    return numbers


def _ring(points: Iterable[Iterable[float]]) -> tuple[Point, ...]:
    points = tuple(points)
    try:
        ring = tuple([(float(x), float(y)) for x, y in points])
        # what is not finite stays so in the sum, which is faster than to look at each of a hundred thousand points
        is_finite = math.isfinite(sum(map(sum, ring)))
    except (TypeError, ValueError):
        is_finite = False
    if is_finite:
        return ring
    return tuple((x, y) for x, y in (_numbers(point, 2) for point in points))  # says what is wrong


def _bounds_of(points: tuple[Point, ...]) -> Bounds:
    if not points:
        return 0.0, 0.0, 0.0, 0.0
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _signed_area(ring: tuple[Point, ...]) -> float:
    """Shoelace formula; positive when the points run clockwise on screen (y down)."""
    following = ring[1:] + ring[:1]
    twice = sum(x0 * y1 - x1 * y0 for (x0, y0), (x1, y1) in zip(ring, following, strict=True))
    return twice / 2
