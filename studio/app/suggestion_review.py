"""The review of suggestions in an open project: as a gallery, or image by image on the canvas."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from studio.language import tr
from studio.model.edits import Edit, RemoveSuggestions, accept
from studio.model.project import Project
from studio.model.records import ImageFilter, Shape
from studio.model.suggestion_rows import SuggestionRow, arranged
from studio.panels.review_bar import ReviewBar
from studio.panels.review_gallery.panel import ReviewGallery, Verdict
from studio.panels.review_gallery.tiles import score_text
from studio.widgets.empty_state import Step
from studio.widgets.late_call import LateCall
from studio.widgets.late_page import LatePage

if TYPE_CHECKING:
    from studio.app.session import Session

WAITING = ImageFilter(suggested=True)
# How many images' worth of work one suggestion is: what is more than a few thousand is written by a thread.
_WORK = {"accept": 5, "reject": 20}
_WORK_PER_IMAGE = 25


class SuggestionReview:
    """Carries what is decided in the gallery and on the canvas to the project, and goes on by itself.

    Args:
        session: The open session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._project, self._workspace = session.project, session.workspace
        self.page: LatePage[ReviewGallery] = LatePage(self._make_gallery)
        self.bar = ReviewBar()
        self.current: int | None = None  # the suggestion that is marked
        self._place = 0  # where the next one stands that takes its place
        session.annotate.add_bar(self.bar)
        self._look = LateCall(self.bar, self._mark)
        self.bar.asked.connect(self._on_asked)
        self._workspace.image_changed.connect(self._on_image_changed)
        self._project.suggestions_changed.connect(self._on_suggestions_changed)

    @property
    def is_walking(self) -> bool:
        """Whether the review goes from image to image."""
        return not self.bar.isHidden()

    def gallery(self) -> ReviewGallery | None:
        """Return the gallery while it shows."""
        return self.page.content if self.page.isVisible() else None

    def is_busy(self) -> bool:
        """Tell whether crops that are in sight are being cut."""
        gallery = self.gallery()
        return gallery is not None and gallery.tiles.pictures.is_busy()

    def stop(self) -> None:
        """End the threads of the gallery, because the project closes."""
        if self.page.is_made:
            self.page.content.tiles.pictures.close()
        self._session.studio.actions.set_checked({"suggest.walk": False})

    # -- image by image

    def start(self) -> None:
        """Go from image to image, beginning with the one on the canvas."""
        session = self._session
        if not self._rows() and not self._workspace.go_to_next(WAITING):
            session.say(tr("No suggestions wait."))
            self._show_whether_on()
            return
        self._say_keys()
        session.studio.show_page("annotate")
        session.use_tool("select")
        self.bar.show()
        self._place, self.current = 0, None
        self._show_whether_on()
        self._mark()

    def leave(self) -> None:
        """Come back from the review; the canvas is as it was."""
        self.bar.hide()
        self.current = None
        self._session.canvas.show_proposed(())
        self._show_whether_on()

    def step(self, count: int) -> None:
        """Go to another suggestion; behind the last one to the next image that has any."""
        rows = self._rows()
        place = self._place + count if self.current is not None else self._place
        if 0 <= place < len(rows):
            self._place = place
            self._mark()
        elif count > 0:
            self._next_image()

    def go_on(self) -> None:
        """Mark what comes after a decision: on this image, else on the next one."""
        if not self.is_walking:
            return
        if self._rows():
            self._mark()
        else:
            self._next_image()

    def _next_image(self) -> None:
        if self._workspace.go_to_next(WAITING):
            return
        if self._rows():  # the only image left: from its beginning
            self._place = 0
            self._mark()
            return
        self.leave()
        self._session.say(tr("No suggestions wait any more."))

    def _rows(self) -> list[SuggestionRow]:
        image_id = self._workspace.image_id
        rows = self._project.suggestion_rows([image_id]) if image_id is not None else []
        return arranged(rows, order="image")

    def _mark(self) -> None:
        """Show which suggestion the keys are about."""
        rows = self._rows()
        self._place = min(self._place, max(len(rows) - 1, 0))
        self.current = rows[self._place].id if rows else None
        shapes = self._project.suggestions_by_id([self.current]) if rows and self.current else []
        self._session.canvas.show_proposed(shapes)
        if shapes:
            self._bring_into_view(shapes[0])
        images = self._project.count_images(WAITING)
        names = {cls.id: cls.name for cls in self._project.classes()}
        what = [f"{names[s.class_id]} {score_text(s.score)}".strip() for s in shapes]
        self.bar.show_place(self._place if rows else None, len(rows), images, "".join(what))

    def _bring_into_view(self, shape: Shape) -> None:
        """Move the picture only where the suggestion cannot be seen."""
        canvas = self._session.canvas
        x1, y1, x2, y2 = shape.geometry.bounds()
        (left, top), (right, bottom) = (
            canvas.viewport.to_device(x1, y1),
            canvas.viewport.to_device(x2, y2),
        )
        width, height = canvas.viewport.view_wh
        if x2 > x1 and not (left >= 0 and right <= width and top >= 0 and bottom <= height):
            canvas.show_rect(x1, y1, x2, y2)

    def _on_image_changed(self, _image_id: int | None) -> None:
        if self.is_walking:
            self._place = 0
            self._look.ask()

    def _on_suggestions_changed(self, image_id: int) -> None:
        if self.is_walking and image_id == self._workspace.image_id:
            self._look.ask()

    def _show_whether_on(self) -> None:
        self._session.studio.actions.set_checked({"suggest.walk": self.is_walking})

    # -- decisions

    def decide(self, verdict: Verdict, rows: Sequence[SuggestionRow | Shape]) -> Edit | None:
        """Accept or reject suggestions, however many; or accept one to correct it on the canvas."""
        if verdict == "fix":
            return self._fix(rows[0])
        images = len({row.image_id for row in rows})
        work = max(len(rows) * _WORK[verdict], images * _WORK_PER_IMAGE)
        make = _accepting if verdict == "accept" else _rejecting
        ids = [row.id for row in rows]
        if self._session.studio.heavy.take(images, lambda project: make(project, ids), work):
            return None
        edit = self._session.apply(make(self._project, ids))
        if edit is not None:
            self._session.say(edit.title())
        return edit

    def _fix(self, row: SuggestionRow | Shape) -> Edit | None:
        """Turn a suggestion into a shape, selected on the canvas with the tool that changes it."""
        session = self._session
        edit = session.apply(accept([row]))
        if edit is None:
            return None
        away = self._workspace.image_id != row.image_id
        self._workspace.go_to(row.image_id)
        session.studio.show_page("annotate")
        session.use_tool("select")
        if self.is_walking:
            self._look.stop()
            self.current = None
            session.canvas.show_proposed(())
            self.bar.show_place(None, 0, self._project.count_images(WAITING))
        self._workspace.select([row.id])
        shape = self._project.shapes_by_id([row.id])[0]
        if away:
            session.canvas.show_rect(*shape.geometry.bounds())
        else:
            self._bring_into_view(shape)
        session.canvas.setFocus()
        return edit

    # -- wires

    def _make_gallery(self) -> ReviewGallery:
        session = self._session
        steps = (
            Step(tr("Suggest labels"), session.pages.show_predict, "primary", "predict"),
            Step(tr("Back to the images"), lambda: session.studio.show_page("annotate")),
        )
        gallery = ReviewGallery(
            self._project, self.decide, lambda: self._workspace.image_ids, steps
        )
        gallery.rows_changed.connect(session.offer_actions)
        gallery.walk_asked.connect(self.start)
        keys = session.studio.actions.shown_key
        verdicts: tuple[Verdict, ...] = ("accept", "reject", "fix")
        gallery.set_keys({verdict: keys(f"suggest.{verdict}") for verdict in verdicts})
        return gallery

    def _say_keys(self) -> None:
        actions = self._session.studio.actions
        names = {name: f"suggest.{name}" for name in ("accept", "reject", "fix", "next")}
        names["gallery"] = "page.show:review"
        self.bar.set_tips({name: actions[action].toolTip() for name, action in names.items()})

    def _on_asked(self, what: str) -> None:
        if what == "leave":
            self.leave()
        else:
            actions = self._session.studio.actions
            action = "page.show:review" if what == "gallery" else f"suggest.{what}"
            actions[action].trigger()
            self._session.canvas.setFocus()


def _accepting(project: Project, ids: Sequence[int]) -> Edit:
    return accept(project.suggestions_by_id(ids))


def _rejecting(project: Project, ids: Sequence[int]) -> Edit:
    return RemoveSuggestions(tuple(project.suggestions_by_id(ids)))
