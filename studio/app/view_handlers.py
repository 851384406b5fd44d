"""What the View, page and Help actions do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine._version import __version__
from studio.app.shortcut_choices import ShortcutChoices
from studio.dialogs.shortcuts import ShortcutsDialog
from studio.language import tr
from studio.model.preferences import TAGS, THEME
from studio.widgets.command_palette import CommandPalette

if TYPE_CHECKING:
    from studio.app.studio import Studio


class ViewHandlers:
    """Handlers of what is shown and how.

    Args:
        studio: The application's parts.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def page_show(self, name: str) -> None:
        """Go to a page."""
        self._studio.show_page(name)

    def view_fit(self) -> None:
        """Show the whole image."""
        if session := self._studio.session:
            session.canvas.fit()

    def view_actual_size(self) -> None:
        """One screen pixel for each image pixel."""
        if session := self._studio.session:
            session.canvas.set_zoom(1.0)

    def view_zoom_in(self) -> None:
        """Closer, around the middle."""
        if session := self._studio.session:
            session.canvas.zoom_in()

    def view_zoom_out(self) -> None:
        """Farther, around the middle."""
        if session := self._studio.session:
            session.canvas.zoom_out()

    def view_shapes(self, shown: bool) -> None:
        """Show or hide all shapes."""
        if session := self._studio.session:
            session.canvas.set_shapes_visible(shown)

    def view_tags(self, shown: bool) -> None:
        """Show or hide the name tags, now and next time."""
        self._studio.preferences[TAGS] = shown
        if session := self._studio.session:
            session.canvas.set_tags_visible(shown)

    def view_panel(self, name: str) -> None:
        """Hide a panel beside the canvas if it shows, else bring it to the front."""
        if session := self._studio.session:
            session.annotate.toggle_dock(name)

    def view_canvas_only(self, only: bool) -> None:
        """Hide everything but the canvas, or bring it back."""
        window = self._studio.window
        for widget in (window.rail, window.menuBar(), window.status):
            if widget is not None:
                widget.setVisible(not only)
        if session := self._studio.session:
            session.annotate.set_canvas_only(only)

    def view_theme(self, mode: str) -> None:
        """Use the light or the dark theme, or follow the desktop."""
        self._studio.preferences[THEME] = mode
        self._studio.apply_theme()

    def help_palette(self) -> None:
        """Open the command palette."""
        actions = [self._studio.actions[spec.id] for spec in self._studio.actions.specs()]
        named = [action for action in actions if not action.objectName().startswith("class.")]
        CommandPalette(named, self._studio.window).show()

    def help_shortcuts(self) -> None:
        """Show the keyboard shortcuts, and let them be changed."""
        choices = ShortcutChoices(self._studio.actions, self._studio.preferences)
        ShortcutsDialog(choices, self._studio.window).show()

    def help_about(self) -> None:
        """Say what this is."""
        self._studio.window.banner.show_message(
            tr("Maskwright {version}").format(version=__version__),
            tr("Apache-2.0. It works offline; nothing is sent anywhere."),
            tone="info",
        )
