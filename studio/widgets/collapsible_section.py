"""A section that folds away under its title."""

from __future__ import annotations

from PySide6.QtCore import QEasingCurve, QPropertyAnimation, Qt, Signal
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from studio.theme import tokens
from studio.theme.theme import motion_ms
from studio.widgets.icon_button import IconButton

_UNLIMITED = 16_777_215  # QWIDGETSIZE_MAX


class CollapsibleSection(QWidget):
    """A title with an arrow, and the content below it.

    Signals:
        toggled: True when the section opened.
    """

    toggled = Signal(bool)

    def __init__(self, title: str, *, expanded: bool = True, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._content: QWidget = QWidget()
        self.header = IconButton("expand", title, text=title, size_px=16)
        self.header.setCheckable(True)
        self.header.setProperty("kind", "section")
        self.header.setToolTip("")
        self.header.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.header.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(tokens.SPACE_XS)
        self._layout.addWidget(self.header)
        self._layout.addWidget(self._content)
        self._motion = QPropertyAnimation(self, b"")
        self._motion.finished.connect(self._on_motion_finished)
        self.header.setChecked(expanded)
        self.header.toggled.connect(self._on_toggled)
        self._show_arrow(expanded)
        self._content.setVisible(expanded)

    def set_content(self, content: QWidget) -> None:
        """Put ``content`` under the title in place of what was there."""
        self._layout.replaceWidget(self._content, content)
        self._content.deleteLater()
        self._content = content
        content.setVisible(self.is_expanded())

    def is_expanded(self) -> bool:
        """Tell whether the content shows."""
        return self.header.isChecked()

    def set_expanded(self, expanded: bool) -> None:
        """Open or fold the section."""
        self.header.setChecked(expanded)

    def _on_toggled(self, expanded: bool) -> None:
        self._show_arrow(expanded)
        height = self._content.sizeHint().height()
        self._motion.stop()
        if motion_ms() == 0 or not self.isVisible():
            self._on_motion_finished()
        else:
            self._content.setVisible(True)
            self._motion.setTargetObject(self._content)
            self._motion.setPropertyName(b"maximumHeight")
            self._motion.setDuration(motion_ms())
            self._motion.setEasingCurve(QEasingCurve.Type.OutCubic)
            self._motion.setStartValue(0 if expanded else height)
            self._motion.setEndValue(height if expanded else 0)
            self._motion.start()
        self.toggled.emit(expanded)

    def _on_motion_finished(self) -> None:
        self._content.setVisible(self.is_expanded())
        self._content.setMaximumHeight(_UNLIMITED)

    def _show_arrow(self, expanded: bool) -> None:
        self.header.set_icon_name("collapse" if expanded else "expand")
