"""Accept all that a model is sure of: a slider for each class, and how many pass, before anything is done."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QGridLayout, QLabel, QScrollArea, QSlider, QVBoxLayout, QWidget

from studio.language import ntr, tr
from studio.model.records import ClassDef
from studio.model.suggestion_rows import ScoreTable, SuggestionRow
from studio.theme import tokens
from studio.widgets.class_icons import class_icon
from studio.widgets.icon_button import TextButton
from studio.widgets.text_label import TextLabel

_NONE = 101  # the slider's right end: nothing of the class is accepted
_FIRST = 90  # per cent
_ICON_PX = 12


class ThresholdPanel(QWidget):
    """One row a class; the first slider moves all of them.

    Signals:
        accept_asked(): The person wants what passes.
    """

    accept_asked = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._table = ScoreTable(())
        self._rows: dict[int, _Row] = {}
        self._kept: dict[
            int, int
        ] = {}  # places of sliders, also of classes that are away for a while
        self.all_slider = _Slider(tr("Least score for all classes"))
        self.all_slider.setValue(_FIRST)
        self.all_words = TextLabel("", "secondary")
        self.accept_button = TextButton("", "primary", "accept_all")
        self.accept_button.setToolTip(tr("Undo takes all of them back at once  (Ctrl+Z)"))
        self._grid = QGridLayout()
        self._lay_out()
        self.all_slider.valueChanged.connect(self._on_all)
        self.accept_button.clicked.connect(self.accept_asked)

    def show_rows(self, rows: Sequence[SuggestionRow], classes: Sequence[ClassDef]) -> None:
        """Count these suggestions; sliders of classes stay where they were."""
        self._table = ScoreTable(rows)
        there = set(self._table.classes())
        wanted = [cls for cls in classes if cls.id in there]
        if [(cls.id, cls.name, cls.color) for cls in wanted] != [
            (i, row.name, row.color) for i, row in self._rows.items()
        ]:
            self._build(wanted)
        self._count()

    def thresholds(self) -> dict[int, float]:
        """Return the least score of each class that has one."""
        return {
            class_id: row.slider.value() / 100
            for class_id, row in self._rows.items()
            if row.slider.value() < _NONE
        }

    def set_threshold(self, class_id: int, percent: int) -> None:
        """Move the slider of a class; 101 accepts nothing of it."""
        self._rows[class_id].slider.setValue(percent)

    def count_text(self, class_id: int) -> str:
        """Return what stands beside the slider of a class."""
        return self._rows[class_id].count.text()

    @property
    def passing(self) -> int:
        """How many suggestions pass."""
        return sum(self._table.passing(i, least) for i, least in self.thresholds().items())

    def _on_all(self, percent: int) -> None:
        for row in self._rows.values():
            row.slider.setValue(percent)
        self._count()

    def _on_moved(self, class_id: int, percent: int) -> None:
        self._kept[class_id] = percent
        self._count()

    def _count(self) -> None:
        least = self.thresholds()
        for class_id, row in self._rows.items():
            count = self._table.passing(class_id, least[class_id]) if class_id in least else 0
            total = self._table.total(class_id)
            row.count.setText(tr("{count:,} of {total:,}").format(count=count, total=total))
            row.least.setText(_percent(row.slider.value()))
        self.all_words.setText(_percent(self.all_slider.value()))
        count = self.passing
        words = ntr("Accept {count:,} suggestion", "Accept {count:,} suggestions", count)
        self.accept_button.setText(words.format(count=count))
        self.accept_button.setEnabled(count > 0)

    def _build(self, classes: Sequence[ClassDef]) -> None:
        while (item := self._grid.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        self._rows = {}
        for place, cls in enumerate(classes):
            row = _Row(cls)
            row.slider.setValue(self._kept.get(cls.id, self.all_slider.value()))
            row.slider.valueChanged.connect(
                lambda percent, class_id=cls.id: self._on_moved(class_id, percent)
            )
            self._rows[cls.id] = row
            self._place(row, place * 2)

    def _place(self, row: _Row, line: int) -> None:
        icon = QLabel()
        icon.setPixmap(class_icon(row.color).pixmap(_ICON_PX))
        name = TextLabel(row.name)
        name.setToolTip(row.name)
        self._grid.addWidget(icon, line, 0)
        self._grid.addWidget(name, line, 1)
        self._grid.addWidget(row.count, line, 2, Qt.AlignmentFlag.AlignRight)
        self._grid.addWidget(row.slider, line + 1, 1)
        self._grid.addWidget(row.least, line + 1, 2, Qt.AlignmentFlag.AlignRight)

    def _lay_out(self) -> None:
        self._grid.setColumnStretch(1, 1)
        self._grid.setHorizontalSpacing(tokens.SPACE_S)
        self._grid.setVerticalSpacing(tokens.SPACE_XS)
        head = QGridLayout()
        head.setColumnStretch(0, 1)
        head.addWidget(TextLabel(tr("All classes")), 0, 0)
        head.addWidget(self.all_words, 0, 1, Qt.AlignmentFlag.AlignRight)
        head.addWidget(self.all_slider, 1, 0, 1, 2)
        inner = QWidget()
        inside = QVBoxLayout(inner)
        inside.setContentsMargins(0, 0, tokens.SPACE_S, 0)
        inside.addLayout(self._grid)
        inside.addStretch()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inner)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(tokens.SPACE_S)
        column.addWidget(TextLabel(tr("Accept all above"), "section"))
        hint = tr(
            "What a class has above its score is accepted at once; the far right leaves it out."
        )
        column.addWidget(TextLabel(hint, "caption", wrap=True))
        column.addLayout(head)
        column.addWidget(area, 1)
        column.addWidget(self.accept_button)


class _Row:
    """A class's controls."""

    def __init__(self, cls: ClassDef) -> None:
        self.name, self.color = cls.name, cls.color
        self.slider = _Slider(tr("Least score for {name}").format(name=cls.name))
        self.count, self.least = TextLabel("", "secondary"), TextLabel("", "caption")


class _Slider(QSlider):
    """Per cent, with a place behind 100 for none."""

    def __init__(self, name: str) -> None:
        super().__init__(Qt.Orientation.Horizontal)
        self.setRange(0, _NONE)
        self.setPageStep(5)
        self.setAccessibleName(name)
        self.setToolTip(name)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Leave the wheel to the list: a threshold must not move because the list was scrolled."""
        event.ignore()


def _percent(value: int) -> str:
    return tr("none") if value >= _NONE else tr("from {value} %").format(value=value)
