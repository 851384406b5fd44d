"""A button that shows a shortcut and, once pressed, takes the next keys that are typed."""

from __future__ import annotations

from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QPushButton, QWidget

from studio.language import tr

_WAITING = tr("Press keys")
_ALONE = {
    Qt.Key.Key_Shift,
    Qt.Key.Key_Control,
    Qt.Key.Key_Alt,
    Qt.Key.Key_AltGr,
    Qt.Key.Key_Meta,
    Qt.Key.Key_unknown,
}


class KeyField(QPushButton):
    """Escape leaves it as it was.

    Signals:
        chosen(str): The keys that were typed, as Qt names them.

    Args:
        what: What the keys do, for screen readers.
    """

    chosen = Signal(str)

    def __init__(self, what: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._what, self._text = what, ""
        self.setCheckable(True)
        self.setToolTip(tr("Click, then press the new keys. Escape keeps the old ones."))
        self.toggled.connect(self._show_state)

    def show_keys(self, keys: tuple[str, ...]) -> None:
        """Show what there is now."""
        native = QKeySequence.SequenceFormat.NativeText
        self._text = ", ".join(QKeySequence(key).toString(native) for key in keys) or tr("none")
        self._show_state()

    def event(self, event: QEvent) -> bool:
        """Take every key while waiting, also those that would go to a shortcut or the next field."""
        if self.isChecked() and isinstance(event, QKeyEvent):
            if event.type() == QEvent.Type.ShortcutOverride:
                event.accept()
                return True
            if event.type() == QEvent.Type.KeyPress:
                self._take(event)
                return True
        return super().event(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Stop waiting when the person goes elsewhere."""
        self.setChecked(False)
        super().focusOutEvent(event)

    def _take(self, event: QKeyEvent) -> None:
        if event.key() in _ALONE:
            return
        self.setChecked(False)
        plain = event.modifiers() == Qt.KeyboardModifier.NoModifier
        if event.key() == Qt.Key.Key_Escape and plain:
            return
        # Shift is part of the sign that a number or punctuation key gives: Ctrl++ and not Ctrl+Shift++.
        combination = event.keyCombination()
        sign = event.text()
        if sign and sign.isprintable() and not sign.isalnum() and not sign.isspace():
            modifiers = combination.keyboardModifiers() & ~Qt.KeyboardModifier.ShiftModifier
            self.chosen.emit(QKeySequence(modifiers.value | event.key()).toString())
            return
        self.chosen.emit(QKeySequence(combination).toString())

    def _show_state(self) -> None:
        self.setText(_WAITING if self.isChecked() else self._text)
        self.setAccessibleName(f"{self._what}: {self.text()}")
