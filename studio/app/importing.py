"""Importing labels: read in a thread, shown before anything is written, written in a thread, one clean step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from engine.data.formats import FORMATS
from engine.data.formats.pictures import is_picture_name
from studio.app.follow import follow
from studio.app.opening import stoppable
from studio.app.reports import tell_left
from studio.dialogs.import_preview import ImportPreviewDialog
from studio.jobs.client import Steps
from studio.language import tr
from studio.storage.dataset_import import ImportReport, Present, import_all
from studio.storage.import_preview import ImportPreview, preview_import
from studio.storage.import_reading import (
    Sources,
    find_sources,
    name_of,
    read_several,
    why_by_itself,
)
from studio.storage.project_files import is_project, open_project, writable_project

if TYPE_CHECKING:
    from engine.data.formats.discover import Found
    from studio.app.studio import Studio


class Importing:
    """From a path to a report.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.dialog: ImportPreviewDialog | None = None

    def preview(self, folder: Path, paths: Sequence[Path]) -> None:
        """Read files and folders and show what they would bring into a project; the window goes on meanwhile.

        Args:
            folder: The project's folder; it may not exist yet.
            paths: Files and folders with labels, also pictures and folders of them beside.
        """
        job = self._studio.jobs.call(lambda steps: read_preview(folder, paths, steps))
        follow(self._studio.window, job, tr("Reading {name}").format(name=name_of(paths)))
        job.finished.connect(lambda preview: self._show(folder, preview))

    def sort(self, folder: Path, paths: Sequence[Path]) -> None:
        """Take what was dropped on an open project: with labels all is shown first, else the images are added.

        Other projects among it cannot come into this one, which is said.
        """
        others = [path for path in paths if not why_by_itself(path)]
        if not others:
            self._tell_projects(paths)
        elif all(is_picture_name(path.name) for path in others if not path.is_dir()):
            folders = [path for path in others if path.is_dir()]
            job = self._studio.jobs.call(lambda _: any(find_sources(path) for path in folders))
            job.finished.connect(lambda labelled: self._sorted(folder, paths, labelled))
        else:
            self.preview(folder, paths)

    def _sorted(self, folder: Path, paths: Sequence[Path], labelled: bool) -> None:
        session = self._studio.session
        if session is None or session.project.folder != folder:
            return
        if labelled:
            self.preview(folder, paths)
            return
        self._tell_projects([path for path in paths if why_by_itself(path)])
        images = [path for path in paths if not why_by_itself(path)]
        self._studio.files.adding.start(session, images)

    def _tell_projects(self, projects: Sequence[Path]) -> None:
        if projects:
            tell_left(self._studio.window.banner, projects, why_by_itself(projects[0]))

    def offer(self, folder: Path, source: Path) -> None:
        """Look for labels beside images that were opened, and offer to import them."""
        job = self._studio.jobs.call(lambda _: find_sources(source))
        job.finished.connect(lambda found: self._offer(folder, source, found))

    def _offer(self, folder: Path, source: Path, found: list[Found]) -> None:
        session = self._studio.session
        if not found or session is None or session.project.folder != folder:
            return
        if session.project.read_only:
            return
        self._studio.window.banner.show_message(
            tr("{name} holds labels: {titles}.").format(name=source.name, titles=_titles(found)),
            tr("Import them, or go on without."),
            tone="info",
            action_text=tr("Import labels"),
            action=lambda: self.preview(folder, [source]),
        )

    def _show(self, folder: Path, preview: ImportPreview) -> None:
        """Show the preview beside the canvas; nothing waits for an answer."""
        if self.dialog is not None:
            self.dialog.close()
        dialog = ImportPreviewDialog(preview, self._studio.window)
        dialog.chosen.connect(lambda c, present: self._write(folder, preview.sources, c, present))
        dialog.destroyed.connect(self._on_closed)
        self.dialog = dialog
        dialog.show()

    def _on_closed(self) -> None:
        self.dialog = None

    def _write(
        self, folder: Path, sources: Sources, classes: Mapping[str, str | None], present: Present
    ) -> None:
        self._studio.files.in_thread(
            lambda steps: write_sources(folder, sources, dict(classes), present, steps),
            tr("Importing {name}").format(name=sources.name),
            folder,
        )


def read_preview(folder: Path, paths: Sequence[Path], steps: Steps) -> ImportPreview:
    """Read files and folders and compare them with the project in ``folder``; for a thread.

    Raises:
        EngineError: Nothing in it can be read.
        CancelledError: It was given up.
    """
    tell = stoppable(steps.progress, steps.is_cancelled)
    sources = read_several(paths, lambda done, total: tell(done, total, ""))

    def counting(done: int, total: int) -> None:
        tell(done, total, "counting")

    if not is_project(folder):
        return preview_import(sources, None, counting)
    with open_project(folder, read_only=True) as project:
        return preview_import(sources, project, counting)


def write_sources(
    folder: Path,
    sources: Sources,
    classes: Mapping[str, str | None],
    present: Present,
    steps: Steps,
) -> ImportReport:
    """Import what was read into the project in ``folder``, made if needed; for a thread.

    Raises:
        EngineError: The project cannot be written.
        CancelledError: It was given up; nothing was imported.
    """
    tell = stoppable(steps.progress, steps.is_cancelled)
    with writable_project(folder) as project:
        return import_all(
            project,
            sources.datasets,
            present,
            lambda done, total: tell(done, total, ""),
            classes,
            sources.problems,
        )


def _titles(found: list[Found]) -> str:
    """Return the formats that were found."""
    titles = {entry.name: tr(entry.title) for entry in FORMATS}
    return ", ".join(dict.fromkeys(titles.get(one.format, one.format) for one in found))
