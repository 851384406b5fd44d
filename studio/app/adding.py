"""Adding images to the open project, a slice at a time between events, with progress and Cancel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.runtime.errors import EngineError
from studio.app.reports import tell_problems
from studio.app.stepwise import Stepwise
from studio.language import ntr, tr
from studio.model.project import Project
from studio.storage.image_index import IndexProgress, add_files, add_folder

if TYPE_CHECKING:
    from studio.app.session import Session
    from studio.app.studio import Studio


class Adding:
    """At most one round of adding; a second one waits for the first.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._steps: Stepwise[IndexProgress] | None = None
        self._waiting: list[Path] = []

    @property
    def is_running(self) -> bool:
        """Whether images are being added."""
        return self._steps is not None

    def start(self, session: Session, paths: Sequence[Path]) -> None:
        """Add folders and single files to a session's project."""
        if self._steps is not None:
            self._waiting.extend(paths)
            return
        row = self._studio.window.progress
        row.start(tr("Adding images from {name}").format(name=paths[0].name))
        row.show()
        steps: Stepwise[IndexProgress] = Stepwise(add_all(session.project, paths), session)
        row.cancelled.connect(steps.cancel)
        steps.stepped.connect(self._on_step)
        steps.finished.connect(self._on_finished)
        steps.failed.connect(self._on_failed)
        self._steps = steps
        steps.start()

    def stop(self) -> None:
        """Give the rest up, because the project closes; what was added stays."""
        self._waiting.clear()
        if self._steps is not None:
            self._steps.cancel()

    def _on_step(self, progress: IndexProgress) -> None:
        self._studio.window.progress.set_title(
            tr("Adding images: {found:,} found").format(found=progress.found)
        )

    def _on_finished(self, progress: IndexProgress | None) -> None:
        self._end()
        if progress is None:
            return
        banner = self._studio.window.banner
        if progress.problems:
            count = ntr("{count:,} image was", "{count:,} images were", progress.added).format(
                count=progress.added
            )
            tell_problems(banner, tr("{count} added").format(count=count), progress.problems)
        elif not progress.found:
            banner.show_message(
                tr("There are no images in this folder."),
                tr("Choose a folder with JPEG, PNG, TIFF, BMP or WebP files."),
                tone="warning",
            )
        elif not progress.added and self._studio.session is not None:
            self._studio.session.say(tr("These images are in the project already."))
        self._go_on()

    def _on_failed(self, error: EngineError) -> None:
        self._end()
        self._studio.show_error(error)
        self._go_on()

    def _go_on(self) -> None:
        waiting, self._waiting = self._waiting, []
        if waiting and self._studio.session is not None:
            self.start(self._studio.session, waiting)

    def _end(self) -> None:
        row = self._studio.window.progress
        row.finish()
        row.hide()
        if self._steps is not None:
            row.cancelled.disconnect(self._steps.cancel)
            self._steps.deleteLater()
            self._steps = None


def add_all(project: Project, paths: Sequence[Path]) -> Iterator[IndexProgress]:
    """Add folders and files; yields one progress that counts over all of them.

    Raises:
        StorageError: A folder cannot be read, or the project cannot be written.
    """
    total = IndexProgress()
    files = [path for path in paths if not path.is_dir()]
    for folder in (path for path in paths if path.is_dir()):
        before = IndexProgress(total.found, total.added, problems=[*total.problems])
        for progress in add_folder(project, folder):
            total = _sum(before, progress)
            yield total
    if files:
        total = _sum(total, add_files(project, files))
    total.done = True
    yield total


def _sum(one: IndexProgress, other: IndexProgress) -> IndexProgress:
    problems = [*one.problems, *other.problems]
    return IndexProgress(one.found + other.found, one.added + other.added, problems=problems)
