"""Icons drawn from the font."""

from __future__ import annotations

import subprocess
import sys

import pytest
from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QImage

from studio.theme.icons import NAMES, icon, pixmap
from studio.theme.tokens import LIGHT


def _drawn(image: QImage) -> set[str]:
    """Return the colours of the pixels that are wholly covered."""
    colors = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return {color.name() for color in colors if color.alpha() == 255}


@pytest.mark.usefixtures("qapp")
def test_every_name_draws_something_of_its_own() -> None:
    pictures = {name: pixmap(name, "#102030", 96).toImage() for name in NAMES}
    for name, picture in pictures.items():
        assert _drawn(picture) == {"#102030"}, name
    glyphs = {NAMES[name]: bytes(picture.constBits()) for name, picture in pictures.items()}
    assert len(set(glyphs.values())) == len(glyphs)


@pytest.mark.usefixtures("qapp")
def test_looks_follow_mode_and_state() -> None:
    drawn = icon("save", LIGHT)
    size = QSize(40, 40)
    looks = {
        (QIcon.Mode.Normal, QIcon.State.Off): LIGHT.text,
        (QIcon.Mode.Normal, QIcon.State.On): LIGHT.accent_text,
        (QIcon.Mode.Disabled, QIcon.State.Off): LIGHT.disabled,
    }
    for (mode, state), ink in looks.items():
        image = drawn.pixmap(size, 1.0, mode, state).toImage()
        assert _drawn(image) == {ink.lower()}


@pytest.mark.usefixtures("qapp")
@pytest.mark.parametrize("ratio", [1.0, 1.5, 3.0])
def test_pictures_are_as_large_as_asked_for(ratio: float) -> None:
    picture = pixmap("train", "#000000", 20, ratio)
    assert picture.width() == round(20 * ratio)
    assert picture.devicePixelRatio() == ratio


def test_the_package_of_the_font_is_not_imported() -> None:
    code = "import studio.app.studio, sys; print('qtawesome' in sys.modules, 'qtpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
