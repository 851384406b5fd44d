"""Exporting the project as a data set: asked in a dialog, written in a thread, what was lost is said."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from studio.app.follow import follow
from studio.app.opening import stoppable
from studio.app.reports import tell_export
from studio.dialogs.export_dataset import ExportChoice, ExportDatasetDialog
from studio.jobs.client import Steps
from studio.language import tr
from studio.model.records import ImageFilter
from studio.storage.dataset_export import ExportReport, export_dataset
from studio.storage.emptied import emptied_images
from studio.storage.project_files import open_project

if TYPE_CHECKING:
    from pathlib import Path

    from studio.app.session import Session
    from studio.app.studio import Studio
    from studio.model.project import Project


class Exporting:
    """From a question to a report.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def ask(self, session: Session) -> ExportDatasetDialog:
        """Ask what to write; nothing waits for the answer."""
        project = session.project
        listed = tuple(session.workspace.image_ids)
        dialog = ExportDatasetDialog(
            project.classes(),
            len(listed),
            project.count_images(),
            project.exports_dir,
            self._studio.window,
            partial(_emptied, project, listed),
        )
        dialog.chosen.connect(partial(self.start, project.folder, listed))
        dialog.show()
        return dialog

    def start(self, source: Path, listed: tuple[int, ...], choice: ExportChoice) -> None:
        """Write what was chosen; the window goes on meanwhile.

        Args:
            source: The project's folder.
            listed: Images of the filtered list.
            choice: What to write.
        """
        job = self._studio.jobs.call(lambda steps: write_choice(source, listed, choice, steps))
        banner = self._studio.window.banner
        follow(self._studio.window, job, tr("Exporting the data set"))
        job.finished.connect(lambda report: tell_export(banner, report, choice.folder))


def _emptied(project: Project, listed: tuple[int, ...], choice: ExportChoice) -> int:
    """Return how many of the chosen images show only classes that are left out; of splits, those that have one."""
    found = emptied_images(project, choice.class_ids)
    if choice.which == "listed":
        found &= set(listed)
    if choice.splits and found:
        found = {r.id for r in project.images(sorted(found)) if r.split in choice.splits}
    return len(found)


def write_choice(
    source: Path, listed: tuple[int, ...], choice: ExportChoice, steps: Steps
) -> ExportReport:
    """Export the project in the folder ``source``; for a thread.

    Raises:
        EngineError: It cannot be written.
        CancelledError: It was given up; what was written so far stays.
    """
    tell = stoppable(steps.progress, steps.is_cancelled)
    with open_project(source, read_only=True) as project:
        images: tuple[int, ...] | None = None
        if choice.which == "listed":
            images = listed
        elif choice.which == "labelled":
            wanted = ImageFilter(statuses=frozenset({"labelled", "background"}))
            images = tuple(project.image_ids(wanted))
        return export_dataset(
            project,
            choice.folder,
            choice.format,
            choice.splits,
            progress=lambda done, total: tell(done, total, ""),
            image_ids=images,
            class_ids=choice.class_ids,
            emptied=choice.emptied,
            **choice.options,
        )
