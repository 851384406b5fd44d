"""What the actions of the tools in hand do, beside taking one up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from studio.language import tr
from studio.model.edits import ChangeClass
from studio.model.keypoint_scheme import KeypointScheme

if TYPE_CHECKING:
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
        if session is not None and not session.canvas.hand.step_option(notches):
            session.say(tr("The tool in hand has no size."))

    def tool_snap(self, on: bool) -> None:
        """Let points snap to other shapes, or not."""
        if session := self._session():
            session.canvas.set_option("snapping", on)

    def keypoint_visibility(self) -> None:
        """Make the keypoint under the cursor hidden, not labelled, visible again."""
        if session := self._session():
            session.canvas.turn_keypoint()

    def keypoint_describe(self) -> None:
        """Let the person say what the keypoints of the current class are."""
        from studio.dialogs.keypoints import KeypointsDialog

        session = self._session()
        cls = session.workspace.current_class() if session is not None else None
        if session is None or cls is None:
            if session is not None:
                session.say(tr("Add a class first: its keypoints can then be described."))
            return

        def keep(scheme: KeypointScheme | None) -> None:
            now = next((c for c in session.project.classes() if c.id == cls.id), None)
            if now is not None and now.keypoints != scheme:
                after = replace(now, keypoints=scheme)
                session.apply(
                    ChangeClass(after, label=tr("Keypoints of {name}").format(name=now.name))
                )

        known = cls.keypoints or session.project.keypoints
        KeypointsDialog(cls.name, known, keep, session.studio.window).show()

    def keypoint_swap(self) -> None:
        """Let the left and the right keypoints of the selected objects change places."""
        if session := self._session():
            session.canvas.hand.swap_keypoints()
