"""Controls that hold one value of a generated form. All speak alike: ``raw``, ``show_value``, ``edited``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QAction, QStandardItemModel, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QFileDialog, QLineEdit, QWidget

from studio.language import tr
from studio.theme import tokens
from studio.theme.icons import icon
from studio.theme.theme import current_colors
from studio.widgets.elided_combo import ElidedComboBox
from studio.widgets.form_fields import Field, format_value


class CheckEditor(QCheckBox):
    """True or False.

    Signals:
        edited: The person changed the value.
    """

    edited = Signal()

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._field = field
        self.clicked.connect(lambda _checked: self._on_clicked())
        self.show_value(field.default)

    def raw(self) -> Any:
        """Return what the control holds."""
        return self.isChecked()

    def show_value(self, value: Any) -> None:
        """Show a value without a signal."""
        self.setChecked(bool(value))
        self._name_state()

    def _on_clicked(self) -> None:
        self._name_state()
        self.edited.emit()

    def _name_state(self) -> None:
        self.setText(tr("On") if self.isChecked() else tr("Off"))


class ChoiceEditor(ElidedComboBox):
    """One of a list.

    Signals:
        edited: The person chose.
    """

    edited = Signal()

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        for choice in field.choices:
            self.addItem(field.text_of(choice), choice)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(8)
        self.activated.connect(self._on_activated)
        self.show_value(field.default)

    def raw(self) -> Any:
        """Return what the control holds."""
        return self.currentData()

    def show_value(self, value: Any) -> None:
        """Show a value without a signal; one that is not in the list is added to it."""
        index = next((i for i in range(self.count()) if _same(self.itemData(i), value)), -1)
        if index < 0:
            self.addItem(format_value(value), value)
            index = self.count() - 1
        self.setCurrentIndex(index)

    def forbid_last(self) -> None:
        """Let the last entry be read but not chosen."""
        model = self.model()
        if isinstance(model, QStandardItemModel):
            model.item(self.count() - 1).setFlags(Qt.ItemFlag.NoItemFlags)

    def showPopup(self) -> None:
        """Open a list as wide as its longest entry, however narrow the form is."""
        view = self.view()
        view.setMinimumWidth(view.sizeHintForColumn(0) + 2 * tokens.SPACE_L)
        super().showPopup()

    def _on_activated(self, _index: int) -> None:
        self.edited.emit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Let a scrolling form pass over the list without changing it."""
        event.ignore()


class TextEditor(QLineEdit):
    """Text, numbers and lists as text; the form checks them.

    Signals:
        edited: The person typed.
    """

    edited = Signal()

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        if field.default is None or field.default == "":
            self.setPlaceholderText(format_value(field.default))
        if field.editor == "secret":
            self.setEchoMode(QLineEdit.EchoMode.Password)
        self.textEdited.connect(lambda _text: self.edited.emit())
        self.show_value(field.default)

    def raw(self) -> Any:
        """Return what the control holds."""
        return self.text().strip()

    def show_value(self, value: Any) -> None:
        """Show a value without a signal."""
        shown = "" if value is None else str(value) if isinstance(value, bool) else _typed(value)
        if shown != self.text():
            self.setText(shown)
            self.setCursorPosition(0)


class PathEditor(TextEditor):
    """A file or folder, typed or chosen in a dialog."""

    def __init__(self, field: Field, parent: QWidget | None = None) -> None:
        super().__init__(field, parent)
        self._wants_folder = field.editor == "folder"
        self._label = field.label
        self._browse = QAction(self)
        self._browse.setToolTip(
            tr("Choose a folder") if self._wants_folder else tr("Choose a file")
        )
        self._browse.triggered.connect(self._on_browse)
        self.addAction(self._browse, QLineEdit.ActionPosition.TrailingPosition)
        self._recolor()

    def _on_browse(self) -> None:
        start = self.text() or str(Path.home())
        if self._wants_folder:
            chosen = QFileDialog.getExistingDirectory(self, self._label, start)
        else:
            chosen, _filter = QFileDialog.getOpenFileName(self, self._label, start)
        if chosen:
            self.setText(chosen)
            self.edited.emit()

    def _recolor(self) -> None:
        self._browse.setIcon(icon("folder", current_colors(), color=current_colors().secondary))

    def changeEvent(self, event: QEvent) -> None:
        """Draw the icon again in the colours of the new scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and hasattr(self, "_browse"):
            self._recolor()


Editor = CheckEditor | ChoiceEditor | TextEditor

EDITORS: dict[str, type[Editor]] = {
    "check": CheckEditor,
    "choice": ChoiceEditor,
    "text": TextEditor,
    "secret": TextEditor,
    "file": PathEditor,
    "folder": PathEditor,
}


def build_editor(field: Field) -> Editor:
    """Return the control for a field, with its default."""
    editor = EDITORS[field.editor](field)
    editor.setToolTip(field.tool_tip)
    editor.setEnabled(field.editable)
    return editor


def _typed(value: Any) -> str:
    return format_value(value) if isinstance(value, list | tuple | float) else str(value)


def _same(one: Any, other: Any) -> bool:
    """Equal and of one type: 1 is not True."""
    return type(one) is type(other) and one == other
