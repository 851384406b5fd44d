"""What lies below the shapes: the picture, the grid of its pixels and their values, or why there is no picture."""

from __future__ import annotations

import time
from dataclasses import replace
from math import ceil, floor

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap, QRegion

from studio.canvas.samples import Picture
from studio.canvas.tone import render
from studio.canvas.viewport import Viewport
from studio.language import tr
from studio.model.display import NEUTRAL, Display
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.icons import pixmap
from studio.theme.tokens import Colors

_GRID = QColor(128, 128, 128, 110)  # mid grey shows on dark and on light pixels
_LUMA = (0.299, 0.587, 0.114)
_LUMA_LIMIT = 140  # of 255: brighter pixels get dark digits
_LINE_SHARE = 0.30  # height of a digit in a pixel that shows three lines
_TEXT_WIDTH = 440  # logical pixels
_TURNING_S = 0.1  # zooms that follow each other faster are one turn of the wheel
# While the wheel turns a level with three pixels for four on the screen will do: to enlarge it takes two thirds of the
# time that shrinking the next one does.
_TURNING_DETAIL = 0.75
_TILE_SIDE = 512  # device pixels
_TILES_KEPT = 64  # of 1 MB
_DIGITS_KEPT = 20_000  # a picture of 16 bits has many numbers


