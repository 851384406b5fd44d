"""Connects the canvas with the project: shows the current image, applies what the tools return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from studio.app.many_shapes import ManyShapes
from studio.canvas.view import CanvasView
from studio.model.edits import AddShapes, Edit
from studio.model.edits.classes import NEW
from studio.model.project import Project
from studio.model.records import ClassDef, Shape
from studio.model.workspace import Workspace

FIRST_CLASS = "object"
_MANY = 2000  # shapes: an image with more is read by a thread


class CanvasLink:
    """One canvas showing one workspace.

    Args:
        workspace: The place in the project.
        canvas: The canvas.
        apply: Applies an edit, tells the person where it cannot be, and returns the bound edit or None.
    """

    def __init__(
        self, workspace: Workspace, canvas: CanvasView, apply: Callable[[Edit], Edit | None]
    ) -> None:
        self._workspace = workspace
        self._canvas = canvas
        self._apply = apply
        self.many = ManyShapes(canvas, workspace.project)
        project = workspace.project
        workspace.image_changed.connect(self.show_image)
        workspace.class_changed.connect(self._show_class)
        workspace.selection_changed.connect(canvas.select)
        project.shapes_edited.connect(self._on_shapes_edited)
        project.suggestions_changed.connect(self._on_suggestions_changed)
        project.classes_changed.connect(self._show_classes)
        canvas.edit_made.connect(self._on_edit)
        canvas.selection_changed.connect(workspace.select)
        canvas.image_shown.connect(self._on_image_shown)
        self._show_classes()
        self.show_image(workspace.image_id)

    def close(self) -> None:
        """Stop the threads; a picture that arrives from now on finds no project any more."""
        self._canvas.image_shown.disconnect(self._on_image_shown)
        self._canvas.picture.loader.release()
        self.many.close()

    def show_image(self, image_id: int | None) -> None:
        """Show an image with its shapes, or nothing."""
        project = self._workspace.project
        self.many.stop()
        if image_id is None:
            self._canvas.set_image(None)
            return
        record = project.image(image_id)
        self._canvas.set_image(record.path, image_id, (record.width, record.height))
        if record.shape_count > _MANY:
            self.many.load(image_id)
        else:
            self._canvas.set_shapes(project.shapes(image_id))
        self._canvas.set_suggestions(project.suggestions(image_id))
        self._canvas.prefetch(self._neighbours())

    def _neighbours(self) -> list[Path]:
        """Return the images that are likely wanted next, the nearest first."""
        here = self._workspace.position
        ids = self._workspace.image_ids
        if here is None:
            return []
        places = [place for place in (here + 1, here - 1, here + 2) if 0 <= place < len(ids)]
        return [image.path for image in self._workspace.project.images([ids[p] for p in places])]

    def _show_class(self, class_id: int | None) -> None:
        self._canvas.set_current_class(class_id)

    def _show_classes(self) -> None:
        project = self._workspace.project
        self._canvas.set_classes(project.classes(), project.keypoints)
        self._show_class(self._workspace.class_id)

    def _on_shapes_edited(self, image_id: int, shape_ids: frozenset[int] | None) -> None:
        if image_id != self._workspace.image_id:
            return
        project = self._workspace.project
        if shape_ids is None:
            self.many.stop()
            self._canvas.set_shapes(project.shapes(image_id))
            return
        self.many.leave_out(shape_ids)
        found = [s for s in project.shapes_by_id(sorted(shape_ids)) if s.image_id == image_id]
        self._canvas.update_shapes(found, shape_ids - {shape.id for shape in found})

    def _on_suggestions_changed(self, image_id: int) -> None:
        if image_id == self._workspace.image_id:
            self._canvas.set_suggestions(self._workspace.project.suggestions(image_id))

    def _on_image_shown(self, is_good: bool) -> None:
        """Note a picture that cannot be shown, so that lists say it and trainings leave it out."""
        record = self._workspace.image()
        if record is None or is_good or record.status == "damaged":
            return
        if record.path.is_file():  # a drive that is not there today is no damage
            self._workspace.project.report_damage(record.id, self._canvas.problem())

    def _on_edit(self, edit: Edit) -> None:
        bound = self._apply(edit)
        if bound is None:
            # The tool shows its result already; what was refused must not stay on the screen.
            self.show_image(self._workspace.image_id)


def with_class(project: Project, edit: Edit, class_id: int | None) -> Edit:
    """Give what was drawn its class; without one, the first class is made.

    Raises:
        EngineError: The first class cannot be written.
    """
    if not isinstance(edit, AddShapes) or all(s.class_id != NEW for s in edit.shapes):
        return edit
    known = project.classes()
    cls = next((cls for cls in known if cls.id == class_id), None)
    cls = cls or (known[0] if known else project.add_class(FIRST_CLASS))
    return AddShapes(tuple(_of_class(shape, cls) for shape in edit.shapes), edit.label)


def _of_class(shape: Shape, cls: ClassDef) -> Shape:
    attributes = {**cls.lacking(shape.attributes), **shape.attributes}
    return replace(shape, class_id=cls.id, attributes=attributes)
