"""The gallery of suggestions: filters above, crops in the middle, thresholds at the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

from PySide6.QtCore import QEvent, QItemSelection, QItemSelectionModel, QModelIndex, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QFrame,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from studio.language import ntr, tr
from studio.model.project import Project
from studio.model.suggestion_rows import (
    SuggestionFilter,
    SuggestionOrder,
    SuggestionRow,
    are_sure,
    arranged,
)
from studio.panels.review_gallery.thresholds import ThresholdPanel
from studio.panels.review_gallery.tiles import TILE, TileDelegate, TileModel
from studio.theme import tokens
from studio.widgets.class_icons import class_icon
from studio.widgets.elided_combo import ElidedComboBox
from studio.widgets.empty_state import EmptyState, Step
from studio.widgets.frame_view import FrameView
from studio.widgets.icon_button import TextButton
from studio.widgets.late_call import LateCall
from studio.widgets.searched_combo import SearchedComboBox
from studio.widgets.text_label import TextLabel

Verdict = Literal["accept", "reject", "fix"]
ORDER_WORDS: dict[SuggestionOrder, str] = {
    "unsure": tr("Least sure first"),
    "sure": tr("Surest first"),
    "image": tr("Image by image"),
}
_SIDE_WIDTH = 264
_BOX_WIDTH = 136
_ANY = "*"


class ReviewGallery(QWidget):
    """Crops of what waits in the whole project.

    Args:
        project: Gives the suggestions.
        decide: Accepts or rejects suggestions, or opens one on the canvas; they leave the gallery when the project
            says so.
        listed: Returns the images in the order of the list.
        steps: Buttons for the place where nothing waits.

    Signals:
        rows_changed(): Other suggestions are shown.
        walk_asked(): The person would rather go from image to image.
    """

    rows_changed = Signal()
    walk_asked = Signal()

    def __init__(
        self,
        project: Project,
        decide: Callable[[Verdict, Sequence[SuggestionRow]], object],
        listed: Callable[[], Sequence[int]] = tuple,
        steps: Sequence[Step] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project, self._decide, self._listed = project, decide, listed
        self._rows: dict[int, SuggestionRow] = {}
        self._stale: set[int] | None = None  # images to ask about; None: all of them
        self.tiles = TileModel(project, self)
        self.view = _GalleryView(self.tiles)
        self.class_box = _box(
            tr("Show suggestions of a class"), SearchedComboBox(tr("Find a class"))
        )
        self.model_box = _box(tr("Show suggestions of a model"))
        self.order_box = _box(tr("Sort suggestions by"))
        for order, words in ORDER_WORDS.items():
            self.order_box.addItem(words, order)
        self.counts = TextLabel("", "secondary")
        self.accept_button = TextButton(tr("Accept"), "normal", "accept")
        self.reject_button = TextButton(tr("Reject"), "normal", "reject")
        self.fix_button = TextButton(tr("Fix"), "normal", "edit")
        self.walk_button = TextButton(tr("Image by image"), "quiet", "next")
        self.thresholds = ThresholdPanel()
        self.empty = EmptyState(
            tr("No suggestions wait"),
            tr("What a model suggests appears here as crops, the least sure first."),
            steps,
            "accept_all",
        )
        self._body = QWidget()
        self._lay_out()
        self._look = LateCall(self, self.refresh)
        self._wire()

    def rows(self) -> list[SuggestionRow]:
        """Return what is shown, in its order."""
        return self.tiles.rows

    def chosen(self) -> list[SuggestionRow]:
        """Return what a key decides on: what is selected, else the one with the frame."""
        indexes = self.view.selectionModel().selectedIndexes() or [self.view.currentIndex()]
        return [self.tiles.rows[index.row()] for index in indexes if index.isValid()]

    def decide(self, verdict: Verdict, everything: bool = False) -> None:
        """Decide on what is chosen, or on everything that is shown."""
        rows = list(self.tiles.rows) if everything else self.chosen()
        if rows:
            self._decide(verdict, rows[:1] if verdict == "fix" else rows)

    def accept_sure(self) -> None:
        """Accept what passes the thresholds."""
        rows = are_sure(self.tiles.rows, self.thresholds.thresholds())
        if rows:
            self._decide("accept", rows)

    def set_keys(self, keys: dict[Verdict, str]) -> None:
        """Say on the buttons which keys do the same."""
        words = {
            "accept": (self.accept_button, tr("Accept what is selected")),
            "reject": (self.reject_button, tr("Reject what is selected")),
            "fix": (self.fix_button, tr("Accept it and correct it on the canvas")),
        }
        for verdict, key in keys.items():
            button, tip = words[verdict]
            button.setToolTip(f"{tip}  ({key})" if key else tip)

    def refresh(self) -> None:
        """Ask the project about what changed, and show it; the frame stays at its place."""
        self._look.stop()
        stale, self._stale = self._stale, set()
        if stale is None:
            self._rows = {row.id: row for row in self._project.suggestion_rows()}
        elif stale:
            kept = {i: row for i, row in self._rows.items() if row.image_id not in stale}
            fresh = self._project.suggestion_rows(sorted(stale))
            self._rows = kept | {row.id: row for row in fresh}
        self._fill_boxes()
        self._show()

    def _show(self) -> None:
        before = self.view.currentIndex().row()
        held = self.tiles.rows[before].id if 0 <= before < len(self.tiles.rows) else None
        order: SuggestionOrder = self.order_box.currentData()
        places = {i: at for at, i in enumerate(self._listed())} if order == "image" else {}
        rows = arranged(self._rows.values(), self._wanted(), order, places)
        self.tiles.ratio = self.devicePixelRatioF()
        self.tiles.show_rows(rows)
        place = self.tiles.place(held) if held is not None else None
        self.view.stand_at(min(max(before, 0), len(rows) - 1) if place is None else place)
        self.thresholds.show_rows(rows, self._project.classes())
        self._tell(rows)
        self.rows_changed.emit()

    def _tell(self, rows: Sequence[SuggestionRow]) -> None:
        images = len({row.image_id for row in rows})
        said = ntr("{count:,} suggestion", "{count:,} suggestions", len(rows))
        on = ntr("on {images:,} image", "on {images:,} images", images)
        self.counts.setText(f"{said.format(count=len(rows))} {on.format(images=images)}")
        can = bool(rows) and not self._project.read_only
        for button in (self.accept_button, self.reject_button, self.fix_button):
            button.setEnabled(can)
        self.walk_button.setEnabled(bool(rows))
        self.thresholds.setEnabled(can)
        self._body.setVisible(bool(self._rows))
        self.empty.setVisible(not self._rows)
        self._hold_keys()

    def _hold_keys(self) -> None:
        """Keep the keys on this page when what had them is hidden: Qt gives them to whatever comes next."""
        held = QApplication.focusWidget()
        if not self.isVisible() or (held is not None and self.isAncestorOf(held)):
            return
        steps = self.empty.buttons()
        if self._rows:
            self.view.setFocus()
        elif steps:
            steps[0].setFocus()

    def _wanted(self) -> SuggestionFilter:
        return SuggestionFilter(
            *(None if (data := box.currentData()) == _ANY else data for box in self._boxes())
        )

    def _boxes(self) -> tuple[ElidedComboBox, ElidedComboBox]:
        return self.class_box, self.model_box

    def _fill_boxes(self) -> None:
        there = {row.class_id for row in self._rows.values()}
        classes = [cls for cls in self._project.classes() if cls.id in there]
        models = sorted({row.model for row in self._rows.values()})
        entries = [(tr("All classes"), _ANY), *((cls.name, cls.id) for cls in classes)]
        _fill(self.class_box, entries)
        for place, cls in enumerate(classes, start=1):
            self.class_box.setItemIcon(place, class_icon(cls.color))
        named = [(model or tr("Unknown model"), model) for model in models]
        _fill(self.model_box, [(tr("All models"), _ANY), *named])
        self.model_box.setVisible(len(models) > 1)

    def _on_suggestions_changed(self, image_id: int) -> None:
        if self._stale is not None:
            self._stale.add(image_id)
        self._look.ask()

    def _forget(self) -> None:
        self._stale = None
        self._look.ask()

    def _wire(self) -> None:
        project = self._project
        project.suggestions_changed.connect(self._on_suggestions_changed)
        project.images_changed.connect(self._forget)
        project.classes_changed.connect(self._forget)
        for box in (*self._boxes(), self.order_box):
            box.activated.connect(lambda _row: self._show())
        buttons: dict[Verdict, TextButton] = {
            "accept": self.accept_button,
            "reject": self.reject_button,
            "fix": self.fix_button,
        }
        for verdict, button in buttons.items():
            button.clicked.connect(lambda _=False, verdict=verdict: self.decide(verdict))
        self.view.opened.connect(lambda: self.decide("fix"))
        self.thresholds.accept_asked.connect(self.accept_sure)
        self.walk_button.clicked.connect(self.walk_asked)
        self.walk_button.setToolTip(tr("Go through the images that have suggestions, one by one"))

    def _lay_out(self) -> None:
        head, bar = QHBoxLayout(), QHBoxLayout()
        for line in (head, bar):
            line.setSpacing(tokens.SPACE_S)
        head.addWidget(TextLabel(tr("Review suggestions"), "title"))
        head.addStretch()
        for button in (self.walk_button, self.accept_button, self.reject_button, self.fix_button):
            head.addWidget(button)
        for box in (self.class_box, self.model_box, self.order_box):
            bar.addWidget(box)
        bar.addSpacing(tokens.SPACE_S)
        bar.addWidget(self.counts)
        bar.addStretch()
        left = QVBoxLayout()
        left.setSpacing(tokens.SPACE_S)
        left.addLayout(head)
        left.addLayout(bar)
        left.addWidget(self.view, 1)
        border = QFrame()
        border.setProperty("role", "vertical")
        self.thresholds.setFixedWidth(_SIDE_WIDTH)
        across = QHBoxLayout(self._body)
        across.setContentsMargins(0, 0, 0, 0)
        across.setSpacing(tokens.SPACE_M)
        across.addLayout(left, 1)
        across.addWidget(border)
        across.addWidget(self.thresholds)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, tokens.SPACE_L)
        layout.setSpacing(tokens.SPACE_S)
        layout.addWidget(self._body, 1)
        layout.addWidget(self.empty, 1)

    def showEvent(self, event: QShowEvent) -> None:
        """Show what came and went meanwhile, with the keys ready."""
        super().showEvent(event)
        self.refresh()
        self.view.setFocus()

    def hideEvent(self, event: QHideEvent) -> None:
        """Keep the crops and let go of the images that they were cut from."""
        super().hideEvent(event)
        self.tiles.maker.clear()

    def changeEvent(self, event: QEvent) -> None:
        """Follow another screen or scheme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.view.viewport().update()


