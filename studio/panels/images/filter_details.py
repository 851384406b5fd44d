"""The part of the filter that does not stand in the bar: split, tags, number of shapes, score, dates."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QFormLayout, QHBoxLayout, QVBoxLayout, QWidget

from studio.language import tr
from studio.model.records import ImageFilter
from studio.panels.images.filter_choices import MADE, SINCE, SPLITS
from studio.theme import tokens
from studio.widgets.icon_button import TextButton
from studio.widgets.spin_box import SpinBox
from studio.widgets.text_label import TextLabel

_NO_END = tr("any")
_MOST_SHAPES = 100_000


class FilterDetails(QWidget):
    """A small form; every change counts at once.

    Signals:
        changed(ImageFilter): The filter with what the form now says.
    """

    changed = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = ImageFilter()
        self._echo = False
        self.split_box = _choices(tr("Split"), [text for text, _ in SPLITS])
        self.tag_box = _choices(tr("Tag"), [])
        self.made_box = _choices(tr("Shapes made"), [text for text, _ in MADE])
        self.fewest = _spin(tr("Fewest shapes"), 0, "0")
        self.most = _spin(tr("Most shapes"), -1, _NO_END)
        self.lowest = _percent(tr("Lowest score"))
        self.highest = _percent(tr("Highest score"))
        self.modified_box = _choices(tr("Labels changed"), [text for text, _ in SINCE])
        self.added_box = _choices(tr("Added to the project"), [text for text, _ in SINCE])
        self.clear_button = TextButton(tr("Clear these"), "quiet", "reset")
        self.clear_button.clicked.connect(self._on_clear)
        self._lay_out()
        for box in (
            self.split_box,
            self.tag_box,
            self.made_box,
            self.modified_box,
            self.added_box,
        ):
            box.activated.connect(self._on_changed)
        for spin in (self.fewest, self.most, self.lowest, self.highest):
            spin.valueChanged.connect(self._on_changed)

    def show_filter(self, wanted: ImageFilter, tags: Sequence[str]) -> None:
        """Show what a filter says.

        Args:
            wanted: The filter.
            tags: The tags of the project.
        """
        self._echo = True
        self._shown = wanted
        self.split_box.setCurrentIndex([value for _, value in SPLITS].index(wanted.split))
        self.tag_box.clear()
        self.tag_box.addItem(tr("Any tag"), None)
        for tag in tags:
            self.tag_box.addItem(tag, tag)
        self.tag_box.setCurrentIndex(max(0, self.tag_box.findData(next(iter(wanted.tags), None))))
        made = [sources for _, sources in MADE]
        self.made_box.setCurrentIndex(made.index(wanted.sources) if wanted.sources in made else -1)
        low, high = wanted.shapes or (0, None)
        self.fewest.setValue(low)
        self.most.setValue(-1 if high is None else high)
        worst, best = wanted.score or (0.0, 1.0)
        self.lowest.setValue(round(worst * 100))
        self.highest.setValue(round(best * 100))
        for box, since in (
            (self.modified_box, wanted.modified_since),
            (self.added_box, wanted.added_since),
        ):
            box.setCurrentIndex(_place_of(since))
        self._echo = False

    def _on_changed(self, *_: object) -> None:
        if self._echo:
            return
        low, high = self.fewest.value(), self.most.value()
        worst, best = self.lowest.value() / 100, self.highest.value() / 100
        tag, old = self.tag_box.currentData(), self._shown.sources
        self._shown = replace(
            self._shown,
            split=SPLITS[self.split_box.currentIndex()][1],
            tags=frozenset() if tag is None else frozenset({tag}),
            sources=MADE[made][1] if (made := self.made_box.currentIndex()) >= 0 else old,
            shapes=None if (low, high) == (0, -1) else (low, None if high < 0 else high),
            score=None if (worst, best) == (0, 1) else (worst, best),
            modified_since=self._since(self.modified_box, self._shown.modified_since),
            added_since=self._since(self.added_box, self._shown.added_since),
        )
        self.changed.emit(self._shown)

    def _since(self, box: QComboBox, before: float | None) -> float | None:
        """Return the time that a box asks for; one that stays keeps its moment, or each look would be another filter."""
        if box.currentIndex() == _place_of(before):
            return before
        ago = SINCE[box.currentIndex()][1]
        return None if ago is None else time.time() - ago

    def _on_clear(self) -> None:
        kept = replace(
            self._shown,
            split=None,
            tags=frozenset(),
            sources=frozenset(),
            shapes=None,
            score=None,
            modified_since=None,
            added_since=None,
            only=None,
            only_words="",
        )
        self.show_filter(kept, [self.tag_box.itemText(n) for n in range(1, self.tag_box.count())])
        self.changed.emit(kept)

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(tokens.SPACE_S)
        form.setHorizontalSpacing(tokens.SPACE_M)
        for text, fields in (
            (tr("Split"), (self.split_box,)),
            (tr("Tag"), (self.tag_box,)),
            (tr("Made"), (self.made_box,)),
            (tr("Shapes"), (self.fewest, self.most)),
            (tr("Score"), (self.lowest, self.highest)),
            (tr("Labels changed"), (self.modified_box,)),
            (tr("Added"), (self.added_box,)),
        ):
            form.addRow(TextLabel(text, "secondary"), _side_by_side(fields))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_M, tokens.SPACE_M, tokens.SPACE_M, tokens.SPACE_S)
        layout.addLayout(form)
        layout.addWidget(self.clear_button)


def _place_of(since: float | None) -> int:
    """Return the entry of a box of dates that comes closest to a moment."""
    if since is None:
        return 0
    ago = time.time() - since
    return min(range(1, len(SINCE)), key=lambda place: abs((SINCE[place][1] or 0) - ago))


def _choices(name: str, texts: Sequence[str]) -> QComboBox:
    box = QComboBox()
    box.setAccessibleName(name)
    box.addItems(list(texts))
    box.setMinimumWidth(150)
    return box


def _spin(name: str, lowest: int, word: str) -> SpinBox:
    """Return a field for a number of shapes; its lowest value shows as a word."""
    spin = SpinBox()
    spin.setRange(lowest, _MOST_SHAPES)
    spin.setSpecialValueText(word)
    spin.setAccessibleName(name)
    spin.setKeyboardTracking(False)
    return spin


def _percent(name: str) -> SpinBox:
    spin = SpinBox()
    spin.setRange(0, 100)
    spin.setSuffix(" %")
    spin.setAccessibleName(name)
    spin.setKeyboardTracking(False)
    return spin


def _side_by_side(fields: Sequence[QWidget]) -> QWidget:
    if len(fields) == 1:
        return fields[0]
    both = QWidget()
    line = QHBoxLayout(both)
    line.setContentsMargins(0, 0, 0, 0)
    line.addWidget(fields[0], 1)
    line.addWidget(TextLabel(tr("to"), "secondary"))
    line.addWidget(fields[1], 1)
    return both
