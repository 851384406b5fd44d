"""One job at a time with its progress, its Cancel and its failure, for panels that start such jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.jobs.client import Job
from studio.jobs.messages import Failed, Progress
from studio.widgets.message_banner import MessageBanner
from studio.widgets.progress_row import ProgressRow


class ShownJob(QObject):
    """Follows a job; the panel lays out the row and the banner wherever they fit.

    Signals:
        ended(): The job is over, one way or another; another may start.

    Attributes:
        progress: How far the job is, with Cancel; shown only while one runs.
        banner: What went wrong; a job that the person cancelled says nothing.
    """

    ended = Signal()

    def __init__(self, title: str, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._job: Job | None = None
        self._keeps_title = False
        self.progress = ProgressRow(title)
        self.progress.cancelled.connect(self.cancel)
        self.progress.hide()
        self.banner = MessageBanner()

    @property
    def is_running(self) -> bool:
        """Whether a job is on its way."""
        return self._job is not None

    def follow(
        self,
        job: Job,
        title: str,
        take: Callable[[Any], object],
        *,
        keeps_title: bool = False,
    ) -> None:
        """Show this job until it ends; one at a time.

        Args:
            job: What was started.
            title: What it does, until it says so itself.
            take: Gets its result.
            keeps_title: The title says more than what the job says of its steps.
        """
        self._job, self._keeps_title = job, keeps_title
        self.progress.start(title)
        self.progress.show()
        job.progressed.connect(self._on_progress)
        job.finished.connect(take)
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_ended)

    def cancel(self) -> None:
        """Give the job up; it ends when it has heard of it."""
        if self._job is not None:
            self._job.cancel()

    def _on_progress(self, progress: Progress) -> None:
        self.progress.set_progress(progress.done, progress.total)
        if progress.text and not self._keeps_title:
            self.progress.set_title(progress.text)

    def _on_failed(self, failed: Failed) -> None:
        if failed.kind != "cancelled":
            self.banner.show_message(failed.message, failed.remedy, details=failed.details)

    def _on_ended(self) -> None:
        self._job = None
        self.progress.hide()
        self.ended.emit()
