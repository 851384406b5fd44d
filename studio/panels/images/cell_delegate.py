"""Paints one cell of the table of images: its ground and its words, in the place that the style gives them."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem, QWidget

from studio.panels.images.image_list_model import ImageListModel
from studio.widgets.item_ground import paint_ground

_BESIDE = 7  # pixels left and right of the words: the style sheet's padding and Qt's own margin


class CellDelegate(QStyledItemDelegate):
    """Draws text and nothing else that a cell could hold.

    A screen shows 400 cells. Qt's own delegate asks seven roles for each and lays it out by the style sheet, which
    takes twice as long.

    Args:
        model: The table's.
    """

    def __init__(self, model: ImageListModel, parent: QWidget) -> None:
        super().__init__(parent)
        self._model = model

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw one cell; the painter comes with the table's font and ink."""
        paint_ground(painter, option)
        text, alignment = self._model.cell(index.row(), index.column())
        if not text:
            return
        place = QRect(option.rect).adjusted(_BESIDE, 0, -_BESIDE, -1)
        metrics = painter.fontMetrics()
        if metrics.horizontalAdvance(text) > place.width():
            text = metrics.elidedText(text, option.textElideMode, place.width())
        painter.drawText(place, alignment | Qt.TextFlag.TextSingleLine, text)
