"""The way along edges from one place of the picture to another, in a part of the picture around the first place.

After E. N. Mortensen, W. A. Barrett, "Intelligent scissors for image composition" (1995). OpenCV does the search; no events.
"""

from __future__ import annotations

from math import ceil, floor

import cv2
import numpy as np
from cv2 import segmentation

from engine.data.annotations import Point
from studio.tools.base import rounded
from studio.tools.scene import PixelSource

_SIDE = 360  # pixels of the part that is searched: 30 ms for a click, nothing for a movement
_NEAREST = _SIDE / 2  # pixels of the image: so far it reaches at any zoom
_CANNY_LOW, _CANNY_HIGH = 16, 100
_STEEPEST = 200.0  # grey levels a pixel beyond which an edge counts no more: one strong edge must not outshine the wanted one


class LiveWire:
    """Ways from one place, its *root*.

    Args:
        pixels: Gives the picture.
        size_wh: The image in pixels.
    """

    def __init__(self, pixels: PixelSource, size_wh: tuple[int, int]) -> None:
        self._pixels = pixels
        self._size_wh = size_wh
        self._search: segmentation.IntelligentScissorsMB | None = None
        self._corner = (0, 0)
        self._part_wh = (0, 0)
        self._shrink = (1.0, 1.0)

    def root_at(self, place: Point, reach: float) -> bool:
        """Look for ways from a place.

        Args:
            place: Image pixels.
            reach: How far ways go, image pixels; a larger reach sees coarser edges.

        Returns:
            Whether it could: the place lies in the image and the picture is there.
        """
        self._search = None
        reach = max(reach, _NEAREST)
        (x, y), (width, height) = place, self._size_wh
        left, top = max(floor(x - reach), 0), max(floor(y - reach), 0)
        right, bottom = min(ceil(x + reach), width), min(ceil(y + reach), height)
        if not (0 <= x <= width and 0 <= y <= height) or right - left < 4 or bottom - top < 4:
            return False
        pixels = self._pixels(left, top, right, bottom)
        if pixels is None:
            return False
        shrink = max(1.0, 2 * reach / _SIDE)
        size = max(4, round((right - left) / shrink)), max(4, round((bottom - top) / shrink))
        if shrink > 1.0:
            pixels = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
        self._corner, self._part_wh = (left, top), (pixels.shape[1], pixels.shape[0])
        self._shrink = (right - left) / pixels.shape[1], (bottom - top) / pixels.shape[0]
        search = segmentation.IntelligentScissorsMB()
        search.setEdgeFeatureCannyParameters(_CANNY_LOW, _CANNY_HIGH)
        search.setGradientMagnitudeMaxLimit(_STEEPEST)
        search.applyImage(np.ascontiguousarray(pixels))
        search.buildMap(self._cell(place))
        self._search = search
        return True

    def way_to(self, place: Point) -> list[Point]:
        """Return the points from the root to a place, both left out; from the part's border on the way is straight."""
        if self._search is None:
            return []
        cells = self._search.getContour(self._cell(place)).reshape(-1, 2)[1:-1]
        return [self._point(column, row) for column, row in cells.tolist()]

    def _cell(self, place: Point) -> tuple[int, int]:
        """Return the searched pixel at a place, the nearest one where it lies outside."""
        column, row = (
            min(max(floor((value - corner) / shrink), 0), side - 1)
            for value, corner, shrink, side in zip(
                place, self._corner, self._shrink, self._part_wh, strict=True
            )
        )
        return column, row

    def _point(self, column: int, row: int) -> Point:
        x, y = (
            (cell + 0.5) * shrink + corner
            for cell, shrink, corner in zip((column, row), self._shrink, self._corner, strict=True)
        )
        return rounded(x), rounded(y)
