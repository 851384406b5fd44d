"""Connects the canvas with the project: shows the current image, applies what the tools return."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from studio.canvas.view import CanvasView
from studio.model.edits import AddShapes, Edit
from studio.model.edits.classes import NEW
from studio.model.workspace import Workspace

FIRST_CLASS = "object"


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
        project = workspace.project
        workspace.image_changed.connect(self.show_image)
        workspace.class_changed.connect(self._show_class)
        workspace.selection_changed.connect(canvas.select)
        project.shapes_changed.connect(self._on_shapes_changed)
        project.suggestions_changed.connect(self._on_suggestions_changed)
        project.classes_changed.connect(self._show_classes)
        project.image_changed.connect(self._on_image_changed)
        canvas.edit_made.connect(self._on_edit)
        canvas.selection_changed.connect(workspace.select)
        canvas.image_failed.connect(self._on_image_failed)
        self._damaged: tuple[int, str] | None = None
        self._show_classes()
        self.show_image(workspace.image_id)

    def show_image(self, image_id: int | None) -> None:
        """Show an image with its shapes, or nothing."""
        project = self._workspace.project
        if image_id is None:
            self._canvas.clear()
            return
        record = project.image(image_id)
        self._damaged = (image_id, record.note) if record.status == "damaged" else None
        self._canvas.show_image(record, self._neighbours())
        self._canvas.set_shapes(project.shapes(image_id))
        self._canvas.set_suggestions(project.suggestions(image_id))

    def _neighbours(self) -> list[object]:
        """Return the records of the images that are likely wanted next, the nearest first."""
        here = self._workspace.position
        ids = self._workspace.image_ids
        if here is None:
            return []
        places = [place for place in (here + 1, here - 1, here + 2) if 0 <= place < len(ids)]
        return list(self._workspace.project.images([ids[place] for place in places]))

    def _show_class(self, class_id: int | None) -> None:
        self._canvas.set_current_class(NEW if class_id is None else class_id)

    def _show_classes(self) -> None:
        self._canvas.set_classes(self._workspace.project.classes())
        self._show_class(self._workspace.class_id)

    def _on_shapes_changed(self, image_id: int) -> None:
        if image_id != self._workspace.image_id:
            return
        now = {shape.id: shape for shape in self._workspace.project.shapes(image_id)}
        before = {shape.id: shape for shape in self._canvas.scene.shapes()}
        changed = [shape for shape_id, shape in now.items() if before.get(shape_id) != shape]
        self._canvas.update_shapes(
            changed, [shape_id for shape_id in before if shape_id not in now]
        )

    def _on_suggestions_changed(self, image_id: int) -> None:
        if image_id == self._workspace.image_id:
            self._canvas.set_suggestions(self._workspace.project.suggestions(image_id))

    def _on_image_changed(self, image_id: int) -> None:
        """A header that was read meanwhile, or damage, changes what is shown."""
        if image_id == self._workspace.image_id and self._damaged is None:
            record = self._workspace.project.images([image_id])
            if record and record[0].status == "damaged":
                self.show_image(image_id)

    def _on_image_failed(self, image_id: int, reason: str) -> None:
        if image_id == self._workspace.image_id and self._damaged is None:
            self._damaged = (image_id, reason)
            self._workspace.project.report_damage(image_id, reason)

    def _on_edit(self, edit: Edit) -> None:
        bound = self._apply(self._with_class(edit))
        if bound is None:
            # The tool shows its result already; what was refused must not stay on the screen.
            self.show_image(self._workspace.image_id)

    def _with_class(self, edit: Edit) -> Edit:
        """Make the first class when the first shape is drawn before there is one."""
        if not isinstance(edit, AddShapes) or all(s.class_id != NEW for s in edit.shapes):
            return edit
        cls = self._workspace.current_class() or self._workspace.project.add_class(FIRST_CLASS)
        return AddShapes(tuple(replace(shape, class_id=cls.id) for shape in edit.shapes))
