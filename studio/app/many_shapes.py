"""Brings thousands of shapes onto the canvas without a pause: read by a thread, taken over a few hundred at a time."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Slot

from engine.runtime.errors import EngineError
from studio.canvas.view import CanvasView
from studio.model.project import Project
from studio.model.records import Shape
from studio.storage.project_files import open_project
from studio.widgets.background import Background

SLICE = 400  # shapes: some 10 ms


class ManyShapes(QObject):
    """Loads one image at a time; what is edited meanwhile comes from whoever edits.

    Args:
        canvas: It gets the shapes.
        project: The open project; the thread opens its folder for itself, to read.
    """

    def __init__(self, canvas: CanvasView, project: Project) -> None:
        super().__init__(canvas)
        self._canvas, self._project = canvas, project
        self._background = Background()
        self._background.done.connect(self._on_read)
        self._turn = self._image_id = 0
        self._is_reading = False
        self._waiting: list[Shape] = []
        self._edited: set[int] = set()
        self._timer = QTimer(self)
        self._timer.setInterval(0)
        self._timer.timeout.connect(self._take_slice)

    @property
    def is_busy(self) -> bool:
        """Whether shapes of the image are still to come."""
        return self._is_reading or bool(self._waiting)

    def load(self, image_id: int) -> None:
        """Bring the shapes of an image onto the canvas, which shows none of them yet."""
        self.stop()
        self._is_reading = True
        folder, self._image_id = self._project.folder, image_id
        self._background.start(self._turn, lambda: _read(folder, image_id))

    def stop(self) -> None:
        """Forget what was under way: another image is shown."""
        self._turn += 1
        self._is_reading = False
        self._waiting, self._edited = [], set()
        self._timer.stop()

    def leave_out(self, shape_ids: Iterable[int]) -> None:
        """Do not bring these shapes: the canvas has them as they are by now, or they are gone."""
        if self.is_busy:
            self._edited.update(shape_ids)

    def close(self) -> None:
        """Stop, and wait for the thread."""
        self.stop()
        self._background.clear()
        self._background.wait()

    @Slot(object, object)
    def _on_read(self, turn: int, shapes: list[Shape] | None) -> None:
        if turn == self._turn:
            self._is_reading = False
            self._waiting = self._project.shapes(self._image_id) if shapes is None else shapes
            self._take_slice()
            self._timer.start()

    def _take_slice(self) -> None:
        taken, self._waiting = self._waiting[:SLICE], self._waiting[SLICE:]
        self._canvas.update_shapes([s for s in taken if s.id not in self._edited])
        if not self._waiting:
            self._timer.stop()


def _read(folder: Path, image_id: int) -> list[Shape] | None:
    try:
        with open_project(folder, read_only=True) as project:
            return project.shapes(image_id)
    except EngineError:  # the window's own connection reads them then, or says why it cannot
        return None
