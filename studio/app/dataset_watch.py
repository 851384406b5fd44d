"""What is looked after while a project is open: files that are gone, splits that a new version uses."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer

from studio.jobs.client import JobsClient
from studio.model.project import Project
from studio.storage.split_locks import Locks, find_locks, has_newer_versions, keep_locks

_PATIENCE_MS = 1500  # the first images come first


class DatasetWatch(QObject):
    """Looks once after opening, and for new versions whenever asked to.

    Args:
        project: The open project.
        jobs: Runs what reads many files.
        look_for_files: Looks in a thread whether every file is there.
        parent: Ends the watch when it goes.
    """

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        look_for_files: Callable[[], object],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._project, self._jobs = project, jobs
        self._is_locking = False
        self._is_over = False
        self._look_for_files = look_for_files
        self._begin = QTimer(self)
        self._begin.setSingleShot(True)
        self._begin.timeout.connect(self._on_begin)
        self._begin.start(_PATIENCE_MS)

    def stop(self) -> None:
        """Look after nothing any more: the project closes."""
        self._is_over = True
        self._begin.stop()

    def lock_new_versions(self, *_: object) -> None:
        """Lock the splits of versions that were made since; reads their lists in a thread."""
        if self._is_locking or self._is_over or self._project.read_only:
            return
        if has_newer_versions(self._project):
            self._is_locking = True
            folder = self._project.folder
            job = self._jobs.call(lambda _steps: find_locks(folder))
            job.finished.connect(self._on_locks)
            job.ended.connect(self._on_locked)

    def _on_begin(self) -> None:
        self._look_for_files()
        self.lock_new_versions()

    def _on_locks(self, locks: Locks) -> None:
        if not self._is_over and keep_locks(self._project, locks):
            self._project.images_changed.emit()

    def _on_locked(self) -> None:
        self._is_locking = False
