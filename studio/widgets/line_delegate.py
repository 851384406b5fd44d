"""Lists of a choice whose entries say more while the list is open: a remark behind each, headings in bold."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyledItemDelegate, QStyleOptionViewItem

from studio.theme.theme import current_colors

AnyIndex = QModelIndex | QPersistentModelIndex
LINE = Qt.ItemDataRole.UserRole + 1  # the whole line of the open list
HEADING = Qt.ItemDataRole.UserRole + 2


class LineDelegate(QStyledItemDelegate):
    """Draws an entry with its remark, and headings in bold."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Put the whole line in place of the short text."""
        super().initStyleOption(option, index)
        option.text = index.data(LINE) or option.text
        if index.data(HEADING):
            option.font.setBold(True)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """Draw a line; a separator is a hairline, as Qt's own delegate draws it."""
        if index.data(Qt.ItemDataRole.AccessibleDescriptionRole) != "separator":
            super().paint(painter, option, index)
            return
        middle = option.rect.center().y()
        painter.setPen(QColor(current_colors().line))
        painter.drawLine(option.rect.left(), middle, option.rect.right(), middle)
