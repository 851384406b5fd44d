"""The Dataset page: the overview, all images, duplicates and missing files as parts side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtWidgets import QTabWidget

from studio.model.records import ImageFilter
from studio.panels.images.browser import ImageBrowser

if TYPE_CHECKING:
    from PySide6.QtWidgets import QWidget

    from studio.app.session import Session


class DatasetPage(QTabWidget):
    """Parts by name, and what one asks of another.

    Args:
        session: The open project's session.
        overview: Counts, balance, splits, versions.
    """

    def __init__(self, session: Session, overview: QWidget) -> None:
        super().__init__()
        self.setDocumentMode(True)
        self._session = session
        self.overview = overview
        self.images = ImageBrowser(session.workspace, session.thumbnails, session.apply)
        self.images.image_opened.connect(self._open)
        self._parts: dict[str, QWidget] = {"overview": overview, "images": self.images}
        for title, part in (("Overview", overview), ("Images", self.images)):
            self.addTab(part, title)

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
