"""What the actions on selected shapes do: choose, order, lock, hide, group, combine, convert, copy to other images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.data.annotations import Tag
from studio.app.copying import add_copies
from studio.app.selected import change
from studio.language import tr
from studio.model.class_tree import parents_of, with_below
from studio.model.edits import Edit, set_marks
from studio.model.edits.arranging import (
    backward,
    forward,
    group,
    to_back,
    to_front,
    ungroup,
    with_groups,
)
from studio.model.edits.reshaping import filled, overlap, parted, subtracted, turned_into, united
from studio.model.locks import unlocked
from studio.model.records import Shape, ShapeRow

if TYPE_CHECKING:
    from studio.app.session import Session

_ORDERS = {"front": to_front, "forward": forward, "backward": backward, "back": to_back}


class ShapeHandlers:
    """Handlers of a session's shapes; without a project they do nothing.

    Args:
        session: Returns the open session or None.
    """

    def __init__(self, session: Callable[[], Session | None]) -> None:
        self._session = session

    # -- choosing ------------------------------------------------------------

    def edit_select_class(self) -> None:
        """Select all shapes of the classes that are selected, else of the current class; those below them count."""
        if (session := self._session()) is None:
            return
        chosen = {shape.class_id for shape in session.workspace.selected_rows()}
        current = session.workspace.class_id
        meant = chosen or ({current} if current is not None else set())
        wanted = with_below(meant, parents_of(session.project.classes()))
        _select(session, [s for s in unlocked(_rows(session)) if s.class_id in wanted])

    def edit_invert_selection(self) -> None:
        """Select what is not selected."""
        if session := self._session():
            chosen = set(session.workspace.selection)
            _select(session, [s for s in unlocked(_rows(session)) if s.id not in chosen])

    def edit_select_group(self) -> None:
        """Select the whole groups of the selected shapes."""
        if session := self._session():
            chosen = session.workspace.selected_rows()
            _select(session, with_groups(chosen, _rows(session)))

    def edit_class(self) -> None:
        """Offer the classes for the selected shapes."""
        if session := self._session():
            session.offer_classes()

    # -- order, lock, hide, group ---------------------------------------------

    def shape_order(self, where: str) -> None:
        """Put the selected shapes in front of others or behind them; locked ones count among the others."""
        if session := self._session():
            change(
                session,
                session.workspace.selected_rows(),
                lambda free: _ORDERS[where](free, _rows(session)),
                tr("They are there already."),
            )

    def shape_lock(self) -> None:
        """Lock the selected shapes; all of them locked, unlock them."""
        if session := self._session():
            chosen = session.workspace.selected_rows()
            lock = not all(shape.locked for shape in chosen)
            _apply(session, set_marks(chosen, "locked", lock))
            session.say(tr("Locked: clicks go to what lies below.") if lock else tr("Unlocked."))

    def shape_unlock_all(self) -> None:
        """Unlock every shape of the image."""
        if session := self._session():
            edit = set_marks(_rows(session), "locked", False)
            _apply(session, edit, tr("No shape of this image is locked."))

    def shape_hide(self) -> None:
        """Hide the selected shapes."""
        if session := self._session():
            _apply(session, set_marks(session.workspace.selected_rows(), "hidden", True))
            session.say(tr("Hidden. Ctrl+Shift+H shows all shapes of the image again."))

    def shape_show_all(self) -> None:
        """Show every shape of the image."""
        if session := self._session():
            edit = set_marks(_rows(session), "hidden", False)
            _apply(session, edit, tr("No shape of this image is hidden."))

    def shape_solo(self) -> None:
        """Show the selected shapes alone; they are alone already, show all."""
        if session := self._session():
            chosen = set(session.workspace.selection)
            others = [s for s in _rows(session) if s.id not in chosen]
            hide = not all(shape.hidden for shape in others)
            _apply(session, set_marks(others, "hidden", hide), tr("There is no other shape."))

    def shape_group(self) -> None:
        """Give the selected shapes a common group number."""
        if session := self._session():
            chosen = session.workspace.selected_rows()
            change(session, chosen, lambda free: group(free, _rows(session)))

    def shape_ungroup(self) -> None:
        """Take the selected shapes out of their groups."""
        if session := self._session():
            chosen = session.workspace.selected_rows()
            change(session, chosen, ungroup, tr("None of the shapes is in a group."))

    # -- shapes made of shapes -------------------------------------------------

    def shape_unite(self) -> None:
        """Make one shape of the selected ones."""
        self._make(lambda shapes, size: united(shapes, size))

    def shape_subtract(self) -> None:
        """Cut the other selected shapes out of the one that was selected first, and use them up."""
        self._cut(keep=False)

    def shape_trim(self) -> None:
        """Cut the other selected shapes out of the one that was selected first, and keep them."""
        self._cut(keep=True)

    def shape_intersect(self) -> None:
        """Keep what all selected shapes cover."""
        self._make(lambda shapes, size: overlap(shapes, size))

    def shape_split_parts(self) -> None:
        """Make every part that lies apart a shape of its own."""
        self._make(lambda shapes, _size: parted(shapes))

    def shape_fill_holes(self) -> None:
        """Fill the holes of the selected shapes."""
        self._make(lambda shapes, _size: filled(shapes))

    def shape_convert(self, kind: str) -> None:
        """Turn the selected shapes into another kind of geometry."""
        self._make(lambda shapes, size: turned_into(shapes, kind, size))

    def shape_simplify(self) -> None:
        """Show the bar that leaves outlines with fewer points."""
        if session := self._session():
            session.annotate.simplify.start()

    # -- other images ------------------------------------------------------------

    def edit_copy_to_next(self) -> None:
        """Copy the selected shapes, or all, to the next image of the list and go there."""
        session = self._session()
        if session is None:
            return
        shapes = session.workspace.selected_shapes() or _drawn(_shapes(session))
        if not shapes:
            session.say(tr("There is no shape to copy."))
        elif not session.workspace.step(1):
            session.say(tr("This is the last image of the list."))
        else:
            add_copies(session, shapes, tr("Copy {shapes}"))

    def edit_repeat_last(self) -> None:
        """Add the shapes of the image that was shown before this one, or that comes before it in the list."""
        session = self._session()
        if session is None or session.workspace.image_id is None:
            return
        source = session.workspace.image_before()
        shapes = _drawn(session.project.shapes(source)) if source is not None else []
        if shapes:
            add_copies(session, shapes, tr("Repeat {shapes}"))
        else:
            session.say(tr("The image before this one has no shapes."))

    def _make(self, build: Callable[[Sequence[Shape], tuple[int, int]], Edit]) -> None:
        """Build an edit of the selected shapes that are free, in the order they were selected, and apply it."""
        session = self._session()
        record = session.workspace.image() if session is not None else None
        if session is not None and record is not None:
            size = (record.width, record.height)
            change(session, _in_turn(session), lambda free: build(free, size), tells=True)

    def _cut(self, keep: bool) -> None:
        """Cut the other selected shapes out of the one that was selected first.

        That one has to be free: no other takes its place. The others may be locked where they are kept.
        """
        session = self._session()
        record = session.workspace.image() if session is not None else None
        chosen = _in_turn(session) if session is not None else []
        if session is None or record is None or not chosen:
            return
        first, *others = chosen
        if not (keep or first.locked):
            self._make(subtracted)
            return
        size = (record.width, record.height)
        change(
            session, [first], lambda free: subtracted([*free, *others], size, keep=True), tells=True
        )


def _in_turn(session: Session) -> list[Shape]:
    """Return the selected shapes in the order they were selected."""
    places = {shape_id: place for place, shape_id in enumerate(session.workspace.selection)}
    return sorted(session.workspace.selected_shapes(), key=lambda shape: places[shape.id])


def _shapes(session: Session) -> list[Shape]:
    image_id = session.workspace.image_id
    return session.project.shapes(image_id) if image_id is not None else []


def _rows(session: Session) -> list[ShapeRow]:
    image_id = session.workspace.image_id
    return session.project.shape_rows(image_id) if image_id is not None else []


def _drawn(shapes: Sequence[Shape]) -> list[Shape]:
    """Return the shapes that have a place: the class of a whole image is not repeated unasked."""
    return [shape for shape in shapes if not isinstance(shape.geometry, Tag)]


def _select(session: Session, shapes: Sequence[ShapeRow]) -> None:
    session.workspace.select([shape.id for shape in shapes])


def _apply(session: Session, edit: Edit | None, otherwise: str = "") -> Edit | None:
    """Apply an edit; say ``otherwise`` where there is nothing to change."""
    if edit is not None:
        return session.apply(edit)
    if otherwise:
        session.say(otherwise)
    return None
