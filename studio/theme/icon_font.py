"""Draws the glyphs of Phosphor's font.

The font and its table of names are files of the qtawesome package. They are read without importing it: it would load
all of its twelve fonts and a third of Qt, a quarter of a second at every start of the program.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

_PACKAGE = "qtawesome"
_FAMILY = "phosphor"
_SHARE = 0.875  # of the square's side that the font's em takes: outlines keep clear of the edges


class Inks(NamedTuple):
    """Colours of an icon's looks, ``#RRGGBB`` each."""

    normal: str
    disabled: str
    on: str


class GlyphEngine(QIconEngine):
    """Draws one glyph at any size, so that it is sharp on every screen.

    Args:
        glyph: Its name in the font's table, as ``"map-pin"``.
        inks: Its colours.

    Raises:
        KeyError: The font has no such glyph.
    """

    def __init__(self, glyph: str, inks: Inks) -> None:
        super().__init__()
        self._glyph, self._inks = glyph, inks
        self._letter = chr(int(_letters()[glyph], 16))

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        """Draw the glyph in the middle of ``rect``."""
        ink = self._inks.on if state == QIcon.State.On else self._inks.normal
        if mode == QIcon.Mode.Disabled:
            ink = self._inks.disabled
        font = QFont(_family())
        font.setPixelSize(max(1, round(rect.height() * _SHARE)))
        painter.save()
        painter.setPen(QColor(ink))
        painter.setFont(font)
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, self._letter)
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        """Return the glyph on a clear ground of ``size`` device pixels."""
        picture = QPixmap(size)
        picture.fill(Qt.GlobalColor.transparent)
        painter = QPainter(picture)
        self.paint(painter, QRect(0, 0, size.width(), size.height()), mode, state)
        painter.end()
        return picture

    def clone(self) -> GlyphEngine:
        """Return another engine of the same looks."""
        return GlyphEngine(self._glyph, self._inks)


def _file(suffix: str) -> Path:
    spec = find_spec(_PACKAGE)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    found = [path for place in places for path in Path(place, "fonts").glob(f"{_FAMILY}*{suffix}")]
    if not found:
        raise FileNotFoundError(
            f"{_PACKAGE}: its font {_FAMILY}{suffix} is missing. Install maskwright again."
        )
    return found[0]


@lru_cache(maxsize=1)
def _letters() -> dict[str, str]:
    """Return the hexadecimal code point of each glyph by its name."""
    return json.loads(_file(".json").read_text(encoding="utf-8"))  # type: ignore[no-any-return]


@lru_cache(maxsize=1)
def _family() -> str:
    """Load the font and return the name by which Qt knows it."""
    number = QFontDatabase.addApplicationFont(str(_file(".ttf")))
    return QFontDatabase.applicationFontFamilies(number)[0]
