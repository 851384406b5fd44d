"""Fields for numbers, their text as far from the border as in other fields."""

from __future__ import annotations

from PySide6.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSpinBox, QWidget

# Qt's style sheets have no say in where the text of a spin box begins.
_LEFT = 9


class SpinBox(QSpinBox):
    """A field for a whole number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Make an empty field."""
        super().__init__(parent)
        _indent(self)


class DoubleSpinBox(QDoubleSpinBox):
    """A field for a number."""

    def __init__(self, parent: QWidget | None = None) -> None:
        """Make an empty field."""
        super().__init__(parent)
        _indent(self)


def _indent(field: QAbstractSpinBox) -> None:
    field.lineEdit().setTextMargins(_LEFT, 0, 0, 0)
