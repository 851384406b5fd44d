"""A column of controls that scrolls up and down, and is never narrower than what it holds."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QScrollArea, QWidget


class ColumnArea(QScrollArea):
    """Without a bar to scroll sideways nothing may lie behind the right edge: the room for the other bar is counted."""

    def __init__(self, inner: QWidget) -> None:
        super().__init__()
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setWidgetResizable(True)
        self.setWidget(inner)

    def minimumSizeHint(self) -> QSize:
        """Return the width of what it holds and of the bar."""
        least, inner = super().minimumSizeHint(), self.widget()
        if inner is None:
            return least
        around = 2 * self.frameWidth() + self.verticalScrollBar().sizeHint().width()
        width = inner.minimumSizeHint().width() + around
        return QSize(max(width, least.width()), least.height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ask for other room where what it holds has become wider."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return super().eventFilter(watched, event)
