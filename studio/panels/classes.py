"""The classes of the project: which one is current, their keys, colours and counts."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLineEdit,
    QMenu,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from studio.model.edits import ChangeClass, OrderClasses, RemoveClass
from studio.model.errors import EditError
from studio.model.records import ClassDef
from studio.model.workspace import Workspace
from studio.theme import tokens
from studio.widgets.color_swatch import ColorSwatch
from studio.widgets.icon_button import IconButton, TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.text_label import TextLabel


class ClassesPanel(QWidget):
    """A row for each class; a click makes it current, a double click renames it, the eye hides its shapes."""

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self.rows: list[ClassRow] = []
        self._list = QVBoxLayout()
        self._list.setContentsMargins(tokens.SPACE_S, tokens.SPACE_XS, tokens.SPACE_S, 0)
        self._list.setSpacing(0)
        self.banner = MessageBanner()
        self.name_field = QLineEdit()
        self.name_field.setPlaceholderText("New class")
        self.name_field.setAccessibleName("Name of the new class")
        self.name_field.returnPressed.connect(self._on_add)
        self.add_button = TextButton("Add", "normal", "add")
        self.add_button.clicked.connect(self._on_add)
        self._lay_out()
        project = workspace.project
        project.classes_changed.connect(self._rebuild)
        project.shapes_changed.connect(self._on_shapes_changed)
        workspace.class_changed.connect(self._on_class_changed)
        self._rebuild()

    def _lay_out(self) -> None:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.addLayout(self._list)
        column.addStretch()
        area = QScrollArea()
        area.setWidget(inner)
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        line = QHBoxLayout()
        line.setContentsMargins(tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S)
        line.setSpacing(tokens.SPACE_S)
        line.addWidget(self.name_field, 1)
        line.addWidget(self.add_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.banner)
        layout.addWidget(area, 1)
        layout.addLayout(line)

    def _rebuild(self) -> None:
        counts = self._workspace.project.class_counts()
        while (item := self._list.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.deleteLater()
        self.rows = []
        for place, cls in enumerate(self._workspace.project.classes()):
            row = ClassRow(cls, place, counts.get(cls.id, 0), self)
            self.rows.append(row)
            self._list.addWidget(row)
        self._on_class_changed(self._workspace.class_id)

    def _on_shapes_changed(self, _image_id: int) -> None:
        counts = self._workspace.project.class_counts()
        for row in self.rows:
            row.set_count(counts.get(row.cls.id, 0))

    def _on_class_changed(self, class_id: int | None) -> None:
        for row in self.rows:
            row.set_current(row.cls.id == class_id)

    def _on_add(self) -> None:
        name = self.name_field.text().strip()
        if not name:
            self.name_field.setFocus()
            return
        try:
            added = self._workspace.project.add_class(name)
        except EditError as error:
            self.banner.show_message(error.message, error.remedy or "")
            return
        self.banner.hide()
        self.name_field.clear()
        self._workspace.choose_class(added.id)

    def choose(self, cls: ClassDef) -> None:
        """Make a class the current one."""
        self._workspace.choose_class(cls.id)

    def change(self, cls: ClassDef) -> bool:
        """Write a changed class; says what is wrong and returns False where it cannot be."""
        try:
            self._workspace.project.apply(ChangeClass(cls))
        except EditError as error:
            self.banner.show_message(error.message, error.remedy or "")
            return False
        self.banner.hide()
        return True

    def remove(self, cls: ClassDef) -> None:
        """Remove a class with its shapes; Undo brings both back."""
        self._workspace.project.apply(RemoveClass(cls))

    def move_class(self, cls: ClassDef, step: int) -> None:
        """Move a class up (-1) or down (1) in the list, and so to another key and number."""
        ids = [row.cls.id for row in self.rows]
        here = ids.index(cls.id)
        there = here + step
        if 0 <= there < len(ids):
            ids[here], ids[there] = ids[there], ids[here]
            self._workspace.project.apply(OrderClasses(tuple(ids)))


class ClassRow(QWidget):
    """One class: key, colour, name, count, eye."""

    def __init__(self, cls: ClassDef, place: int, count: int, panel: ClassesPanel) -> None:
        super().__init__(panel)
        self.cls = cls
        self._panel = panel
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "row")
        self.setFixedHeight(30)
        self.setToolTip(f"Key {place + 1}" if place < 9 else "")
        key = TextLabel(str(place + 1) if place < 9 else "", "caption")
        key.setFixedWidth(12)
        self.swatch = ColorSwatch(cls.color)
        self.swatch.color_chosen.connect(self._on_color)
        self._name = TextLabel(cls.name)
        self._editor = QLineEdit(cls.name)
        self._editor.setVisible(False)
        self._editor.editingFinished.connect(self._on_renamed)
        self._count = TextLabel("", "secondary")
        self.eye = IconButton(
            "show" if cls.visible else "hide", "Show or hide its shapes", size_px=16
        )
        self.eye.clicked.connect(self._on_eye)
        line = QHBoxLayout(self)
        line.setContentsMargins(tokens.SPACE_XS, 0, 0, 0)
        line.setSpacing(tokens.SPACE_XS)
        for widget in (key, self.swatch, self._name, self._editor):
            line.addWidget(widget, int(widget in (self._name, self._editor)))
        line.addWidget(self._count)
        line.addWidget(self.eye)
        self.set_count(count)

    def set_count(self, count: int) -> None:
        """Show how many shapes the class has."""
        self._count.setText(f"{count:,}")

    def set_current(self, current: bool) -> None:
        """Mark the row as the class that the next shape gets."""
        self.setProperty("current", "true" if current else "false")
        self.style().unpolish(self)
        self.style().polish(self)

    def is_current(self) -> bool:
        """Tell whether the next shape gets this class."""
        return self.property("current") == "true"

    def start_rename(self) -> None:
        """Put an editor in the name's place."""
        self._name.setVisible(False)
        self._editor.setVisible(True)
        self._editor.setFocus()
        self._editor.selectAll()

    def _on_renamed(self) -> None:
        if not self._editor.isVisible():
            return
        name = self._editor.text().strip()
        self._editor.setVisible(False)
        self._name.setVisible(True)
        if name and name != self.cls.name:
            self._panel.change(replace(self.cls, name=name))

    def _on_color(self, color: str) -> None:
        self._panel.change(replace(self.cls, color=color))

    def _on_eye(self) -> None:
        self._panel.change(replace(self.cls, visible=not self.cls.visible))

    def _open_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Rename", self.start_rename)
        menu.addAction("Move up", lambda: self._panel.move_class(self.cls, -1))
        menu.addAction("Move down", lambda: self._panel.move_class(self.cls, 1))
        menu.addSeparator()
        menu.addAction("Remove class and its shapes", lambda: self._panel.remove(self.cls))
        menu.popup(at)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Make the class the current one."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._panel.choose(self.cls)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Rename in place."""
        self.start_rename()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with the class."""
        self._open_menu(event.globalPos())
