"""What keeps a project safe: the project as one file, backups and the way back, opening it again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog

from engine.runtime.errors import EngineError
from engine.runtime.paths import increment_path
from studio.app.follow import follow
from studio.app.reports import tell_left
from studio.jobs.client import Steps
from studio.jobs.messages import Failed
from studio.language import ntr, tr
from studio.model.count_words import image_count, training_count
from studio.model.errors import DamagedError
from studio.model.project import Project
from studio.storage.archive_read import import_project
from studio.storage.archive_write import export_project
from studio.storage.backup import Backup, list_backups, restore_backup
from studio.storage.project_archive import SUFFIX, ArchiveReport
from studio.storage.project_files import open_project
from studio.widgets.path_text import path_text

if TYPE_CHECKING:
    from studio.app.studio import Studio

_FILTER = tr("Maskwright project (*{suffix})").format(suffix=SUFFIX)
_UNFIT = re.compile(r'[<>:"/\\|?*]')  # in a file's name, on one system or another


class SafetyHandlers:
    """Handlers of the actions that keep and bring back whole projects.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    # A project as one file

    def file_save_as_file(self) -> None:
        """Ask what goes in and where to, and write the open project as one file."""
        from studio.dialogs.save_project import SaveProjectDialog

        session = self._studio.session
        if session is None:
            return
        project = session.project
        dialog = SaveProjectDialog(project.name, project.folder, self._studio.window)
        dialog.chosen.connect(lambda images, runs: self._save_as(project, images, runs))
        dialog.open()

    def file_open_file(self) -> None:
        """Ask for a project file and for a place, and make the project that is in it."""
        chosen, _ = QFileDialog.getOpenFileName(
            self._studio.window,
            tr("Open project from one file"),
            str(self._studio.last_folder()),
            _FILTER,
        )
        if chosen:
            self.unpack(Path(chosen))

    def unpack(self, file: Path, more: Sequence[Path] = ()) -> None:
        """Ask for a place, make the project that is in ``file`` there, and open it.

        Args:
            file: The project as one file.
            more: What was given beside it: it comes into that project. Without a place for that it is taken by itself; what
                cannot come in is named.
        """
        place = QFileDialog.getExistingDirectory(
            self._studio.window,
            tr("Where to put the project of {name}").format(name=file.name),
            str(file.parent),
        )
        if not place:
            self._studio.files.drop(more)
            return
        folder = increment_path(Path(place) / file.stem, sep="-")
        job = self._studio.jobs.call(
            lambda steps: import_project(file, folder, steps.progress, steps.is_cancelled)
        )
        follow(self._studio.window, job, tr("Unpacking {name}").format(name=file.name))
        job.finished.connect(lambda report: self._on_unpacked(report, more))
        job.failed.connect(lambda _failed: tell_left(self._studio.window.banner, more))

    def _save_as(self, project: Project, images: bool, runs: bool) -> None:
        folder, name = project.folder, _UNFIT.sub("-", project.name)
        start = self._studio.last_folder() / f"{name}{SUFFIX}"
        chosen, _ = QFileDialog.getSaveFileName(
            self._studio.window, tr("Save project as one file"), str(start), _FILTER
        )
        if not chosen:
            return
        target = Path(chosen)
        if target.suffix.lower() != SUFFIX:
            target = target.with_name(target.name + SUFFIX)

        def work(steps: Steps) -> ArchiveReport:
            return export_project(folder, target, images, runs, steps.progress, steps.is_cancelled)

        job = self._studio.jobs.call(work)
        follow(self._studio.window, job, tr("Writing {name}").format(name=target.name))
        job.finished.connect(self._on_packed)

    def _on_packed(self, report: ArchiveReport) -> None:
        self._tell(
            tr("The project was written to {path}.").format(path=path_text(report.path)), report
        )

    def _on_unpacked(self, report: ArchiveReport, more: Sequence[Path]) -> None:
        if not self._studio.files.open_project(report.path):
            tell_left(self._studio.window.banner, more)
            return
        self._tell(tr("The project is in {path} now.").format(path=path_text(report.path)), report)
        self._studio.files.take_more(report.path, more)

    def _tell(self, said: str, report: ArchiveReport) -> None:
        count = len(report.left_out)
        left = (
            ntr(
                "{count:,} thing left out; see Details.",
                "{count:,} things left out; see Details.",
                count,
            ).format(count=count)
            if count
            else ""
        )
        self._studio.window.banner.show_message(
            tr("{said} It holds {images} and {trainings}.").format(
                said=said,
                images=image_count(report.images),
                trainings=training_count(len(report.runs)),
            ),
            left,
            tone="warning" if count else "success",
            details="\n".join(report.left_out),
        )

    # Backups

    def file_restore_backup(self) -> None:
        """Show the backups of the open project to choose one."""
        if session := self._studio.session:
            self.choose_backup(session.project.folder)

    def choose_backup(self, folder: Path) -> None:
        """Show the backups of the project in ``folder``; the chosen one takes its place."""
        from studio.dialogs.restore_backup import RestoreBackupDialog

        dialog = RestoreBackupDialog(list_backups(folder), self._studio.window)
        dialog.chosen.connect(lambda backup: self._restore(folder, backup))
        dialog.open()

    def tell_damaged(self, folder: Path, error: DamagedError) -> None:
        """Say that a project's database is damaged, and offer its backups where there are any."""
        if list_backups(folder):
            self._studio.show_error(
                error, tr("Restore a backup"), lambda: self.choose_backup(folder)
            )
        else:
            self._studio.show_error(error)

    def _restore(self, folder: Path, backup: Backup) -> None:
        """Restore in a thread while the project is closed, and open it again whatever the outcome."""
        if not self._studio.close_session():
            return
        self._studio.window.banner.hide()
        job = self._studio.jobs.call(
            lambda steps: restore_backup(folder, backup, steps.is_cancelled)
        )
        follow(self._studio.window, job, tr("Restoring the backup"))
        job.finished.connect(lambda _none: self._on_restored(folder, backup))
        job.failed.connect(lambda failed: self._on_restore_failed(folder, failed))

    def _on_restored(self, folder: Path, backup: Backup) -> None:
        if self._studio.files.open_project(folder):
            when = backup.time.astimezone().strftime("%d.%m.%Y %H:%M")
            self._studio.window.banner.show_message(
                tr("The project is again what it was on {when}.").format(when=when),
                tr("What it was before is the newest backup now: restore that to take this back."),
                tone="success",
            )

    def _on_restore_failed(self, folder: Path, failed: Failed) -> None:
        self._studio.files.open_project(folder)
        if failed.kind != "cancelled":
            self._studio.window.banner.show_message(
                failed.message, failed.remedy, details=failed.details
            )

    # Opening again

    def file_reopen(self) -> None:
        """Open the project again, for writing where that is possible by now."""
        session = self._studio.session
        if session is None:
            return
        folder = session.project.folder
        if not session.project.read_only:
            session.say(tr("The project is open for editing."))
            return
        try:
            project = open_project(folder)
        except EngineError as error:
            self._studio.show_error(error)
            return
        if project.read_only:
            project.close()
            self.tell_read_only(project.notice or "")
            session.say(tr("Still for reading only."))
            return
        place = session.workspace.image_id
        if self._studio.start_session(project) and (fresh := self._studio.session) is not None:
            if place in fresh.workspace.image_ids:
                fresh.workspace.go_to(place)
            fresh.say(tr("The project is open for editing now."))

    def tell_read_only(self, notice: str) -> None:
        """Say that the open project can only be read, and offer to try again."""
        self._studio.window.banner.show_message(
            notice, tone="warning", action_text=tr("Try again"), action=self.file_reopen
        )
