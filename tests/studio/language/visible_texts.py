"""Every text that a window shows or says, and what of it did not come from a catalogue."""

from __future__ import annotations

import re
from collections.abc import Iterator

from made_up import CLOSE, OPEN
from PySide6.QtCore import QAbstractItemModel, QAbstractListModel, QModelIndex, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QApplication, QComboBox, QTabBar, QWidget

from studio.widgets.bar_list import BarList

_SAID = ("text", "title", "windowTitle", "placeholderText", "toolTip", "accessibleName",
         "accessibleDescription", "statusTip", "whatsThis", "suffix", "prefix", "specialValueText")  # fmt: skip
_MOST = 40  # rows and columns of a list that are looked at
_MARKUP = re.compile(r"<[^<>]*>|&\w+;")
_WORD = re.compile(r"[^\W\d_]{2,}")


def all_texts(shown_only: bool = False) -> Iterator[tuple[str, str]]:
    """Yield where each text stands, and the text: of every widget, action, tab, list entry and heading.

    Args:
        shown_only: Leave out what is hidden; it is told once, by a look at everything.
    """
    for window in QApplication.topLevelWidgets():
        if not window.isVisible():
            continue  # menus that a library makes and never shows
        for widget in (window, *window.findChildren(QWidget)):
            if widget.isVisible() or not shown_only:
                yield from _texts_of(widget)
        for action in () if shown_only else window.findChildren(QAction):
            yield from _told(action)


def foreign_words(text: str) -> list[str]:
    """Return the words of a text that stand outside the brackets of the made-up language."""
    outside, depth = [], 0
    for letter in _MARKUP.sub(" ", text):
        depth += (letter == OPEN) - (letter == CLOSE)
        outside.append(" " if depth or letter == CLOSE else letter)
    return _WORD.findall("".join(outside))


def _texts_of(widget: QWidget) -> Iterator[tuple[str, str]]:
    yield from _told(widget)
    name = type(widget).__name__
    if isinstance(widget, QComboBox):
        for row in range(widget.count()):
            yield f"{name} entry", widget.itemText(row)
    if isinstance(widget, BarList):  # painted, not written into labels
        yield from ((name, bar.name) for bar in widget.bars())
    if isinstance(widget, QTabBar):
        for tab in range(widget.count()):
            yield f"{name} tab", widget.tabText(tab)
            yield f"{name} tab tip", widget.tabToolTip(tab)
    if isinstance(widget, QAbstractItemView) and widget.model() is not None:
        yield from _texts_of_model(name, widget.model())


def _told(thing: QWidget | QAction) -> Iterator[tuple[str, str]]:
    for said in _SAID:
        ask = getattr(thing, said, None)
        text = ask() if callable(ask) else None
        if isinstance(text, str) and text:
            yield f"{type(thing).__name__}.{said}", text


def _texts_of_model(name: str, model: QAbstractItemModel) -> Iterator[tuple[str, str]]:
    roles = (
        Qt.ItemDataRole.DisplayRole,
        Qt.ItemDataRole.ToolTipRole,
        Qt.ItemDataRole.AccessibleTextRole,
    )
    is_list = isinstance(model, QAbstractListModel)  # whose number of columns is private
    columns = 1 if is_list else min(model.columnCount(QModelIndex()), _MOST)
    for column in range(columns):
        for role in roles:
            head = model.headerData(column, Qt.Orientation.Horizontal, role)
            if isinstance(head, str):
                yield f"{name} heading", head
            for row in range(min(model.rowCount(QModelIndex()), _MOST)):
                shown = model.index(row, column).data(role)
                if isinstance(shown, str):
                    yield f"{name} cell", shown
