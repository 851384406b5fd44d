"""The magic wand: a click takes the pixels that look like the clicked one, dragging makes it take more or fewer."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor

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

_REACH = 2048  # pixels to each side of the click: 17 million pixels are what a click can look at without a wait
_PX_A_LEVEL = 2.0  # of the screen, to drag for a level of tolerance
_RADIUS_PX = 6.0  # what a hit radius is on screen
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
        left, top = max(x - _REACH, 0), max(y - _REACH, 0)
        right, bottom = min(x + _REACH, width), min(y + _REACH, height)
        pixels = None if refusal else self.scene.pixels(left, top, right, bottom)
        if pixels is None:
            self.notice.text = refusal or _WAITING
            return
        self._shape, self._erasing = target, event.ctrl
        seed = x - left, y - top
        distance = colour_distance(pixels, *seed)
        tolerance = round(self.scene.options.tolerance)
        place = event.x, event.y
        self._pick = _Pick(place, (left, top), seed, distance, tolerance, distance)
        self._grow(self._pick, tolerance)

    def _drag(self, pick: _Pick, event: Pointer) -> None:
        moved = (event.x - pick.start[0]) - (event.y - pick.start[1])
        levels = moved / event.tolerance * _RADIUS_PX / _PX_A_LEVEL
        tolerance = round(min(max(self.scene.options.tolerance + levels, 0), 255))
        if tolerance != pick.tolerance:
            self._grow(pick, tolerance)

    def _grow(self, pick: _Pick, tolerance: int) -> None:
        """Find the pixels for another tolerance."""
        options = self.scene.options
        region = alike(pick.distance, *pick.seed, tolerance, contiguous=options.contiguous)
        if options.fill_holes:
            region = region | enclosed(region)
        pick.tolerance, pick.region = tolerance, region
        x, y, width, height = cv2.boundingRect(region)
        self._board = PaintBoard(self.scene.size_wh)
        window = region[y : y + height, x : x + width]
        self._board.put(window, (pick.corner[0] + x, pick.corner[1] + y))

    def _end(self, pick: _Pick) -> Edit | None:
        target, erasing, board = self._shape, self._erasing, self._board
        self.scene.options.tolerance = float(pick.tolerance)
        self.cancel()
        if board is None:
            return None
        if target is not None:
            found = board
            board = PaintBoard(self.scene.size_wh, target.geometry)
            board.put(np.ascontiguousarray(found.pixels), found.corner, int(not erasing))
        label = tr("Take pixels away") if erasing else tr("Add pixels")
        return self._result(target, board.mask(), label)
