"""The system's font in the few sizes of the tokens."""

from __future__ import annotations

from functools import cache

from PySide6.QtGui import QFont, QFontDatabase

from studio.theme import tokens


def font(size_px: int = tokens.FONT_BODY, *, bold: bool = False, tabular: bool = False) -> QFont:
    """Return the system's font at ``size_px`` logical pixels; ``tabular`` gives digits of equal width."""
    result = QFont(_system_font())
    result.setPixelSize(size_px)
    if bold:
        result.setWeight(QFont.Weight.DemiBold)
    if tabular:
        result.setFeature(QFont.Tag("tnum"), 1)
    return result


@cache
def _system_font() -> QFont:
    # Some desktops report a serif default; a window of small labels needs a sans.
    system = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    system.setStyleHint(QFont.StyleHint.SansSerif)
    return system
