"""The bar that narrows and sorts the list of images; each bar of a window shows the same filter."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QMenu, QToolButton, QWidget, QWidgetAction

from studio.language import tr
from studio.model.records import ImageFilter
from studio.model.workspace import Workspace
from studio.panels.images.filter_choices import (
    ORDERS,
    STATES,
    details_of,
    place_of_state,
    with_state,
    without_details,
)
from studio.panels.images.filter_details import FilterDetails
from studio.theme import tokens
from studio.widgets.class_icons import class_icon
from studio.widgets.elided_combo import ElidedComboBox
from studio.widgets.icon_button import IconButton, TextButton
from studio.widgets.search_field import SearchField
from studio.widgets.searched_combo import SearchedComboBox

_CHIP_WIDTH = 280
_SEARCH_WIDTH = 96  # at least: a window of 1100 px has no more room
_ELIDE = Qt.TextElideMode.ElideRight


class FilterBar(QWidget):
    """State, class, more, order and text; what is set beside the boxes shows as a chip with a cross.

    Args:
        workspace: Its filter and order are shown and set.
    """

    def __init__(self, workspace: Workspace, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._workspace = workspace
        self._echo = False  # True while the boxes only show what the workspace said
        self.status_box = _box(tr("Show images by status or stage"), [text for text, _ in STATES])
        self.status_box.insertSeparator(len(STATES) - 1)
        self.status_box.insertSeparator(6)
        self.class_box = SearchedComboBox(tr("Find a class"))
        _name(self.class_box, tr("Show images with a class"))
        self.order_box = _box(tr("Sort images by"), [text for text, _ in ORDERS])
        self.order_box.setToolTip(tr("Sort by"))
        self.details = FilterDetails()
        self.more_button = self._more_button()
        self.chip = TextButton("", "quiet", "close")
        self.chip.setMaximumWidth(_CHIP_WIDTH)
        self.chip.hide()
        self.search = SearchField(tr("Find by name, class, tag or text"))
        self.search.setMaximumWidth(260)
        self.search.setToolTip(
            tr(
                "Words that must all occur in the path, a class, a tag, a comment or a description; "
                "quotes hold words together"
            )
        )
        self._lay_out()
        self.status_box.currentIndexChanged.connect(self._on_state)
        self.class_box.currentIndexChanged.connect(self._on_class)
        self.order_box.currentIndexChanged.connect(self._on_order)
        self.search.search_changed.connect(self._on_text)
        self.details.changed.connect(workspace.set_filter)
        self.chip.clicked.connect(self._on_chip)
        workspace.list_changed.connect(self._show)
        workspace.project.classes_changed.connect(self._fill_classes)
        self._fill_classes()
        self._show()

    def _more_button(self) -> QToolButton:
        button = IconButton("filter", tr("Filter by split, tag, number of shapes, score, date"))
        button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        menu = QMenu(button)
        holder = QWidgetAction(menu)
        holder.setDefaultWidget(self.details)
        menu.addAction(holder)
        menu.aboutToShow.connect(self._show_details)
        button.setMenu(menu)
        return button

    def _show_details(self) -> None:
        self.details.show_filter(self._workspace.filter, list(self._workspace.project.tag_counts()))

    def _on_state(self, row: int) -> None:
        state = self.status_box.itemData(row)
        if isinstance(state, ImageFilter) and not self._echo:
            self._workspace.set_filter(with_state(self._workspace.filter, state))

    def _on_class(self, _row: int) -> None:
        if not self._echo:
            chosen = self.class_box.currentData()
            self._workspace.set_filter(replace(self._workspace.filter, class_id=chosen))

    def _on_order(self, row: int) -> None:
        if not self._echo:
            self._workspace.set_order(self.order_box.itemData(row))

    def _on_text(self, text: str) -> None:
        self._workspace.set_filter(replace(self._workspace.filter, text=text.strip()))

    def _on_chip(self) -> None:
        self._workspace.set_filter(without_details(self._workspace.filter))

    def _fill_classes(self) -> None:
        self._echo = True
        self.class_box.clear()
        self.class_box.addItem(tr("Any class"), None)
        for cls in self._workspace.project.classes():
            self.class_box.addItem(class_icon(cls.color), cls.name, cls.id)
        self._show_class()
        self._echo = False

    def _show_class(self) -> None:
        wanted = self._workspace.filter.class_id
        self.class_box.setCurrentIndex(max(0, self.class_box.findData(wanted)))

    def _show(self) -> None:
        """Show the workspace's filter and order, whoever set them."""
        wanted, order = self._workspace.filter, self._workspace.order
        self._echo = True
        place = place_of_state(wanted)
        state = STATES[place][0] if place >= 0 else ""
        self.status_box.setCurrentIndex(self.status_box.findText(state) if state else -1)
        self._show_class()
        kinds = [known for _, known in ORDERS]
        sorted_by = ORDERS[kinds.index(order)][0] if order in kinds else ""
        self.order_box.setCurrentIndex(self.order_box.findText(sorted_by) if sorted_by else -1)
        self._echo = False
        if self.search.text().strip() != wanted.text:
            self.search.show_text(wanted.text)
        words = details_of(wanted)
        self.chip.setText(self.fontMetrics().elidedText(words, _ELIDE, _CHIP_WIDTH - 48))
        self.chip.setToolTip(
            tr("Only: {words}. Click to show the others as well.").format(words=words)
        )
        self.chip.setAccessibleName(tr("Stop filtering by {words}").format(words=words))
        self.chip.setVisible(bool(words))

    def _lay_out(self) -> None:
        for box, choices in ((self.status_box, STATES), (self.order_box, ORDERS)):
            for text, value in choices:
                box.setItemData(box.findText(text), value)
        self.class_box.setMinimumWidth(120)
        self.class_box.setMaximumWidth(180)
        self.search.setMinimumWidth(_SEARCH_WIDTH)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(tokens.SPACE_S)
        for widget in (
            self.status_box,
            self.class_box,
            self.more_button,
            self.chip,
            self.order_box,
            self.search,
        ):
            line.addWidget(widget, 9 * int(widget is self.search))
        line.addStretch(1)


def _box(name: str, texts: list[str]) -> QComboBox:
    box = ElidedComboBox()
    box.addItems(texts)
    _name(box, name)
    return box


def _name(box: QComboBox, name: str) -> None:
    box.setAccessibleName(name)
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
