"""What the File actions do: open, import, export, close."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from engine.data.problems import Problem
from engine.runtime.errors import EngineError
from studio.app.opening import Opening, classify, import_into
from studio.app.sample import make_sample, sample_folder
from studio.app.stepwise import Stepwise
from studio.jobs.client import Job, Steps
from studio.jobs.messages import Failed, Progress
from studio.storage.dataset_export import ExportReport, export_dataset
from studio.storage.dataset_import import ImportReport
from studio.storage.image_index import IndexProgress, add_files, add_folder
from studio.storage.project_files import (
    is_project,
    open_or_create,
    open_project,
    project_folder_for,
)

if TYPE_CHECKING:
    from studio.app.studio import Studio

_SHOWN_PROBLEMS = 200  # lines of an import's details; more nobody reads


class FileHandlers:
    """Handlers of projects and files.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._adding: Stepwise[IndexProgress] | None = None

    @property
    def is_adding(self) -> bool:
        """Whether images are being added."""
        return self._adding is not None

    # Actions

    def file_open_folder(self) -> None:
        """Ask for a folder of images and open its project."""
        if folder := self._ask_folder("Open folder of images"):
            self.open_paths([folder])

    def file_open_dataset(self) -> None:
        """Ask for a data.yaml and open its project."""
        if path := self._ask_yaml("Open YOLO data set"):
            self.open_paths([path])

    def file_open_project(self) -> None:
        """Ask for a project folder and open it."""
        if folder := self._ask_folder("Open project"):
            self.open_project(folder)

    def file_open_sample(self) -> None:
        """Open the sample project, made the first time."""
        folder = sample_folder()
        if is_project(project_folder_for(folder)):
            self.open_project(project_folder_for(folder))
            return
        job = self._studio.jobs.call(lambda steps: make_sample(folder, steps.progress))
        self._follow(job, "Drawing the sample project")
        job.finished.connect(self.open_project)

    def file_add_images(self) -> None:
        """Ask for a folder and add its images to the open project."""
        if self._studio.session and (folder := self._ask_folder("Add a folder of images")):
            self._add_folder(folder)

    def file_import_labels(self) -> None:
        """Ask for a data.yaml and import it into the open project."""
        session = self._studio.session
        if session is not None and (path := self._ask_yaml("Import data set")):
            self._import(session.project.folder, path)

    def file_export_dataset(self) -> None:
        """Ask for a folder and write the project as a YOLO data set."""
        session = self._studio.session
        if session is None:
            return
        folder = self._ask_folder(
            "Export data set into an empty folder", session.project.exports_dir
        )
        if folder is None:
            return
        source = session.project.folder

        def work(_steps: Steps) -> ExportReport:
            with open_project(source, read_only=True) as project:
                return export_dataset(project, folder, "yolo")

        job = self._studio.jobs.call(work)
        self._follow(job, "Exporting the data set")
        job.finished.connect(lambda report: self._tell_export(report, folder))

    def file_save(self) -> None:
        """Say that there is nothing to save."""
        if session := self._studio.session:
            session.say("Everything is saved: each finished edit is written at once.")

    def file_close_project(self) -> None:
        """Close the project and show the start screen."""
        self._studio.close_session()

    def file_quit(self) -> None:
        """Close the window; trainings go on."""
        self._studio.window.close()

    # Opening

    def open_paths(self, paths: list[Path]) -> None:
        """Open what was named on the command line, chosen or dropped."""
        try:
            opening = classify(paths)
        except EngineError as error:
            self._studio.show_error(error)
            return
        {
            "project": self._open_known,
            "dataset": self._open_dataset,
            "images": self._open_images,
            "files": self._open_files,
        }[opening.kind](opening)

    def open_project(self, folder: Path) -> None:
        """Open the project in a folder."""
        try:
            self._studio.start_session(open_project(folder))
        except EngineError as error:
            self._studio.show_error(error)

    def drop(self, paths: list[Path]) -> None:
        """Add dropped images to the open project, else open them."""
        session = self._studio.session
        if session is None or (paths[0].is_dir() and is_project(paths[0])):
            self.open_paths(paths)
        elif paths[0].is_dir():
            self._add_folder(paths[0])
        else:
            session.attempt(lambda: add_files(session.project, paths))

    def _open_known(self, opening: Opening) -> None:
        self.open_project(opening.project)

    def _open_dataset(self, opening: Opening) -> None:
        if is_project(opening.project):
            self.open_project(opening.project)
        else:
            self._import(opening.project, opening.paths[0])

    def _open_images(self, opening: Opening) -> None:
        try:
            project = open_or_create(opening.project)
        except EngineError as error:
            self._studio.show_error(error)
            return
        self._studio.start_session(project)
        self._add_folder(opening.paths[0])

    def _open_files(self, opening: Opening) -> None:
        try:
            project = open_or_create(opening.project)
        except EngineError as error:
            self._studio.show_error(error)
            return
        self._studio.start_session(project)
        self.drop(list(opening.paths))

    # Work with progress

    def _add_folder(self, folder: Path) -> None:
        session = self._studio.session
        if session is None:
            return
        row = self._studio.window.progress
        row.start(f"Adding images from {folder.name}")
        row.show()
        steps: Stepwise[IndexProgress] = Stepwise(add_folder(session.project, folder), session)
        row.cancelled.connect(steps.cancel)
        steps.finished.connect(self._on_added)
        steps.failed.connect(self._on_add_failed)
        self._adding = steps
        steps.start()

    def _on_added(self, progress: IndexProgress | None) -> None:
        self._end_adding()
        if progress is None:
            return
        if not progress.found and not progress.problems:
            self._studio.window.banner.show_message(
                "There are no images in this folder.",
                "Choose a folder with JPEG, PNG, TIFF, BMP or WebP files.",
                tone="warning",
            )
        elif progress.problems:
            self._tell_problems(f"{progress.added} images were added", progress.problems)

    def _on_add_failed(self, error: EngineError) -> None:
        self._end_adding()
        self._studio.show_error(error)

    def _end_adding(self) -> None:
        row = self._studio.window.progress
        row.finish()
        row.hide()
        if self._adding is not None:
            row.cancelled.disconnect(self._adding.cancel)
            self._adding.deleteLater()
            self._adding = None

    def _import(self, folder: Path, source: Path) -> None:
        """Import in a thread: the project is closed meanwhile, because its database belongs to one thread."""
        self._studio.close_session()
        job = self._studio.jobs.call(lambda steps: import_into(folder, source, steps.progress))
        self._follow(job, f"Importing {source.parent.name}")
        job.finished.connect(lambda report: self._on_imported(folder, report))
        job.failed.connect(lambda _failed: is_project(folder) and self.open_project(folder))

    def _on_imported(self, folder: Path, report: ImportReport) -> None:
        self.open_project(folder)
        said = f"{report.images:,} images and {report.annotations:,} shapes were imported"
        if report.skipped:
            self._tell_problems(said, report.skipped)
        elif self._studio.session:
            self._studio.session.say(f"{said}.")

    def _tell_problems(self, said: str, problems: Sequence[Problem]) -> None:
        count = "1 was left out" if len(problems) == 1 else f"{len(problems):,} were left out"
        self._studio.window.banner.show_message(
            f"{said}; {count}.",
            "Details names each file and line with the reason.",
            tone="warning",
            details="\n".join(str(problem) for problem in problems[:_SHOWN_PROBLEMS]),
        )

    def _tell_export(self, report: ExportReport, folder: Path) -> None:
        values = report.to_dict()
        lost = values.get("lost") or []
        self._studio.window.banner.show_message(
            f"{values['images']:,} images with {values['annotations']:,} labels were written to {folder}.",
            f"{len(lost)} things do not fit the format; see Details." if lost else "",
            tone="warning" if lost else "success",
            details="\n".join(map(str, lost)),
        )

    def _follow(self, job: Job, title: str) -> None:
        row = self._studio.window.progress
        row.start(title)
        row.show()

        def on_progress(progress: Progress) -> None:
            row.set_progress(progress.done, progress.total)

        def on_failed(failed: Failed) -> None:
            if failed.kind != "cancelled":
                self._studio.window.banner.show_message(
                    failed.message, failed.remedy, details=failed.details
                )

        def on_ended() -> None:
            row.finish()
            row.hide()

        job.progressed.connect(on_progress)
        job.failed.connect(on_failed)
        job.ended.connect(on_ended)

    def _ask_folder(self, title: str, start: Path | None = None) -> Path | None:
        chosen = QFileDialog.getExistingDirectory(
            self._studio.window, title, str(start or self._studio.last_folder())
        )
        return Path(chosen) if chosen else None

    def _ask_yaml(self, title: str) -> Path | None:
        chosen, _ = QFileDialog.getOpenFileName(
            self._studio.window, title, str(self._studio.last_folder()), "Data set (*.yaml *.yml)"
        )
        return Path(chosen) if chosen else None
