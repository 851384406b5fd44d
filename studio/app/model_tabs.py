"""The Models page: what there is, what it suggests, where it can go."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QTabWidget

from studio.language import tr
from studio.panels.export import ExportPanel
from studio.panels.models.panel import ModelsPanel
from studio.panels.predict import PredictPanel

if TYPE_CHECKING:
    from studio.app.session import Session


class ModelTabs(QTabWidget):
    """Models, suggestions and exports, a tab each.

    Args:
        session: The open project's session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.setDocumentMode(True)
        project, workspace = session.project, session.workspace
        jobs, runs = session.studio.jobs, session.studio.runs
        self.models = ModelsPanel(project, jobs, runs)
        self.predict = PredictPanel(
            project, jobs, runs, lambda: workspace.image_id, lambda: workspace.image_ids
        )
        self.export = ExportPanel(project, jobs, runs)
        for title, panel in (
            (tr("Models"), self.models),
            (tr("Suggest labels"), self.predict),
            (tr("Export"), self.export),
        ):
            self.addTab(panel, title)
