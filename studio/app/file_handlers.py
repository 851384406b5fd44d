"""What the File actions do: open, import, export, close."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QFileDialog

from engine.runtime.errors import EngineError
from studio.app.adding import Adding
from studio.app.follow import follow
from studio.app.reports import import_sentence, tell_left, tell_problems
from studio.jobs.client import Steps
from studio.jobs.messages import Failed
from studio.language import tr
from studio.model.errors import DamagedError
from studio.storage.project_archive import is_archive
from studio.storage.project_files import (
    is_project,
    open_or_create,
    open_project,
    project_folder_for,
)

if TYPE_CHECKING:
    from studio.app.exporting import Exporting
    from studio.app.importing import Importing
    from studio.app.opening import Opening
    from studio.app.studio import Studio
    from studio.storage.dataset_import import ImportReport

# Modules of formats and their dialogs are imported where they are used: the start screen needs none of them.

_LABEL_FILES = tr("Labels (*.yaml *.yml *.json *.xml *.csv *.tsv *.txt *.ini);;All files (*)")


class FileHandlers:
    """Handlers of projects and files.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self.adding = Adding(studio)

    @cached_property
    def importing(self) -> Importing:
        """What brings labels in."""
        from studio.app.importing import Importing

        return Importing(self._studio)

    @cached_property
    def exporting(self) -> Exporting:
        """What writes data sets."""
        from studio.app.exporting import Exporting

        return Exporting(self._studio)

    # Actions

    def file_open_folder(self) -> None:
        """Ask for a folder of images and open its project."""
        if folder := self._ask_folder(tr("Open folder of images")):
            self.open_paths([folder])

    def file_open_dataset(self) -> None:
        """Ask for what describes a data set, one file or several, and open its project."""
        if paths := self._ask_labels(tr("Open data set")):
            self.open_paths(paths)

    def file_open_project(self) -> None:
        """Ask for a project folder and open it."""
        if folder := self._ask_folder(tr("Open project")):
            self.open_project(folder)

    def file_open_sample(self) -> None:
        """Open the sample project, made the first time."""
        from studio.app.sample import make_sample, sample_folder

        folder = sample_folder()
        if is_project(project_folder_for(folder)):
            self.open_project(project_folder_for(folder))
            return
        job = self._studio.jobs.call(
            lambda steps: make_sample(folder, steps.progress, steps.is_cancelled)
        )
        follow(self._studio.window, job, tr("The sample project"))
        job.finished.connect(self.open_project)

    def file_add_images(self) -> None:
        """Ask for a folder and add its images to the open project."""
        if self._studio.session and (folder := self._ask_folder(tr("Add a folder of images"))):
            self.adding.start(self._studio.session, [folder])

    def file_import_labels(self) -> None:
        """Ask for files of labels and show what they would bring into the open project."""
        session = self._studio.session
        if session is not None and (paths := self._ask_labels(tr("Import labels"))):
            self.importing.preview(session.project.folder, paths)

    def file_import_folder(self) -> None:
        """Ask for a folder of labels and show what it would bring into the open project."""
        session = self._studio.session
        if session is not None and (folder := self._ask_folder(tr("Import a folder of labels"))):
            self.importing.preview(session.project.folder, [folder])

    def file_export_dataset(self) -> None:
        """Ask what to write in which format, and write it."""
        if session := self._studio.session:
            self.exporting.ask(session)

    def file_save(self) -> None:
        """Say that there is nothing to save, or write what the disk refused."""
        if session := self._studio.session:
            if session.refused.count:
                session.refused.try_again()
                return
            session.say(tr("Everything is saved: each finished edit is written at once."))

    def file_close_project(self) -> None:
        """Close the project and show the start screen."""
        self._studio.close_session()

    def file_quit(self) -> None:
        """Close the window; trainings go on."""
        self._studio.window.close()

    # Opening

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Open what was named on the command line, chosen or dropped."""
        paths = self._studio.videos.take_videos(paths)
        if not paths:
            return
        if is_archive(paths[0]):
            self._studio.safety.unpack(paths[0], paths[1:])
            return
        from studio.app.opening import classify

        try:
            opening = classify(paths)
        except EngineError as error:
            self._studio.show_error(error)
            return
        {
            "project": self._open_known,
            "dataset": self._open_dataset,
            "images": self._open_images,
        }[opening.kind](opening)

    def open_project(self, folder: Path) -> bool:
        """Open the project in a folder; tells whether it could be."""
        session = self._studio.session
        if session is not None and session.project.folder == folder:
            self._studio.show_page("annotate")
            session.say(tr("This project is open already."))
            return True
        try:
            return self._studio.start_session(open_project(folder))
        except DamagedError as error:
            self._studio.safety.tell_damaged(folder, error)
            return False
        except EngineError as error:
            self._studio.show_error(error)
        return False

    def drop(self, paths: Sequence[Path]) -> None:
        """Add dropped images and data sets to the open project, else open them; videos are asked about."""
        paths = self._studio.videos.take_videos(paths)
        if not paths:
            return
        session = self._studio.session
        if session is None or is_project(paths[0]) or is_archive(paths[0]):
            self.open_paths(paths)
            return
        self.importing.sort(session.project.folder, paths)

    def _open_known(self, opening: Opening) -> None:
        if self.open_project(opening.project):
            self.take_more(opening.project, opening.paths)
        else:
            tell_left(self._studio.window.banner, opening.paths)

    def _open_dataset(self, opening: Opening) -> None:
        from studio.app.opening import is_description

        is_known = is_project(opening.project)
        if is_known and not self.open_project(opening.project):
            tell_left(self._studio.window.banner, opening.paths[1:])
            return
        first, *more = opening.paths
        is_described = is_description(first) or first.is_dir()
        if more or not is_described:
            self.importing.preview(opening.project, opening.paths)
        elif not is_known:
            self._import(opening.project, first)

    def _open_images(self, opening: Opening) -> None:
        try:
            project = open_or_create(opening.project)
        except EngineError as error:
            self._studio.show_error(error)
            return
        if not self._studio.start_session(project):
            return
        if len(opening.paths) > 1:
            self.take_more(opening.project, opening.paths)
            return
        if self._studio.session is not None and not project.read_only:
            self.adding.start(self._studio.session, opening.paths)
            if opening.paths[0].is_dir():
                self.importing.offer(opening.project, opening.paths[0])

    def take_more(self, folder: Path, paths: Sequence[Path]) -> None:
        """Bring what was given beside a project into it, or say what cannot come in."""
        session = self._studio.session
        if session is None or not paths:
            return
        if session.project.read_only:
            said = tr("The project is open for reading only.")
            tell_left(self._studio.window.banner, paths, said)
        else:
            self.importing.sort(folder, paths)

    # Work with progress

    def _import(self, folder: Path, source: Path) -> None:
        """Import in a thread: the project is closed meanwhile, because its database belongs to one thread."""
        from studio.app.opening import import_into

        self.in_thread(
            lambda steps: import_into(folder, source, steps.progress, steps.is_cancelled),
            tr("Importing {name}").format(
                name=source.parent.name if source.is_file() else source.name
            ),
            folder,
        )

    def keep_labels_in_step(self, source: Path) -> None:
        """From now on write the open project's labels into the label files of the data set it came from."""
        from studio.app.opening import mirror_into

        session = self._studio.session
        if session is not None:
            folder = session.project.folder
            self.in_thread(
                lambda steps: mirror_into(folder, source, steps.progress, steps.is_cancelled),
                tr("Comparing with {name}").format(name=source.parent.name),
                folder,
                "dataset",
            )

    def in_thread(
        self,
        work: Callable[[Steps], Any],
        title: str,
        folder: Path,
        page: str = "annotate",
        tell: Callable[[Any], object] | None = None,
    ) -> None:
        """Close the project, change it in a thread, and open it again whatever the outcome.

        Args:
            work: What to do; returns the report of an import, or whatever ``tell`` takes.
            title: What the progress row calls it.
            folder: The project's folder.
            page: Which page to show in the end.
            tell: Says what was done; None: as an import does.
        """
        if not self._studio.close_session():
            return
        self._studio.window.banner.hide()
        job = self._studio.jobs.call(work)
        follow(self._studio.window, job, title)
        say = tell or self._tell_imported
        job.finished.connect(lambda report: self._on_finished(folder, report, page, say))
        job.failed.connect(lambda failed: self._on_import_failed(folder, failed, page))

    def _on_finished(
        self, folder: Path, report: Any, page: str, tell: Callable[[Any], object]
    ) -> None:
        if self.open_project(folder):
            self._studio.show_page(page)
            tell(report)

    def _tell_imported(self, report: ImportReport) -> None:
        if report.skipped:
            tell_problems(self._studio.window.banner, import_sentence(report), report.skipped)
        elif self._studio.session is not None:
            self._studio.session.say(f"{import_sentence(report)}.")

    def _on_import_failed(self, folder: Path, failed: Failed, page: str) -> None:
        if is_project(folder) and self.open_project(folder):
            self._studio.show_page(page)
        if failed.kind != "cancelled":  # again, because opening a project takes old messages away
            self._studio.window.banner.show_message(
                failed.message, failed.remedy, details=failed.details
            )

    def _ask_folder(self, title: str, start: Path | None = None) -> Path | None:
        chosen = QFileDialog.getExistingDirectory(
            self._studio.window, title, str(start or self._studio.last_folder())
        )
        return Path(chosen) if chosen else None

    def _ask_labels(self, title: str) -> list[Path]:
        chosen, _ = QFileDialog.getOpenFileNames(
            self._studio.window, title, str(self._studio.last_folder()), _LABEL_FILES
        )
        return [Path(file) for file in chosen]
