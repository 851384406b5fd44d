"""The sheet of keyboard shortcuts, on which each can be changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from studio.language import tr
from studio.theme import tokens
from studio.widgets.icon_button import IconButton, TextButton
from studio.widgets.key_field import KeyField
from studio.widgets.message_banner import MessageBanner
from studio.widgets.search_field import SearchField
from studio.widgets.text_label import TextLabel

# Keys that belong to the shape in hand are the tools' own.
CANVAS_KEYS = (
    (tr("Close the shape"), tr("Enter, double click, click on the first vertex")),
    (tr("Take back the last vertex"), tr("Backspace")),
    (tr("Leave the shape without a trace"), tr("Escape")),
    (tr("Delete the selected shapes or vertices"), tr("Delete")),
    (tr("Insert a vertex"), tr("drag the middle of an edge")),
    (tr("Remove a vertex"), tr("Alt + click")),
    (tr("Choose several vertices"), tr("Ctrl + drag around them, Ctrl + click")),
    (tr("Turn the selection"), tr("knob above its frame; Shift: steps of 15°")),
    (
        tr("Stretch the selection"),
        tr("handles of its frame; Shift: both sides alike, Alt: about the middle"),
    ),
    (tr("Go to the shape below"), tr("Ctrl + click")),
    (tr("Nudge by one pixel, by ten"), tr("arrows, Shift + arrows")),
    (tr("Pan"), tr("Space + drag, middle button")),
    (tr("Zoom to the cursor"), tr("wheel, Ctrl + wheel")),
)
_KEYS_WIDTH = 168


@dataclass(frozen=True)
class Shortcut:
    """One action on the sheet: its name, what it does, its keys, and whether they are the usual ones."""

    id: str
    text: str
    keys: tuple[str, ...]
    usual: bool


class KeyChoices(Protocol):
    """What the sheet shows and changes."""

    def groups(self) -> list[tuple[str, list[Shortcut]]]:
        """Return the titles and what is under them."""
        ...

    def refusal(self, action_id: str, key: str) -> str:
        """Return why a key cannot be an action's; empty if it can."""
        ...

    def owner(self, action_id: str, key: str) -> str:
        """Return what another action that has the key does; empty if none has it."""
        ...

    def give(self, action_id: str, keys: tuple[str, ...]) -> None:
        """Give an action these keys, and take them from every other."""
        ...

    def restore(self, action_id: str | None = None) -> None:
        """Give an action, or all, the usual keys."""
        ...


