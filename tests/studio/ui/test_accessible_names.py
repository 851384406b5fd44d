"""What a screen reader says of each control: none of them is without a name."""

from __future__ import annotations

from typing import Any

from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QHeaderView,
    QLineEdit,
    QPlainTextEdit,
    QScrollBar,
    QTextEdit,
    QWidget,
)

_CONTROLS = (
    QAbstractButton, QAbstractItemView, QAbstractSlider, QAbstractSpinBox, QComboBox, QLineEdit,
    QPlainTextEdit, QTextEdit,
)  # fmt: skip
_PARTS = (
    QAbstractSpinBox,
    QComboBox,
    QAbstractItemView,
    QLineEdit,
)  # Qt names what lies inside them


def unnamed(root: QWidget) -> list[str]:
    """Return the controls below a widget of which a screen reader knows nothing to say."""
    found = []
    for widget in root.findChildren(QWidget):
        if not isinstance(widget, _CONTROLS) or isinstance(widget, QScrollBar | QHeaderView):
            continue
        if widget.objectName().startswith("qt_") or _is_part(widget):
            continue
        if isinstance(widget, QAbstractButton) and not widget.isVisibleTo(root):
            continue  # it gets its words when it shows
        seen = QAccessible.queryAccessibleInterface(widget)
        if not seen.text(QAccessible.Text.Name).strip():
            found.append(_place(widget))
    return found


def _is_part(widget: QWidget) -> bool:
    """Tell whether a widget is an inner part of a control that has a name itself."""
    above = widget.parentWidget()
    while above is not None:
        if isinstance(above, _PARTS):
            return True
        above = above.parentWidget()
    return False


def _place(widget: QWidget) -> str:
    names = []
    step: QWidget | None = widget
    while step is not None and len(names) < 5:
        names.append(f"{type(step).__name__}#{step.objectName()}".rstrip("#"))
        step = step.parentWidget()
    return " < ".join(names)


def test_every_control_of_every_page_has_a_name(labelled: Any) -> None:
    labelled.click(70, 70)
    missing: dict[str, None] = {}
    studio = labelled.studio
    for page in studio.window.rail.buttons:
        labelled.rail(page)
        if page == "Dataset":
            dataset = labelled.session.pages.dataset_page
            for place in range(dataset.count()):
                dataset.setCurrentIndex(place)
                QApplication.processEvents()
                missing |= dict.fromkeys(unnamed(studio.window))
        QApplication.processEvents()
        missing |= dict.fromkeys(unnamed(studio.window))
    assert not missing, "\n".join(missing)


def test_a_control_without_a_name_is_found(qapp: QApplication) -> None:
    root = QWidget()
    QLineEdit(root)
    named = QLineEdit(root)
    named.setAccessibleName("Seed")
    assert [place.split(" <")[0] for place in unnamed(root)] == ["QLineEdit"]
