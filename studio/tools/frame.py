"""The frame around what is selected: its handles stretch it, the knob above it turns it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

import numpy as np

from engine.data.annotations import Box, Mask, OrientedBox, Point, Polygon, Tag
from studio.model.geometry_ops.parts import fit_into
from studio.model.geometry_ops.transform import Motion, transformed
from studio.model.records import Shape, moved_to
from studio.tools.moving import is_whole, joint_bounds, settled
from studio.tools.rings import outline

Part: TypeAlias = Literal["nw", "n", "ne", "e", "se", "s", "sw", "w", "turn"]

GAP = 2.0  # in hit radii: between the shapes and the frame, so that vertices stay free
KNOB = 4.0  # in hit radii: from the frame's upper side to the knob
_MIN_SHAPE = 5.0  # in hit radii: a smaller selection has no frame, its handles would cover it
_TURN_STEP = math.pi / 12  # with Shift
_LEAST = 1.0  # pixels that a stretched side keeps
_SIDES: dict[Part, Point] = {
    "nw": (-1, -1), "n": (0, -1), "ne": (1, -1), "e": (1, 0),
    "se": (1, 1), "s": (0, 1), "sw": (-1, 1), "w": (-1, 0),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle around shapes.

    Attributes:
        cx: Its middle, image pixels.
        cy: Its middle, image pixels.
        w: Its width along its own x axis, pixels.
        h: Its height, pixels.
        angle_rad: Angle of its x axis, clockwise on screen; 0 but for a single rotated box.
        stretches: Whether it has handles besides the knob.
    """

    cx: float
    cy: float
    w: float
    h: float
    angle_rad: float = 0.0
    stretches: bool = True

    def place(self, u: float, v: float, gap: float = 0.0) -> Point:
        """Return the point at (u, v), each from -1 at one side to 1 at the other, ``gap`` pixels further out."""
        x, y = u * self.w / 2 + _sign(u) * gap, v * self.h / 2 + _sign(v) * gap
        cos, sin = math.cos(self.angle_rad), math.sin(self.angle_rad)
        return self.cx + x * cos - y * sin, self.cy + x * sin + y * cos

    def corners(self, radius: float) -> tuple[Point, ...]:
        """Return the corners of the frame as it is drawn where a hit radius is ``radius`` pixels."""
        return tuple(
            self.place(u, v, GAP * radius) for u, v in ((-1, -1), (1, -1), (1, 1), (-1, 1))
        )

    def handles(self, radius: float) -> dict[Part, Point]:
        """Return where its handles are."""
        places = (
            {part: self.place(*side, GAP * radius) for part, side in _SIDES.items()}
            if self.stretches
            else {}
        )
        return {**places, "turn": self.place(0, -1, (GAP + KNOB) * radius)}


