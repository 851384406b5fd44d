"""Pictures that are kept as samples of any depth and become colours when they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor
from typing import Protocol

import numpy as np
from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter

from studio.canvas.pyramid import SQUARES_FROM, qimage_of
from studio.canvas.tone import describe, render
from studio.model.display import NEUTRAL, Display, PictureFacts

_SMALLEST_SIDE = 512  # a level below this would not make drawing faster
Box = tuple[int, int, int, int]


class Picture(Protocol):
    """What the canvas can show."""

    @property
    def size_wh(self) -> tuple[int, int]:
        """Size of the picture in pixels."""
        ...

    @property
    def byte_count(self) -> int:
        """Memory that it takes."""
        ...

    @property
    def is_preview(self) -> bool:
        """Whether the full resolution is still to come."""
        ...

    @property
    def facts(self) -> PictureFacts:
        """What there is to see of it."""
        ...

    def crop(self, x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
        """Return the samples of a part, which lies within the picture: (H, W, C), red first."""
        ...

    def draw(
        self,
        painter: QPainter,
        target: QRectF,
        source: QRectF,
        scale: float,
        display: Display = NEUTRAL,
    ) -> None:
        """Draw a part of the picture (``source``, its pixels) into ``target`` (device pixels)."""
        ...


class Levels(Protocol):
    """Ever smaller copies of a picture that can be read in parts."""

    @property
    def sizes_wh(self) -> Sequence[tuple[int, int]]:
        """Size of each level, largest first."""
        ...

    def part(self, level: int, box: Box) -> np.ndarray:
        """Return a part (x1, y1, x2, y2) of a level, which lies within it: (H, W, C)."""
        ...


def level_for(sizes_wh: Sequence[tuple[int, int]], scale: float) -> int:
    """Return the smallest level that still has a pixel for each device pixel at ``scale``."""
    wanted = scale * sizes_wh[0][0]
    fitting = (n for n in reversed(range(len(sizes_wh))) if sizes_wh[n][0] >= wanted)
    return next(fitting, 0)


def draw_levels(
    levels: Levels,
    painter: QPainter,
    target: QRectF,
    source: QRectF,
    scale: float,
    display: Display,
    facts: PictureFacts,
) -> None:
    """Draw a part of a picture from the level that suits the zoom; see :meth:`Picture.draw`."""
    number = level_for(levels.sizes_wh, scale)
    width, height = levels.sizes_wh[number]
    shrink_x, shrink_y = width / levels.sizes_wh[0][0], height / levels.sizes_wh[0][1]
    left, top = source.left() * shrink_x, source.top() * shrink_y
    right, bottom = source.right() * shrink_x, source.bottom() * shrink_y
    x1, y1 = max(0, floor(left)), max(0, floor(top))
    x2, y2 = min(width, ceil(right)), min(height, ceil(bottom))
    if x2 <= x1 or y2 <= y1:
        return
    image = qimage_of(render(levels.part(number, (x1, y1, x2, y2)), display, facts))
    smooth = scale < SQUARES_FROM and scale != 1.0
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
    painter.drawImage(target, image, QRectF(left - x1, top - y1, right - left, bottom - top))


@dataclass(frozen=True)
class SamplePyramid:
    """A picture of more than 8 bits, or a page of a file, in memory.

    Attributes:
        levels: (H, W, C) of the file's depth, each half as wide as the one before.
        facts: What there is to see of it.
    """

    levels: tuple[np.ndarray, ...]
    facts: PictureFacts

    @property
    def size_wh(self) -> tuple[int, int]:
        """Size of the picture in pixels."""
        return self.sizes_wh[0]

    @property
    def sizes_wh(self) -> Sequence[tuple[int, int]]:
        """Size of each level."""
        return tuple((level.shape[1], level.shape[0]) for level in self.levels)

    @property
    def byte_count(self) -> int:
        """Memory that the levels take."""
        return sum(level.nbytes for level in self.levels)

    @property
    def is_preview(self) -> bool:
        """It is whole."""
        return False

    def part(self, level: int, box: Box) -> np.ndarray:
        """Return a view of a part of a level."""
        x1, y1, x2, y2 = box
        return self.levels[level][y1:y2, x1:x2]

    def crop(self, x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
        """Return the samples of a part of the picture."""
        return self.part(0, (x1, y1, x2, y2))

    def draw(
        self,
        painter: QPainter,
        target: QRectF,
        source: QRectF,
        scale: float,
        display: Display = NEUTRAL,
    ) -> None:
        """Draw a part of the picture."""
        draw_levels(self, painter, target, source, scale, display, self.facts)


def build_samples(samples: np.ndarray, pages: int = 1, page: int = 0) -> SamplePyramid:
    """Build the levels of a picture (H, W, C); takes its time, so call it off the window's thread."""
    level = _scalable(samples)
    levels = [level]
    while max(level.shape[:2]) >= 2 * _SMALLEST_SIDE:
        level = _half(level)
        levels.append(level)
    return SamplePyramid(tuple(levels), describe(levels[-1], pages, page))


def _scalable(samples: np.ndarray) -> np.ndarray:
    """Return samples of a type that OpenCV can shrink."""
    if samples.dtype in (np.uint8, np.uint16, np.int16, np.float32):
        return samples
    if samples.dtype == np.bool_:
        return samples.astype(np.uint8) * 255
    return samples.astype(np.float32)


def _half(level: np.ndarray) -> np.ndarray:
    import cv2

    height, width, channels = level.shape
    size = max(1, (width + 1) // 2), max(1, (height + 1) // 2)
    parts = [  # OpenCV takes four channels at most
        cv2.resize(
            np.ascontiguousarray(level[..., at : at + 4]), size, interpolation=cv2.INTER_AREA
        )
        for at in range(0, channels, 4)
    ]
    return np.concatenate([part.reshape(size[1], size[0], -1) for part in parts], axis=2)
