"""What becomes of new shapes that the canvas would not show: nobody must draw without seeing it, or not knowing why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.data.annotations import Tag
from studio.language import tr
from studio.model.edits import AddShapes, Edit

if TYPE_CHECKING:
    from studio.app.session import Session


class Unseen:
    """Brings all shapes back when one draws, and tells of classes that are hidden.

    Args:
        session: The open project's session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        session.canvas.shapes_wanted.connect(self.show_shapes)

    def show_shapes(self) -> None:
        """Show the shapes again that were hidden all together."""
        session = self._session
        if not session.canvas.labels.visible:
            session.canvas.set_shapes_visible(True)
            session.studio.actions.set_checked({"view.shapes": True})
            session.say(tr("All shapes show again, so that you see what you draw."))

    def tell(self, edit: Edit) -> None:
        """Say where to find the shapes that an edit added to the current image; a class's eye stays as it is."""
        image_id = self._session.workspace.image_id
        shapes = edit.shapes if isinstance(edit, AddShapes) else ()
        class_ids = {
            shape.class_id
            for shape in shapes
            if shape.image_id == image_id and not isinstance(shape.geometry, Tag)
        }
        if not class_ids:
            return
        self.show_shapes()
        for cls in self._session.project.classes():
            if cls.id in class_ids and not cls.visible:
                words = tr("Drawn, but the class {name} is hidden: its eye in Classes shows it.")
                self._session.say(words.format(name=cls.name))
                return
