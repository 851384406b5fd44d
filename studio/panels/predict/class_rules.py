"""Which of a model's classes become which of the project's, and how sure the model must be of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QTableWidget,
    QTableWidgetItem,
    QWidget,
)

from studio.language import tr
from studio.model.auto_annotation import ClassRule
from studio.model.records import ClassDef
from studio.theme import tokens
from studio.widgets.class_icons import class_icon
from studio.widgets.spin_box import DoubleSpinBox

_ROWS = 6  # shown at once
_SAME, _OUT = "same", "out"


class ClassRules(QTableWidget):
    """A row for each class of the model: its name, what becomes of it, how sure the model must be.

    Attributes:
        fields: By the model's class name: what it becomes, and how sure the model must be, in percent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(0, 3, parent)
        self.setAccessibleName(tr("Classes of the model"))
        self.setHorizontalHeaderLabels([tr("Model"), tr("Becomes"), tr("At least")])
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(tokens.CONTROL_HEIGHT + tokens.SPACE_XS)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.fields: dict[str, tuple[QComboBox, DoubleSpinBox]] = {}
        self._usual: Mapping[str, ClassRule] = {}
        header = self.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)

    def show_classes(
        self,
        names: Sequence[str],
        classes: Sequence[ClassDef],
        kept: Mapping[str, ClassRule] | None = None,
        usual: Mapping[str, ClassRule] | None = None,
    ) -> None:
        """List a model's classes anew; each goes to the project's class of its name, or where it went before.

        Args:
            names: The model's classes.
            classes: The project's.
            kept: What became of some before.
            usual: What becomes of some where nobody says so.
        """
        self.clear_classes()
        self._usual = usual or {}
        shown = {**self._usual, **(kept or {})}
        self.setRowCount(len(names))
        known = {cls.name for cls in classes}
        for row, name in enumerate(names):
            item = QTableWidgetItem(name)
            item.setToolTip(name)
            self.setItem(row, 0, item)
            target, least = self._target(name, classes, known), self._confidence(name)
            self.setCellWidget(row, 1, target)
            self.setCellWidget(row, 2, least)
            self.fields[name] = target, least
            if name in shown:
                self._show(name, shown[name])
        rows = min(max(len(names), 1), _ROWS)
        height = self.verticalHeader().defaultSectionSize() * rows
        self.setFixedHeight(height + self.horizontalHeader().sizeHint().height() + 2)

    def clear_classes(self) -> None:
        """List nothing."""
        self.fields.clear()
        self.setRowCount(0)

    def rules(self) -> dict[str, ClassRule]:
        """Return the rules that differ from the usual one: the class of the same name, as sure as all."""
        found = {}
        for name, (target, least) in self.fields.items():
            chosen = target.currentData()
            class_id = chosen if isinstance(chosen, int) else None
            rule = ClassRule(class_id, chosen == _OUT, least.value() / 100)
            if rule != self._usual.get(name, ClassRule()):
                found[name] = rule
        return found

    def _show(self, name: str, rule: ClassRule) -> None:
        target, least = self.fields[name]
        place = target.findData(_OUT if rule.is_left_out else rule.class_id)
        if place >= 0:
            target.setCurrentIndex(place)
        least.setValue(100 * rule.confidence)

    def _target(self, name: str, classes: Sequence[ClassDef], known: set[str]) -> QComboBox:
        combo = QComboBox()
        combo.setAccessibleName(tr("What becomes of {name}").format(name=name))
        combo.setFocusPolicy(Qt.FocusPolicy.StrongFocus)  # the wheel scrolls the table
        if name not in known:
            combo.addItem(tr("New class {name}").format(name=name), _SAME)
        for cls in classes:
            combo.addItem(class_icon(cls.color), cls.name, _SAME if cls.name == name else cls.id)
        combo.addItem(tr("Leave out"), _OUT)
        combo.setCurrentIndex(combo.findData(_SAME))
        return combo

    def _confidence(self, name: str) -> DoubleSpinBox:
        spin = DoubleSpinBox()
        spin.setAccessibleName(tr("How sure of {name}").format(name=name))
        spin.setRange(0, 99)
        spin.setDecimals(0)
        spin.setSingleStep(5)
        spin.setSuffix(" %")
        spin.setSpecialValueText(tr("as all"))
        spin.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        return spin
