"""A picture with ever smaller copies of itself, so that drawing takes the same short time at any zoom."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter

from studio.canvas.tone import describe, toned
from studio.model.display import NEUTRAL, Display, PictureFacts

_SMALLEST_SIDE = 512  # a level below this would not make drawing faster
SQUARES_FROM = 3.0  # device pixels per image pixel above which pixels are drawn as squares


@dataclass(frozen=True)
class ImagePyramid:
    """The levels of a picture of 8 bits, largest first.

    Attributes:
        size_wh: Size of the picture in pixels; a preview has only levels smaller than this.
        levels: Each about half as wide as the one before; Format_RGB32.
        pages: Pages of the file that have this size.
        page: Which of them it is.
    """

    size_wh: tuple[int, int]
    levels: tuple[QImage, ...]
    pages: int = 1
    page: int = 0

    @property
    def byte_count(self) -> int:
        """Memory that the levels take."""
        return sum(level.sizeInBytes() for level in self.levels)

    @property
    def is_preview(self) -> bool:
        """Whether the full resolution is still to come."""
        return self.levels[0].width() < self.size_wh[0]

    def level_for(self, scale: float) -> QImage:
        """Return the smallest level that still has a pixel for each device pixel at ``scale``."""
        wanted = scale * self.size_wh[0]
        return next(
            (level for level in reversed(self.levels) if level.width() >= wanted), self.levels[0]
        )

    @cached_property
    def facts(self) -> PictureFacts:
        """What there is to see of it."""
        level = self.levels[-1]
        pixels = _channels(level, QRectF(level.rect()))
        return describe(pixels, self.pages, self.page)

    def crop(self, x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
        """Return the pixels of a part of the picture, which lies within it: (H, W, 3) uint8 red, green, blue.

        Of a preview they are as coarse as it is.
        """
        level = self.levels[0]
        if self.is_preview:
            part = QRectF(x1, y1, x2 - x1, y2 - y1)
            level = level.copy(_within(level, part, self.size_wh).toAlignedRect())
            level = level.scaled(x2 - x1, y2 - y1)
            return _channels(level, QRectF(level.rect()))
        return _channels(level, QRectF(x1, y1, x2 - x1, y2 - y1))

    def draw(
        self,
        painter: QPainter,
        target: QRectF,
        source: QRectF,
        scale: float,
        display: Display = NEUTRAL,
    ) -> None:
        """Draw a part of the picture.

        Args:
            painter: In device pixels.
            target: Where to, device pixels.
            source: Which part, in pixels of the full picture.
            scale: Device pixels per image pixel.
            display: How to show it.
        """
        level = self.level_for(scale)
        part = _within(level, source, self.size_wh)
        smooth = scale < SQUARES_FROM and scale != 1.0
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        if display.is_neutral:
            painter.drawImage(target, level, part)
            return
        whole = QRectF(part.toAlignedRect()) & QRectF(level.rect())
        shown = _shown(level, whole, display)
        painter.drawImage(target, shown, part.translated(-whole.topLeft()))


def _within(level: QImage, source: QRectF, size_wh: tuple[int, int]) -> QRectF:
    """Return which part of a level shows ``source``, a part of the full picture."""
    shrink_x, shrink_y = level.width() / size_wh[0], level.height() / size_wh[1]
    return QRectF(
        source.x() * shrink_x,
        source.y() * shrink_y,
        source.width() * shrink_x,
        source.height() * shrink_y,
    )


def _bytes(level: QImage, part: QRectF) -> np.ndarray:
    """Return a view of a part of a Format_RGB32 picture: (H, W, 4) uint8 blue, green, red and nothing."""
    rows = np.frombuffer(level.constBits(), np.uint8).reshape(level.height(), -1, 4)
    x, y, width, height = (round(v) for v in (part.x(), part.y(), part.width(), part.height()))
    return rows[y : y + height, x : x + width]


def _channels(level: QImage, part: QRectF) -> np.ndarray:
    return np.ascontiguousarray(_bytes(level, part)[..., 2::-1])


def _shown(level: QImage, part: QRectF, display: Display) -> QImage:
    """Return a part of a level as the display wants it."""
    pixels = _bytes(level, part)
    channel = display.of_channels(3).channel
    if channel is not None:
        pixels = pixels[..., 2 - channel]
    return qimage_of(toned(pixels, display, display.window or (0.0, 255.0)))


def qimage_of(pixels: np.ndarray) -> QImage:
    """Return a picture of its own memory from uint8: (H, W) grey, (H, W, 3) red-green-blue, (H, W, 4) as Format_RGB32."""
    import cv2

    formats = QImage.Format
    if pixels.ndim == 3 and pixels.shape[2] == 3:  # Qt scales pictures of 32 bits in half the time
        pixels = cv2.cvtColor(pixels, cv2.COLOR_RGB2BGRA)
    kind = formats.Format_Grayscale8 if pixels.ndim == 2 else formats.Format_RGB32
    packed = np.ascontiguousarray(pixels)
    height, width = packed.shape[:2]
    return QImage(packed.data, width, height, packed.strides[0], kind).copy()


def build_pyramid(
    image: QImage, size_wh: tuple[int, int] | None = None, pages: int = 1, page: int = 0
) -> ImagePyramid:
    """Build the levels of a picture; takes its time, so call it off the window's thread.

    Args:
        image: Any format; transparency is dropped, as training drops it.
        size_wh: Size of the picture where ``image`` is only a small preview of it.
        pages: Pages of the file.
        page: Which of them this is.
    """
    level = image.convertToFormat(QImage.Format.Format_RGB32)
    levels = [level]
    while max(level.width(), level.height()) >= 2 * _SMALLEST_SIDE:
        half = QSize(max(1, (level.width() + 1) // 2), max(1, (level.height() + 1) // 2))
        level = level.scaled(
            half, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        levels.append(level)
    return ImagePyramid(size_wh or (image.width(), image.height()), tuple(levels), pages, page)
