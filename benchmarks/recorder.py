"""What a widget was sent by mouse and keyboard, and when: a session that was recorded as the window lived it."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QWidget

_MOUSE = {
    QEvent.Type.MouseMove: "move",
    QEvent.Type.MouseButtonPress: "press",
    QEvent.Type.MouseButtonRelease: "release",
    QEvent.Type.MouseButtonDblClick: "double",
}
# A key that belongs to a shortcut of the window never comes as a press of its own: this comes for each.
_KEY = QEvent.Type.ShortcutOverride


class Recorder(QObject):
    """Listens to the events of a widget; it takes none of them away.

    Attributes:
        rows: One dictionary an event: ``seconds`` since the start, ``kind``, ``image``; of the mouse ``x`` and ``y`` in
            the picture's pixels and the ``button``, of the keyboard the ``key``.

    Args:
        widget: Whose events.
        place: From a place in the widget to one in the picture.
        image: Tells the name of the picture that is shown.
    """

    def __init__(
        self,
        widget: QWidget,
        place: Callable[[QPointF], tuple[float, float]],
        image: Callable[[], str],
    ) -> None:
        super().__init__(widget)
        self.rows: list[dict[str, Any]] = []
        self._place, self._image = place, image
        self._start = time.perf_counter()
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Note an event of mouse or keyboard."""
        if isinstance(event, QMouseEvent) and event.type() in _MOUSE:
            x, y = self._place(event.position())
            self._note(_MOUSE[event.type()], x=round(x, 1), y=round(y, 1), button=_button(event))
        elif isinstance(event, QKeyEvent) and event.type() == _KEY:
            self._note("key", key=Qt.Key(event.key()).name.removeprefix("Key_"))
        return super().eventFilter(watched, event)

    def kinds(self) -> Counter[str]:
        """Return how many events of each kind there were."""
        return Counter(row["kind"] for row in self.rows)

    def drags(self) -> int:
        """Return how many presses were let go somewhere else."""
        places = [row for row in self.rows if row["kind"] in ("press", "double", "release")]
        return sum(
            first["kind"] != "release" and _at(first) != _at(second)
            for first, second in pairwise(places)
        )

    def write(self, path: Path) -> None:
        """Write the session, a line of JSON an event."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in self.rows), encoding="utf-8")

    def _note(self, kind: str, **what: object) -> None:
        seconds = round(time.perf_counter() - self._start, 4)
        self.rows.append({"seconds": seconds, "kind": kind, "image": self._image(), **what})


def _button(event: QMouseEvent) -> str:
    """Return the button of an event; of a move those that are held."""
    held = event.button() if event.button() != Qt.MouseButton.NoButton else event.buttons()
    names = {
        Qt.MouseButton.LeftButton: "left",
        Qt.MouseButton.RightButton: "right",
        Qt.MouseButton.MiddleButton: "middle",
    }
    return next((name for button, name in names.items() if held & button), "")


def _at(row: dict[str, Any]) -> tuple[float, float]:
    return row["x"], row["y"]
