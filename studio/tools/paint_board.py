"""The pixels of one object while they are painted: a window of the image that grows as the brush goes on. No events here."""

from __future__ import annotations

from math import ceil, floor

import cv2
import numpy as np

from engine.data.annotations import Geometry, Mask, Point, to_mask
from studio.tools.base import Paint, Pixels

_ROOM = 256  # pixels by which the window grows beyond what is asked for: growing copies it


class PaintBoard:
    """A window of native resolution, 1 inside the object.

    Args:
        size_wh: The image in pixels; nothing is painted outside it.
        geometry: What the object covers already; any kind that covers an area.
    """

    def __init__(self, size_wh: tuple[int, int], geometry: Geometry | None = None) -> None:
        self._size_wh = size_wh
        self.pixels: Pixels = np.zeros((0, 0), np.uint8)
        self.corner = (0, 0)
        self._changed = (0.0, 0.0, 0.0, 0.0)
        self._revision = 0
        if geometry is not None:
            self.put(*window_of(geometry, size_wh))

    def stroke(self, start: Point, end: Point, size: int, value: int = 1) -> None:
        """Paint along a line with a round brush.

        A pixel is painted where its middle is no farther from the line than half the brush.

        Args:
            start: Middle of the brush, image pixels; see :func:`brush_place`.
            end: The same, where the line ends.
            size: Diameter in pixels.
            value: 1 paints, 0 erases.
        """
        radius = size / 2
        (x0, y0), (x1, y1) = start, end
        x, right = floor(min(x0, x1) - radius), ceil(max(x0, x1) + radius)
        y, bottom = floor(min(y0, y1) - radius), ceil(max(y0, y1) + radius)
        x, y = max(x, 0), max(y, 0)
        right, bottom = min(right, self._size_wh[0]), min(bottom, self._size_wh[1])
        if right <= x or bottom <= y:
            return
        columns = np.arange(x, right, dtype=np.float32) + np.float32(0.5 - x0)
        rows = (np.arange(y, bottom, dtype=np.float32) + np.float32(0.5 - y0))[:, None]
        dx, dy = x1 - x0, y1 - y0
        length = dx * dx + dy * dy
        if length:
            share = np.clip((columns * dx + rows * dy) / np.float32(length), 0.0, 1.0)
            away = (columns - share * dx) ** 2 + (rows - share * dy) ** 2
        else:
            away = columns**2 + rows**2
        self.put(away <= radius * radius + 1e-4, (x, y), value)

    def put(self, window: np.ndarray, corner: tuple[int, int], value: int = 1) -> None:
        """Set pixels to ``value`` where a window, which lies within the image, is not zero."""
        (height, width), (x, y) = window.shape, corner
        if not height or not width:
            return
        self._cover(x, y, x + width, y + height)
        left, top = x - self.corner[0], y - self.corner[1]
        part = self.pixels[top : top + height, left : left + width]
        part[window != 0] = value
        self._tell((x, y, x + width, y + height))

    def fill_enclosed(self, before: Pixels, corner: tuple[int, int]) -> None:
        """Fill the holes that were not there before.

        Args:
            before: What was inside, of a window.
            corner: Its top-left pixel.
        """
        holes = enclosed(self.pixels)
        (height, width), (x, y) = before.shape, corner
        left, top = x - self.corner[0], y - self.corner[1]
        old = holes[top : top + height, left : left + width]
        old[enclosed(before) != 0] = 0
        if holes.any():
            self.pixels |= holes
            self._tell(self.paint(-1).bounds())

    def snapshot(self) -> tuple[Pixels, tuple[int, int]]:
        """Return a copy of the window and its top-left pixel."""
        return self.pixels.copy(), self.corner

    def mask(self) -> Mask:
        """Return what is inside as a mask of the whole image."""
        width, height = self._size_wh
        rows, columns = np.flatnonzero(self.pixels.any(1)), np.flatnonzero(self.pixels.any(0))
        if not len(rows):
            return Mask((height * width,), height, width)
        y, x = int(rows[0]), int(columns[0])
        window = self.pixels[y : rows[-1] + 1, x : columns[-1] + 1]
        return Mask.from_window(window, (self.corner[0] + x, self.corner[1] + y), height, width)

    def paint(self, class_id: int, erases: bool = False) -> Paint:
        """Return what the canvas draws."""
        return Paint(self.pixels, self.corner, self._changed, self._revision, class_id, erases)

    def _tell(self, changed: tuple[float, float, float, float]) -> None:
        self._changed = changed
        self._revision += 1

    def _cover(self, x1: int, y1: int, x2: int, y2: int) -> None:
        """Let the window reach over a part of the image."""
        (left, top), (height, width) = self.corner, self.pixels.shape
        if left <= x1 and top <= y1 and left + width >= x2 and top + height >= y2:
            return
        if self.pixels.size:
            x1, y1 = min(x1, left), min(y1, top)
            x2, y2 = max(x2, left + width), max(y2, top + height)
        x1, y1 = max(x1 - _ROOM, 0), max(y1 - _ROOM, 0)
        x2, y2 = min(x2 + _ROOM, self._size_wh[0]), min(y2 + _ROOM, self._size_wh[1])
        grown = np.zeros((y2 - y1, x2 - x1), np.uint8)
        grown[top - y1 : top - y1 + height, left - x1 : left - x1 + width] = self.pixels
        self.pixels, self.corner = grown, (x1, y1)


def brush_place(x: float, y: float, size: int) -> Point:
    """Return where the middle of a brush goes: that of a pixel, or for an even size a corner, so that small brushes are round."""
    if size % 2:
        return floor(x) + 0.5, floor(y) + 0.5
    return float(floor(x + 0.5)), float(floor(y + 0.5))


def enclosed(pixels: Pixels) -> Pixels:
    """Return the background that does not reach the border of the window, (h, w) uint8; diagonal steps do not let it out."""
    around = np.pad(pixels, 1)
    cv2.floodFill(around, None, (0, 0), 2, flags=4)
    return (around[1:-1, 1:-1] == 0).astype(np.uint8)


def window_of(geometry: Geometry, size_wh: tuple[int, int]) -> tuple[Pixels, tuple[int, int]]:
    """Return the pixels of a geometry within its bounds and the image, and the column and row of the first."""
    if isinstance(geometry, Mask):
        return geometry.window()
    width, height = size_wh
    x1, y1, x2, y2 = geometry.bounds()
    x, y = max(floor(x1), 0), max(floor(y1), 0)
    right, bottom = min(ceil(x2), width), min(ceil(y2), height)
    if right <= x or bottom <= y:
        return np.zeros((0, 0), np.uint8), (0, 0)
    return to_mask(geometry.translated(-x, -y), bottom - y, right - x).to_array(), (x, y)
