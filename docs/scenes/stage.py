"""The window and the hands that work on it: real mouse and key events, and waiting for what they bring."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QCoreApplication, QEvent, QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from docs.scenes.scene import Shot

if TYPE_CHECKING:
    from pathlib import Path

    from engine.data.annotations import Annotation
    from studio.app.session import Session
    from studio.app.studio import Studio

LEFT, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
PLAIN = Qt.KeyboardModifier.NoModifier
SHIFT, CTRL = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier
ALT = Qt.KeyboardModifier.AltModifier
NUT, BOLT, WASHER, GEAR = range(4)  # classes of the sample, in its order
_SAMPLE_SIZE, _SAMPLE_SEED = (480, 360), 0
_QUIET_S = 0.12  # so long nothing may be under way
_LIMIT_S = 300.0


class Stage:
    """One window.

    Args:
        studio: The application.
        home: Its home folder.

    Attributes:
        clicks: Mouse presses so far.
        keys: Keys pressed so far; typed text counts each letter.
    """

    def __init__(self, studio: Studio, home: Path) -> None:
        self.studio, self.home = studio, home
        self.clicks = self.keys = 0

    @property
    def session(self) -> Session:
        """The open project's session."""
        if self.studio.session is None:
            raise RuntimeError("no project is open")
        return self.studio.session

    @property
    def canvas(self) -> Any:
        """The canvas of the open project."""
        return self.session.canvas

    # -- waiting

    def wait(self, condition: Callable[[], object], limit_s: float = _LIMIT_S) -> None:
        """Run the window until something is true.

        Raises:
            TimeoutError: It did not come true.
        """
        end = time.monotonic() + limit_s
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the window did not come to what was waited for")
            QTest.qWait(15)

    def settle(self, quiet_s: float = _QUIET_S) -> None:
        """Run the window until nothing has been under way for a while."""
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        since = time.monotonic()
        end = since + _LIMIT_S
        while time.monotonic() - since < quiet_s:
            QTest.qWait(15)
            if self.studio.is_busy():
                since = time.monotonic()
            if since > end:
                raise TimeoutError("the window does not come to rest")

    # -- hands

    def place(self, x: float, y: float) -> QPoint:
        """Return the canvas's pixel at an image point."""
        left, top = self.canvas.viewport.to_device(x, y)
        return QPoint(round(left), round(top))

    def move(self, x: float, y: float) -> None:
        """Move the mouse over the canvas to an image point."""
        place = self.place(x, y)
        QTest.mouseMove(self.canvas, place + QPoint(3, 2))  # a mouse that is there moves nothing
        QApplication.processEvents()
        QTest.mouseMove(self.canvas, place)
        QApplication.processEvents()

    def click(self, x: float, y: float, how: Qt.KeyboardModifier = PLAIN) -> None:
        """Click on the canvas at an image point."""
        self.move(x, y)
        QTest.mouseClick(self.canvas, LEFT, how, self.place(x, y))
        self.clicks += 1

    def press(self, *stops: tuple[float, float], how: Qt.KeyboardModifier = PLAIN) -> None:
        """Press on the canvas at the first image point and drag on to the last."""
        self.move(*stops[0])
        QTest.mousePress(self.canvas, LEFT, how, self.place(*stops[0]))
        for stop in stops[1:]:
            QTest.mouseMove(self.canvas, self.place(*stop))
            QApplication.processEvents()
        self.clicks += 1

    def let_go(self, x: float, y: float, how: Qt.KeyboardModifier = PLAIN) -> None:
        """Let the button go at an image point."""
        QTest.mouseRelease(self.canvas, LEFT, how, self.place(x, y))
        QApplication.processEvents()

    def drag(self, *stops: tuple[float, float], how: Qt.KeyboardModifier = PLAIN) -> None:
        """Press at the first image point, let go at the last."""
        self.press(*stops, how=how)
        self.let_go(*stops[-1], how=how)

    def wheel(self, x: float, y: float, notches: int, how: Qt.KeyboardModifier = PLAIN) -> None:
        """Turn the wheel over an image point."""
        place = QPointF(self.place(x, y))
        event = QWheelEvent(
            place, QPointF(self.canvas.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, 120 * notches),
            Qt.MouseButton.NoButton, how, Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(self.canvas, event)
        QApplication.processEvents()

    def key(self, key: Qt.Key, how: Qt.KeyboardModifier = PLAIN, on: QWidget | None = None) -> None:
        """Press a key on a widget; None: on the canvas."""
        QTest.keyClick(on or self.canvas, key, how)
        self.keys += 1
        QApplication.processEvents()

    def write(self, widget: QWidget, text: str) -> None:
        """Type a text."""
        QTest.keyClicks(widget, text)
        self.keys += len(text)
        QApplication.processEvents()

    def push(self, widget: QWidget) -> None:
        """Click on a control."""
        QTest.mouseClick(widget, LEFT)
        self.clicks += 1
        QApplication.processEvents()

    # -- places

    def picture(self, number: int, classes: bool = True) -> None:
        """Show an unlabelled picture of the sample, fitted, without shapes or suggestions.

        Args:
            number: As its file is numbered.
            classes: Also take the first class in hand.
        """
        self.studio.show_page("annotate")
        project, workspace = self.session.project, self.session.workspace
        found = next(
            record
            for record in project.images(project.image_ids())
            if record.path.name.startswith(f"parts_{number:04d}")
        )
        workspace.go_to(found.id)
        if project.suggestions(found.id):
            project.reject_suggestions(found.id)
        self.clear()
        if classes:
            self.take_class(NUT)
        self.studio.window.status.clearMessage()
        self.canvas.setFocus()
        self.settle()
        self.canvas.fit()

    def clear(self) -> None:
        """Take all shapes of the picture away."""
        from studio.model.edits import RemoveShapes

        image_id = self.session.workspace.image_id
        shapes = self.session.project.shapes(image_id) if image_id is not None else []
        if shapes:
            self.session.apply(RemoveShapes(tuple(shapes)))

    def labelled(self, number: int, *which: int) -> list[int]:
        """Show a picture with some of its true outlines and return their ids; none named: all."""
        from studio.model.edits import AddShapes
        from studio.model.records import new_shape

        self.picture(number)
        image_id = self.session.workspace.image_id or 0
        truth = self.truth(number)
        chosen = [truth[i] for i in which] if which else truth
        ids = [cls.id for cls in self.session.project.classes()]
        edit = AddShapes(tuple(new_shape(image_id, ids[a.class_id], a.geometry) for a in chosen))
        self.session.apply(edit)
        self.settle()
        return sorted(shape.id for shape in self.session.project.shapes(image_id))

    def take_class(self, number: int) -> None:
        """Choose the class of the next shape, as its key does."""
        self.session.workspace.choose_class(self.session.project.classes()[number].id)

    def truth(self, number: int) -> list[Annotation]:
        """Return what a picture of the sample shows, in the order of drawing."""
        return list(_truth(number))

    def ring(self, number: int, which: int) -> list[tuple[float, float]]:
        """Return the true outline of an object of the sample."""
        return list(self.truth(number)[which].geometry.exterior)  # type: ignore[union-attr]

    def page(self, name: str) -> None:
        """Go to a page by its button in the rail."""
        self.studio.show_page(name)
        self.settle()

    # -- pictures

    def window(self, over: QWidget | None = None) -> Shot:
        """Return the whole window, another one over it if there is one."""
        return Shot(self.studio.window, over=over)

    def work(self) -> Shot:
        """Return the tools, their options and the canvas, without the docks and the filmstrip."""
        annotate = self.session.annotate
        center = annotate.canvas.parentWidget()
        return Shot(center, QRect(0, 0, center.width(), annotate.filmstrip.y()))


@cache
def _truth(number: int) -> tuple[Annotation, ...]:
    from engine.data.synthetic.scene import draw_scene

    return draw_scene((_SAMPLE_SEED, number), _SAMPLE_SIZE).annotations


def middle(ring: Iterable[tuple[float, float]]) -> tuple[float, float]:
    """Return the middle of the box around some points."""
    xs, ys = zip(*ring, strict=True)
    return (min(xs) + max(xs)) / 2, (min(ys) + max(ys)) / 2
