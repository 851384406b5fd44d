"""Fills in between key frames: what lies there is read by a thread, the edit is written when it is known."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from engine.runtime.errors import EngineError
from studio.language import tr
from studio.model.edits import Edit
from studio.model.records import Shape
from studio.storage.image_index import store_of
from studio.storage.track_gaps import plan_fill
from studio.widgets.background import Background

if TYPE_CHECKING:
    from studio.app.session import Session

_Plan = tuple[int, Edit | None] | EngineError


class GapFilling(QObject):
    """One fill at a time. Where the project changes while it is read, it is read again."""

    def __init__(self) -> None:
        super().__init__()
        self._background = Background()
        self._background.done.connect(self._on_planned)
        self._session: Session | None = None
        self._shapes: tuple[Shape, ...] = ()
        self._state = 0, 0
        self._turn = 0

    @property
    def is_running(self) -> bool:
        """Whether something is read at the moment."""
        return self._session is not None

    def start(self, session: Session, shapes: Sequence[Shape]) -> None:
        """Fill in between key shapes and the key frames of their tracks on both sides."""
        self._session, self._shapes = session, tuple(shapes)
        self._read()

    def stop(self) -> None:
        """Give it up, because the project closes, and wait for the thread."""
        self._session, self._shapes = None, ()
        self._background.clear()
        self._background.wait()

    def _read(self) -> None:
        session, shapes = self._session, self._shapes
        if session is None:
            return
        folder = session.project.folder
        self._state = store_of(session.project).db.state()
        self._turn += 1
        self._background.start(self._turn, lambda: _plan(folder, shapes))

    @Slot(object, object)
    def _on_planned(self, turn: int, plan: _Plan) -> None:
        session = self._session
        if session is None or turn != self._turn:
            return
        if store_of(session.project).db.state() != self._state:
            fresh = session.project.shapes_by_id([shape.id for shape in self._shapes])
            self._shapes = tuple(fresh)
            self._read()
            return
        self._session = None
        if isinstance(plan, EngineError):
            session.studio.show_error(plan)
            return
        gaps, edit = plan
        if not gaps:
            session.say(tr("There is no other key frame: draw the object on a later image too."))
        elif edit is None:
            session.say(tr("There is no image between the key frames, or all have the shape."))
        elif session.apply(edit) is not None:
            session.say(edit.title())


def _plan(folder: Path, shapes: tuple[Shape, ...]) -> _Plan:
    try:
        return plan_fill(folder, shapes)
    except EngineError as error:
        return error
