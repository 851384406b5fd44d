"""A quick drawing of thousands of shapes: outlines of whole pixels' width, without name tags.

It stands in until the tiles are there. OpenCV draws it in a tenth of the time that Qt's smooth pens take, and without Python's lock, so the
window stays free meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect
from PySide6.QtGui import QColor, QImage

from engine.data.annotations import Keypoints, Polyline
from studio.canvas.label_content import Drawable
from studio.canvas.styles import ShapeStyle
from studio.theme import tokens

_SHIFT = 4  # fractional bits of OpenCV's coordinates
_HALO_PX, _LINE_PX = 3, 1
_Color = tuple[float, float, float, float]
_Line = NDArray[np.int32]


def draw_draft(
    rect: QRect,
    scale: float,
    drawables: Sequence[Drawable],
    pixel_ratio: float = 1.0,
    is_dropped: Callable[[], bool] | None = None,
) -> QImage | None:
    """Draw shapes into a transparent picture.

    Args:
        rect: Which part: device pixels at ``scale``, counted from the picture's corner.
        scale: Device pixels per image pixel.
        drawables: The shapes, from back to front; all outlines come to lie over all areas.
        pixel_ratio: Device pixels per logical pixel: outlines are that much wider.
        is_dropped: Tells whether nobody waits for it any more; it is asked before each shape.

    Returns:
        The picture; None where it was dropped.
    """
    import cv2

    pixels = np.zeros((rect.height(), rect.width(), 4), np.uint8)
    closed: dict[int, tuple[ShapeStyle, list[_Line]]] = {}
    opened: dict[int, tuple[ShapeStyle, list[_Line]]] = {}
    for drawable in drawables:
        if is_dropped is not None and is_dropped():
            return None
        style, geometry = drawable.style, drawable.entry.shape.geometry
        if isinstance(geometry, Keypoints):
            _draw_dots(pixels, _on_draft(drawable.entry.points, rect, scale), style, pixel_ratio)
        elif isinstance(geometry, Polyline):
            line = _on_draft(drawable.entry.points, rect, scale)
            opened.setdefault(id(style), (style, []))[1].append(line)
        else:
            rings = [_on_draft(ring, rect, scale) for ring in drawable.entry.rings]
            if rings:
                cv2.fillPoly(pixels, rings, _premultiplied(style.fill), cv2.LINE_8, _SHIFT)
            closed.setdefault(id(style), (style, []))[1].extend(rings)
    for groups, is_closed in ((closed, True), (opened, False)):
        for style, lines in groups.values():
            for ink, width, kind in (
                (style.halo.color(), _HALO_PX, cv2.LINE_8),
                (style.color, _LINE_PX, cv2.LINE_AA),
            ):
                if is_dropped is not None and is_dropped():
                    return None
                thickness = max(1, round(width * pixel_ratio))
                color = _premultiplied(ink)
                cv2.polylines(pixels, lines, is_closed, color, thickness, kind, _SHIFT)
    return _image_of(pixels)


def _on_draft(points: NDArray[np.float64], rect: QRect, scale: float) -> _Line:
    """Return image points as OpenCV's fixed-point numbers: pixel centres are whole there, halves here."""
    offset = np.array((rect.x() + 0.5, rect.y() + 0.5))
    places: _Line = np.rint((points * scale - offset) * (1 << _SHIFT)).astype(np.int32)
    return places


def _draw_dots(pixels: NDArray[np.uint8], points: _Line, style: ShapeStyle, ratio: float) -> None:
    import cv2

    for size, ink in (
        (tokens.VERTEX_SIZE + 2, style.halo.color()),
        (tokens.VERTEX_SIZE, style.color),
    ):
        radius = round(size / 2 * ratio * (1 << _SHIFT))
        for x, y in points.tolist():
            cv2.circle(pixels, (x, y), radius, _premultiplied(ink), cv2.FILLED, cv2.LINE_8, _SHIFT)


def _premultiplied(color: QColor) -> _Color:
    """Return blue, green, red, alpha, each 0..255, the colours multiplied by alpha as Qt wants them."""
    alpha = color.alphaF()
    return color.blue() * alpha, color.green() * alpha, color.red() * alpha, 255 * alpha


def _image_of(pixels: NDArray[np.uint8]) -> QImage:
    height, width = pixels.shape[:2]
    kind = QImage.Format.Format_ARGB32_Premultiplied
    return QImage(pixels.data, width, height, 4 * width, kind).copy()
