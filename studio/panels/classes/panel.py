"""The classes of the project: which one is current, their keys, colours and counts, and what can be done with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from engine.runtime.errors import EngineError
from studio.language import ntr, tr
from studio.model.class_tree import parents_of, with_below
from studio.model.edits import (
    Batch,
    ChangeClass,
    Edit,
    MergeClass,
    OrderClasses,
    RemoveClass,
    split_by_attribute,
    split_off,
)
from studio.model.errors import EditError
from studio.model.locks import locked_text, unlocked
from studio.model.one_line import lines_of
from studio.model.project import Project
from studio.model.records import ClassDef, ImageFilter
from studio.model.workspace import Workspace
from studio.panels.classes.editor import ClassEditor, KeyOwner
from studio.panels.classes.removal import RemoveClassDialog, TakeOver
from studio.panels.classes.row import ClassRow
from studio.panels.classes.row_list import RowList
from studio.theme import tokens
from studio.widgets.class_icons import class_icon
from studio.widgets.icon_button import TextButton
from studio.widgets.late_call import LateCall
from studio.widgets.message_banner import MessageBanner
from studio.widgets.search_field import SearchField
from studio.widgets.searched_combo import FEW
from studio.widgets.text_label import TextLabel


class ClassesPanel(QWidget):
    """A row for each class, those below another one set in.

    Args:
        workspace: The open project and the place in it.
        key_owner: Returns what a key does already, empty where it is free.
        take_over: Given how many images an edit touches and what makes it, applies it in a thread if they are many
            and tells whether it does; the panel goes with its project then.

    Signals:
        finished: A class was found by typing and chosen: the keys are the canvas's again.
    """

    finished = Signal()

    def __init__(
        self,
        workspace: Workspace,
        key_owner: KeyOwner = lambda _key: "",
        take_over: TakeOver = lambda _count, _make: False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._workspace, self._key_owner, self._take_over = workspace, key_owner, take_over
        self.dialog: QDialog | None = None
        self.list = RowList(self)
        self.search = SearchField(tr("Find a class"))
        self.search.search_changed.connect(self._on_search)
        self.search.returnPressed.connect(self._on_search_entered)
        self.nothing = TextLabel(tr("No class with that name"), "secondary")
        self.nothing.setContentsMargins(*[tokens.SPACE_M] * 4)
        self.nothing.setVisible(False)
        self.banner = MessageBanner()
        self.name_field = QLineEdit()
        self.name_field.setPlaceholderText(tr("New class"))
        self.name_field.setAccessibleName(tr("Name of the new class"))
        self.name_field.returnPressed.connect(self._on_add)
        self.add_button = TextButton(tr("Add"), "normal", "add")
        self.add_button.clicked.connect(self._on_add)
        self._count = LateCall(self, self._recount)
        self._bring_current = LateCall(self, self._show_current)
        self._lay_out()
        project = workspace.project
        project.classes_changed.connect(self._show_classes)
        project.shapes_changed.connect(self._count.ask)
        workspace.class_changed.connect(self._on_class_changed)
        self._show_classes()

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.nothing)
        column.addWidget(self.list)
        column.addStretch()
        area = self._area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        above = QVBoxLayout()
        above.setContentsMargins(tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S, 0)
        above.addWidget(self.search)
        line = QHBoxLayout()
        line.setContentsMargins(tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S)
        line.setSpacing(tokens.SPACE_S)
        line.addWidget(self.name_field, 1)
        line.addWidget(self.add_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.banner)
        layout.addLayout(above)
        layout.addWidget(area, 1)
        layout.addLayout(line)

    @property
    def rows(self) -> list[ClassRow]:
        """The rows of all classes."""
        return self.list.rows

    def _show_classes(self) -> None:
        project = self._workspace.project
        classes = project.classes()
        self.list.show_classes(classes, project.class_counts())
        self.list.mark(self._workspace.class_id)
        self.search.setVisible(len(classes) > FEW)
        if len(classes) <= FEW:
            self.search.clear()
        self._show_whether_found()

    def _recount(self) -> None:
        self.list.show_counts(self._workspace.project.class_counts())

    def _on_class_changed(self, class_id: int | None) -> None:
        self.list.mark(class_id)
        self._bring_current.ask()  # a row that was just made has no place before the events go on

    def _show_current(self) -> None:
        current = next((row for row in self.rows if row.is_current() and row.isVisible()), None)
        if current is not None:
            self._area.ensureWidgetVisible(current, 0, 0)

    def _on_search(self, text: str) -> None:
        self.list.search(text)
        self._show_whether_found()

    def _show_whether_found(self) -> None:
        self.nothing.setVisible(bool(self.rows) and not self.list.found())

    def _on_search_entered(self) -> None:
        """Take the first class that was found."""
        found = self.list.found()
        if found and self.search.text().strip():
            self.choose(found[0].cls)
            self.finished.emit()

    def _on_add(self) -> None:
        """Add the class that is named, or, of a pasted list, one for each line that names no class yet."""
        names = lines_of(self.name_field.text())
        if not names:
            self.name_field.setFocus()
            return
        project = self._workspace.project
        known = {cls.name for cls in project.classes()}
        new = [name for name in names if name not in known] or names[:1]
        try:
            added = project.add_classes(new)
        except EditError as error:
            self.banner.show_message(error.message, error.remedy or "")
            return
        self._tell_known(len(names) - len(new))
        self.name_field.clear()
        self.search.clear()  # else the new one might not show
        self._workspace.choose_class(added[0].id)

    def _tell_known(self, count: int) -> None:
        """Say how many of a pasted list were there already."""
        self.banner.hide()
        if count:
            said = ntr(
                "{count:,} class of the list was there already.",
                "{count:,} classes of the list were there already.",
                count,
            )
            self.banner.show_message(said.format(count=count), tone="info")

    # -- what rows and their menu ask for --------------------------------------

    def choose(self, cls: ClassDef) -> None:
        """Make a class the current one."""
        self._workspace.choose_class(cls.id)

    def change(self, cls: ClassDef) -> bool:
        """Write a changed class; says what is wrong and returns False where it cannot be."""
        return self._apply(lambda: ChangeClass(cls))

    def set_visible(self, cls: ClassDef, visible: bool) -> None:
        """Show or hide a class and those below it, as one step."""
        classes = self._workspace.project.classes()
        below = with_below((cls.id,), parents_of(classes))
        turned = [other for other in classes if other.id in below and other.visible != visible]
        turned.sort(
            key=lambda other: other.id != cls.id
        )  # the step is called after the class itself
        edits = tuple(ChangeClass(replace(other, visible=visible)) for other in turned)
        self._apply(lambda: edits[0] if len(edits) == 1 else Batch(edits))

    def rename(self, cls: ClassDef, name: str) -> bool:
        """Give a class another name; says what is wrong and returns False where it cannot have it."""
        return self._apply(lambda: ChangeClass(replace(cls, name=name)))

    def edit(self, cls: ClassDef) -> ClassEditor:
        """Open the window with everything about a class."""
        editor = ClassEditor(self._workspace.project, cls, self._key_owner, self.window())
        self._open(editor)
        return editor

    def remove(self, cls: ClassDef) -> RemoveClassDialog | None:
        """Remove a class; one with shapes asks first what becomes of them."""
        shapes, _ = self._workspace.project.store.places_of_class(cls.id)
        if not shapes:
            self._apply(lambda: RemoveClass(cls))
            return None
        images = len({image_id for _, image_id in shapes})
        project = self._workspace.project
        dialog = RemoveClassDialog(
            project, cls, len(shapes), images, self.window(), self._take_over
        )
        self._open(dialog)
        return dialog

    def move_class(self, cls: ClassDef, step: int) -> None:
        """Move a class up (-1) or down (1) in the list, and so to another key and number."""
        ids = [row.cls.id for row in self.rows]
        here = ids.index(cls.id)
        there = here + step
        if 0 <= there < len(ids):
            ids[here], ids[there] = ids[there], ids[here]
            self._apply(lambda: OrderClasses(tuple(ids)))

    def merge(self, cls: ClassDef, into: ClassDef) -> None:
        """Give all shapes of a class to another one and remove it."""
        edit = MergeClass(cls, into.id)
        if not self._take_over(self._images_with(cls), lambda _project: edit):
            self._apply(lambda: edit)

    def split_selected(self, cls: ClassDef) -> None:
        """Make a class of the selected shapes of ``cls`` that are not locked, named after it."""
        chosen = [s for s in self._workspace.selected_rows() if s.class_id == cls.id]
        free, left = unlocked(chosen), locked_text(chosen)
        classes = self._workspace.project.classes()
        if free or not chosen:
            name = _free_name(cls, classes)
            if not self._apply(lambda: split_off(cls, name, free, classes)):
                return
        if left:
            self.banner.show_message(left, tone="info")

    def split_by(self, cls: ClassDef, attribute: str) -> None:
        """Make a class of each value that the shapes of ``cls`` have for an attribute."""
        project = self._workspace.project

        def made(fresh: Project) -> Edit:
            rows = fresh.store.shape_rows_of_class(cls.id)
            return split_by_attribute(cls, attribute, rows, fresh.classes())

        if not self._take_over(self._images_with(cls), made):
            self._apply(lambda: made(project))

    def select_shapes(self, cls: ClassDef) -> None:
        """Select the shapes of a class, and of those below it, on the current image."""
        image_id = self._workspace.image_id
        if image_id is not None:
            shapes = self._workspace.project.shape_rows(image_id)
            meant = with_below((cls.id,), parents_of(self._workspace.project.classes()))
            self._workspace.select([s.id for s in unlocked(shapes) if s.class_id in meant])

    def open_menu(self, cls: ClassDef, at: QPoint) -> None:
        """Offer what can be done with a class."""
        self.menu_of(cls).popup(at)

    def menu_of(self, cls: ClassDef) -> QMenu:
        """Return the menu of a class."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        row = next(row for row in self.rows if row.cls.id == cls.id)
        menu.addAction(tr("Edit class…"), lambda: self.edit(cls))
        menu.addAction(tr("Rename"), row.start_rename)
        menu.addAction(tr("Select its shapes on this image"), lambda: self.select_shapes(cls))
        menu.addSeparator()
        menu.addAction(tr("Move up"), lambda: self.move_class(cls, -1))
        menu.addAction(tr("Move down"), lambda: self.move_class(cls, 1))
        menu.addSeparator()
        merge = menu.addMenu(tr("Merge into"))
        for other in (row.cls for row in self.rows if row.cls.id != cls.id):
            merge.addAction(class_icon(other.color), other.name, partial(self.merge, cls, other))
        merge.setEnabled(not merge.isEmpty())
        split = menu.addMenu(tr("Split off"))
        split.addAction(tr("The selected shapes"), lambda: self.split_selected(cls))
        for attribute in cls.attributes:
            name = attribute.name
            split.addAction(
                tr("A class for each {name}").format(name=name), partial(self.split_by, cls, name)
            )
        menu.addSeparator()
        menu.addAction(tr("Remove class…"), lambda: self.remove(cls))
        return menu

    def _images_with(self, cls: ClassDef) -> int:
        """Return on how many images a class is, those below it counted too."""
        return self._workspace.project.count_images(ImageFilter(class_id=cls.id))

    def _apply(self, build: Callable[[], Edit]) -> bool:
        try:
            self._workspace.project.apply(build())
        except EngineError as error:
            self.banner.show_message(error.message, error.remedy or "")
            return False
        self.banner.hide()
        return True

    def _open(self, dialog: QDialog) -> None:
        """Show a window that leaves the canvas usable, in place of the last one."""
        if self.dialog is not None:
            self.dialog.close()
        self.dialog = dialog
        dialog.finished.connect(lambda _result: self._forget(dialog))
        dialog.show()

    def _forget(self, dialog: QDialog) -> None:
        if self.dialog is dialog:
            self.dialog = None
            self.window().activateWindow()  # the keys are the canvas's again

    def showEvent(self, event: QShowEvent) -> None:
        """Show counts that changed meanwhile."""
        super().showEvent(event)
        self._recount()


def _free_name(cls: ClassDef, classes: list[ClassDef]) -> str:
    taken = {other.name for other in classes}
    number = 2
    while f"{cls.name} {number}" in taken:
        number += 1
    return f"{cls.name} {number}"
