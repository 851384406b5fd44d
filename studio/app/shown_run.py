"""A run over many images that the window shows: its progress with Cancel, and what went wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from studio.jobs.messages import Failed, Progress
from studio.jobs.suggest_run import SuggestRun
from studio.jobs.track_run import TrackRun

if TYPE_CHECKING:
    from studio.app.studio import Studio

Run = SuggestRun | TrackRun


class ShownRun:
    """One run at a time in the window's progress row.

    Args:
        studio: The application's parts.
        words: Returns what the row says of a progress.
        take: Gets what a run that ended well found; not called once the project is closed.
    """

    def __init__(
        self,
        studio: Studio,
        words: Callable[[Progress], str],
        take: Callable[[Any], object],
    ) -> None:
        self._studio, self._words, self._take = studio, words, take
        self._run: Run | None = None

    @property
    def is_running(self) -> bool:
        """Whether a run is on its way."""
        return self._run is not None

    def follow(self, run: Run, title: str) -> None:
        """Show a run, which starts by itself, until it ends."""
        row = self._studio.window.progress
        row.start(title)
        row.show()
        row.cancelled.connect(run.cancel)
        run.progressed.connect(self._on_progress)
        run.finished.connect(self._on_finished)
        run.failed.connect(self._on_failed)
        self._run = run

    def leave(self) -> None:
        """Give the run up, because the project closes; what was found stays."""
        if self._run is not None:
            self._run.leave()
            self._end()

    def _on_progress(self, progress: Progress) -> None:
        row = self._studio.window.progress
        row.set_progress(progress.done, progress.total)
        row.set_title(self._words(progress))

    def _on_finished(self, found: Any) -> None:
        self._end()
        if self._studio.session is not None:
            self._take(found)

    def _on_failed(self, failed: Failed) -> None:
        self._end()
        self._studio.window.banner.show_message(
            failed.message, failed.remedy, details=failed.details
        )

    def _end(self) -> None:
        row = self._studio.window.progress
        if self._run is not None:
            row.cancelled.disconnect(self._run.cancel)
            self._run.deleteLater()
            self._run = None
        row.finish()
        row.hide()
