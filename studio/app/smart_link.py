"""Connects the smart tool with its segmenter: which image it looks at, which ones it looks at ahead."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from studio.jobs.client import JobsClient
from studio.jobs.prompter import WorkerPrompter
from studio.model.preferences import SMART_MODEL
from studio.tools.prompting import Readiness

if TYPE_CHECKING:
    from studio.app.session import Session

_TOOL = "smart"
_LOG = "segmenter.log"


class SmartLink:
    """The segmenter of one session. It starts when the tool is first taken in hand: the process takes memory.

    Args:
        session: The open session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.prompter = WorkerPrompter(
            lambda: JobsClient(session, log_path=_log_path()),
            lambda: str(session.studio.preferences[SMART_MODEL]),
            session,
        )
        session.canvas.scene.prompter = self.prompter
        self.prompter.changed.connect(self._on_changed)
        session.canvas.tool_changed.connect(self._look)
        session.workspace.image_changed.connect(self._look)
        session.canvas.picture.facts_changed.connect(self._look)

    def stop(self) -> None:
        """End the segmenter's process."""
        self.prompter.close()

    def _look(self, *_: object) -> None:
        session = self._session
        if session.canvas.tool_name != _TOOL:
            self.prompter.set_image(None)
            return
        record = session.workspace.image()
        # Segmenters read a file's first page.
        path = record.path if record is not None and not session.canvas.picture.page else None
        self.prompter.set_image(path, self._neighbours())

    def _neighbours(self) -> list[Path]:
        """Return the images that a person goes to next: the one after, the one before."""
        workspace, project = self._session.workspace, self._session.project
        place, ids = workspace.position, workspace.image_ids
        if place is None:
            return []
        near = [ids[i] for i in (place + 1, place - 1) if 0 <= i < len(ids)]
        return [record.path for record in project.images(near)]

    def _on_changed(self) -> None:
        session = self._session
        session.canvas.refresh_preview()
        if self.prompter.readiness is Readiness.FAILED:
            session.say(self.prompter.reason)


def _log_path() -> Path:
    from engine.runtime.paths import cache_dir

    return cache_dir() / _LOG
