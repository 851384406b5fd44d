"""Shows a job in the window's progress row: how far it is, Cancel, and the reason where it fails."""

from __future__ import annotations

from studio.jobs.client import Job
from studio.jobs.messages import Failed, Progress
from studio.main_window.window import MainWindow


def follow(window: MainWindow, job: Job, title: str) -> None:
    """Show a job until it has ended."""
    row = window.progress
    row.start(title)
    row.show()
    row.cancelled.connect(job.cancel)

    def on_progress(progress: Progress) -> None:
        row.set_progress(progress.done, progress.total)
        if progress.text:
            row.set_title(f"{title}: {progress.text}")

    def on_failed(failed: Failed) -> None:
        if failed.kind != "cancelled":
            window.banner.show_message(failed.message, failed.remedy, details=failed.details)

    def on_ended() -> None:
        row.cancelled.disconnect(job.cancel)
        row.finish()
        row.hide()

    job.progressed.connect(on_progress)
    job.failed.connect(on_failed)
    job.ended.connect(on_ended)
