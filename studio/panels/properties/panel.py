"""The Properties dock: what the selected shapes are, one or many, and where that is changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QFormLayout, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from engine.data.annotations.attribute_names import DESCRIPTION, FLAGS, GROUP_ID, TRACK_ID
from engine.runtime.errors import EngineError
from studio.language import tr
from studio.model.attribute_def import AttributeDef
from studio.model.calibration import PIXELS, calibration_of
from studio.model.edits import Edit, assign_class, set_attributes
from studio.model.locks import locked_text, unlocked
from studio.model.records import ClassDef, ShapeRow
from studio.model.workspace import Workspace
from studio.panels.properties.editors import (
    FlagValue,
    IdValue,
    TextValue,
    Value,
    narrow,
    value_editor,
)
from studio.panels.properties.shared_values import (
    LINES,
    LONG_LINES,
    MEASURED_LIMIT,
    MIXED,
    About,
    asked_attributes,
    described,
    in_pixels,
    shared,
    shared_attribute,
)
from studio.theme import tokens
from studio.widgets.class_icons import class_icon
from studio.widgets.late_call import LateCall
from studio.widgets.searched_combo import KEY, SearchedComboBox
from studio.widgets.section_header import SectionHeader
from studio.widgets.text_label import TextLabel

_EMPTY = tr("Select a shape to see what it is. Several are changed at once.")
_FLAG_WORDS = {
    "crowd": tr("Crowd"),
    "occluded": tr("Occluded"),
    "truncated": tr("Truncated"),
    "difficult": tr("Difficult"),
}
_FLAG_TIPS = {
    "crowd": tr("Stands for many objects that nobody told apart"),
    "occluded": tr("Something in front hides part of it"),
    "truncated": tr("It goes on beyond the image's border"),
    "difficult": tr("Hard to recognise: evaluations may leave it out"),
}


class PropertiesPanel(QWidget):
    """Follows the selection; values in which the shapes differ are shown as mixed.

    Args:
        workspace: The open project and the place in it.
        refused: Called with the reason where an edit cannot be made.

    Signals:
        finished: Enter or Escape was pressed in a field: the keys are the canvas's again.
    """

    finished = Signal()

    def __init__(
        self,
        workspace: Workspace,
        refused: Callable[[EngineError], object] = lambda _error: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._workspace, self._refused = workspace, refused
        self._shapes: About = []
        self._asked: list[AttributeDef] | None = None
        self._scale = PIXELS
        self.class_box = SearchedComboBox(tr("Find a class"))
        self.class_box.setAccessibleName(tr("Class of the selected shapes"))
        self.class_box.setPlaceholderText(tr("mixed"))
        narrow(self.class_box)
        self.class_box.activated.connect(self._on_class_chosen)
        self.lines = {name: TextLabel("", wrap=name in LONG_LINES) for name in LINES}
        self.flags = {name: FlagValue(_FLAG_WORDS[name]) for name in FLAGS}
        self.group = IdValue(tr("Group number"))
        self.track = IdValue(tr("Track number"))
        self.description = TextValue(tr("Description"))
        self.attributes: dict[str, Value] = {}
        self._attribute_form = QFormLayout()
        self._attribute_title = SectionHeader(tr("Attributes"))
        self.empty = TextLabel(_EMPTY, "secondary", wrap=True)
        self._body = QWidget()
        self._lay_out()
        self._look = LateCall(self, self.refresh)
        self._fit = LateCall(self, self._fit_rows)
        self._wire()
        self.refresh()

    def offer_classes(self) -> None:
        """Open the list of classes, for a key or a double click on the canvas."""
        if not self._shapes:
            return
        if self.class_box.has_many():
            self.class_box.search()
        else:
            self.class_box.setFocus()
            self.class_box.showPopup()

    def refresh(self) -> None:
        """Show the selected shapes as they are now."""
        self._look.stop()
        work = self._workspace
        is_measured = len(work.selection) <= MEASURED_LIMIT
        self._shapes = work.selected_shapes() if is_measured else work.selected_rows()
        self._body.setVisible(bool(self._shapes))
        self.empty.setVisible(not self._shapes)
        if not self._shapes:
            return
        classes = {cls.id: cls for cls in self._workspace.project.classes()}
        self._show_class(classes)
        self._scale = calibration_of(self._workspace.project)
        told = described(self._shapes, self._scale)
        tips = {} if self._scale.is_pixels else in_pixels(self._shapes)
        for name, label in self.lines.items():
            label.setText(told.get(name, ""))
            label.setToolTip(tips.get(name, ""))
            self._facts.setRowVisible(label, name in told)
        for name, box in self.flags.items():
            box.show_value(shared_attribute(self._shapes, name))
        for name, field in self._named_fields():
            field.show_value(shared_attribute(self._shapes, name))
        self._show_attributes(asked_attributes(self._shapes, classes))
        free = bool(unlocked(self._shapes))
        for control in (self.class_box, *self.flags.values(), *self.attributes.values()):
            control.setEnabled(free)
        for _, field in self._named_fields():
            field.setEnabled(free)
        self.locked.setText(locked_text(self._shapes))
        self.locked.setVisible(bool(self.locked.text()))
        self._fit_rows()
        self._fit.ask()  # new editors show, and count, only when the events go on

    def _fit_rows(self) -> None:
        """Give all rows their height: the area learns too late from nested forms that they have grown."""
        for widget in self._body.findChildren(QWidget):
            widget.ensurePolished()  # else its height is that of another font
        for layout in self._layouts:
            layout.invalidate()
        self._layouts[-1].update()

    def _named_fields(self) -> tuple[tuple[str, TextValue], ...]:
        return (GROUP_ID, self.group), (TRACK_ID, self.track), (DESCRIPTION, self.description)

    def _show_class(self, classes: dict[int, ClassDef]) -> None:
        box = self.class_box
        known = [(box.itemData(i), box.itemText(i)) for i in range(box.count())]
        if known != [(cls.id, cls.name) for cls in classes.values()]:
            box.clear()
            for cls in classes.values():
                box.addItem(class_icon(cls.color), cls.name, cls.id)
        for row, cls in enumerate(classes.values()):
            box.setItemIcon(row, class_icon(cls.color))
            box.setItemData(row, next(reversed(cls.keys(row)), ""), KEY)
        one = shared(shape.class_id for shape in self._shapes)
        box.setCurrentIndex(-1 if one is MIXED else box.findData(one))
        told = tr("Class of the selected shapes  (Ctrl+E, keys 1 to 9)")
        box.setToolTip(f"{box.currentText()}\n{told}" if box.currentIndex() >= 0 else told)

    def _show_attributes(self, asked: list[AttributeDef]) -> None:
        if asked != self._asked:
            self._asked = asked
            while self._attribute_form.rowCount():
                self._attribute_form.removeRow(0)
            self.attributes = {attribute.name: value_editor(attribute) for attribute in asked}
            for name, editor in self.attributes.items():
                editor.setAccessibleName(name)
                editor.edited.connect(lambda value, name=name: self._on_attribute(name, value))
                label = TextLabel(name, "secondary")
                label.setBuddy(editor)
                self._attribute_form.addRow(label, editor)
            self._attribute_title.setVisible(bool(asked))
        for name, editor in self.attributes.items():
            editor.show_value(shared_attribute(self._shapes, name))

    def _on_attribute(self, name: str, value: Any) -> None:
        self._apply(set_attributes(self._free(), {name: value}))

    def _free(self) -> list[ShapeRow]:
        """Return the selected shapes that may change, as they are now: what is shown may be an edit behind."""
        return unlocked(self._workspace.selected_rows())

    def _on_class_chosen(self, row: int) -> None:
        self.choose_class(self.class_box.itemData(row))

    def choose_class(self, class_id: int) -> None:
        """Give the selected shapes a class."""
        free = [shape for shape in self._free() if shape.class_id != class_id]
        self._apply(assign_class(free, class_id) if free else None)
        self.finished.emit()

    def _apply(self, edit: Edit | None) -> None:
        if edit is None:
            return
        try:
            self._workspace.project.apply(edit)
        except EngineError as error:
            self._refused(error)
            self.refresh()

    def _on_shapes_changed(self, image_id: int) -> None:
        if image_id == self._workspace.image_id:
            self._look.ask()

    def _on_history(self) -> None:
        """Measure anew where the scale was set or taken back."""
        if calibration_of(self._workspace.project) != self._scale:
            self._look.ask()

    def _wire(self) -> None:
        project = self._workspace.project
        project.history_changed.connect(self._on_history)
        self._workspace.selection_changed.connect(self._look.ask)
        self._workspace.image_changed.connect(self._look.ask)
        project.shapes_changed.connect(self._on_shapes_changed)
        project.classes_changed.connect(self._look.ask)
        controls: list[tuple[str, TextValue | FlagValue]] = [
            *self.flags.items(),
            *self._named_fields(),
        ]
        for name, field in controls:
            field.edited.connect(lambda value, name=name: self._on_attribute(name, value))

    def _lay_out(self) -> None:
        self._facts = _form()
        self._facts.addRow(TextLabel(tr("Class"), "secondary"), self.class_box)
        for name, label in self.lines.items():
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            self._facts.addRow(TextLabel(name, "secondary"), label)
        flags = QGridLayout()
        flags.setSpacing(tokens.SPACE_XS)
        for place, (name, box) in enumerate(self.flags.items()):
            box.setToolTip(_FLAG_TIPS[name])
            flags.addWidget(box, place // 2, place % 2)
        named = _form()
        for word, field in (
            (tr("Group"), self.group),
            (tr("Track"), self.track),
            (tr("Description"), self.description),
        ):
            label = TextLabel(word, "secondary")
            label.setBuddy(field)
            named.addRow(label, field)
        self._attribute_form = _form()
        self.locked = TextLabel("", "secondary", wrap=True)
        column = QVBoxLayout(self._body)
        column.setContentsMargins(tokens.SPACE_M, tokens.SPACE_S, tokens.SPACE_M, tokens.SPACE_M)
        column.setSpacing(tokens.SPACE_S)
        column.addWidget(self.locked)
        column.addLayout(self._facts)
        column.addLayout(flags)
        column.addLayout(named)
        column.addWidget(self._attribute_title)
        column.addLayout(self._attribute_form)
        column.addStretch()
        inner = QWidget()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        both = QVBoxLayout(inner)
        both.setContentsMargins(0, 0, 0, 0)
        self.empty.setContentsMargins(*[tokens.SPACE_M] * 4)
        both.addWidget(self.empty, 0, Qt.AlignmentFlag.AlignTop)
        both.addWidget(self._body)
        area.setWidget(inner)
        self._layouts = (self._facts, named, self._attribute_form, column, both)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)

    def showEvent(self, event: Any) -> None:
        """Show what was selected meanwhile."""
        super().showEvent(event)
        self.refresh()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Escape give the keys back to the canvas."""
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Escape):
            self.finished.emit()
        else:
            super().keyPressEvent(event)


def _form() -> QFormLayout:
    form = QFormLayout()
    form.setContentsMargins(0, 0, 0, 0)
    form.setHorizontalSpacing(tokens.SPACE_M)
    form.setVerticalSpacing(tokens.SPACE_XS)
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    return form
