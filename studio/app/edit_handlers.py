"""What the Edit, Go, Tools and class-key actions do."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.data.annotations import Tag
from studio.app.copying import add_copies
from studio.app.selected import change
from studio.language import tr
from studio.model.edits import (
    AddShapes,
    Batch,
    Edit,
    RemoveImages,
    RemoveShapes,
    SetBackground,
    assign_class,
)
from studio.model.locks import locked_text, unlocked
from studio.model.records import Shape, new_shape

if TYPE_CHECKING:
    from studio.app.session import Session

_SHIFT_PX = 12.0  # a duplicate lies beside its original, not hidden on it


class EditHandlers:
    """Handlers of a session's edits; without a project they do nothing.

    Args:
        session: Returns the open session or None.
    """

    def __init__(self, session: Callable[[], Session | None]) -> None:
        self._session = session
        self._clipboard: tuple[Shape, ...] = ()

    def edit_undo(self) -> None:
        """Take back the last edit and show the image that it was on."""
        self._step(back=True)

    def edit_redo(self) -> None:
        """Do the undone edit again and show the image that it is on."""
        self._step(back=False)

    def edit_copy(self) -> None:
        """Keep the selected shapes for pasting, also into other images."""
        if session := self._session():
            self._clipboard = tuple(session.workspace.selected_shapes())

    def edit_paste(self) -> None:
        """Paste at the place from where the shapes were copied."""
        session = self._session()
        if session is None or session.workspace.image_id is None or not self._clipboard:
            return
        known = {cls.id for cls in session.project.classes()}
        shapes = [shape for shape in self._clipboard if shape.class_id in known]
        add_copies(session, shapes, tr("Paste {shapes}"))

    def edit_duplicate(self) -> None:
        """Add a copy of each selected shape a little to the lower right."""
        if session := self._session():
            chosen = session.workspace.selected_shapes()
            add_copies(session, chosen, tr("Duplicate {shapes}"), _SHIFT_PX)

    def edit_select_all(self) -> None:
        """Select every shape of the image that is not locked."""
        session = self._session()
        if session is not None and session.workspace.image_id is not None:
            shapes = session.project.shape_rows(session.workspace.image_id)
            session.workspace.select([shape.id for shape in unlocked(shapes)])

    def edit_delete(self) -> None:
        """Delete the selected shapes that are not locked."""
        session = self._session()
        if session is None:
            return
        change(
            session,
            session.workspace.selected_shapes(),
            lambda free: RemoveShapes(tuple(free)),
        )

    def edit_background(self) -> None:
        """Mark the image as looked at and empty, or take the mark back."""
        session = self._session()
        record = session.workspace.image() if session is not None else None
        if session is not None and record is not None:
            session.apply(SetBackground({record.id: record.status != "background"}))

    def edit_image_class(self) -> None:
        """Say that the whole image is of the current class; said again, take it back."""
        session = self._session()
        if session is None or session.workspace.image_id is None:
            return
        cls = session.workspace.current_class()
        if cls is None:
            session.say(tr("Add a class first: it can then be the class of this image."))
            return
        image_id = session.workspace.image_id
        before = [s for s in session.project.shapes(image_id) if isinstance(s.geometry, Tag)]
        if left := locked_text(before):  # beside it the image would have two classes
            session.say(left)
            return
        edits: list[Edit] = [RemoveShapes(tuple(before))] if before else []
        if [shape.class_id for shape in before] != [cls.id]:
            edits.append(
                AddShapes((new_shape(image_id, cls.id, Tag(), attributes=cls.defaults()),))
            )
        said = (
            tr("This image is {name}").format(name=cls.name)
            if len(edits) != 1 or not before
            else tr("Take its class away")
        )
        session.apply(Batch(tuple(edits), said))

    def edit_remove_image(self) -> None:
        """Take the image out of the project; the file stays."""
        session = self._session()
        if session is not None and session.workspace.image_id is not None:
            session.apply(RemoveImages((session.workspace.image_id,)))

    def go_next(self) -> None:
        """Show the next image of the list."""
        self._go(1)

    def go_previous(self) -> None:
        """Show the image before this one."""
        self._go(-1)

    def go_first(self) -> None:
        """Show the first image of the list."""
        if (session := self._session()) and session.workspace.image_ids:
            session.workspace.go_to(session.workspace.image_ids[0])

    def go_last(self) -> None:
        """Show the last image of the list."""
        if (session := self._session()) and session.workspace.image_ids:
            session.workspace.go_to(session.workspace.image_ids[-1])

    def go_next_unlabelled(self) -> None:
        """Show the next image that has no labels."""
        if (session := self._session()) and not session.workspace.go_to_next_unlabelled():
            session.say(tr("No other image waits for labels."))

    def tool_use(self, name: str) -> None:
        """Take a tool in hand."""
        if session := self._session():
            session.use_tool(name)

    def class_choose(self, place: int) -> None:
        """Make the class at this place the current one, and give it to the selected shapes."""
        session = self._session()
        cls = session.workspace.class_at(place) if session is not None else None
        if session is None or cls is None:
            return
        session.workspace.choose_class(cls.id)
        others = [s for s in session.workspace.selected_rows() if s.class_id != cls.id]
        change(session, others, lambda free: assign_class(free, cls.id))

    def _go(self, step: int) -> None:
        if session := self._session():
            session.workspace.step(step)

    def _step(self, back: bool) -> None:
        session = self._session()
        if session is None or session.studio.heavy.step(back):
            return
        if back and session.canvas.hand.step_back():  # what is being drawn comes first
            return
        edit = session.attempt(session.project.undo if back else session.project.redo)
        if edit is None:
            return
        touched = edit.changes().shapes | edit.changes().records
        if touched and session.workspace.image_id not in touched:
            session.workspace.go_to(min(touched))
        said = tr("Undone: {title}") if back else tr("Done again: {title}")
        session.say(said.format(title=edit.title()))