class ShortcutsDialog(QDialog):
    """A searchable list of what the keys do; a click on keys lets one press others."""

    def __init__(self, choices: KeyChoices, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Keyboard shortcuts"))
        self.resize(680, 680)
        self._choices = choices
        self._rows: dict[str, _Row] = {}
        self._searched: list[tuple[str, list[QWidget]]] = []
        self._titles: list[tuple[QWidget, range]] = []
        self.search = SearchField(tr("Search what a key does"))
        self.search.search_changed.connect(self._on_search)
        self.banner = MessageBanner()
        self.restore_button = TextButton(tr("Restore all the usual keys"), "quiet", "reset")
        self.restore_button.clicked.connect(self._on_restore_all)
        self._lay_out()
        self._refresh()

    def field(self, action_id: str) -> KeyField:
        """Return the button with an action's keys."""
        return self._rows[action_id].field

    def reset_button(self, action_id: str) -> IconButton:
        """Return the button that gives an action its usual keys."""
        return self._rows[action_id].reset

    def _lay_out(self) -> None:
        inner = QWidget()
        grid = QGridLayout(inner)
        grid.setContentsMargins(tokens.SPACE_XL, tokens.SPACE_S, tokens.SPACE_XL, tokens.SPACE_L)
        grid.setHorizontalSpacing(tokens.SPACE_S)
        grid.setVerticalSpacing(tokens.SPACE_XS)
        grid.setColumnStretch(0, 1)
        for title, shortcuts in self._choices.groups():
            self._add_title(grid, title)
            for shortcut in shortcuts:
                self._add_shortcut(grid, shortcut)
            self._end_group()
        self._add_title(grid, tr("On the canvas"))
        for what, keys in CANVAS_KEYS:
            self._add_fixed(grid, what, keys)
        self._end_group()
        grid.setRowStretch(grid.rowCount(), 1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, tokens.SPACE_L, 0, tokens.SPACE_M)
        layout.setSpacing(tokens.SPACE_S)
        for widget in (self.search, self.banner, area, self.restore_button):
            row = QHBoxLayout()
            margin = 0 if widget is area else tokens.SPACE_XL
            row.setContentsMargins(margin, 0, margin, 0)
            row.addWidget(widget)
            if widget is self.restore_button:
                row.addStretch()
            layout.addLayout(row, int(widget is area))

    def _add_title(self, grid: QGridLayout, title: str) -> None:
        label = TextLabel(title, "section")
        label.setMinimumHeight(tokens.CONTROL_HEIGHT)
        grid.addWidget(label, grid.rowCount(), 0, 1, 3)
        self._titles.append((label, range(len(self._searched), len(self._searched))))

    def _end_group(self) -> None:
        label, place = self._titles[-1]
        self._titles[-1] = (label, range(place.start, len(self._searched)))

    def _add_shortcut(self, grid: QGridLayout, shortcut: Shortcut) -> None:
        row = _Row(shortcut.text)
        row.field.chosen.connect(lambda key: self._on_chosen(shortcut.id, key))
        row.reset.clicked.connect(lambda: self._on_restore(shortcut.id))
        place = grid.rowCount()
        for column, widget in enumerate((row.label, row.field, row.reset)):
            grid.addWidget(widget, place, column)
        self._rows[shortcut.id] = row
        self._searched.append((shortcut.text.lower(), [row.label, row.field, row.reset]))

    def _add_fixed(self, grid: QGridLayout, what: str, keys: str) -> None:
        widgets: list[QWidget] = [
            TextLabel(what, wrap=True),
            TextLabel(keys, "secondary", wrap=True),
        ]
        widgets[0].setMinimumHeight(tokens.CONTROL_HEIGHT)
        width = _KEYS_WIDTH + tokens.SPACE_XL
        widgets[1].setFixedWidth(width)
        # a grid asks what spans columns how high it is before it has told it how wide
        widgets[1].ensurePolished()
        widgets[1].setMinimumHeight(widgets[1].heightForWidth(width))
        place = grid.rowCount()
        grid.addWidget(widgets[0], place, 0)
        grid.addWidget(widgets[1], place, 1, 1, 2)
        self._searched.append((f"{what} {keys}".lower(), widgets))

    def _refresh(self) -> None:
        for _title, shortcuts in self._choices.groups():
            for shortcut in shortcuts:
                self._rows[shortcut.id].show_state(shortcut)
        changed = any(not row.usual for row in self._rows.values())
        self.restore_button.setEnabled(changed)
        self._on_search(self.search.text())

    def _on_chosen(self, action_id: str, key: str) -> None:
        self.banner.hide()
        if reason := self._choices.refusal(action_id, key):
            self.banner.show_message(reason, tr("Choose other keys."), tone="warning")
        elif taken := self._choices.owner(action_id, key):
            self.banner.show_message(
                tr("{key} already does something: {taken}.").format(key=key, taken=taken),
                tone="warning",
                action_text=tr("Use it here instead"),
                action=lambda: self._give(action_id, (key,)),
            )
        else:
            self._give(action_id, (key,))

    def _give(self, action_id: str, keys: Sequence[str]) -> None:
        self.banner.hide()
        self._choices.give(action_id, tuple(keys))
        self._refresh()

    def _on_restore(self, action_id: str) -> None:
        self.banner.hide()
        self._choices.restore(action_id)
        self._refresh()

    def _on_restore_all(self) -> None:
        self.banner.hide()
        self._choices.restore()
        self._refresh()

    def _on_search(self, text: str) -> None:
        words = text.lower().split()
        found = [all(word in what for word in words) for what, _ in self._searched]
        for shown, (_what, widgets) in zip(found, self._searched, strict=True):
            for widget in widgets:
                widget.setVisible(shown)
        for row in self._rows.values():
            row.reset.setVisible(row.label.isVisibleTo(self) and not row.usual)
        for label, places in self._titles:
            label.setVisible(any(found[i] for i in places))


class _Row:
    """The widgets of one action."""

    def __init__(self, text: str) -> None:
        self.usual = True
        self.label = TextLabel(text, wrap=True)  # else the longest pushes the keys out of sight
        self.field = KeyField(text)
        self.field.setFixedWidth(_KEYS_WIDTH)
        self.reset = IconButton("reset", tr("Usual keys for: {text}").format(text=text), size_px=16)
        policy = self.reset.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.reset.setSizePolicy(policy)

    def show_state(self, shortcut: Shortcut) -> None:
        """Show an action's keys and whether they are its own."""
        self.usual = shortcut.usual
        self.field.show_keys(shortcut.keys)
