"""Drawing a scaled picture in the same short time in every frame."""

from __future__ import annotations

from PySide6.QtCore import QRect, QRectF, Qt, QThread
from PySide6.QtGui import QImage, QPainter

# Device pixels from which on Qt shares smooth scaling among threads of its own.
_SHARED_PX = 1 << 17
# Waiting for these threads takes from 5 to 100 ms where the few cores have other work, more than is saved.
_FEW_CORES = 2


def draw_scaled(painter: QPainter, target: QRectF, image: QImage, part: QRectF) -> None:
    """Draw a part of an image into a rectangle, as ``QPainter.drawImage`` does, pixel for pixel.

    On few cores it is drawn in bands, each small enough for Qt to scale it at once.

    Args:
        painter: Its pixels are those of the device, but for a translation.
        target: Where to.
        image: What to draw.
        part: Of the image, its pixels.
    """
    if QThread.idealThreadCount() > _FEW_CORES:
        painter.drawImage(target, image, part)
        return
    for band in bands(target.toAlignedRect()):
        painter.save()
        painter.setClipRect(band, Qt.ClipOperation.IntersectClip)
        painter.drawImage(target, image, part)
        painter.restore()


def bands(rect: QRect) -> list[QRect]:
    """Cut a rectangle into bands across, each of less area than Qt shares among threads."""
    height = max(1, (_SHARED_PX - 1) // max(rect.width(), 1))
    rows = range(rect.top(), rect.bottom() + 1, height)
    whole = [QRect(rect.left(), row, rect.width(), height) for row in rows]
    return [band & rect for band in whole]
