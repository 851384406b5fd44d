"""One class in the list: key, colour, name, count, eye."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent, QMouseEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSpacerItem, QWidget

from studio.language import tr
from studio.model.records import ClassDef
from studio.theme import tokens
from studio.widgets.color_swatch import ColorSwatch
from studio.widgets.elided_label import ElidedLabel
from studio.widgets.icon_button import IconButton
from studio.widgets.text_label import TextLabel

_HEIGHT = 30
_DEEPEST = 4  # levels that are set in; deeper ones stand below one another


class RowOwner(Protocol):
    """What a row asks of the panel."""

    def choose(self, cls: ClassDef) -> None:
        """Make a class the current one."""
        ...

    def change(self, cls: ClassDef) -> bool:
        """Write a changed class; returns whether that was possible."""
        ...

    def set_visible(self, cls: ClassDef, visible: bool) -> None:
        """Show or hide a class and those below it."""
        ...

    def rename(self, cls: ClassDef, name: str) -> bool:
        """Give a class another name; returns whether that was possible."""
        ...

    def open_menu(self, cls: ClassDef, at: QPoint) -> None:
        """Offer what can be done with a class."""
        ...


class ClassRow(QWidget):
    """A click makes the class current, a double click renames it, the eye hides its shapes.

    Args:
        cls: The class.
        place: Its place in the list, from 0: the first nine have a digit.
        depth: How many classes it is below.
        owner: The panel.
        parent: The widget that owns the row.
    """

    def __init__(
        self, cls: ClassDef, place: int, depth: int, owner: RowOwner, parent: QWidget
    ) -> None:
        super().__init__(parent)
        self.cls, self._owner = cls, owner
        self._shown: tuple[ClassDef, tuple[str, ...], int] | None = None
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setProperty("role", "row")
        self.setFixedHeight(_HEIGHT)
        self.key = TextLabel("", "caption")
        self.key.setFixedWidth(tokens.SPACE_M)
        self.swatch = ColorSwatch(cls.color)
        self.swatch.color_chosen.connect(self._on_color)
        self._name = ElidedLabel(cls.name)
        self._editor = QLineEdit()
        self._editor.setVisible(False)
        self._editor.editingFinished.connect(self._on_renamed)
        self._count = TextLabel("0", "secondary")
        tip = tr("Show or hide its shapes, and those of the classes below it")
        self.eye = IconButton("show", tip, size_px=16)
        self.eye.clicked.connect(self._on_eye)
        self._indent = QSpacerItem(0, 0)
        line = QHBoxLayout(self)
        line.setContentsMargins(tokens.SPACE_XS, 0, 0, 0)
        line.setSpacing(tokens.SPACE_XS)
        line.addWidget(self.key)
        line.addItem(self._indent)
        line.addWidget(self.swatch)
        line.addWidget(self._name, 1)
        line.addWidget(self._editor, 1)
        line.addWidget(self._count)
        line.addWidget(self.eye)
        self.show_class(cls, place, depth)

    def show_class(self, cls: ClassDef, place: int, depth: int) -> None:
        """Show a class as it is now; nothing is done where nothing differs."""
        keys = cls.keys(place)
        shown = cls, keys, depth
        if shown == self._shown:
            return
        self.cls, self._shown = cls, shown
        words = tr(" or ").join(keys)
        told = tr("Key {keys}").format(keys=words) if keys else tr("Right click: give it a key")
        self.setToolTip(f"{cls.name}\n{told}")
        self.key.setText(keys[-1] if keys else "")
        self.swatch.set_color(cls.color)
        self._name.setText(cls.name)
        self._editor.setAccessibleName(tr("Name of class {name}").format(name=cls.name))
        self.eye.set_icon_name("show" if cls.visible else "hide")
        self.eye.setAccessibleName(tr("Show or hide {name}").format(name=cls.name))
        self._indent.changeSize(tokens.SPACE_M * min(depth, _DEEPEST), 0)
        layout = self.layout()
        if layout is not None:
            layout.invalidate()

    def name(self) -> str:
        """Return what the class is called."""
        return self.cls.name

    def set_count(self, count: int) -> None:
        """Show how many shapes the class has."""
        self._count.setText(f"{count:,}")

    def set_current(self, current: bool) -> None:
        """Mark the row as the class that the next shape gets."""
        if current == self.is_current():
            return  # to style a row takes as long as to make a button
        self.setProperty("current", "true" if current else "false")
        self.style().unpolish(self)
        self.style().polish(self)

    def is_current(self) -> bool:
        """Tell whether the next shape gets this class."""
        return self.property("current") == "true"

    def start_rename(self) -> None:
        """Put an editor in the name's place."""
        self._name.setVisible(False)
        self._editor.setText(self.cls.name)
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
            self._owner.rename(self.cls, name)

    def _on_color(self, color: str) -> None:
        self._owner.change(replace(self.cls, color=color))

    def _on_eye(self) -> None:
        self._owner.set_visible(self.cls, not self.cls.visible)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Make the class the current one."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._owner.choose(self.cls)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Rename in place."""
        self.start_rename()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer what can be done with the class."""
        self._owner.open_menu(self.cls, event.globalPos())
