"""Connects the canvas's tools with the rest of the window: their options are kept, and a tool may ask for the next image."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping

from engine.runtime.errors import EngineError
from studio.actions.registry import Actions
from studio.canvas.view import CanvasView
from studio.model.preferences import TOOL_OPTIONS, Preferences
from studio.model.workspace import Workspace
from studio.tools.options import options_from


class ToolLink:
    """The tools of one canvas.

    Args:
        canvas: The canvas.
        workspace: The place in the project.
        actions: The action for snapping shows whether it is on.
        preferences: Options are taken from there and kept there.
    """

    def __init__(
        self, canvas: CanvasView, workspace: Workspace, actions: Actions, preferences: Preferences
    ) -> None:
        self._canvas = canvas
        self._workspace = workspace
        self._actions = actions
        self._preferences = preferences
        canvas.scene.options = options_from(_parsed(str(preferences[TOOL_OPTIONS])))
        canvas.options_changed.connect(self._on_options)
        canvas.next_asked.connect(lambda: workspace.step(1))
        canvas.options_changed.emit()

    def keep(self) -> None:
        """Note the options for the next time."""
        with contextlib.suppress(EngineError, OSError):  # a brush size is not worth a message
            self._preferences[TOOL_OPTIONS] = json.dumps(self._canvas.scene.options.values())

    def _on_options(self) -> None:
        self._actions.set_checked({"tool.snap": self._canvas.scene.options.snapping})


def _parsed(text: str) -> Mapping[str, object]:
    """Return what the settings hold, nothing where somebody has written something else there."""
    try:
        values = json.loads(text or "{}")
    except ValueError:
        return {}
    return values if isinstance(values, dict) else {}
