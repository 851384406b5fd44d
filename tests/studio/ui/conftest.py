"""The whole window on real projects, and hands that click and type on it and count what they do."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from engine.data.annotations import Polygon
from studio.app.session import Session
from studio.app.studio import Studio
from studio.model.edits import AddShapes
from studio.model.records import Shape, new_shape

LEFT = Qt.MouseButton.LeftButton
PLAIN = Qt.KeyboardModifier.NoModifier
WAIT_MS = 20_000


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let warnings of Qt fail these tests, but for the one that the offscreen platform gives of itself."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.qt_log_level_fail("WARNING"))
            item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support", extend=True))


class Hands:
    """Clicks and types on a window as a person would, and counts.

    Attributes:
        clicks: Mouse clicks so far.
        keys: Keys pressed so far; a text that is typed counts as none, a path in a dialog for example.
    """

    def __init__(self, studio: Studio, qtbot: QtBot) -> None:
        self.studio, self.qtbot = studio, qtbot
        self.clicks = self.keys = 0

    @property
    def session(self) -> Session:
        session = self.studio.session
        assert session is not None
        return session

    @property
    def canvas(self) -> Any:
        return self.session.canvas

    def shapes(self) -> list[Shape]:
        """Read the shapes of the current image from the database."""
        assert self.session.workspace.image_id is not None
        return self.session.project.shapes(self.session.workspace.image_id)

    def place(self, x: float, y: float) -> QPoint:
        """Return the canvas's pixel at an image point."""
        left, top = self.canvas.viewport.to_device(x, y)
        return QPoint(round(left), round(top))

    def click(self, x: float, y: float, how: Qt.KeyboardModifier = PLAIN) -> None:
        """Click on the canvas at an image point."""
        QTest.mouseMove(self.canvas, self.place(x, y))
        QApplication.processEvents()
        QTest.mouseClick(self.canvas, LEFT, how, self.place(x, y))
        self.clicks += 1

    def move(self, x: float, y: float) -> None:
        """Move the mouse over the canvas to an image point."""
        place = self.place(x, y)
        QTest.mouseMove(
            self.canvas, place + QPoint(3, 2)
        )  # a mouse that is there already moves nothing
        QApplication.processEvents()
        QTest.mouseMove(self.canvas, place)
        QApplication.processEvents()

    def move_until(self, x: float, y: float, condition: Callable[[], object]) -> None:
        """Move the mouse about an image point, as a hand does, until something is true."""

        def moved() -> object:
            self.move(x, y)
            return condition()

        self.wait(moved)

    def drag(self, *stops: tuple[float, float]) -> None:
        """Press on the canvas at the first image point, let go at the last."""
        places = [self.place(*stop) for stop in stops]
        QTest.mouseMove(self.canvas, places[0])
        QTest.mousePress(self.canvas, LEFT, PLAIN, places[0])
        for place in places[1:]:
            QTest.mouseMove(self.canvas, place)
            QApplication.processEvents()
        QTest.mouseRelease(self.canvas, LEFT, PLAIN, places[-1])
        self.clicks += 1

    def press(self, key: Qt.Key, how: Qt.KeyboardModifier = PLAIN) -> None:
        """Press a key where the focus is."""
        QTest.keyClick(QApplication.focusWidget() or self.studio.window, key, how)
        self.keys += 1
        QApplication.processEvents()

    def push(self, button: QWidget) -> None:
        """Click on a button."""
        assert button.isVisible(), button
        assert button.isEnabled(), button
        QTest.mouseClick(button, LEFT)
        self.clicks += 1

    def rail(self, word: str) -> None:
        """Click on a place of the rail."""
        assert self.studio.window.rail is not None
        self.push(self.studio.window.rail.buttons[word])

    def button(self, text: str, inside: QWidget | None = None) -> QPushButton:
        """Return the button that says ``text``, once it shows."""
        found: list[QPushButton] = []

        def look() -> bool:
            buttons = (inside or self.studio.window).findChildren(QPushButton)
            found[:] = [b for b in buttons if b.text() == text and b.isVisible()]
            return bool(found)

        self.qtbot.waitUntil(look, timeout=3000)
        return found[0]

    def answer_dialog(self, *paths: Path) -> None:
        """Type a path, or several, into the file dialog that opens next."""
        text = str(paths[0]) if len(paths) == 1 else " ".join(f'"{path}"' for path in paths)

        def answer() -> None:
            dialog = QApplication.activeModalWidget()
            if not isinstance(dialog, QFileDialog):
                QTimer.singleShot(20, answer)
                return
            field = dialog.findChild(QLineEdit, "fileNameEdit")
            assert field is not None
            field.setText(text)
            QTest.keyClick(field, Qt.Key.Key_Return)

        QTimer.singleShot(20, answer)

    def drop(self, target: QWidget, *paths: Path) -> None:
        """Drop files or folders."""
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
        place, action = target.rect().center(), Qt.DropAction.CopyAction
        enter = QDragEnterEvent(place, action, data, LEFT, PLAIN)
        QApplication.sendEvent(target, enter)
        assert enter.isAccepted()
        QApplication.sendEvent(target, QDropEvent(QPointF(place), action, data, LEFT, PLAIN))

    def wait(self, condition: Callable[[], object], timeout_ms: int = WAIT_MS) -> None:
        """Run the window until something is true."""
        self.qtbot.waitUntil(lambda: bool(condition()), timeout=timeout_ms)

    def settle(self) -> None:
        """Run the window until nothing is under way."""
        self.wait(lambda: not self.studio.is_busy())
        QApplication.processEvents()

    def banner(self) -> str:
        """Return what the window's banner says, empty if it does not show."""
        banner = self.studio.window.banner
        return banner.text() if not banner.isHidden() else ""

    def draw(self, *points: tuple[float, float]) -> None:
        """Draw a polygon with the tool in hand: a click for each vertex, Enter."""
        for point in points:
            self.click(*point)
        self.press(Qt.Key.Key_Return)


