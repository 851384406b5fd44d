"""Crops of images around a suggestion, with its outline. Made in threads: QImage and QPainter may be used there."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen

from engine.data.annotations import Geometry, Keypoints, Polyline, Tag
from engine.data.annotations.convert import to_polygons
from studio.storage.thumbnails import shrunk
from studio.theme import tokens

CROP_WIDTH, CROP_HEIGHT = 168, 132  # logical pixels
_MARGIN_SHARE = 0.35  # of the object's longer side, around it
_MARGIN_MIN_PX = 12
_LARGEST = 6000  # pixels of the longer side: what is larger is looked at shrunk
_KEPT_BYTES = 256 << 20
_SHARPEST = 8.0  # screen pixels per image pixel: a speck is not blown up to a blur
_POINT_RADIUS = 3.0
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Crop:
    """What to cut out.

    Attributes:
        path: The image.
        size_wh: Its size, upright; zeros where nobody has read it.
        geometry: What lies there, image pixels.
        color: Of the outline, ``#rrggbb``.
        ratio: Device pixels per logical pixel of the screen.
    """

    path: Path
    size_wh: tuple[int, int]
    geometry: Geometry
    color: str
    ratio: float = 1.0


class CropMaker:
    """Cuts crops; the pictures read last stay in memory, since neighbours in a list often share one."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pictures: OrderedDict[Path, np.ndarray] = OrderedDict()

    def make(self, crop: Crop) -> QImage:
        """Return the crop with its outline, a null picture where the image cannot be read."""
        try:
            pixels = self._read(crop.path)
        except OSError:  # ImageError is one; the list says that there is no picture
            return QImage()
        return draw_crop(pixels, crop)

    def clear(self) -> None:
        """Let go of the pictures: nobody looks at the gallery now."""
        with self._lock:
            self._pictures.clear()

    def _read(self, path: Path) -> np.ndarray:
        with self._lock:
            if path in self._pictures:
                self._pictures.move_to_end(path)
                return self._pictures[path]
        pixels = shrunk(path, _LARGEST)
        with self._lock:
            self._pictures[path] = pixels
            while len(self._pictures) > 1 and self._bytes() > _KEPT_BYTES:
                self._pictures.popitem(last=False)
        return pixels

    def _bytes(self) -> int:
        return sum(pixels.nbytes for pixels in self._pictures.values())


def draw_crop(pixels: np.ndarray, crop: Crop) -> QImage:
    """Return a crop as a picture of at most the tile's size in device pixels.

    Args:
        pixels: (H, W, 3) uint8 BGR, the image or a shrunk one.
        crop: What to cut out, in pixels of the image.
    """
    height, width = pixels.shape[:2]
    shrink = width / crop.size_wh[0] if crop.size_wh[0] else 1.0
    x1, y1, x2, y2 = _region(crop, (width / shrink, height / shrink))
    left, top = math.floor(x1 * shrink), math.floor(y1 * shrink)
    part = pixels[
        top : max(math.ceil(y2 * shrink), top + 1), left : max(math.ceil(x2 * shrink), left + 1)
    ]
    room = CROP_WIDTH * crop.ratio / part.shape[1], CROP_HEIGHT * crop.ratio / part.shape[0]
    scale = min(*room, _SHARPEST * crop.ratio)
    size = max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = np.ascontiguousarray(cv2.resize(part, size, interpolation=how))
    strides = small.strides[0]
    picture = QImage(small.data, *size, strides, QImage.Format.Format_BGR888).convertToFormat(
        QImage.Format.Format_RGB32
    )
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(-left * scale, -top * scale)
    painter.scale(scale * shrink, scale * shrink)
    _paint_outline(painter, crop)
    painter.end()
    picture.setDevicePixelRatio(crop.ratio)
    return picture


def _region(crop: Crop, size_wh: tuple[float, float]) -> Bounds:
    """Return the part of the image to show: the object and something around it, inside the image."""
    width, height = size_wh
    if isinstance(crop.geometry, Tag):
        return 0, 0, width, height
    x1, y1, x2, y2 = crop.geometry.bounds()
    margin = max(_MARGIN_SHARE * max(x2 - x1, y2 - y1), _MARGIN_MIN_PX)
    left, top = min(max(x1 - margin, 0), width - 1), min(max(y1 - margin, 0), height - 1)
    return left, top, min(max(x2 + margin, left + 1), width), min(max(y2 + margin, top + 1), height)


def _paint_outline(painter: QPainter, crop: Crop) -> None:
    path = outline_path(crop.geometry)
    ink = QColor(crop.color)
    for color, width in ((QColor(tokens.HALO), tokens.HALO_WIDTH), (ink, tokens.OUTLINE_WIDTH)):
        pen = QPen(color, width * crop.ratio)
        pen.setCosmetic(True)
        painter.setPen(pen)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)


def outline_path(geometry: Geometry) -> QPainterPath:
    """Return a geometry as a path in image pixels: rings closed, lines open, keypoints as small circles."""
    path = QPainterPath()
    if isinstance(geometry, Polyline):
        points = [QPointF(*point) for point in geometry.points]
        path.moveTo(points[0])
        for point in points[1:]:
            path.lineTo(point)
        return path
    if isinstance(geometry, Keypoints):
        for x, y in geometry.labelled():
            path.addEllipse(QPointF(x, y), _POINT_RADIUS, _POINT_RADIUS)
        path.addRect(QRectF(QPointF(*geometry.bounds()[:2]), QPointF(*geometry.bounds()[2:])))
        return path
    for polygon in () if isinstance(geometry, Tag) else to_polygons(geometry):
        for ring in polygon.rings():
            path.moveTo(*ring[0])
            for x, y in ring[1:]:
                path.lineTo(x, y)
            path.closeSubpath()
    return path
