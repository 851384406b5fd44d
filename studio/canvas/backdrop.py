"""What lies below the shapes: the picture, the grid of its pixels and their values, or why there is no picture."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import ceil, floor

from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPen, QPixmap

from studio.canvas.pyramid import ImagePyramid
from studio.canvas.viewport import Viewport
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.icons import pixmap
from studio.theme.tokens import Colors

_GRID = QColor(128, 128, 128, 110)  # mid grey shows on dark and on light pixels
_LUMA_LIMIT = 140  # of 255: brighter pixels get dark digits
_LINE_SHARE = 0.30  # height of a digit in a pixel that shows three lines
_TEXT_WIDTH = 440  # logical pixels
_TILE_SIDE = 512  # device pixels
_TILES_KEPT = 64  # of 1 MB


class Backdrop:
    """Draws with a painter in device pixels.

    While the zoom stays, the scaled picture is kept in tiles: panning and moving the mouse only copy them.
    """

    def __init__(self) -> None:
        self.picture: ImagePyramid | None = None
        self.problem = ""  # what to say in the picture's place
        self.remedy = ""
        self._tiles: dict[tuple[int, int], QImage] = {}
        self._tiled: tuple[ImagePyramid, float] | None = None  # what the tiles show, at which scale
        self._digits: dict[tuple[int, bool, int], QPixmap] = {}

    def paint(self, painter: QPainter, part: QRect, viewport: Viewport, colors: Colors) -> None:
        """Draw the part of the canvas within ``part``."""
        painter.fillRect(part, QColor(colors.surround))
        if self.problem:
            self._paint_problem(painter, viewport, colors)
            return
        target, source = _visible_part(part, viewport)
        if target.isEmpty():
            return
        if self.picture is None:
            painter.fillRect(target, QColor(colors.panel))  # its place, until it arrives
            return
        if self._tiled is not None and self._tiled == (self.picture, viewport.scale):
            self._paint_tiles(painter, target.toAlignedRect() & part, self.picture, viewport)
        else:  # tiles of a moment's zoom would be wasted: the wheel may still turn
            self._tiled = self.picture, viewport.scale
            self._tiles.clear()
            self._paint_picture(painter, target, source, self.picture, viewport)

    def _paint_picture(
        self,
        painter: QPainter,
        target: QRectF,
        source: QRectF,
        picture: ImagePyramid,
        viewport: Viewport,
    ) -> None:
        picture.draw(painter, target, source, viewport.scale)
        if picture.is_preview:
            return
        if viewport.scale > tokens.PIXEL_GRID_ZOOM:
            _paint_grid(painter, source, viewport)
        if viewport.scale > tokens.PIXEL_VALUES_ZOOM:
            self._paint_values(painter, source, picture.levels[0], viewport)

    def _paint_tiles(
        self, painter: QPainter, part: QRect, picture: ImagePyramid, viewport: Viewport
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

    def _build_tile(
        self, key: tuple[int, int], picture: ImagePyramid, viewport: Viewport
    ) -> QImage:
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
        self, painter: QPainter, source: QRectF, image: QImage, viewport: Viewport
    ) -> None:
        height_px = max(6, min(12, floor(viewport.scale * _LINE_SHARE)))
        for x, y in _pixels(source, image):
            color = image.pixelColor(x, y)
            channels = color.red(), color.green(), color.blue()
            texts = channels[:1] if len(set(channels)) == 1 else channels
            dark = 0.299 * channels[0] + 0.587 * channels[1] + 0.114 * channels[2] > _LUMA_LIMIT
            left, top = viewport.to_device(x + 0.5, y + 0.5)
            top -= len(texts) * height_px / 2
            for line, value in enumerate(texts):
                sprite = self._digit(value, dark, height_px)
                painter.drawPixmap(
                    QPointF(left - sprite.width() / 2, top + line * height_px), sprite
                )

    def _digit(self, value: int, dark: bool, height_px: int) -> QPixmap:
        """Return a number as a small picture: drawing text anew for thousands of pixels would take 100 ms."""
        key = value, dark, height_px
        if key not in self._digits:
            self._digits[key] = _number_pixmap(
                str(value), "#000000" if dark else "#FFFFFF", height_px
            )
        return self._digits[key]

    def _paint_problem(self, painter: QPainter, viewport: Viewport, colors: Colors) -> None:
        ratio = viewport.pixel_ratio
        width, height = viewport.view_wh
        center = width / 2
        icon = pixmap("image_broken", colors.warning_text, round(tokens.ICON_SIZE_LARGE * ratio))
        top = height / 2 - 64 * ratio
        painter.drawPixmap(QPointF(center - icon.width() / 2, top - icon.height()), icon)
        lines = (
            ("This image cannot be shown", tokens.FONT_TITLE, True, colors.text),
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


def _pixels(source: QRectF, image: QImage) -> Iterator[tuple[int, int]]:
    for y in range(max(0, floor(source.top())), min(image.height(), ceil(source.bottom()))):
        for x in range(max(0, floor(source.left())), min(image.width(), ceil(source.right()))):
            yield x, y


def _number_pixmap(text: str, color: str, height_px: int) -> QPixmap:
    sprite = QPixmap(len(text) * height_px, height_px)
    sprite.fill(Qt.GlobalColor.transparent)
    painter = QPainter(sprite)
    painter.setFont(font(height_px, tabular=True))
    painter.setPen(QColor(color))
    painter.drawText(sprite.rect(), Qt.AlignmentFlag.AlignCenter, text)
    painter.end()
    return sprite