def frame_of(shapes: Sequence[Shape], radius: float) -> Frame | None:
    """Return the frame around shapes, None where there is nothing to turn or it would be too small to use.

    A single upright box has handles of its own and stays upright; a single rotated box has only the knob.
    """
    placed = [shape for shape in shapes if not isinstance(shape.geometry, Tag)]
    bounds = joint_bounds(placed)
    if bounds is None:
        return None
    x1, y1, x2, y2 = bounds
    if max(x2 - x1, y2 - y1) < _MIN_SHAPE * radius:
        return None
    if len(placed) == 1:
        geometry = placed[0].geometry
        if isinstance(geometry, OrientedBox):
            sides = geometry.w, geometry.h, geometry.angle_rad
            return Frame(geometry.cx, geometry.cy, *sides, stretches=False)
        if isinstance(geometry, Box) or len(getattr(geometry, "points", (0, 0))) < 2:
            return None
    return Frame((x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)


def part_at(frame: Frame, x: float, y: float, radius: float) -> Part | None:
    """Return the handle of a frame at a point."""
    for part, place in frame.handles(radius).items():
        if math.dist(place, (x, y)) <= radius:
            return part
    return None


@dataclass(frozen=True, slots=True)
class FrameDrag:
    """A handle of a frame that is being dragged.

    Attributes:
        frame: As it was when the drag began.
        part: The handle.
        start: Where the drag began, image pixels.
    """

    frame: Frame
    part: Part
    start: Point

    def motion(self, x: float, y: float, even: bool = False, centered: bool = False) -> Motion:
        """Return what a drag to (x, y) does.

        Args:
            x: Image pixels.
            y: Image pixels.
            even: Turn in steps of 15 degrees; stretch both sides alike.
            centered: The middle stays instead of the opposite side.
        """
        if self.part == "turn":
            return self._turn(x, y, even)
        return self._stretch(x - self.start[0], y - self.start[1], even, centered)

    def _turn(self, x: float, y: float, even: bool) -> Motion:
        center = self.frame.cx, self.frame.cy
        before = math.atan2(self.start[1] - center[1], self.start[0] - center[0])
        angle = math.atan2(y - center[1], x - center[0]) - before
        if even:
            own = self.frame.angle_rad
            angle = round((angle + own) / _TURN_STEP) * _TURN_STEP - own
        return Motion(center, angle_rad=math.remainder(angle, 2 * math.pi))

    def _stretch(self, dx: float, dy: float, even: bool, centered: bool) -> Motion:
        frame = self.frame
        u, v = _SIDES[self.part]
        reach = 2.0 if centered else 1.0
        sx = _factor(frame.w, dx * u * reach)
        sy = _factor(frame.h, dy * v * reach)
        if even:
            both = (sx, sy) if u and v else (sx,) if u else (sy,)
            sx = sy = max(both, key=lambda factor: abs(factor - 1))
        about = (frame.cx, frame.cy) if centered else frame.place(-u, -v)
        return Motion(about, sx if u or even else 1.0, sy if v or even else 1.0)


def changed_by(
    shapes: Sequence[Shape], motion: Motion, size_wh: tuple[int, int], preview: bool = False
) -> tuple[Shape, ...]:
    """Return the shapes after a motion, moved back into the image where they left it and fit.

    Args:
        shapes: Shapes; a tag stays as it is.
        motion: What is done to all of them.
        size_wh: Width and height of the image in pixels.
        preview: A mask is shown by its outline: to warp its pixels takes too long for each move of the mouse.
    """
    after = [_after(shape, motion, preview) for shape in shapes]
    dx, dy = _way_back(after, size_wh)
    if dx or dy:
        after = [moved_to(shape, shape.geometry.translated(dx, dy)) for shape in after]
    if preview:
        return tuple(after)
    kept = []
    for old, new in zip(shapes, after, strict=True):
        geometry = fit_into(new.geometry, size_wh)
        geometry = None if geometry is None else settled(geometry)
        is_good = geometry is not None and is_whole(geometry)
        kept.append(moved_to(old, geometry) if is_good and geometry is not None else old)
    return tuple(kept)


def words(motion: Motion) -> str:
    """Return what a motion does, for the words beside the cursor."""
    if motion.angle_rad:
        return f"{math.degrees(motion.angle_rad):.1f}°"
    if motion.sx == motion.sy:
        return f"{motion.sx:.0%}"
    return f"{motion.sx:.0%} × {motion.sy:.0%}"


def _after(shape: Shape, motion: Motion, preview: bool) -> Shape:
    geometry = shape.geometry
    if preview and isinstance(geometry, Mask):
        rings = [tuple(map(tuple, ring.tolist())) for ring in outline(geometry)]
        if rings:
            geometry = Polygon(rings[0], tuple(rings[1:]))
    return replace(shape, geometry=transformed(geometry, motion))


def _way_back(shapes: Sequence[Shape], size_wh: tuple[int, int]) -> Point:
    """Return how far shapes must go to lie within the image again; 0 along a side that they are too long for."""
    x1, y1, x2, y2 = joint_bounds(shapes) or (0.0, 0.0, 0.0, 0.0)
    width, height = size_wh
    return _inward(x1, x2, width), _inward(y1, y2, height)


def _inward(low: float, high: float, size: int) -> float:
    if high - low > size:
        return 0.0
    return max(0.0, -low) + min(0.0, size - high)


def _factor(side: float, growth: float) -> float:
    """Return how much longer a side gets; it keeps a pixel, and one without length stays so."""
    return max(side + growth, _LEAST) / side if side > 0 else 1.0


def _sign(value: float) -> float:
    return float(np.sign(value))
