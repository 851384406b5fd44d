"""A canvas with a picture and a few shapes, and a mouse that points at image pixels."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from engine.data.annotations import Box, Polygon
from studio.canvas.view import CanvasView
from studio.model.edits import AddShapes, Edit, RemoveShapes, ReplaceShapes
from studio.model.records import ClassDef, Shape
from studio.theme.theme import Theme, find_theme

LEFT, MIDDLE, RIGHT = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.MiddleButton,
    Qt.MouseButton.RightButton,
)
CLASSES = (ClassDef(0, "bolt", "#e69f00"), ClassDef(1, "nut", "#56b4e9"))
GREY = "#404040"


class Studio:
    """A canvas, with a stand-in for the project that applies the edits, and a mouse."""

    def __init__(self, qtbot: QtBot, parent: QWidget | None = None) -> None:
        self.qtbot = qtbot
        self.view = CanvasView(parent)
        self.view.resize(800, 600)
        if parent is None:
            qtbot.addWidget(self.view)
        self.edits: list[Edit] = []
        self.view.edit_made.connect(self._apply)
        self.view.set_classes(CLASSES)
        self.view.set_current_class(0)

    def show(self, image: QImage | None = None) -> None:
        """Put a plain picture of 400 x 300 on the canvas and show it."""
        if image is None:
            image = QImage(400, 300, QImage.Format.Format_RGB32)
            image.fill(QColor(GREY))
        self.view.set_image(image, 7)
        self.view.show()
        QTest.qWaitForWindowExposed(self.view)
        self.view.setFocus()

    def add_shapes(self) -> None:
        """Put a large polygon (1), a small one in it (2) and a box (3) there."""
        self.view.set_shapes(
            [
                Shape(1, 7, 0, Polygon(((50, 50), (170, 50), (170, 170), (50, 170))), z=1),
                Shape(2, 7, 1, Polygon(((90, 90), (130, 90), (130, 130), (90, 130))), z=2),
                Shape(3, 7, 1, Box(250, 100, 350, 200), z=3),
            ]
        )

    def place(self, x: float, y: float) -> QPoint:
        """Return the widget's pixel at an image point."""
        left, top = self.view.viewport.to_device(x, y)
        ratio = self.view.viewport.pixel_ratio
        return QPoint(round(left / ratio), round(top / ratio))

    def move(self, x: float, y: float) -> None:
        """Move the mouse to an image point."""
        QTest.mouseMove(self.view, self.place(x, y))
        QApplication.processEvents()

    def press(self, x: float, y: float, button: Qt.MouseButton = LEFT, how: Any = None) -> None:
        """Press a button at an image point."""
        QTest.mousePress(self.view, button, how or Qt.KeyboardModifier.NoModifier, self.place(x, y))

    def release(self, x: float, y: float, button: Qt.MouseButton = LEFT, how: Any = None) -> None:
        """Let it go."""
        QTest.mouseRelease(
            self.view, button, how or Qt.KeyboardModifier.NoModifier, self.place(x, y)
        )

    def click(self, x: float, y: float, how: Any = None) -> None:
        """Press and let go."""
        self.press(x, y, how=how)
        self.release(x, y, how=how)

    def drag(self, *stops: tuple[float, float], button: Qt.MouseButton = LEFT) -> None:
        """Press at the first stop, go through the others, let go at the last."""
        places = [self.place(*stop) for stop in stops]  # before panning moves the picture
        plain = Qt.KeyboardModifier.NoModifier
        QTest.mousePress(self.view, button, plain, places[0])
        for place in places[1:]:
            QTest.mouseMove(self.view, place)
            QApplication.processEvents()
        QTest.mouseRelease(self.view, button, plain, places[-1])

    def key(self, key: Qt.Key, how: Any = None) -> None:
        """Press and let go a key."""
        QTest.keyClick(self.view, key, how or Qt.KeyboardModifier.NoModifier)

    def wheel(self, x: float, y: float, turn: int = 120, how: Any = None) -> None:
        """Turn the wheel at an image point."""
        place = QPointF(self.place(x, y))
        event = QWheelEvent(
            place,
            self.view.mapToGlobal(place),
            QPoint(),
            QPoint(0, turn),
            Qt.MouseButton.NoButton,
            how or Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        QApplication.sendEvent(self.view, event)
        QApplication.processEvents()

    def settle(self) -> None:
        """Wait until everything is sharp and painted."""
        self.view.repaint()
        self.qtbot.waitUntil(self.view.is_settled, timeout=10_000)
        self.view.repaint()

    def shot(self) -> QImage:
        """Return what is on the screen."""
        QApplication.processEvents()
        return self.view.grab().toImage().convertToFormat(QImage.Format.Format_RGB32)

    def color(self, x: float, y: float) -> QColor:
        """Return the colour at an image point."""
        return self.shot().pixelColor(self.place(x, y))

    def _apply(self, edit: Edit) -> None:
        self.edits.append(edit)
        if isinstance(edit, AddShapes):
            last = max((s.id for s in self.view.scene.shapes()), default=0)
            self.view.update_shapes(
                [replace(s, id=last + n, z=last + n) for n, s in enumerate(edit.shapes, 1)]
            )
        elif isinstance(edit, ReplaceShapes):
            self.view.update_shapes(edit.after)
        elif isinstance(edit, RemoveShapes):
            self.view.update_shapes((), [s.id for s in edit.shapes])


@pytest.fixture
def theme(qapp: QApplication) -> Iterator[Theme]:
    """The application's theme, dark."""
    theme = find_theme() or Theme(qapp)
    theme.set_mode("dark")
    yield theme
    theme.set_mode("dark")


@pytest.fixture
def new_studio(theme: Theme, qtbot: QtBot) -> Callable[..., Studio]:
    """Makes an empty canvas."""
    return lambda **how: Studio(qtbot, **how)


@pytest.fixture
def studio(new_studio: Callable[..., Studio]) -> Studio:
    """A canvas with a picture and three shapes."""
    studio = new_studio()
    studio.show()
    studio.add_shapes()
    studio.settle()
    return studio
