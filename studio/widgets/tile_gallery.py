"""The gallery: tiles of images or objects, drawn in threads as they come into sight."""

from __future__ import annotations

from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence
from functools import partial
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QImage, QPainter, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from studio.language import tr
from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors
from studio.widgets.background import Background
from studio.widgets.item_ground import paint_ground
from studio.widgets.tile_painter import draw_tile
from studio.widgets.tiles import GAP, HALF_SIZE, Look, Tile, tile_height

AnyIndex = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()
_CACHED = 300  # tiles; about 100 MB
_THREADS = 2
_CAPTION = 20


class TilesModel(QAbstractListModel):
    """Tiles by row; pictures are asked for when they are looked at."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tiles: list[Tile] = []
        self.picture_height = HALF_SIZE
        self._look = Look({}, {}, current_colors().danger)
        self._pictures: OrderedDict[int, QPixmap | str] = OrderedDict()  # by the tile's number
        self._waiting: set[int] = set()
        self._numbers: list[int] = []  # of each row: rows move up when one is taken away
        self._generation = 0
        self._background = Background(_THREADS)
        self._background.done.connect(self._on_drawn)

    def show_tiles(self, tiles: Sequence[Tile], look: Look) -> None:
        """Take over other tiles."""
        self.beginResetModel()
        self._background.clear()
        self._generation += 1
        self._waiting.clear()
        self._pictures.clear()
        self.tiles, self._look = list(tiles), look
        self._numbers = list(range(len(tiles)))
        self.picture_height = tile_height(tiles)
        self.endResetModel()

    def take_away(self, row: int) -> None:
        """Drop one tile; the others keep their pictures."""
        self.beginRemoveRows(_ROOT, row, row)
        del self.tiles[row]
        self._pictures.pop(self._numbers.pop(row), None)
        self.endRemoveRows()

    def picture(self, row: int) -> QPixmap | str | None:
        """Return a tile's picture or the reason why there is none; None while it is being drawn."""
        number = self._numbers[row]
        found = self._pictures.get(number)
        if found is not None:
            self._pictures.move_to_end(number)
        elif number not in self._waiting:
            self._waiting.add(number)
            draw = partial(draw_tile, self.tiles[row], self._look)
            self._background.start((self._generation, number), draw)
        return found

    def wait(self) -> None:
        """Wait until nothing is being drawn."""
        self._background.wait()

    def rowCount(self, parent: AnyIndex = _ROOT) -> int:
        """Return the number of tiles."""
        return 0 if parent.isValid() else len(self.tiles)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return a tile's caption, also as its tool tip."""
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self.tiles[index.row()].caption
        return None

    def _on_drawn(self, where: tuple[int, int], picture: QImage | str) -> None:
        generation, number = where
        if generation != self._generation:
            return
        self._waiting.discard(number)
        row = bisect_left(self._numbers, number)
        if row == len(self._numbers) or self._numbers[row] != number:
            return  # it was taken away meanwhile
        shown = picture if isinstance(picture, str) else QPixmap.fromImage(picture)
        self._pictures[number] = shown
        while len(self._pictures) > _CACHED:
            self._pictures.popitem(last=False)
        index = self.index(row)
        self.dataChanged.emit(index, index)


class _TileDelegate(QStyledItemDelegate):
    """Draws the picture above its caption."""

    def __init__(self, model: TilesModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """Return the size of every tile."""
        width, height = HALF_SIZE * 2 + GAP, self._model.picture_height + _CAPTION
        return QSize(width + tokens.SPACE_M, height + tokens.SPACE_M)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw one tile."""
        colors = current_colors()
        place = option.rect.adjusted(tokens.SPACE_XS, tokens.SPACE_XS, -tokens.SPACE_XS, 0)
        paint_ground(painter, option)
        picture = self._model.picture(index.row())
        box = QRect(place.x(), place.y(), place.width(), self._model.picture_height)
        if isinstance(picture, QPixmap):
            left = box.x() + (box.width() - picture.width()) // 2
            top = box.y() + (box.height() - picture.height()) // 2
            painter.drawPixmap(left, top, picture)
        else:
            painter.fillRect(box, QColor(colors.surround))
        painter.setFont(font(tokens.FONT_CAPTION))
        painter.setPen(QColor(colors.secondary))
        if isinstance(picture, str):
            flags = int(Qt.AlignmentFlag.AlignCenter) | int(Qt.TextFlag.TextWordWrap)
            inner = box.adjusted(tokens.SPACE_S, 0, -tokens.SPACE_S, 0)
            painter.drawText(inner, flags, picture)
        caption = QRect(place.x(), box.bottom() + 1, place.width(), _CAPTION)
        text = painter.fontMetrics().elidedText(
            index.data(), Qt.TextElideMode.ElideMiddle, caption.width()
        )
        painter.drawText(caption, Qt.AlignmentFlag.AlignCenter, text)


class Gallery(QListView):
    """The tiles.

    Signals:
        tile_opened(object): The :class:`Tile` that was clicked; of a gallery to choose in, double-clicked or
            chosen with Enter.

    Args:
        chooses: One tile is the chosen one: arrows go from one to the next, a click only chooses.
    """

    tile_opened = Signal(object)

    def __init__(self, parent: QWidget | None = None, *, chooses: bool = False) -> None:
        super().__init__(parent)
        self.tiles_model = TilesModel(self)
        self.setModel(self.tiles_model)
        self.setItemDelegate(_TileDelegate(self.tiles_model, self))
        self.setViewMode(QListView.ViewMode.IconMode)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setMovement(QListView.Movement.Static)
        self.setUniformItemSizes(True)
        modes = QAbstractItemView.SelectionMode
        self.setSelectionMode(modes.SingleSelection if chooses else modes.NoSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setMouseTracking(True)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr("Images and objects"))
        opened = self.activated if chooses else self.clicked
        opened.connect(lambda index: self.tile_opened.emit(self.tiles_model.tiles[index.row()]))

    def show_tiles(self, tiles: Sequence[Tile], look: Look) -> None:
        """Show other tiles from the top."""
        self.tiles_model.show_tiles(tiles, look)
        self.scrollToTop()
