"""Edits of very many images: written by a thread while the project is closed, so that the window waits for no disk."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from studio.jobs.client import Steps
from studio.language import ntr, tr
from studio.model.edits import Edit
from studio.model.errors import CancelledError
from studio.model.project import Project
from studio.storage.project_files import writable_project

if TYPE_CHECKING:
    from studio.app.studio import Studio

Change = Callable[[Project], Edit | None]
MANY = 5000  # images: fewer are written before anybody notices


class HeavyEdits:
    """Takes over edits that would hold the window up; all others are left to the caller.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def take(self, count: int, make: Change, work: int = 0) -> bool:
        """Apply an edit in a thread if it is one of many images; tells whether that was begun.

        Args:
            count: How many images it touches.
            make: Returns the edit for the project as it is; None: there is nothing to do. Called in the thread.
            work: How many images it is worth, where that is more than it touches.
        """

        def change(project: Project) -> Edit | None:
            edit = make(project)
            return None if edit is None else project.apply(edit)

        title = ntr("Changing {count:,} image", "Changing {count:,} images", count)
        size = max(count, work)
        return self._begin(size, change, title.format(count=count), tr("Done: {title}"))

    def take_edit(self, edit: Edit) -> bool:
        """Apply an edit that is made already in a thread if it is one of many images; tells whether that was begun."""
        return self._begin(
            edit.image_count(),
            lambda project: project.apply(edit),
            edit.title(),
            tr("Done: {title}"),
        )

    def step(self, back: bool) -> bool:
        """Undo or redo in a thread if that touches many images; tells whether it was begun."""
        session = self._studio.session
        if session is None:
            return False
        title = tr("Undoing a large change") if back else tr("Doing a large change again")
        said = tr("Undone: {title}") if back else tr("Done again: {title}")
        size = session.project.step_size(back)
        return self._begin(size, Project.undo if back else Project.redo, title, said)

    def _begin(self, size: int, change: Change, title: str, said: str) -> bool:
        session = self._studio.session
        if session is None or size <= MANY or session.project.read_only:
            return False  # why a project is for reading only is told where it refuses the edit
        folder = session.project.folder
        self._studio.files.in_thread(
            lambda steps: write(folder, change, steps),
            title,
            folder,
            self._studio.window.current_page(),
            lambda edit: self._tell(said, edit),
        )
        return True

    def _tell(self, said: str, edit: object) -> None:
        if self._studio.session is not None:
            words = said.format(title=edit.title()) if isinstance(edit, Edit) else ""
            self._studio.session.say(words or tr("There was nothing to change."))


def write(folder: Path, change: Change, steps: Steps) -> Edit | None:
    """Change the project in ``folder`` as a whole; for a thread.

    Raises:
        EngineError: It does not fit, or cannot be written.
        CancelledError: It was given up; nothing was changed.
    """
    with writable_project(folder) as project, project.store.transaction():
        edit = change(project)
        if steps.is_cancelled():
            raise CancelledError(tr("Cancelled; nothing was changed."))
        return edit
