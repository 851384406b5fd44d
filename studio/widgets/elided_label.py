"""A line of text that ends in an ellipsis where the room is too narrow for it."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent

from studio.widgets.text_label import TextLabel


class ElidedLabel(TextLabel):
    """Takes the room that there is; screen readers get all of the text."""

    def minimumSizeHint(self) -> QSize:
        """Return no width: a long text must not push other controls out of sight."""
        return QSize(0, super().minimumSizeHint().height())

    def shown_text(self) -> str:
        """Return the text as it is painted."""
        mode = Qt.TextElideMode.ElideRight
        return self.fontMetrics().elidedText(self.text(), mode, self.contentsRect().width())

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the text, shortened where it must be."""
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.drawText(self.contentsRect(), self.alignment(), self.shown_text())
