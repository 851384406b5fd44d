"""What the actions do that change how the image is looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

from studio.model.display import NEUTRAL
from studio.model.preferences import CROSSHAIR, MINIMAP, RULERS, Preferences

if TYPE_CHECKING:
    from studio.app.studio import Studio

# Action -> the setting that it switches.
AIDS = {"view.rulers": RULERS, "view.minimap": MINIMAP, "view.crosshair": CROSSHAIR}


class LookingHandlers:
    """Handlers of rulers, minimap, crosshair, pages and the look of the image.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def view_rulers(self, shown: bool) -> None:
        """Show or hide the rulers, now and next time."""
        self._keep(RULERS, shown)

    def view_minimap(self, shown: bool) -> None:
        """Show the minimap where it helps, or never."""
        self._keep(MINIMAP, shown)

    def view_crosshair(self, shown: bool) -> None:
        """Show lines through the cursor with every tool."""
        self._keep(CROSSHAIR, shown)

    def view_page(self, step: int) -> None:
        """Turn a page of a file that has several."""
        if session := self._studio.session:
            session.looking.turn_page(step)

    def view_reset_display(self) -> None:
        """Show the image as it is."""
        if session := self._studio.session:
            session.looking.show_display(NEUTRAL)

    def _keep(self, name: str, shown: bool) -> None:
        self._studio.preferences[name] = shown
        if session := self._studio.session:
            session.looking.use(self._studio.preferences)


def aid_states(preferences: Preferences) -> dict[str, bool]:
    """Return which of the aids' actions are on."""
    return {action: bool(preferences[name]) for action, name in AIDS.items()}
