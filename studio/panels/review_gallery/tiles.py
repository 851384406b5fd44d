"""The gallery's list: suggestions as tiles, their crops asked for when they come into sight."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QRect,
    QRectF,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QImage, QPainter, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.language import tr
from studio.model.project import Project
from studio.model.records import ClassDef
from studio.model.suggestion_rows import SuggestionRow
from studio.panels.review_gallery.crops import CROP_HEIGHT, CROP_WIDTH, Crop, CropMaker
from studio.theme import icons, tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors
from studio.widgets.class_icons import class_icon
from studio.widgets.picture_loader import PictureLoader

AnyIndex = QModelIndex | QPersistentModelIndex
ROW = Qt.ItemDataRole.UserRole + 1
_CAPTION = 20
TILE = QSize(CROP_WIDTH + tokens.SPACE_L, CROP_HEIGHT + _CAPTION + tokens.SPACE_L)
_NO_CLASS = "#888888"


class TileModel(QAbstractListModel):
    """Suggestions by row.

    Args:
        project: Gives outlines, images and classes.
    """

    def __init__(self, project: Project, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self.rows: list[SuggestionRow] = []
        self._places: dict[int, int] = {}
        self._classes: Mapping[int, ClassDef] = {}
        self.ratio = 1.0
        self.maker = CropMaker()
        self.pictures: PictureLoader[Crop] = PictureLoader(self.maker.make, "crops", parent=self)
        self.pictures.loaded.connect(self._on_loaded)

    def show_rows(self, rows: Sequence[SuggestionRow]) -> None:
        """Show these suggestions; pictures of those that stay are kept."""
        self.beginResetModel()
        classes = {cls.id: cls for cls in self._project.classes()}
        if {i: c.color for i, c in classes.items()} != {
            i: c.color for i, c in self._classes.items()
        }:
            self.pictures.forget()
        self._classes = classes
        self.rows = list(rows)
        self._places = {row.id: place for place, row in enumerate(self.rows)}
        self.endResetModel()

    def place(self, shape_id: int) -> int | None:
        """Return the row of a suggestion."""
        return self._places.get(shape_id)

    def rowCount(self, parent: AnyIndex | None = None) -> int:
        """Return the number of suggestions."""
        return 0 if parent is not None and parent.isValid() else len(self.rows)

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a tile shows."""
        row = self.rows[index.row()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return f"{self.class_name(row)}  {score_text(row.score)}".strip()
        if role == Qt.ItemDataRole.DecorationRole:
            return class_icon(self._color(row))
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tool_tip(row)
        return row if role == ROW else None

    def picture(self, row: SuggestionRow) -> QImage | None:
        """Return the crop of a suggestion, or None and ask for it."""
        if self.pictures.knows(row.id):
            return self.pictures.get(row.id, None)  # type: ignore[arg-type]  # what is known needs no wish
        images, found = (
            self._project.images([row.image_id]),
            self._project.suggestions_by_id([row.id]),
        )
        if not images or not found:
            return None
        image = images[0]
        size = image.width, image.height
        crop = Crop(image.path, size, found[0].geometry, self._color(row), self.ratio)
        return self.pictures.get(row.id, crop)

    def class_name(self, row: SuggestionRow) -> str:
        """Return the name of a suggestion's class."""
        return self._classes[row.class_id].name if row.class_id in self._classes else "?"

    def _color(self, row: SuggestionRow) -> str:
        return self._classes[row.class_id].color if row.class_id in self._classes else _NO_CLASS

    def _tool_tip(self, row: SuggestionRow) -> str:
        images = self._project.images([row.image_id])
        parts = [images[0].path.name if images else "", row.model]
        return "\n".join(filter(None, parts))

    def _on_loaded(self, shape_id: int) -> None:
        place = self._places.get(shape_id)
        if place is not None:
            self.dataChanged.emit(self.index(place), self.index(place))


class TileDelegate(QStyledItemDelegate):
    """Draws a crop above its class and score."""

    def __init__(self, model: TileModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        """Return the one size that all tiles have."""
        return TILE

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw one tile."""
        colors, row = current_colors(), index.data(ROW)
        half = tokens.SPACE_L // 2
        box = QRect(option.rect.x() + half, option.rect.y() + half, CROP_WIDTH, CROP_HEIGHT)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_ground(painter, option, box)
        picture = self._model.picture(row)
        if picture is not None:
            size = picture.deviceIndependentSize()
            place = QRectF(0, 0, size.width(), size.height())
            place.moveCenter(QRectF(box).center())
            painter.drawImage(place, picture)
        elif self._model.pictures.knows(row.id):
            mark = QRect(0, 0, tokens.ICON_SIZE, tokens.ICON_SIZE)
            mark.moveCenter(box.center())
            painter.drawPixmap(mark, icons.pixmap("image_broken", colors.secondary))
        self._paint_caption(painter, index, QRect(box.x(), box.bottom() + 1, box.width(), _CAPTION))
        painter.restore()

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem, box: QRect) -> None:
        colors, states = current_colors(), QStyle.StateFlag
        frame = QRectF(box).adjusted(-4, -4, 4, 4 + _CAPTION)
        selected = bool(option.state & states.State_Selected)
        if selected or option.state & states.State_MouseOver:
            painter.setBrush(QColor(colors.selection if selected else colors.hover))
            painter.setPen(QPen(QColor(colors.accent), 2) if selected else Qt.PenStyle.NoPen)
            painter.drawRoundedRect(frame, tokens.RADIUS, tokens.RADIUS)
        painter.fillRect(box, QColor(colors.surround))

    def _paint_caption(self, painter: QPainter, index: AnyIndex, room: QRect) -> None:
        colors, row = current_colors(), index.data(ROW)
        index.data(Qt.ItemDataRole.DecorationRole).paint(
            painter, QRect(room.x(), room.y() + (room.height() - 12) // 2, 12, 12)
        )
        painter.setFont(font(tokens.FONT_CAPTION, tabular=True))
        score = score_text(row.score)
        wide = painter.fontMetrics().horizontalAdvance(score)
        painter.setPen(QColor(colors.secondary))
        flags = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(room, flags | Qt.AlignmentFlag.AlignRight, score)
        words = room.adjusted(16, 0, -wide - tokens.SPACE_XS, 0)
        name = painter.fontMetrics().elidedText(
            self._model.class_name(row), Qt.TextElideMode.ElideRight, words.width()
        )
        painter.setPen(QColor(colors.text))
        painter.drawText(words, flags | Qt.AlignmentFlag.AlignLeft, name)


def score_text(score: float | None) -> str:
    """Return a score as people read it, empty where there is none."""
    return "" if score is None else tr("{score:.0%}").format(score=score)
