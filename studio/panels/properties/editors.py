"""Controls for one value of several shapes: a text, a number, a choice, a flag. Shapes that differ are said to.

All speak alike: ``show_value`` shows without a signal, ``edited(object)`` gives the new value, None for taking it away.
"""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QDoubleValidator, QIntValidator, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QWidget

from studio.language import tr
from studio.model.attribute_def import AttributeDef, default_words
from studio.panels.properties.shared_values import MIXED

_MIXED_WORD = tr("mixed")
_LARGEST_ID = 2**31 - 1


class TextValue(QLineEdit):
    """A line of text; empty takes the value away.

    Signals:
        edited(object): The text, or None.
    """

    edited = Signal(object)

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.editingFinished.connect(self._on_finished)

    def show_value(self, value: Any) -> None:
        """Show a value, None or that the shapes differ."""
        text = "" if value is None or value is MIXED else self._text_of(value)
        self.setPlaceholderText(_MIXED_WORD if value is MIXED else "")
        if text != self.text():
            self.setText(text)
        self.setModified(False)

    def _on_finished(self) -> None:
        if self.isModified():
            self.setModified(False)
            self.edited.emit(self._value())

    def _value(self) -> Any:
        return self.text().strip() or None

    def _text_of(self, value: Any) -> str:
        return str(value)


class NumberValue(TextValue):
    """A number; empty takes the value away."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        validator = QDoubleValidator(self)
        validator.setLocale(self.locale().c())
        self.setValidator(validator)

    def _value(self) -> Any:
        return float(self.text()) if self.text().strip() else None

    def _text_of(self, value: Any) -> str:
        return f"{value:.10g}" if isinstance(value, (int, float)) else str(value)


class IdValue(TextValue):
    """A whole number from 0; empty takes the value away."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent)
        self.setValidator(QIntValidator(0, _LARGEST_ID, self))

    def _value(self) -> Any:
        return int(self.text()) if self.text().strip() else None


class ChoiceValue(QComboBox):
    """One of some words; the first entry takes the value away.

    Signals:
        edited(object): The word, or None.
    """

    edited = Signal(object)

    def __init__(self, attribute: AttributeDef, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(attribute.name)
        self.addItem("–", None)
        for word in attribute.choices:
            self.addItem(word, word)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        narrow(self)
        self.activated.connect(lambda row: self.edited.emit(self.itemData(row)))

    def show_value(self, value: Any) -> None:
        """Show a value, None or that the shapes differ; a word that is none of the choices is shown as it is."""
        with QSignalBlocker(self):
            row = -1 if value is MIXED else self.findData(value)
            known = value is MIXED or row >= 0
            self.setPlaceholderText(
                _MIXED_WORD if known else tr("{value} (unknown)").format(value=value)
            )
            self.setCurrentIndex(row)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the panel: a value must not change because the panel was scrolled."""
        event.ignore()


class FlagValue(QCheckBox):
    """Yes or no; partly checked where the shapes differ.

    Signals:
        edited(object): True, or None for no.
    """

    edited = Signal(object)

    def __init__(self, word: str, keep_false: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(word, parent)
        self._keep_false = keep_false
        self.setAccessibleName(word)
        self.clicked.connect(self._on_clicked)

    def show_value(self, value: Any) -> None:
        """Show a value or that the shapes differ."""
        self.setTristate(value is MIXED)
        states = Qt.CheckState
        state = states.PartiallyChecked if value is MIXED else states.Checked
        self.setCheckState(state if value else states.Unchecked)

    def _on_clicked(self, checked: bool) -> None:
        self.setTristate(False)  # a click decides: there is no way back to "they differ"
        self.setChecked(checked)
        self.edited.emit(True if checked else (False if self._keep_false else None))


Value = TextValue | ChoiceValue | FlagValue


def narrow(box: QComboBox) -> None:
    """Let a list be as narrow as the dock: its longest entry must not push the others out of sight."""
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    box.setMinimumContentsLength(6)


def value_editor(attribute: AttributeDef) -> Value:
    """Return the control for an attribute of a class; it shows what a shape has, its tip what a new one gets."""
    editor = _editor(attribute)
    if attribute.default is not None:
        usual = default_words(attribute)
        editor.setToolTip(tr("New objects of the class get: {value}").format(value=usual))
    return editor


def _editor(attribute: AttributeDef) -> Value:
    if attribute.kind == "choice":
        return ChoiceValue(attribute)
    if attribute.kind == "flag":
        return FlagValue("", keep_false=True)
    return NumberValue(attribute.name) if attribute.kind == "number" else TextValue(attribute.name)
