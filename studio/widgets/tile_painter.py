"""Drawing a tile of the gallery: the labels left, the predictions right, on the real image.

Done in a thread: QImage and QPainter may be used there.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import cv2
import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QImage, QPainter, QPainterPath, QPen, QPolygonF

from engine.data.images import read_image
from engine.drawing.label_places import Plate, free_place
from engine.runtime.errors import ImageError
from studio.language import tr_engine
from studio.model.seen import IGNORED, Answer, SeenObject
from studio.theme import tokens
from studio.theme.fonts import font
from studio.widgets.tiles import GAP, HALF_SIZE, Look, Tile

_FILL = 46  # alpha, 18 %
_MAP_SHARE = 0.55  # of a class map's colours over the image
_MISTAKE_WIDTH = 2.5
_POINT_RADIUS = 2.5
_LINE_HEIGHT = 15
_BESIDE = 2  # pixels left and right of words
_WHITE = "#FFFFFF"


def draw_tile(tile: Tile, look: Look) -> QImage | str:
    """Return the picture of a tile, or why its image cannot be shown."""
    try:
        pixels = read_image(tile.image.file)
    except ImageError as error:
        return tr_engine(str(error))
    crop, origin, scale = _cropped(pixels, tile)
    height, width = crop.shape[:2]
    picture = QImage(width * 2 + GAP, height, QImage.Format.Format_ARGB32_Premultiplied)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    halves = ((tile.truth, True), (tile.predictions, False))
    for offset, (objects, is_truth) in zip((0, width + GAP), halves, strict=True):
        painter.save()
        painter.translate(offset, 0)
        painter.setClipRect(QRectF(0, 0, width, height))
        painter.drawImage(0, 0, _as_image(_mapped(crop, tile, look, is_truth)))
        for seen in objects:
            _draw_object(painter, seen, origin, scale, look)
        _draw_names(painter, objects, origin, scale, look, (width, height))
        if tile.image.answer is not None:
            _draw_answer(painter, tile.image.answer, is_truth, QRectF(0, 0, width, height), look)
        painter.restore()
    painter.end()
    return picture


def _cropped(pixels: np.ndarray, tile: Tile) -> tuple[np.ndarray, tuple[int, int], float]:
    """Return the region scaled to the tile, its top left in image pixels, and the scale."""
    height, width = pixels.shape[:2]
    x1, y1 = int(tile.region[0]), int(tile.region[1])
    x2, y2 = min(width, int(np.ceil(tile.region[2]))), min(height, int(np.ceil(tile.region[3])))
    part = pixels[y1 : max(y2, y1 + 1), x1 : max(x2, x1 + 1)]
    scale = HALF_SIZE / max(part.shape[:2])
    size = (max(1, round(part.shape[1] * scale)), max(1, round(part.shape[0] * scale)))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_NEAREST if scale > 4 else cv2.INTER_LINEAR
    return np.ascontiguousarray(cv2.resize(part, size, interpolation=how)), (x1, y1), scale


def _as_image(pixels: np.ndarray) -> QImage:
    height, width = pixels.shape[:2]
    return QImage(pixels.data, width, height, pixels.strides[0], QImage.Format.Format_BGR888)


def _mapped(crop: np.ndarray, tile: Tile, look: Look, is_truth: bool) -> np.ndarray:
    """Return the picture with its class map over it, where it has one; pixels of no known colour stay as they are."""
    maps = tile.image.maps
    if maps is None:
        return crop
    classes = maps.truth if is_truth else maps.predicted
    if not classes.size:
        return crop
    size = (crop.shape[1], crop.shape[0])
    classes = cv2.resize(classes, size, interpolation=cv2.INTER_NEAREST)
    colors = _color_table(look)[classes]
    mixed = cv2.addWeighted(crop, 1 - _MAP_SHARE, colors, _MAP_SHARE, 0)
    plain = ~np.isin(classes, [number for number in look.inks if number < IGNORED])
    mixed[plain] = crop[plain]
    return np.ascontiguousarray(mixed)


def _color_table(look: Look) -> np.ndarray:
    """Return (256, 3) uint8 blue, green, red of each class number."""
    table = np.zeros((256, 3), np.uint8)
    for number, ink in look.inks.items():
        color = QColor(ink)
        if number < IGNORED:
            table[number] = (color.blue(), color.green(), color.red())
    return table


def _draw_object(
    painter: QPainter, seen: SeenObject, origin: tuple[int, int], scale: float, look: Look
) -> None:
    ink = QColor(look.inks.get(seen.class_id, look.mistake))
    shape = QPolygonF(_placed(seen.ring, origin, scale))
    fill = QColor(ink)
    fill.setAlpha(_FILL if seen.polygon else 0)
    painter.setBrush(fill)
    painter.setPen(QPen(QColor(tokens.HALO), tokens.HALO_WIDTH))
    painter.drawPolygon(shape)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    if seen.matched:
        painter.setPen(QPen(ink, tokens.OUTLINE_WIDTH))
    else:
        painter.setPen(QPen(QColor(look.mistake), _MISTAKE_WIDTH))
    painter.drawPolygon(shape)
    painter.setPen(QPen(QColor(tokens.HALO), 1))
    painter.setBrush(ink)
    for point in _placed(seen.shown_keypoints, origin, scale):
        painter.drawEllipse(point, _POINT_RADIUS, _POINT_RADIUS)


def _draw_names(
    painter: QPainter,
    objects: Sequence[SeenObject],
    origin: tuple[int, int],
    scale: float,
    look: Look,
    size: tuple[int, int],
) -> None:
    """Write what predictions say, the surest first; one that has no room beside the others stays an outline."""
    metrics = QFontMetricsF(font(tokens.FONT_CAPTION))
    taken: list[Plate] = []
    said = [(seen.score, seen) for seen in objects if seen.score is not None]
    for _, seen in sorted(said, key=lambda pair: -pair[0]):
        words = look.words(seen)
        box = QPolygonF(_placed(seen.ring, origin, scale)).boundingRect()
        ends = (box.topLeft(), box.topRight(), box.bottomLeft(), box.bottomRight())
        corners = np.array([(end.x(), end.y()) for end in ends])
        room = (ceil(metrics.horizontalAdvance(words)) + 2 * _BESIDE, _LINE_HEIGHT)
        place = free_place(corners, room, size, taken)
        if place is not None:
            taken.append(place)
            _draw_words(painter, QPointF(place[0], place[3]), words)


def _placed(
    points: Sequence[tuple[float, float]], origin: tuple[int, int], scale: float
) -> list[QPointF]:
    """Return points of the image where they lie on the tile."""
    return [QPointF((x - origin[0]) * scale, (y - origin[1]) * scale) for x, y in points]


def _draw_answer(
    painter: QPainter, answer: Answer, is_truth: bool, place: QRectF, look: Look
) -> None:
    """Write what the image is, or what a classifier says with how sure it is, the likeliest first."""
    if is_truth:
        lines = [look.name(answer.truth)]
    else:
        lines = [f"{look.name(number)} {share:.2f}" for number, share in answer.top]
    for row, line in enumerate(lines):
        _draw_words(painter, QPointF(2, (row + 1) * _LINE_HEIGHT + 2), line)
    if not answer.is_right and not is_truth:
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QPen(QColor(look.mistake), _MISTAKE_WIDTH))
        painter.drawRect(place.adjusted(1, 1, -1, -1))


def _draw_words(painter: QPainter, corner: QPointF, words: str) -> None:
    """Write above a place, inside the picture where the place touches its upper edge."""
    painter.setFont(font(tokens.FONT_CAPTION))
    place = corner + QPointF(_BESIDE, -3)
    place.setX(max(place.x(), float(_BESIDE)))
    place.setY(max(place.y(), float(tokens.FONT_CAPTION)))
    path = QPainterPath()
    path.addText(place, painter.font(), words)
    painter.setPen(QPen(QColor(tokens.HALO), tokens.HALO_WIDTH))
    painter.drawPath(path)
    painter.fillPath(path, QColor(_WHITE))
