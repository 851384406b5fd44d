"""The Dataset page: overview, all images, statistics, splits, duplicates, files; and what one asks of another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QFileDialog, QTabWidget, QWidget

from studio.language import ntr, tr
from studio.model.label_check import LabelDoubt
from studio.model.records import ImageFilter
from studio.panels.dataset import DatasetPanel
from studio.panels.duplicates import DuplicatesPanel
from studio.panels.images.browser import ImageBrowser
from studio.panels.learning.check_panel import CheckPanel
from studio.panels.learning.next_panel import NextPanel
from studio.panels.missing_files import MissingFilesPanel
from studio.panels.splits import SplitsPanel
from studio.panels.statistics import StatisticsPanel
from studio.widgets.late_page import LatePage

if TYPE_CHECKING:
    from studio.app.session import Session


class DatasetPage(QTabWidget):
    """Parts by name.

    Args:
        session: The open project's session.
        overview: Counts, balance, splits, versions.
    """

    def __init__(self, session: Session, overview: DatasetPanel) -> None:
        super().__init__()
        self.setDocumentMode(True)
        self._session = session
        project, jobs, apply = session.project, session.studio.jobs, session.apply
        self.overview = overview
        self.images = ImageBrowser(session.workspace, session.thumbnails, apply, session.apply_made)
        self.statistics = StatisticsPanel(project, jobs)
        self.splits = SplitsPanel(project, jobs, apply, session.studio.heavy.take)
        self.duplicates = DuplicatesPanel(project, jobs, session.thumbnails, apply)
        self.files = MissingFilesPanel(
            project, jobs, apply, self._ask_folder, session.studio.heavy.take
        )
        self._next, self._check = LatePage(self._make_next), LatePage(self._make_check)
        self._parts: dict[str, QWidget] = {}
        for name, title, part in (
            ("overview", tr("Overview"), overview),
            ("images", tr("Images"), self.images),
            ("statistics", tr("Statistics"), self.statistics),
            ("splits", tr("Splits"), self.splits),
            ("duplicates", tr("Duplicates"), self.duplicates),
            ("files", tr("Files"), self.files),
            ("next", tr("Label next"), self._next),
            ("check", tr("Check labels"), self._check),
        ):
            self._parts[name] = part
            self.addTab(part, title)
        self.images.image_opened.connect(self._open)
        for panel in (overview, self.statistics, self.duplicates, self.files):
            panel.images_asked.connect(self.show_images)
        self.files.missing_found.connect(self._on_missing)

    @property
    def next(self) -> NextPanel:
        """The part that says what to label next."""
        return self._next.content

    @property
    def check(self) -> CheckPanel:
        """The part that shows doubtful labels."""
        return self._check.content

    def show_part(self, name: str) -> None:
        """Bring a part to the front."""
        self.setCurrentWidget(self._parts[name])

    def show_images(self, wanted: ImageFilter) -> None:
        """Show the images that pass a filter."""
        self._session.workspace.set_filter(wanted)
        self.show_part("images")

    def _open(self, image_id: int) -> None:
        self._session.workspace.go_to(image_id)
        self._session.studio.show_page("annotate")

    def _open_doubt(self, doubt: LabelDoubt) -> None:
        """Show a doubtful label on the canvas, chosen and large, with the tool that changes it."""
        session = self._session
        self._open(doubt.image_id)
        session.use_tool("select")
        if doubt.shape_id is not None:
            session.workspace.select((doubt.shape_id,))
        x1, y1, x2, y2 = doubt.place.bounds()
        if x2 > x1 and y2 > y1:
            session.canvas.show_rect(x1, y1, x2, y2)
        names = {cls.id: cls.name for cls in session.project.classes()}
        session.say(doubt.sentence(names))

    def stop(self) -> None:
        """Give up what runs, because the project closes."""
        for page in (self._next, self._check):
            if page.is_made:
                page.content.stop()

    def _make_next(self) -> NextPanel:
        session = self._session
        panel = NextPanel(
            session.project,
            session.studio.jobs,
            session.studio.runs,
            session.thumbnails,
            lambda: session.workspace.image_ids,
            session.apply,
        )
        panel.image_opened.connect(self._open)
        panel.images_asked.connect(self.show_images)
        return panel

    def _make_check(self) -> CheckPanel:
        session = self._session
        panel = CheckPanel(
            session.project,
            session.studio.jobs,
            session.studio.runs,
            lambda: session.workspace.image_ids,
            session.apply,
        )
        panel.doubt_opened.connect(self._open_doubt)
        return panel

    def _on_missing(self, count: int) -> None:
        """Tell of files that are gone, unless the person sees them listed."""
        banner = self._session.studio.window.banner
        if not count or self.files.isVisible() or not banner.isHidden():
            return
        files = ntr(
            "The file of {count:,} image is", "The files of {count:,} images are", count
        ).format(count=count)
        banner.show_message(
            tr("{files} not where they were.").format(files=files),
            tr("The shapes are kept."),
            tone="warning",
            action_text=tr("Find them"),
            action=self._show_files,
        )

    def _show_files(self) -> None:
        self._session.studio.window.banner.hide()
        self.show_part("files")
        self._session.studio.show_page("dataset")

    def _ask_folder(self) -> Path | None:
        chosen = QFileDialog.getExistingDirectory(
            self, tr("Search this folder"), str(self._session.studio.last_folder())
        )
        return Path(chosen) if chosen else None
