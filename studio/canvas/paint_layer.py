"""Pixels that are being painted: only the part that is drawn anew is looked at, at no more than the screen's resolution."""

from __future__ import annotations

from math import ceil, floor

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QColor, QImage, QPainter

from studio.canvas.viewport import Viewport
from studio.tools.base import Paint, Pixels

_OPACITY = 0.45  # more than a shape's fill: a stroke has no outline yet


def draw_paint(
    painter: QPainter, paint: Paint, part: QRect, viewport: Viewport, color: QColor
) -> None:
    """Draw the painted pixels within a part of the canvas.

    Args:
        painter: In device pixels.
        paint: The pixels.
        part: What of the canvas is drawn anew, device pixels.
        viewport: The view.
        color: The class's.
    """
    (left, top), (height, width) = paint.corner, paint.pixels.shape
    x1, y1 = viewport.to_image(part.left(), part.top())
    x2, y2 = viewport.to_image(part.left() + part.width(), part.top() + part.height())
    columns = max(floor(x1), left), min(ceil(x2), left + width)
    rows = max(floor(y1), top), min(ceil(y2), top + height)
    if columns[0] >= columns[1] or rows[0] >= rows[1]:
        return
    if viewport.scale >= 1.0:
        seen = paint.pixels[rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left]
        (ax, ay), (bx, by) = (
            viewport.to_device(columns[0], rows[0]),
            viewport.to_device(columns[1], rows[1]),
        )
        target = QRectF(ax, ay, bx - ax, by - ay)
    else:
        seen, target = _sampled(paint, columns, rows, viewport)
    if not seen.any():
        return
    ink = QColor(color)
    ink.setAlphaF(_OPACITY)
    pixels = np.ascontiguousarray(seen)
    image = QImage(
        pixels.data,
        pixels.shape[1],
        pixels.shape[0],
        pixels.shape[1],
        QImage.Format.Format_Indexed8,
    )
    image.setColorTable([0, ink.rgba()])
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, False)
    painter.drawImage(target, image)


def _sampled(
    paint: Paint, columns: tuple[int, int], rows: tuple[int, int], viewport: Viewport
) -> tuple[Pixels, QRectF]:
    """Return one pixel for each of the screen, and where they go: zoomed out, several pixels of the image share one."""
    (left, top), (height, width) = paint.corner, paint.pixels.shape
    at_x, device_x = _places(columns, viewport.origin[0], viewport.scale)
    at_y, device_y = _places(rows, viewport.origin[1], viewport.scale)
    inside_x = np.clip(at_x - left, 0, width - 1)
    inside_y = np.clip(at_y - top, 0, height - 1)
    target = QRectF(device_x, device_y, len(inside_x), len(inside_y))
    return paint.pixels[inside_y[:, None], inside_x], target


def _places(span: tuple[int, int], origin: int, scale: float) -> tuple[NDArray[np.int64], int]:
    """Return the image pixel that each device pixel of a span shows, and the first device pixel."""
    first, last = floor(span[0] * scale) + origin, ceil(span[1] * scale) + origin
    middles = np.arange(first, last) + 0.5 - origin
    return np.floor(middles / scale).astype(np.int64), first
