"""Light or dark: which scheme is in force, and putting it on the application."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QApplication, QStyle

from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.palette import build_palette
from studio.theme.stylesheet import build_stylesheet
from studio.theme.tokens import SCHEMES, Colors, Scheme

Mode = Literal["system", "light", "dark"]

_QT_SCHEMES = {
    "light": Qt.ColorScheme.Light,
    "dark": Qt.ColorScheme.Dark,
    "system": Qt.ColorScheme.Unknown,
}


class Theme(QObject):
    """The look of the application; with mode ``system`` it follows the desktop while the program runs.

    Signals:
        changed: Another scheme is in force; ``colors`` has it already.
    """

    changed = Signal()

    def __init__(self, application: QApplication, mode: Mode = "system") -> None:
        super().__init__(application)
        self._application = application
        self._mode: Mode = mode
        self._colors = SCHEMES["dark"]
        application.setStyle("Fusion")
        application.setFont(font())
        application.styleHints().colorSchemeChanged.connect(self._on_system_changed)
        self.set_mode(mode)

    @property
    def colors(self) -> Colors:
        """The colours in force."""
        return self._colors

    @property
    def mode(self) -> Mode:
        """What was asked for."""
        return self._mode

    def set_mode(self, mode: Mode) -> None:
        """Use the light or the dark scheme, or follow the desktop."""
        self._mode = mode
        hints = self._application.styleHints()
        if hasattr(hints, "setColorScheme"):  # Qt 6.8: title bars and native dialogs follow too
            hints.setColorScheme(_QT_SCHEMES[mode])
        self._apply(_from_system(hints.colorScheme()) if mode == "system" else mode)

    def _apply(self, scheme: Scheme) -> None:
        first = not self._application.styleSheet()
        if scheme == self._colors.scheme and not first:
            return
        self._colors = SCHEMES[scheme]
        self._application.setPalette(build_palette(self._colors))
        self._application.setStyleSheet(build_stylesheet(self._colors))
        self.changed.emit()

    def _on_system_changed(self, scheme: Qt.ColorScheme) -> None:
        if self._mode == "system":
            self._apply(_from_system(scheme))


def _from_system(scheme: Qt.ColorScheme) -> Scheme:
    # A desktop that does not tell gets the dark room: pictures look best in it.
    return "light" if scheme == Qt.ColorScheme.Light else "dark"


def current_colors() -> Colors:
    """Return the colours in force, or the dark ones where no theme was made (a bare widget in a test)."""
    theme = find_theme()
    return SCHEMES["dark"] if theme is None else theme.colors


def find_theme() -> Theme | None:
    """Return the application's theme."""
    application = QApplication.instance()
    return None if application is None else application.findChild(Theme)


def motion_ms() -> int:
    """Return the length of an animation, 0 where the desktop asks for reduced motion."""
    style = QApplication.style()
    if style.styleHint(QStyle.StyleHint.SH_Widget_Animation_Duration) == 0:
        return 0
    return tokens.MOTION_MS
