"""Square parts of a picture that a small network looks at, whatever their size, as one size."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

FAR_OUTSIDE = -10.0  # the logit of what a window does not show


@dataclass(frozen=True)
class Window:
    """A square of a picture; it may reach beyond.

    Attributes:
        x: Its left side in pixels of the picture.
        y: Its top.
        side: Its width and height.
    """

    x: int
    y: int
    side: int

    def to_inside(self, points: np.ndarray, size: int) -> np.ndarray:
        """Return points (..., 2) x, y of the picture in pixels of the window at a size."""
        return (points - (self.x, self.y)) * (size / self.side)

    def cut(self, pixels: np.ndarray, size: int, outside: float = 0) -> np.ndarray:
        """Return its part of an array (H, W) or (H, W, C) at a size, (size, size[, C])."""
        height, width = pixels.shape[:2]
        x1, y1, x2, y2 = self._shown(height, width)
        part = pixels[y1:y2, x1:x2]
        spare = (y1 - self.y, self.y + self.side - y2, x1 - self.x, self.x + self.side - x2)
        if any(spare):
            fill = (outside,) * 4
            part = cv2.copyMakeBorder(part, *spare, cv2.BORDER_CONSTANT, value=fill)
        way = cv2.INTER_AREA if self.side > size else cv2.INTER_LINEAR
        return cv2.resize(part, (size, size), interpolation=way)

    def put_back(self, logits: np.ndarray, height: int, width: int) -> np.ndarray:
        """Return logits (size, size) of the window as those of the picture, (height, width)."""
        x1, y1, x2, y2 = self._shown(height, width)
        large = cv2.resize(logits, (self.side, self.side), interpolation=cv2.INTER_LINEAR)
        out = np.full((height, width), FAR_OUTSIDE, np.float32)
        out[y1:y2, x1:x2] = large[y1 - self.y : y2 - self.y, x1 - self.x : x2 - self.x]
        return out

    def _shown(self, height: int, width: int) -> tuple[int, int, int, int]:
        """Return the corners of what of the picture it shows: a pixel at least."""
        x1, y1 = min(max(self.x, 0), width - 1), min(max(self.y, 0), height - 1)
        x2 = min(max(self.x + self.side, x1 + 1), width)
        y2 = min(max(self.y + self.side, y1 + 1), height)
        return x1, y1, x2, y2


def window_around(box: np.ndarray, room: float, least: int = 16) -> Window:
    """Return the window in whose middle a box lies.

    Args:
        box: Corners (4,) in pixels.
        room: Its side as a multiple of the box's longer one.
        least: Its side in pixels at least.
    """
    x1, y1, x2, y2 = (float(n) for n in box)
    side = max(int(np.ceil(room * max(x2 - x1, y2 - y1))), least)
    return Window(round((x1 + x2 - side) / 2), round((y1 + y2 - side) / 2), side)


def kept_within(window: Window, height: int, width: int) -> Window:
    """Return a window moved so that it shows as much of the picture as it can."""
    x, y = (
        min(max(start, 0), full - window.side) if window.side <= full else (full - window.side) // 2
        for start, full in ((window.x, width), (window.y, height))
    )
    return Window(int(x), int(y), window.side)