class _GalleryView(FrameView):
    """Tiles in rows; several can be selected.

    Signals:
        opened(): Enter, or a double click.
    """

    opened = Signal()

    def __init__(self, model: TileModel) -> None:
        super().__init__(TILE)
        self.setModel(model)
        self.setItemDelegate(TileDelegate(model, self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setAccessibleName(tr("Suggestions"))
        self.doubleClicked.connect(lambda _index: self.opened.emit())

    def stand_at(self, row: int) -> None:
        """Put the frame on a row and select it; -1 on none."""
        index = self.model().index(row, 0) if row >= 0 else QModelIndex()
        flags = QItemSelectionModel.SelectionFlag
        if index.isValid():
            self.selectionModel().setCurrentIndex(index, flags.ClearAndSelect)
            self.scrollTo(index)
        else:
            self.selectionModel().clear()

    def selectAll(self) -> None:
        """Select all as one run: Qt would go through them one by one."""
        last = self.model().rowCount() - 1
        if last >= 0:
            whole = QItemSelection(self.model().index(0, 0), self.model().index(last, 0))
            self.selectionModel().select(whole, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter opens."""
        if event.keyCombination().key().name in ("Key_Return", "Key_Enter"):
            self.opened.emit()
        else:
            super().keyPressEvent(event)


def _box(name: str, box: ElidedComboBox | None = None) -> ElidedComboBox:
    box = box or ElidedComboBox()
    box.setAccessibleName(name)
    box.setToolTip(name)
    box.setSizeAdjustPolicy(ElidedComboBox.SizeAdjustPolicy.AdjustToContents)
    box.setMinimumWidth(_BOX_WIDTH)
    box.setMaximumWidth(2 * _BOX_WIDTH)
    return box


def _fill(box: ElidedComboBox, entries: Sequence[tuple[str, object]]) -> None:
    """Offer entries, keeping the choice where it is still there."""
    known = [(box.itemText(i), box.itemData(i)) for i in range(box.count())]
    if known == list(entries):
        return
    chosen = box.currentData()
    box.clear()
    for text, data in entries:
        box.addItem(text, data)
    box.setCurrentIndex(max(box.findData(chosen), 0) if chosen is not None else 0)
