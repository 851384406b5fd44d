"""What the keys of a review do: accept, reject and correct suggestions, in the gallery and on the canvas."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from studio.language import tr
from studio.model.records import Shape

if TYPE_CHECKING:
    from studio.app.session import Session
    from studio.panels.review_gallery.panel import Verdict


class SuggestionReviewHandlers:
    """Handlers of decisions; without a project they do nothing.

    Args:
        session: Returns the open session or None.
    """

    def __init__(self, session: Callable[[], Session | None]) -> None:
        self._session = session

    def suggest_accept(self) -> None:
        """Turn the suggestion under the cursor, or what is chosen in the gallery, into shapes."""
        self._decide("accept")

    def suggest_reject(self) -> None:
        """Drop it."""
        self._decide("reject")

    def suggest_fix(self) -> None:
        """Turn it into a shape and select that, to be corrected."""
        self._decide("fix")

    def suggest_accept_all(self) -> None:
        """Accept every suggestion of the image, or all that the gallery shows."""
        self._decide("accept", everything=True)

    def suggest_reject_all(self) -> None:
        """Drop every suggestion of the image, or all that the gallery shows."""
        self._decide("reject", everything=True)

    def suggest_walk(self, on: bool) -> None:
        """Begin or leave the review image by image."""
        if session := self._session():
            if on:
                session.review.start()
            else:
                session.review.leave()

    def suggest_next(self) -> None:
        """Mark the next suggestion."""
        self._step(1)

    def suggest_previous(self) -> None:
        """Mark the one before."""
        self._step(-1)

    def _step(self, count: int) -> None:
        session = self._session()
        if session is None:
            return
        if session.review.is_walking:
            session.review.step(count)
        else:
            session.review.start()

    def _decide(self, verdict: Verdict, everything: bool = False) -> None:
        session = self._session()
        if session is None:
            return
        if gallery := session.review.gallery():
            gallery.decide(verdict, everything)
            return
        image_id = session.workspace.image_id
        if image_id is None:
            return
        chosen = session.project.suggestions(image_id)
        if not everything:
            chosen = self._meant(session, chosen)
        if not chosen:
            session.say(tr("Move the cursor onto a dashed shape first."))
        elif session.review.decide(verdict, chosen) is not None and verdict != "fix":
            session.review.go_on()

    def _meant(self, session: Session, waiting: list[Shape]) -> list[Shape]:
        """Return the suggestion under the cursor, else the one that the review has marked."""
        wanted = session.canvas.suggestion_under_cursor()
        wanted = session.review.current if wanted is None else wanted
        return [shape for shape in waiting if shape.id == wanted]