class Backdrop:
    """Draws with a painter in device pixels.

    While the zoom stays, the scaled picture is kept in tiles: panning and moving the mouse only copy them.
    """

    def __init__(self) -> None:
        self.picture: Picture | None = None
        self.problem = ""  # what to say in the picture's place
        self.remedy = ""
        self.display: Display = NEUTRAL
        self._tiles: dict[tuple[int, int], QImage] = {}
        self._tiled: tuple[Picture, float, Display] | None = None  # what the tiles show, and how
        self._zoomed_at = 0.0  # on the monotonic clock
        self.is_coarse = False  # drawn in a hurry: paint it once more when the wheel rests
        self._digits: dict[tuple[str, bool, int], QPixmap] = {}

    def paint(self, painter: QPainter, part: QRect, viewport: Viewport, colors: Colors) -> None:
        """Draw the part of the canvas within ``part``."""
        if self.problem:
            painter.fillRect(part, QColor(colors.surround))
            self._paint_problem(painter, viewport, colors)
            return
        target, source = _visible_part(part, viewport)
        around = QRegion(part) - QRegion(_covered(target))
        if not around.isEmpty():
            painter.save()
            painter.setClipRegion(around)
            painter.fillRect(part, QColor(colors.surround))
            painter.restore()
        if target.isEmpty():
            return
        if self.picture is None:
            painter.fillRect(target, QColor(colors.panel))  # its place, until it arrives
            return
        wanted = self.picture, viewport.scale, self.display
        if self._tiled is not None and _same(self._tiled, wanted):
            self._paint_tiles(painter, target.toAlignedRect() & part, self.picture, viewport)
            if part.contains(QRect(0, 0, *viewport.view_wh)):
                self.is_coarse = False
        else:  # tiles of a moment's zoom would be wasted: the wheel may still turn
            self.is_coarse = self._is_turning() and viewport.scale < 1
            self._tiled = wanted
            self._tiles.clear()
            detail = _TURNING_DETAIL if self.is_coarse else 1.0
            self._paint_picture(painter, target, source, self.picture, viewport, detail)

    def _is_turning(self) -> bool:
        """Tell whether the zoom has changed a moment ago already, now that it changes again."""
        before, self._zoomed_at = self._zoomed_at, time.monotonic()
        return self._zoomed_at - before < _TURNING_S

    def forget(self, rect: QRectF) -> None:
        """Draw a part of the picture (its pixels) anew: more of it has been read."""
        if self._tiled is None:
            return
        scale = self._tiled[1]
        left, top, right, bottom = (
            edge * scale for edge in (rect.left(), rect.top(), rect.right(), rect.bottom())
        )
        # One pixel more on each side: smooth scaling looks at neighbours.
        margin = 2 * max(scale, 1.0)
        columns = range(
            floor((left - margin) / _TILE_SIDE), floor((right + margin) / _TILE_SIDE) + 1
        )
        rows = range(floor((top - margin) / _TILE_SIDE), floor((bottom + margin) / _TILE_SIDE) + 1)
        for key in [key for key in self._tiles if key[0] in columns and key[1] in rows]:
            del self._tiles[key]

    def _paint_picture(
        self,
        painter: QPainter,
        target: QRectF,
        source: QRectF,
        picture: Picture,
        viewport: Viewport,
        detail: float = 1.0,
    ) -> None:
        picture.draw(painter, target, source, viewport.scale * detail, self.display)
        if picture.is_preview:
            return
        if viewport.scale > tokens.PIXEL_GRID_ZOOM:
            _paint_grid(painter, source, viewport)
        if viewport.scale > tokens.PIXEL_VALUES_ZOOM:
            self._paint_values(painter, source, picture, viewport)

    def _paint_tiles(
        self, painter: QPainter, part: QRect, picture: Picture, viewport: Viewport
    ) -> None:
        if len(self._tiles) > _TILES_KEPT:
            self._tiles.clear()
        left, top = viewport.origin
        width, height = (ceil(side * viewport.scale) for side in viewport.image_wh)
        area = part.translated(-left, -top) & QRect(0, 0, width, height)
        for row in range(area.top() // _TILE_SIDE, area.bottom() // _TILE_SIDE + 1):
            for column in range(area.left() // _TILE_SIDE, area.right() // _TILE_SIDE + 1):
                key = column, row
                if key not in self._tiles:
                    self._tiles[key] = self._build_tile(key, picture, viewport)
                painter.drawImage(
                    left + column * _TILE_SIDE, top + row * _TILE_SIDE, self._tiles[key]
                )

    def _build_tile(self, key: tuple[int, int], picture: Picture, viewport: Viewport) -> QImage:
        """Return a tile of the scaled picture, pixel for pixel as the whole would be; clear beyond its border."""
        still = replace(viewport)
        still.move_origin(-key[0] * _TILE_SIDE, -key[1] * _TILE_SIDE)
        square = QRect(0, 0, _TILE_SIDE, _TILE_SIDE)
        target, source = _visible_part(square, still)
        covered = target.contains(QRectF(square))
        opaque, clear = QImage.Format.Format_RGB32, QImage.Format.Format_ARGB32_Premultiplied
        tile = QImage(square.size(), opaque if covered else clear)
        if not covered:
            tile.fill(0)
        painter = QPainter(tile)
        self._paint_picture(painter, target, source, picture, still)
        painter.end()
        return tile

    def _paint_values(
        self, painter: QPainter, source: QRectF, picture: Picture, viewport: Viewport
    ) -> None:
        """Write the stored value of every channel (or of the one that is shown) into its pixel."""
        height_px = max(6, min(12, floor(viewport.scale * _LINE_SHARE)))
        box = source.toAlignedRect()
        x1, y1 = box.left(), box.top()
        samples = picture.crop(x1, y1, x1 + box.width(), y1 + box.height())
        shown = render(samples, self.display, picture.facts)
        luma = shown if shown.ndim == 2 else shown @ np.array(_LUMA)
        channel = self.display.of_channels(samples.shape[2]).channel
        if channel is not None:
            samples = samples[..., channel : channel + 1]
        for row, column in np.ndindex(*luma.shape):
            values = samples[row, column].tolist()
            texts = [_number(v) for v in (values[:1] if len(set(values)) == 1 else values[:4])]
            left, top = viewport.to_device(x1 + column + 0.5, y1 + row + 0.5)
            top -= len(texts) * height_px / 2
            for line, text in enumerate(texts):
                sprite = self._digit(text, bool(luma[row, column] > _LUMA_LIMIT), height_px)
                painter.drawPixmap(
                    QPointF(left - sprite.width() / 2, top + line * height_px), sprite
                )

    def _digit(self, text: str, dark: bool, height_px: int) -> QPixmap:
        """Return a number as a small picture: drawing text anew for thousands of pixels would take 100 ms."""
        key = text, dark, height_px
        if key not in self._digits:
            if len(self._digits) >= _DIGITS_KEPT:
                self._digits.clear()
            self._digits[key] = _number_pixmap(text, "#000000" if dark else "#FFFFFF", height_px)
        return self._digits[key]

    def _paint_problem(self, painter: QPainter, viewport: Viewport, colors: Colors) -> None:
        ratio = viewport.pixel_ratio
        width, height = viewport.view_wh
        center = width / 2
        icon = pixmap("image_broken", colors.warning_text, round(tokens.ICON_SIZE_LARGE * ratio))
        top = height / 2 - 64 * ratio
        painter.drawPixmap(QPointF(center - icon.width() / 2, top - icon.height()), icon)
        lines = (
            (tr("This image cannot be shown"), tokens.FONT_TITLE, True, colors.text),
            (self.problem, tokens.FONT_BODY, False, colors.text),
            (self.remedy, tokens.FONT_BODY, False, colors.secondary),
        )
        top += tokens.SPACE_M * ratio
        for text, size, bold, ink in lines:
            painter.setFont(font(round(size * ratio), bold=bold))
            painter.setPen(QColor(ink))
            side = min(_TEXT_WIDTH * ratio, width)
            room = QRectF(center - side / 2, top, side, height)
            flags = Qt.AlignmentFlag.AlignHCenter | Qt.TextFlag.TextWordWrap
            used = painter.boundingRect(room, int(flags), text)
            painter.drawText(used, int(flags), text)
            top += used.height() + tokens.SPACE_S * ratio


def _covered(target: QRectF) -> QRect:
    """Return the whole pixels that a rectangle covers."""
    left, top = ceil(target.left()), ceil(target.top())
    return QRect(left, top, floor(target.right()) - left, floor(target.bottom()) - top)


def _visible_part(part: QRect, viewport: Viewport) -> tuple[QRectF, QRectF]:
    """Return which rectangle of the canvas shows the picture within ``part``, and which part of the picture that is.

    Both are made of whole image pixels, so that a partial repaint puts every pixel where a full one does.
    """
    width, height = viewport.image_wh
    x1, y1 = viewport.to_image(part.left(), part.top())
    x2, y2 = viewport.to_image(part.left() + part.width(), part.top() + part.height())
    # One pixel more on each side: smooth scaling looks at neighbours.
    x1, y1 = max(0, floor(x1) - 2), max(0, floor(y1) - 2)
    x2, y2 = min(width, ceil(x2) + 2), min(height, ceil(y2) + 2)
    if x2 <= x1 or y2 <= y1:
        return QRectF(), QRectF()
    (left, top), (right, bottom) = viewport.to_device(x1, y1), viewport.to_device(x2, y2)
    return QRectF(left, top, right - left, bottom - top), QRectF(x1, y1, x2 - x1, y2 - y1)


def _paint_grid(painter: QPainter, source: QRectF, viewport: Viewport) -> None:
    (left, top) = viewport.to_device(source.left(), source.top())
    (right, bottom) = viewport.to_device(source.right(), source.bottom())
    columns = range(floor(source.left()), ceil(source.right()) + 1)
    rows = range(floor(source.top()), ceil(source.bottom()) + 1)
    xs = (viewport.to_device(x, 0)[0] for x in columns)
    ys = (viewport.to_device(0, y)[1] for y in rows)
    lines = [QLineF(x, top, x, bottom) for x in map(round, xs)]
    lines += [QLineF(left, y, right, y) for y in map(round, ys)]
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(_GRID, 1))
    painter.drawLines(lines)


def _same(tiled: tuple[Picture, float, Display], wanted: tuple[Picture, float, Display]) -> bool:
    """Tell whether tiles show what is wanted; pictures are compared by identity, not by their samples."""
    return tiled[0] is wanted[0] and tiled[1:] == wanted[1:]


def _number(value: float) -> str:
    """Return a sample as it is written into its pixel."""
    return str(value) if isinstance(value, int) else f"{value:.3g}"


def _number_pixmap(text: str, color: str, height_px: int) -> QPixmap:
    sprite = QPixmap(len(text) * height_px, height_px)
    sprite.fill(Qt.GlobalColor.transparent)
    painter = QPainter(sprite)
    painter.setFont(font(height_px, tabular=True))
    painter.setPen(QColor(color))
    painter.drawText(sprite.rect(), Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    return sprite
