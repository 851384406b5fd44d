"""A picture with ever smaller copies of itself, so that drawing takes the same short time at any zoom."""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter

_SMALLEST_SIDE = 512  # a level below this would not make drawing faster
_SQUARES_FROM = 3.0  # device pixels per image pixel above which pixels are drawn as squares


@dataclass(frozen=True)
class ImagePyramid:
    """The levels of a picture, largest first.

    Attributes:
        size_wh: Size of the picture in pixels; a preview has only levels smaller than this.
        levels: Each about half as wide as the one before; Format_RGB32.
    """

    size_wh: tuple[int, int]
    levels: tuple[QImage, ...]

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

    def draw(self, painter: QPainter, target: QRectF, source: QRectF, scale: float) -> None:
        """Draw a part of the picture.

        Args:
            painter: In device pixels.
            target: Where to, device pixels.
            source: Which part, in pixels of the full picture.
            scale: Device pixels per image pixel.
        """
        level = self.level_for(scale)
        shrink_x, shrink_y = level.width() / self.size_wh[0], level.height() / self.size_wh[1]
        part = QRectF(
            source.x() * shrink_x,
            source.y() * shrink_y,
            source.width() * shrink_x,
            source.height() * shrink_y,
        )
        smooth = scale < _SQUARES_FROM and scale != 1.0
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smooth)
        painter.drawImage(target, level, part)


def build_pyramid(image: QImage, size_wh: tuple[int, int] | None = None) -> ImagePyramid:
    """Build the levels of a picture; takes its time, so call it off the window's thread.

    Args:
        image: Any format; transparency is dropped, as training drops it.
        size_wh: Size of the picture where ``image`` is only a small preview of it.
    """
    level = image.convertToFormat(QImage.Format.Format_RGB32)
    levels = [level]
    while max(level.width(), level.height()) >= 2 * _SMALLEST_SIDE:
        half = QSize(max(1, (level.width() + 1) // 2), max(1, (level.height() + 1) // 2))
        level = level.scaled(
            half, Qt.AspectRatioMode.IgnoreAspectRatio, Qt.TransformationMode.SmoothTransformation
        )
        levels.append(level)
    return ImagePyramid(size_wh or (image.width(), image.height()), tuple(levels))
