"""The ground that a delegate draws an item on: chosen, under the pointer, or neither."""

from __future__ import annotations

from PySide6.QtGui import QColor, QPainter
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem

from studio.theme.theme import current_colors

_MARKED = QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver


def paint_ground(painter: QPainter, option: QStyleOptionViewItem) -> None:
    """Fill an item's rectangle as its state asks for; one that is neither chosen nor pointed at stays as it is."""
    state = option.state
    if not state & _MARKED:  # nearly all are neither, and a screen may show hundreds
        return
    colors = current_colors()
    chosen = state & QStyle.StateFlag.State_Selected
    painter.fillRect(option.rect, QColor(colors.selection if chosen else colors.hover))
