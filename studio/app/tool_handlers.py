"""What the actions of the tools in hand do, beside taking one up."""

from __future__ import annotations

from collections.abc import Callable

from studio.app.session import Session


class ToolHandlers:
    """Handlers of the canvas's tools; without a project they do nothing.

    Args:
        session: Returns the open session or None.
    """

    def __init__(self, session: Callable[[], Session | None]) -> None:
        self._session = session

    def tool_step(self, notches: int) -> None:
        """Make the brush, the tolerance or the smoothing of the tool in hand larger or smaller."""
        session = self._session()
        if session is not None and not session.canvas.step_option(notches):
            session.say("The tool in hand has no size.")

    def tool_snap(self, on: bool) -> None:
        """Let points snap to other shapes, or not."""
        if session := self._session():
            session.canvas.set_option("snapping", on)

    def keypoint_visibility(self) -> None:
        """Make the keypoint under the cursor hidden, not labelled, visible again."""
        if session := self._session():
            session.canvas.turn_keypoint()

    def keypoint_swap(self) -> None:
        """Let the left and the right keypoints of the selected objects change places."""
        if session := self._session():
            session.canvas.swap_keypoints()
