"""From the frame that a description speaks of to that of the picture on disk.

Labels drawn on a smaller or larger copy are scaled; labels of a picture that a camera stored lying, measured
in the stored frame, are turned upright. Both are said. Where the sizes cannot be explained shapes stay.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.data.annotations import (
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
from engine.data.image_headers import HeaderError, read_header
from engine.data.problems import Kind

# Resized copies are off by the rounding of their sides.
_SAME_ASPECT = 0.01


@dataclass(frozen=True, slots=True)
class Frame:
    """How shapes of a description come to lie on its picture.

    Attributes:
        told_wh: Size in the description; (0, 0) where it says none.
        real_wh: Size of the upright picture.
        scale_xy: Factors from the one to the other.
        turn: EXIF orientation 5..8 by which shapes are turned, or 1.
        remark: What to say of it, empty where all is well.
        kind: "changed" when shapes are, else "note".
    """

    told_wh: tuple[int, int]
    real_wh: tuple[int, int]
    scale_xy: tuple[float, float] = (1.0, 1.0)
    turn: int = 1
    remark: str = ""
    kind: Kind = "note"

    @property
    def drawn_wh(self) -> tuple[int, int]:
        """Return the size of the frame that shapes are given in."""
        return self.told_wh if self.scale_xy != (1.0, 1.0) or self.turn > 1 else self.real_wh

    def placed(self, geometry: Geometry) -> Geometry:
        """Return a shape of the description as it lies on the picture."""
        if self.turn > 1:
            return turned(geometry, self.turn, *self.told_wh)
        if self.scale_xy == (1.0, 1.0):
            return geometry
        if isinstance(geometry, Mask):  # to the very size: rounding by factors may miss it
            return _resized(geometry, *self.real_wh)
        return geometry.scaled(*self.scale_xy)


def frame_of(
    told_wh: tuple[int, int], real_wh: tuple[int, int], path: Path, *, is_mask: bool = False
) -> Frame:
    """Explain the size in a description by the picture.

    Args:
        told_wh: Size in the description, (0, 0) where it says none.
        real_wh: Upright size of the picture.
        path: The picture, opened only when the sizes are each other's swapped.
        is_mask: The description is a mask, whose own size it is.
    """
    if told_wh == real_wh or min(told_wh) < 1:
        return Frame(told_wh, real_wh)
    (tw, th), (rw, rh) = told_wh, real_wh
    told = "The mask has" if is_mask else "The labels speak of"
    sizes = f"{told} {tw} x {th} pixels, the picture has {rw} x {rh}"
    if (th, tw) == real_wh and (turn := _orientation(path)) > 4:
        remark = f"{sizes} when turned upright; shapes were turned with it."
        return Frame(told_wh, real_wh, turn=turn, remark=remark, kind="changed")
    sx, sy = rw / tw, rh / th
    if abs(sx / sy - 1) <= _SAME_ASPECT:
        remark = f"{sizes}; shapes were scaled by {sx:.4g}."
        return Frame(told_wh, real_wh, (sx, sy), remark=remark, kind="changed")
    remark = f"{sizes}, which no scaling explains; shapes were kept where they are. Check them."
    return Frame(told_wh, real_wh, remark=remark)


def turned(geometry: Geometry, orientation: int, width: int, height: int) -> Geometry:
    """Return a shape of a stored picture of width x height in the upright one.

    Args:
        geometry: The shape.
        orientation: EXIF orientation 5..8, which swap the sides.
        width: Stored columns.
        height: Stored rows.
    """
    if isinstance(geometry, Tag):
        return geometry
    if isinstance(geometry, Mask):
        return Mask.from_array(_TURNED_ARRAY[orientation](geometry.to_array()))

    def move(point: Point) -> Point:
        return _moved(point, orientation, width, height)

    if isinstance(geometry, Box):
        (x1, y1), (x2, y2) = move((geometry.x1, geometry.y1)), move((geometry.x2, geometry.y2))
        return Box(min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2))
    if isinstance(geometry, OrientedBox):
        cx, cy = move((geometry.cx, geometry.cy))
        angle = _TURNED_ANGLE[orientation](geometry.angle_rad)
        return OrientedBox(cx, cy, geometry.w, geometry.h, angle)
    if isinstance(geometry, Polygon):
        outer, *holes = (tuple(map(move, ring)) for ring in geometry.rings())
        return Polygon(outer, tuple(holes))
    points = tuple(map(move, geometry.points))
    if isinstance(geometry, Polyline):
        return Polyline(points)
    return Keypoints(points, geometry.visibility)


def _moved(point: Point, orientation: int, width: int, height: int) -> Point:
    x, y = point
    if orientation in (6, 7):
        y = height - y
    if orientation in (7, 8):
        x = width - x
    return y, x


# Rows and columns change places (5), then the picture is mirrored one way, both ways or the other.
_TURNED_ARRAY = {
    5: lambda a: a.T,
    6: lambda a: a.T[:, ::-1],
    7: lambda a: a.T[::-1, ::-1],
    8: lambda a: a.T[::-1],
}
_TURNED_ANGLE = {
    5: lambda a: math.pi / 2 - a,
    6: lambda a: a + math.pi / 2,
    7: lambda a: -math.pi / 2 - a,
    8: lambda a: a - math.pi / 2,
}


def _resized(mask: Mask, width: int, height: int) -> Mask:
    """Return a mask of another size, nearest pixel."""
    array = mask.to_array()
    rows = ((np.arange(height) + 0.5) * mask.height / height).astype(int)
    columns = ((np.arange(width) + 0.5) * mask.width / width).astype(int)
    return Mask.from_array(array[rows[:, None], columns[None]])


def _orientation(path: Path) -> int:
    try:
        with path.open("rb") as file:
            return read_header(file, path.stat().st_size).orientation
    except (OSError, HeaderError):
        return 1
