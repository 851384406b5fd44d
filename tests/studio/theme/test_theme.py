"""Schemes are put on the application, follow the desktop, and every icon exists."""

from __future__ import annotations

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from studio.theme import tokens
from studio.theme.fonts import font
from studio.theme.icons import NAMES, application_icon, icon, pixmap
from studio.theme.palette import build_palette
from studio.theme.resources import resource_path
from studio.theme.stylesheet import build_stylesheet
from studio.theme.theme import Theme, current_colors, motion_ms
from studio.theme.tokens import DARK, LIGHT, Colors


def test_a_scheme_reaches_palette_and_widgets(
    theme: Theme, qapp: QApplication, qtbot: QtBot
) -> None:
    button = QPushButton("Train")
    button.setProperty("kind", "primary")
    button.resize(120, 28)
    qtbot.addWidget(button)
    button.show()
    theme.set_mode("light")
    assert current_colors() is LIGHT
    assert qapp.palette().color(QPalette.ColorRole.Window).name().upper() == LIGHT.window
    fill = button.grab().toImage().pixelColor(8, 14).name().upper()
    assert fill == LIGHT.accent_fill
    theme.set_mode("dark")
    assert qapp.palette().color(QPalette.ColorRole.Window).name().upper() == DARK.window


def test_changed_is_told_once_and_only_for_a_change(theme: Theme, qtbot: QtBot) -> None:
    with qtbot.waitSignal(theme.changed, timeout=1000):
        theme.set_mode("light")
    with qtbot.assertNotEmitted(theme.changed):
        theme.set_mode("light")


def test_system_mode_follows_the_desktop(theme: Theme, qapp: QApplication) -> None:
    theme.set_mode("system")
    hints = qapp.styleHints()
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.colors is LIGHT
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Dark)
    assert theme.colors is DARK
    assert theme.mode == "system"
    theme.set_mode("dark")
    hints.colorSchemeChanged.emit(Qt.ColorScheme.Light)
    assert theme.colors is DARK


def test_body_text_has_the_size_of_the_tokens(theme: Theme, qtbot: QtBot) -> None:
    label = QLabel("x")
    qtbot.addWidget(label)
    label.ensurePolished()
    assert label.fontInfo().pixelSize() == tokens.FONT_BODY
    assert font(tokens.FONT_TITLE, bold=True).pixelSize() == tokens.FONT_TITLE


@pytest.mark.parametrize("colors", [LIGHT, DARK], ids=["light", "dark"])
def test_stylesheet_has_no_hole_and_no_foreign_colour(colors: Colors) -> None:
    sheet = build_stylesheet(colors)
    assert "$" not in sheet
    known = {getattr(colors, name).upper() for name in Colors.__dataclass_fields__}
    found = {
        word.strip(';"') for word in sheet.upper().replace("}", " ").split() if word.startswith("#")
    }
    assert found <= known
    assert build_palette(colors).color(QPalette.ColorRole.Text).name().upper() == colors.text


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_icon_draws_something(name: str, theme: Theme) -> None:
    image = icon(name, DARK).pixmap(20, 20).toImage()
    inked = sum(image.pixelColor(x, y).alpha() > 100 for x in range(20) for y in range(20))
    assert 5 <= inked <= 300


def test_icon_takes_the_colour_and_ratio_asked_for(theme: Theme) -> None:
    picture = pixmap("train", "#FF0000", 20, ratio=2.0)
    assert picture.width() == 40
    image = picture.toImage()
    colors = {
        image.pixelColor(x, y).name()
        for x in range(40)
        for y in range(40)
        if image.pixelColor(x, y).alpha() > 250
    }
    assert colors == {"#ff0000"}
    with pytest.raises(KeyError):
        icon("no such icon", DARK)


def test_shipped_files_are_found() -> None:
    assert resource_path("icons/maskwright.svg").is_file()
    with pytest.raises(FileNotFoundError, match=r"nothing\.svg"):
        resource_path("icons/nothing.svg")


def test_application_icon_can_be_drawn(theme: Theme) -> None:
    image = application_icon().pixmap(64, 64).toImage()
    assert image.pixelColor(32, 8).name().upper() == DARK.panel


def test_motion_is_short_or_none(theme: Theme) -> None:
    assert motion_ms() in (0, tokens.MOTION_MS)
