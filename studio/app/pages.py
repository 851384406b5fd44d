"""The pages of an open project, and what one page asks of another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from studio.main_window.annotate_page import AnnotatePage
from studio.panels.dataset import DatasetPanel
from studio.panels.export import ExportPanel
from studio.panels.models import ModelsPanel
from studio.panels.train.panel import TrainPanel
from studio.panels.validation.panel import ValidationPanel
from studio.widgets.empty_state import EmptyState, Step

if TYPE_CHECKING:
    from studio.app.session import Session


def build_pages(session: Session) -> dict[str, QWidget]:
    """Build a project's pages by name."""
    studio, project = session.studio, session.project
    files = studio.files
    empty = EmptyState(
        "No images in this project yet",
        "Drop a folder of images here, or choose one.",
        (Step("Add a folder of images", files.file_add_images, "primary", "add"),),
        "images",
    )