@pytest.fixture
def new_studio(qapp: QApplication) -> Iterator[Callable[[], Studio]]:
    """Opens windows that are closed at the end."""
    made: list[Studio] = []

    def make() -> Studio:
        studio = Studio(qapp)
        made.append(studio)
        studio.window.show()
        studio.window.activateWindow()
        assert QTest.qWaitForWindowActive(studio.window)
        return studio

    yield make
    for studio in made:
        close(studio)


def close(studio: Studio) -> None:
    """Close a window and let Qt delete what it owns."""
    studio.window.close()
    studio.window.deleteLater()
    studio.deleteLater()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()


@pytest.fixture
def studio(new_studio: Callable[[], Studio]) -> Studio:
    """The window with its start screen."""
    return new_studio()


@pytest.fixture
def hands(studio: Studio, qtbot: QtBot) -> Hands:
    """Hands on the window."""
    return Hands(studio, qtbot)


@pytest.fixture
def photos(tmp_path: Path, write_photos: Callable[..., list[Path]]) -> Path:
    """A folder of three pictures of 320 x 240."""
    write_photos(tmp_path / "photos", 3, (320, 240))
    return tmp_path / "photos"


@pytest.fixture
def opened(hands: Hands, photos: Path) -> Hands:
    """The window with that folder open."""
    hands.studio.files.open_paths([photos])
    hands.wait(lambda: hands.session.workspace.image_id is not None)
    hands.settle()
    return hands


@pytest.fixture
def labelled(opened: Hands) -> Hands:
    """The window with two classes, a square at 40..100 on the first image and one at 150..210."""
    project = opened.session.project
    bolt, nut = project.add_class("bolt"), project.add_class("nut")
    image = project.image_ids()[0]
    squares = ((bolt, 40.0), (nut, 150.0))
    shapes = tuple(
        new_shape(image, cls.id, Polygon(((a, a), (a + 60, a), (a + 60, a + 60), (a, a + 60))))
        for cls, a in squares
    )
    project.apply(AddShapes(shapes))
    opened.press(Qt.Key.Key_V)
    opened.settle()
    return opened


@pytest.fixture
def parts(parts_dataset: Path, tmp_path: Path) -> Path:
    """A copy of the generated data set that a test may open in place; its data.yaml."""
    folder = tmp_path / "parts"
    shutil.copytree(parts_dataset.parent, folder)
    return folder / parts_dataset.name
