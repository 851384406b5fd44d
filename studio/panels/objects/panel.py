"""The Objects dock: the shapes of the current image, following the canvas's selection and leading it."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QVBoxLayout, QWidget

from engine.runtime.errors import EngineError
from studio.language import tr
from studio.model.edits import set_marks
from studio.model.workspace import Workspace
from studio.panels.objects.row_view import ObjectList
from studio.panels.objects.rows import SHAPE, ObjectRows
from studio.widgets.late_call import LateCall
from studio.widgets.text_label import TextLabel


class ObjectsPanel(QWidget):
    """The list; a lock and an eye in each row, a menu on the right button.

    Args:
        workspace: The open project and the place in it.
        refused: Called with the reason where an edit cannot be made.

    Signals:
        menu_asked(QPoint): The right button was pressed on the selected rows; global place.
    """

    menu_asked = Signal(QPoint)

    def __init__(
        self,
        workspace: Workspace,
        refused: Callable[[EngineError], object] = lambda _error: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._workspace, self._refused = workspace, refused
        self._echo = False
        self.rows = ObjectRows()
        self.list = ObjectList()
        self.list.setModel(self.rows)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(
            lambda at: self.menu_asked.emit(self.list.viewport().mapToGlobal(at))
        )
        self.list.mark_clicked.connect(self._on_mark)
        self.list.selectionModel().selectionChanged.connect(self._on_list_selection)
        self.empty = TextLabel(tr("No shapes on this image yet"), "secondary")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.empty, 1)
        self._look = LateCall(self, self.refresh)
        workspace.image_changed.connect(self._look.ask)
        workspace.selection_changed.connect(self._show_selection)
        workspace.project.shapes_edited.connect(self._on_shapes_edited)
        workspace.project.classes_changed.connect(self._look.ask)
        self.refresh()

    def refresh(self) -> None:
        """Show the shapes of the current image as they are now."""
        self._look.stop()
        image_id, project = self._workspace.image_id, self._workspace.project
        shapes = project.shape_rows(image_id) if image_id is not None else []
        self._echo = True
        self.rows.show_shapes(shapes, {cls.id: cls for cls in project.classes()})
        self._echo = False
        self._show_whether_empty()
        self._show_selection(self._workspace.selection)

    def _on_shapes_edited(self, image_id: int, shape_ids: frozenset[int] | None) -> None:
        if image_id != self._workspace.image_id or not self.isVisible():
            return  # what is missed while hidden is looked up when it shows
        if shape_ids is None or self._look.isActive():
            self._look.ask()
        else:
            self._update(image_id, shape_ids)

    def _update(self, image_id: int, shape_ids: frozenset[int]) -> None:
        """Show some shapes as they are now."""
        found = self._workspace.project.shape_rows_by_id(list(shape_ids))
        self._echo = True
        self.rows.update_shapes([row for row in found if row.image_id == image_id], shape_ids)
        self._echo = False
        self._show_whether_empty()
        self._show_selection(self._workspace.selection)

    def _show_whether_empty(self) -> None:
        any_there = self.rows.rowCount() > 0
        self.list.setVisible(any_there)
        self.empty.setVisible(not any_there)

    def _on_mark(self, row: int, field: str) -> None:
        """Turn a mark of one row, or of all selected rows if it is one of them."""
        shape = self.rows.shapes()[row]
        chosen = set(self._workspace.selection)
        several = (
            [s for s in self.rows.shapes() if s.id in chosen] if shape.id in chosen else [shape]
        )
        edit = set_marks(several, field, not getattr(shape, field))
        if edit is None:
            return
        try:
            self._workspace.project.apply(edit)
        except EngineError as error:
            self._refused(error)

    def _on_list_selection(self, *_: object) -> None:
        if not self._echo:
            rows = sorted(index.row() for index in self.list.selectionModel().selectedRows())
            shapes = self.rows.shapes()
            self._workspace.select([shapes[row].id for row in rows if row < len(shapes)])

    def _show_selection(self, shape_ids: tuple[int, ...]) -> None:
        places = [place for i in shape_ids if (place := self.rows.place(i)) is not None]
        selection = QItemSelection()
        for first, last in _runs(sorted(places)):
            selection.select(self.rows.index(first, 0), self.rows.index(last, 0))
        flags = QItemSelectionModel.SelectionFlag
        self._echo = True
        self.list.selectionModel().select(selection, flags.ClearAndSelect)
        if len(places) == 1:
            index = self.rows.index(places[0], 0)
            self.list.selectionModel().setCurrentIndex(index, flags.NoUpdate)
            self.list.scrollTo(index)
        self._echo = False

    def row_of(self, shape_id: int) -> QPoint:
        """Return the middle of a shape's row in the list, for whoever points there."""
        place = self.rows.place(shape_id)
        index = self.rows.index(place if place is not None else -1, 0)
        return self.list.visualRect(index).center() if index.data(SHAPE) else QPoint()

    def showEvent(self, event: QShowEvent) -> None:
        """Show what changed meanwhile."""
        super().showEvent(event)
        self.refresh()


def _runs(places: list[int]) -> list[tuple[int, int]]:
    """Return sorted numbers as runs (first, last)."""
    found: list[tuple[int, int]] = []
    for place in places:
        if found and place == found[-1][1] + 1:
            found[-1] = (found[-1][0], place)
        else:
            found.append((place, place))
    return found
