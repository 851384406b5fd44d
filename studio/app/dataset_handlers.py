"""What the actions of the Dataset page do."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from studio.app.studio import Studio


class DatasetHandlers:
    """Handlers of the Dataset page.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def dataset_show(self, name: str) -> None:
        """Show a part of the Dataset page: ``overview``, ``images``, ``duplicates`` or ``files``."""
        if session := self._studio.session:
            session.pages.dataset_page.show_part(name)
            self._studio.show_page("dataset")
