"""The pages of an open project, and what one page asks of another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from studio.app.dataset_page import DatasetPage
from studio.app.shown_validation import ShownValidation, Validation
from studio.language import tr
from studio.main_window.annotate_page import AnnotatePage
from studio.model.runs import RunSnapshot
from studio.panels.dataset import DatasetPanel
from studio.panels.review import ReviewPanel
from studio.storage.version_origins import original_of
from studio.widgets.empty_state import EmptyState, Step
from studio.widgets.late_page import LatePage

if TYPE_CHECKING:
    from studio.app.model_tabs import ModelTabs
    from studio.app.session import Session
    from studio.panels.export import ExportPanel
    from studio.panels.models.panel import ModelsPanel
    from studio.panels.predict import PredictPanel
    from studio.panels.train.panel import TrainPanel
    from studio.panels.validation.panel import ValidationPanel


class Pages(QObject):
    """Builds a project's pages and carries their questions to one another.

    What stands beside the canvas is made at once, the pages of models when they are looked at: their charts and forms
    take longer than opening the project.

    Args:
        session: The open project's session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        studio, project, workspace = session.studio, session.project, session.workspace
        files, runs = studio.files, studio.runs
        self._session = session
        empty = EmptyState(
            tr("No images in this project yet"),
            tr("Drop a folder of images here, or choose one."),
            (Step(tr("Add a folder of images"), files.file_add_images, "primary", "add"),),
            "images",
        )
        self.annotate = AnnotatePage(
            workspace,
            session.thumbnails,
            studio.actions,
            empty,
            studio.show_error,
            session.apply,
            studio.heavy.take,
        )
        self.review = ReviewPanel(
            workspace, session.apply, studio.reviews.review_approve, studio.reviews.reject_with
        )
        self.review.finished.connect(self.annotate.canvas.setFocus)
        self.annotate.add_dock("review", tr("Review"), self.review)
        self.dataset = DatasetPanel(
            project,
            files.file_add_images,
            files.file_import_labels,
            files.file_export_dataset,
            session.labels,
        )
        self.dataset_page = DatasetPage(session, self.dataset)
        self._train_page = LatePage(self._make_train)
        self._models_page = LatePage(self._make_models)
        self._validation_page = LatePage(self._make_validation)
        self._validations = ShownValidation(self._explore, self._validation_page.isVisible)
        runs.runs_changed.connect(self._on_runs_changed)

    @property
    def train(self) -> TrainPanel:
        """The Train page."""
        return self._train_page.content

    @property
    def models_page(self) -> ModelTabs:
        """The Models page: models, suggestions, exports."""
        return self._models_page.content

    @property
    def models(self) -> ModelsPanel:
        """The models of the project."""
        return self.models_page.models

    @property
    def predict(self) -> PredictPanel:
        """Suggestions for many images."""
        return self.models_page.predict

    @property
    def export(self) -> ExportPanel:
        """The export form."""
        return self.models_page.export

    @property
    def validation(self) -> ValidationPanel:
        """The Explore page: what a model gets wrong."""
        return self._validation_page.content

    def stop(self) -> None:
        """End what the pages have under way."""
        if self._models_page.is_made:
            self.predict.stop()
        self.dataset_page.stop()

    def by_name(self) -> dict[str, QWidget]:
        """Return the pages under the names of the rail."""
        return {
            "annotate": self.annotate,
            "dataset": self.dataset_page,
            "train": self._train_page,
            "models": self._models_page,
            "explore": self._validation_page,
        }

    def _make_train(self) -> TrainPanel:
        from studio.panels.train.panel import TrainPanel

        session = self._session
        panel = TrainPanel(session.project, session.studio.jobs, session.studio.runs)
        panel.asked.connect(self._on_asked)
        panel.annotate_asked.connect(lambda: session.studio.show_page("annotate"))
        return panel

    def _make_models(self) -> ModelTabs:
        from studio.app.model_tabs import ModelTabs

        tabs = ModelTabs(self._session)
        tabs.models.asked.connect(self._on_asked)
        tabs.models.validation_asked.connect(self._show_validation)
        tabs.models.training_asked.connect(lambda: self._session.studio.show_page("train"))
        tabs.predict.review_asked.connect(self._review)
        return tabs

    def _make_validation(self) -> ValidationPanel:
        from studio.panels.validation.panel import ValidationPanel

        panel = ValidationPanel(self._session.project, self._session.studio.jobs)
        panel.open_image.connect(self._open_image)
        if (shown := self._validations.shown) is not None:
            panel.show_folder(shown.folder, shown.title)
        return panel

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

    def show_predict(self) -> None:
        """Show the form of suggestions for many images."""
        self._show_tab(self.predict)

    def _show_predict(self, model: Path) -> None:
        self.predict.show_model(model)
        self._show_tab(self.predict)

    def _show_training(self, model: Path) -> None:
        self.train.train_from(model)
        self._session.studio.show_page("train")

    def _show_run_validation(self, folder: Path) -> None:
        self._show_validation(folder, folder.name)

    def _show_validation(self, folder: Path, title: str) -> None:
        self._validations.choose(folder, title)
        self._session.studio.show_page("explore")

    def _on_runs_changed(self, runs: list[RunSnapshot]) -> None:
        """Offer the runs; a slot of ours, because Qt disconnects it when the pages are destroyed."""
        self._validations.offer(runs)

    def _explore(self, shown: Validation | None) -> None:
        if not self._validation_page.is_made:
            return
        if shown is None:
            self.validation.show_nothing()
        else:
            self.validation.show_folder(shown.folder, shown.title)

    def _review(self, image_id: int) -> None:
        """Begin a review of suggestions with an image."""
        self._session.workspace.go_to(image_id)
        self._session.review.start()

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
