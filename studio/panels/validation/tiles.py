"""One tile of the gallery: the labels left, the predictions right, drawn by us on the real image.

Drawn in a thread: QImage and QPainter may be used there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPainterPath, QPen, QPolygonF

from engine.data.images import read_image
from engine.runtime.errors import ImageError
from studio.model.validation_report import CONFUSION_SCORE, Example, SeenImage, SeenObject
from studio.theme import tokens
from studio.theme.fonts import font

HALF_SIZE = 176  # pixels of one half's longer side
GAP = 4
_MARGIN_SHARE = 0.6  # of the object's size around a crop
_MARGIN_MIN_PX = 24
_FILL = 46  # alpha, 18 %
_MISTAKE_WIDTH = 2.5


@dataclass(frozen=True)
class Tile:
    """What a tile shows.

    Attributes:
        image: The image.
        truth: Labels to draw on the left half.
        predictions: Predictions to draw on the right half.
        region: Part of the image, x1, y1, x2, y2 in its pixels.
        caption: One line below.
    """

    image: SeenImage
    truth: tuple[SeenObject, ...]
    predictions: tuple[SeenObject, ...]
    region: tuple[float, float, float, float]
    caption: str


@dataclass(frozen=True)
class Look:
    """Colours and names for drawing.

    Attributes:
        inks: Colour of each class number, ``#rrggbb``.
        names: Name of each class number.
        mistake: Colour of the outline of missed labels and wrong predictions.
    """

    inks: Mapping[int, str]
    names: Mapping[int, str]
    mistake: str

    def words(self, seen: SeenObject) -> str:
        """Return what is written beside a prediction."""
        return f"{self.names.get(seen.class_id, seen.class_id)} {seen.score or 0:.2f}"


def image_tile(image: SeenImage) -> Tile:
    """Return the tile of a whole image."""
    sure = tuple(p for p in image.predictions if (p.score or 0) >= CONFUSION_SCORE)
    missed = sum(not label.matched for label in image.truth)
    wrong = sum(not found.matched for found in sure)
    said = [f"{missed} missed"] if missed else []
    said += [f"{wrong} wrong"] if wrong else []
    caption = f"{image.file.name} · {', '.join(said) or 'all right'}"
    return Tile(image, image.truth, sure, (0, 0, image.width, image.height), caption)


def example_tile(example: Example) -> Tile:
    """Return the tile of one object, cropped to it with some surroundings."""
    x1, y1, x2, y2 = example.box
    margin = max(_MARGIN_MIN_PX, _MARGIN_SHARE * max(x2 - x1, y2 - y1))
    width, height = example.image.width, example.image.height
    region = (
        max(0.0, x1 - margin),
        max(0.0, y1 - margin),
        min(float(width), x2 + margin),
        min(float(height), y2 + margin),
    )
    truth = (example.truth,) if example.truth is not None else ()
    found = (example.prediction,) if example.prediction is not None else ()
    score = f" · {found[0].score:.2f}" if found and found[0].score is not None else ""
    return Tile(example.image, truth, found, region, f"{example.image.file.name}{score}")


def class_tiles(images: Sequence[SeenImage], class_id: int) -> list[Tile]:
    """Return tiles of the images with this class, reduced to its objects, most mistakes first."""
    tiles = []
    for image in images:
        reduced = SeenImage(
            image.file,
            image.width,
            image.height,
            tuple(t for t in image.truth if t.class_id == class_id),
            tuple(p for p in image.predictions if p.class_id == class_id),
        )
        if reduced.truth or reduced.predictions:
            tiles.append((reduced.mistakes, image_tile(reduced)))
    return [tile for _mistakes, tile in sorted(tiles, key=lambda pair: -pair[0])]


def tile_height(tiles: Sequence[Tile]) -> int:
    """Return the height that all the tiles' pictures need, at most :data:`HALF_SIZE`."""
    shares = [(t.region[3] - t.region[1]) / max(1.0, t.region[2] - t.region[0]) for t in tiles]
    return round(HALF_SIZE * min(1.0, max(shares, default=1.0)))


def draw_tile(tile: Tile, look: Look) -> QImage | str:
    """Return the picture of a tile, or why its image cannot be shown."""
    try:
        pixels = read_image(tile.image.file)
    except ImageError as error:
        return str(error)
    crop, origin, scale = _cropped(pixels, tile)
    height, width = crop.shape[:2]
    picture = QImage(width * 2 + GAP, height, QImage.Format.Format_ARGB32_Premultiplied)
    picture.fill(Qt.GlobalColor.transparent)
    base = QImage(crop.data, width, height, crop.strides[0], QImage.Format.Format_BGR888)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for offset, objects in ((0, tile.truth), (width + GAP, tile.predictions)):
        painter.save()
        painter.setClipRect(QRectF(offset, 0, width, height))
        painter.drawImage(offset, 0, base)
        painter.translate(offset, 0)
        for seen in objects:
            _draw_object(painter, seen, origin, scale, look)
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


def _draw_object(
    painter: QPainter,
    seen: SeenObject,
    origin: tuple[int, int],
    scale: float,
    look: Look,
) -> None:
    ink = QColor(look.inks.get(seen.class_id, look.mistake))
    x1, y1, x2, y2 = seen.box
    corners = seen.polygon or ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
    shape = QPolygonF(
        [QPointF((x - origin[0]) * scale, (y - origin[1]) * scale) for x, y in corners]
    )
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
    if seen.score is not None:
        _draw_words(painter, shape.boundingRect().topLeft(), look.words(seen))


def _draw_words(painter: QPainter, corner: QPointF, words: str) -> None:
    """Write above a shape, inside the picture where the shape touches its upper edge."""
    painter.setFont(font(tokens.FONT_CAPTION))
    place = corner + QPointF(2, -3)
    place.setX(max(place.x(), 2.0))
    place.setY(max(place.y(), float(tokens.FONT_CAPTION)))
    path = QPainterPath()
    path.addText(place, painter.font(), words)
    painter.setPen(QPen(QColor(tokens.HALO), tokens.HALO_WIDTH))
    painter.drawPath(path)
    painter.fillPath(path, QColor("#FFFFFF"))
