"""One tile of the gallery: the labels left, the predictions right, drawn by us on the real image.

Drawn in a thread: QImage and QPainter may be used there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPolygonF

from engine.data.images import read_image
from engine.runtime.errors import ImageError
from studio.model.validation_report import CONFUSION_SCORE, Example, SeenImage, SeenObject
from studio.theme import tokens
from studio.theme.fonts import font

HALF_SIZE = 200  # pixels of one half's longer side
GAP = 4
_MARGIN_SHARE = 0.6  # of the object's size around a crop
_MARGIN_MIN_PX = 24
_FILL = 46  # alpha, 18 %
_WRONG = 2.5


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
    score = f" · {example.prediction.score:.2f}" if found and found[0].score is not None else ""
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


def draw_tile(tile: Tile, inks: Mapping[int, str], wrong_ink: str) -> QImage | str:
    """Return the picture of a tile, or why its image cannot be shown.

    Args:
        tile: What to show.
        inks: Colour of each class number, ``#rrggbb``.
        wrong_ink: Colour that rings missed labels and wrong predictions.
    """
    try:
        pixels = read_image(tile.image.file)
    except ImageError as error:
        return str(error)
    crop, origin, scale = _cropped(pixels, tile)
    height, width = crop.shape[:2]
    picture = QImage(width * 2 + GAP, height, QImage.Format.Format_RGB32)
    picture.fill(0)
    base = QImage(crop.data, width, height, crop.strides[0], QImage.Format.Format_BGR888)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for offset, objects in ((0, tile.truth), (width + GAP, tile.predictions)):
        painter.save()
        painter.setClipRect(QRectF(offset, 0, width, height))
        painter.drawImage(offset, 0, base)
        painter.translate(offset, 0)
        for seen in objects:
            _draw_object(painter, seen, origin, scale, inks, wrong_ink)
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
    inks: Mapping[int, str],
    wrong_ink: str,
) -> None:
    ink = QColor(inks.get(seen.class_id, "#9AA3AF"))
    x1, y1, x2, y2 = seen.box
    corners = seen.polygon or ((x1, y1), (x2, y1), (x2, y2), (x1, y2))
    shape = QPolygonF(
        [QPointF((x - origin[0]) * scale, (y - origin[1]) * scale) for x, y in corners]
    )
    fill = QColor(ink)
    fill.setAlpha(_FILL if seen.polygon else 0)
    painter.setBrush(fill)
    halo = QColor(wrong_ink if not seen.matched else tokens.HALO)
    painter.setPen(QPen(halo, _WRONG + 1.5 if not seen.matched else tokens.HALO_WIDTH))
    painter.drawPolygon(shape)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(ink, tokens.OUTLINE_WIDTH))
    painter.drawPolygon(shape)
    if seen.score is not None:
        painter.setFont(font(tokens.FONT_CAPTION))
        place = shape.boundingRect().topLeft() + QPointF(2, -2)
        place.setY(max(place.y(), float(tokens.FONT_CAPTION)))
        painter.setPen(QColor(tokens.HALO))
        painter.drawText(place + QPointF(1, 1), f"{seen.score:.2f}")
        painter.setPen(QColor("#FFFFFF"))
        painter.drawText(place, f"{seen.score:.2f}")
