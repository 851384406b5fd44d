"""What the Review actions do: say how far the image is and go on to the next one that waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.language import tr
from studio.model.edits import SetStage, reject
from studio.model.records import ImageFilter
from studio.model.review import Stage

if TYPE_CHECKING:
    from studio.app.session import Session

TO_REVIEW = ImageFilter(stages=frozenset({"done"}))
_OPEN = ImageFilter(stages=frozenset({"new", "in_progress", "rejected"}))


class ReviewHandlers:
    """Handlers of stages; without a project they do nothing.

    Args:
        session: Returns the open session or None.
    """

    def __init__(self, session: Callable[[], Session | None]) -> None:
        self._session = session

    def review_done(self) -> None:
        """Mark the image as done and show the next one of the list."""
        session = self._session()
        if session is not None and self._mark(session, "done") and not session.workspace.step(1):
            session.say(tr("This was the last image of the list."))

    def review_skip(self) -> None:
        """Pass over the image and show the next one of the list."""
        session = self._session()
        if session is not None and self._mark(session, "skipped"):
            session.workspace.step(1)

    def review_approve(self) -> None:
        """Mark the image as reviewed and show the next one to review."""
        session = self._session()
        if session is not None and self._mark(session, "reviewed"):
            self.review_next()

    def review_reject(self) -> None:
        """Send the image back; the panel asks for the reason."""
        if session := self._session():
            session.annotate.show_dock("review")
            session.pages.review.reject()

    def reject_with(self, reason: str) -> None:
        """Send the image back with a reason and show the next one to review."""
        session = self._session()
        if session is None or session.workspace.image_id is None:
            return
        if session.apply(reject(session.workspace.image_id, reason)) is not None:
            self.review_next()

    def review_next(self) -> None:
        """Show the next image that is done but not reviewed."""
        session = self._session()
        if session is not None and not session.workspace.go_to_next(TO_REVIEW):
            session.say(tr("No other image waits for review."))

    def review_next_open(self) -> None:
        """Show the next image that is not done yet."""
        session = self._session()
        if session is not None and not session.workspace.go_to_next(_OPEN):
            session.say(tr("Every image is done, reviewed or skipped."))

    def _mark(self, session: Session, stage: Stage) -> bool:
        image_id = session.workspace.image_id
        return image_id is not None and session.apply(SetStage({image_id: stage})) is not None
