"""The magic wand: a click takes the pixels that look like the clicked one, dragging makes it take more or fewer."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, isqrt

import cv2
import numpy as np

from engine.data.annotations import Point
from studio.language import tr
from studio.model.edits import Edit
from studio.model.records import Shape
from studio.tools.alike import alike, colour_distance
from studio.tools.base import Pixels, Pointer, Preview
from studio.tools.mask_tool import MaskTool
from studio.tools.paint_board import PaintBoard, enclosed
from studio.tools.scene import Scene

_FIRST = 2**24  # pixels around the click: 17 million are what it can look at without a wait
_MOST = 2**25  # and where what it takes goes on beyond them: 33 million, which take half a second
_STRIP = 1024  # rows of the picture that are compared at once: their colours take far more room than what is kept of them
_PX_A_LEVEL = 2.0  # of the screen, to drag for a level of tolerance
_RADIUS_PX = 6.0  # what a hit radius is on screen
_CUT = tr(
    "The picture goes on: the wand looked at {width:,} × {height:,} pixels around the click and stopped there."
)
_WAITING = tr("The picture is still being read; the wand needs its pixels.")


@dataclass
class _Pick:
    """A click and what is known around it."""

    start: Point
    corner: tuple[int, int]
    seed: tuple[int, int]  # column and row within the part that was read
    distance: Pixels
    tolerance: int
    region: Pixels
    is_widest: bool = False  # more than this is not looked at

    def goes_on(self, size_wh: tuple[int, int], contiguous: bool) -> bool:
        """Tell whether what was found may go on in the picture beyond the part that was read."""
        (left, top), (height, width) = self.corner, self.region.shape
        sides = (
            (left > 0, self.region[:, 0]),
            (top > 0, self.region[0]),
            (left + width < size_wh[0], self.region[:, -1]),
            (top + height < size_wh[1], self.region[-1]),
        )
        return any(is_open and (not contiguous or bool(row.any())) for is_open, row in sides)


class WandTool(MaskTool):
    """Press and let go makes a mask; right or up takes more, left or down less.

    Shift adds to the shape in hand, Ctrl takes away from it.
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__(scene)
        self._pick: _Pick | None = None
        self._board: PaintBoard | None = None
        self._at: Point | None = None
        self._shape: Shape | None = None
        self._erasing = False

    def pointer(self, event: Pointer) -> Edit | None:
        """Take a pointer event; return what the wand has made."""
        if event.kind == "leave":
            self._at = None if self._pick is None else self._at
            return None
        self._at = event.x, event.y
        if event.kind in ("press", "double"):
            self._press(event)
        elif event.kind == "move" and self._pick is not None:
            self._drag(self._pick, event)
        elif event.kind == "release" and self._pick is not None:
            return self._end(self._pick)
        return None

    def cancel(self) -> None:
        """Forget the click."""
        self._pick = self._board = self._shape = None

    def preview(self) -> Preview:
        """Return the pixels that would be taken, and the tolerance."""
        pick, board = self._pick, self._board
        tolerance = self.scene.options.tolerance if pick is None else pick.tolerance
        class_id = self.scene.class_id if self._shape is None else self._shape.class_id
        return Preview(
            paint=None if board is None else board.paint(class_id, self._erasing),
            crosshair=self._at,
            label=""
            if pick is None
            else tr("Tolerance {tolerance:.0f}").format(tolerance=tolerance),
            class_id=class_id,
            cursor="cross",
        )

    def _is_busy(self) -> bool:
        return self._pick is not None

    def _press(self, event: Pointer) -> None:
        x, y = floor(event.x), floor(event.y)
        width, height = self.scene.size_wh
        if not (0 <= x < width and 0 <= y < height):
            self.notice.text = tr(
                "Click on the picture: the wand takes what looks like the clicked pixel."
            )
            return
        target = self._target() if event.shift or event.ctrl else None
        refusal = self._refusal(target) if event.shift or event.ctrl else ""
        if event.ctrl and target is None:
            refusal = refusal or tr(
                "There is no shape in hand to take pixels from: select one first."
            )
        found = None if refusal else self._distance(x, y, _FIRST)
        if found is None:
            self.notice.text = refusal or _WAITING
            return
        self._shape, self._erasing = target, event.ctrl
        distance, (left, top) = found
        tolerance = round(self.scene.options.tolerance)
        place, seed = (event.x, event.y), (x - left, y - top)
        self._pick = _Pick(place, (left, top), seed, distance, tolerance, distance)
        self._grow(self._pick, tolerance)

    def _distance(self, x: int, y: int, most: int) -> tuple[Pixels, tuple[int, int]] | None:
        """Return how far the colours around a pixel are from its own, and the first column and row of that part.

        Args:
            x: Column of the pixel.
            y: Its row.
            most: How many pixels that may be.

        Returns:
            The part, as much of the picture as may be; None where the picture is not there in full.
        """
        left, top, right, bottom = _around(x, y, self.scene.size_wh, most)
        colour = self.scene.pixels(x, y, x + 1, y + 1)
        distance = np.empty((bottom - top, right - left), np.uint8)
        for row in range(top, bottom, _STRIP):
            below = min(row + _STRIP, bottom)
            strip = self.scene.pixels(left, row, right, below)
            if colour is None or strip is None:
                return None
            distance[row - top : below - top] = colour_distance(strip, colour[0, 0])
        return distance, (left, top)

    def _drag(self, pick: _Pick, event: Pointer) -> None:
        moved = (event.x - pick.start[0]) - (event.y - pick.start[1])
        levels = moved / event.tolerance * _RADIUS_PX / _PX_A_LEVEL
        tolerance = round(min(max(self.scene.options.tolerance + levels, 0), 255))
        if tolerance != pick.tolerance:
            self._grow(pick, tolerance)

    def _grow(self, pick: _Pick, tolerance: int) -> None:
        """Find the pixels for another tolerance, in a larger part of the picture where they go on."""
        options, size = self.scene.options, self.scene.size_wh
        pick.tolerance = tolerance
        pick.region = alike(pick.distance, *pick.seed, tolerance, contiguous=options.contiguous)
        if not pick.is_widest and pick.goes_on(size, options.contiguous):
            self._widen(pick)
            pick.region = alike(pick.distance, *pick.seed, tolerance, contiguous=options.contiguous)
        region = pick.region
        if options.fill_holes:
            region = pick.region = region | enclosed(region)
        x, y, width, height = cv2.boundingRect(region)
        self._board = PaintBoard(self.scene.size_wh)
        window = region[y : y + height, x : x + width]
        self._board.put(window, (pick.corner[0] + x, pick.corner[1] + y))

    def _widen(self, pick: _Pick) -> None:
        x, y = pick.seed[0] + pick.corner[0], pick.seed[1] + pick.corner[1]
        found = self._distance(x, y, _MOST)
        pick.is_widest = True
        if found is not None:
            pick.distance, pick.corner = found
            pick.seed = x - pick.corner[0], y - pick.corner[1]

    def _end(self, pick: _Pick) -> Edit | None:
        target, erasing, board = self._shape, self._erasing, self._board
        self.scene.options.tolerance = float(pick.tolerance)
        self.cancel()
        if board is None:
            return None
        if pick.goes_on(self.scene.size_wh, self.scene.options.contiguous):
            height, width = pick.region.shape
            self.notice.text = _CUT.format(width=width, height=height)
        if target is not None:
            found = board
            board = PaintBoard(self.scene.size_wh, target.geometry)
            board.put(np.ascontiguousarray(found.pixels), found.corner, int(not erasing))
        label = tr("Take pixels away") if erasing else tr("Add pixels")
        return self._result(target, board.mask(), label)


def _around(x: int, y: int, size_wh: tuple[int, int], most: int) -> tuple[int, int, int, int]:
    """Return the part of the picture around a pixel (x1, y1, x2, y2): all of it, else as many pixels as may be."""
    width, height = size_wh
    side = isqrt(most)
    to_side, up = most // min(height, side) // 2, most // min(width, side) // 2
    if width * height <= most:
        return 0, 0, width, height
    return max(x - to_side, 0), max(y - up, 0), min(x + to_side, width), min(y + up, height)
