"""The pages of an open project, and what one page asks of another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QTabWidget, QWidget

from studio.app.dataset_page import DatasetPage
from studio.language import tr
from studio.main_window.annotate_page import AnnotatePage
from studio.model.runs import VALIDATION_FILE, RunSnapshot
from studio.panels.dataset import DatasetPanel
from studio.panels.export import ExportPanel
from studio.panels.models.panel import ModelsPanel
from studio.panels.predict import PredictPanel
from studio.panels.review import ReviewPanel
from studio.panels.train.panel import TrainPanel
from studio.panels.validation.panel import ValidationPanel
from studio.storage.version_origins import original_of
from studio.widgets.empty_state import EmptyState, Step

if TYPE_CHECKING:
    from studio.app.session import Session


class Pages:
    """Builds a project's pages and carries their questions to one another.

    Args:
        session: The open project's session.
    """

    def __init__(self, session: Session) -> None:
        studio, project, workspace = session.studio, session.project, session.workspace
        files, jobs, runs = studio.files, studio.jobs, studio.runs
        self._session = session
        empty = EmptyState(
            tr("No images in this project yet"),
            tr("Drop a folder of images here, or choose one."),
            (Step(tr("Add a folder of images"), files.file_add_images, "primary", "add"),),
            "images",
        )
        self.annotate = AnnotatePage(
            workspace, session.thumbnails, studio.actions, empty, studio.show_error, session.apply
        )
        self.review = ReviewPanel(
            workspace, session.apply, studio.reviews.review_approve, studio.reviews.reject_with
        )
        self.annotate.add_dock("review", tr("Review"), self.review)
        self.dataset = DatasetPanel(
            project,
            files.file_add_images,
            files.file_import_labels,
            files.file_export_dataset,
            session.labels,
        )
        self.dataset_page = DatasetPage(session, self.dataset)
        self.train = TrainPanel(project, jobs, runs)
        self.models = ModelsPanel(project, jobs, runs)
        self.export = ExportPanel(project, jobs, runs)
        self.predict = PredictPanel(
            project, jobs, runs, lambda: workspace.image_id, lambda: workspace.image_ids
        )
        self.validation = ValidationPanel(project, jobs)
        self.models_page = QTabWidget()
        self.models_page.setDocumentMode(True)
        for title, panel in (
            (tr("Models"), self.models),
            (tr("Suggest labels"), self.predict),
            (tr("Export"), self.export),
        ):
            self.models_page.addTab(panel, title)
        self._shown_validation: Path | None = None
        self.train.asked.connect(self._on_asked)
        self.train.annotate_asked.connect(lambda: studio.show_page("annotate"))
        self.train.runs_changed.connect(self._on_runs_changed)
        self.models.asked.connect(self._on_asked)
        self.models.validation_asked.connect(self._show_validation)
        self.models.training_asked.connect(lambda: studio.show_page("train"))
        self.predict.review_asked.connect(self._review)
        self.validation.open_image.connect(self._open_image)

    def by_name(self) -> dict[str, QWidget]:
        """Return the pages under the names of the rail."""
        return {
            "annotate": self.annotate,
            "dataset": self.dataset_page,
            "train": self.train,
            "models": self.models_page,
            "explore": self.validation,
        }

    def show_export(self, model: Path | None = None) -> None:
        """Show the export form, for a model if one is named."""
        if model is not None:
            self.export.show_model(model)
        self._show_tab(self.export)

    def _show_tab(self, panel: QWidget) -> None:
        self.models_page.setCurrentWidget(panel)
        self._session.studio.show_page("models")

    def _on_asked(self, what: str, path: Path) -> None:
        """One page wants another to do something with a model or a run."""
        {
            "validation": self._show_run_validation,
            "predict": self._show_predict,
            "export": self.show_export,
            "train": self._show_training,
            "image": self._show_image,
        }[what](path)

    def _show_predict(self, model: Path) -> None:
        self.predict.show_model(model)
        self._show_tab(self.predict)

    def _show_training(self, model: Path) -> None:
        self.train.train_from(model)
        self._session.studio.show_page("train")

    def _show_run_validation(self, folder: Path) -> None:
        self._show_validation(folder, folder.name)

    def _show_validation(self, folder: Path, title: str) -> None:
        self._shown_validation = folder
        self.validation.show_folder(folder, title)
        self._session.studio.show_page("explore")

    def _on_runs_changed(self, runs: list[RunSnapshot]) -> None:
        """Show the newest finished run's validation until the person chooses another."""
        if self._shown_validation is not None:
            return
        for run in runs:
            if not run.state.is_alive and (run.folder / VALIDATION_FILE).is_file():
                self._shown_validation = run.folder
                self.validation.show_folder(run.folder, run.name)
                return

    def _review(self, image_id: int) -> None:
        """Show an image's suggestions with the tool that can take them."""
        self._session.workspace.go_to(image_id)
        self._session.use_tool("select")
        self._session.studio.show_page("annotate")

    def _show_image(self, file: Path) -> None:
        """Show the image that a file of a dataset version stands for."""
        self._open_image(original_of(Path(file)), None)

    def _open_image(self, path: Path, box: tuple[float, float, float, float] | None) -> None:
        """Show an image of a validation on the canvas, large where the object is."""
        image_id = self._session.project.find_image(Path(path))
        if image_id is None:
            # A dataset version holds links to the images: the project knows what they lead to.
            image_id = self._session.project.find_image(Path(path).resolve())
        if image_id is None:
            self._session.say(tr("{name} is not in this project.").format(name=Path(path).name))
            return
        self._session.workspace.go_to(image_id)
        self._session.studio.show_page("annotate")
        if box is not None:
            self._session.canvas.show_rect(*box)
