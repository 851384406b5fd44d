"""The statistics of the data set as bars and maps; each bar and cell leads to its images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from studio.jobs.client import JobsClient
from studio.jobs.shown_job import ShownJob
from studio.language import ntr, tr
from studio.model.count_words import image_count
from studio.model.findings import Finding, find
from studio.model.project import Project
from studio.model.records import ImageFilter
from studio.storage import statistics as counting
from studio.storage.image_index import Measured, keep_sizes, measure, unmeasured
from studio.theme import tokens
from studio.widgets.bar_list import Bar, BarList
from studio.widgets.cell_map import CellMap
from studio.widgets.icon_button import TextButton
from studio.widgets.text_label import TextLabel

_CLICK = tr("Click to see these images")
_SHAPE_BINS = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 10), (11, 20), (21, 50), (51, None))
_FINDINGS_SHOWN = 12
_MEASURED_AT_ONCE = 300


class StatisticsPanel(QWidget):
    """Counts in a thread when it is shown and something has changed since.

    Signals:
        images_asked(ImageFilter): The person wants to see these images.

    Args:
        project: The open project.
        jobs: Runs the counting.
    """

    images_asked = Signal(object)

    def __init__(self, project: Project, jobs: JobsClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project, self._jobs = project, jobs
        self._is_stale = True
        self.shown: counting.Statistics | None = None
        self._running = ShownJob(tr("Counting"), self)
        self.progress, self.banner = self._running.progress, self._running.banner
        self.findings = QVBoxLayout()
        self._finding_rows: list[TextButton] = []
        self.classes = BarList(tr("Shapes of each class"), _CLICK)
        self.shapes_an_image = BarList(tr("Images by their number of shapes"), _CLICK)
        self.shape_sizes = BarList(tr("Shapes by their longer side"), _CLICK)
        self.image_sizes = BarList(tr("Images by their longer side"), _CLICK)
        self.aspects = BarList(tr("Images by width over height"), _CLICK)
        self.places = CellMap(tr("Where shapes lie in the image"), self._describe_place)
        self.together = CellMap(tr("Which classes occur on the same image"), self._describe_pair)
        self._together_ids: list[int] = []
        self._sampled = TextLabel("", "caption", wrap=True)
        self._lay_out()
        self._connect()

    def refresh(self) -> None:
        """Count anew in a thread, unless that is going on."""
        if self._running.is_running:
            return
        self._is_stale = False
        folder = self._project.folder
        self._running.follow(
            self._jobs.call(
                lambda steps: counting.gather(
                    folder,
                    lambda done, total: steps.progress(done, total, ""),
                    steps.is_cancelled,
                )
            ),
            tr("Counting shapes"),
            self._show,
        )

    def showEvent(self, event: QShowEvent) -> None:
        """Show what is true now."""
        super().showEvent(event)
        if self._is_stale:
            self.refresh()

    def hideEvent(self, event: QHideEvent) -> None:
        """Nobody looks: give the counting up, it begins anew when the panel shows again."""
        super().hideEvent(event)
        if self._running.is_running:
            self._is_stale = True
            self._running.cancel()

    def _connect(self) -> None:
        project = self._project
        for signal in (project.shapes_changed, project.image_changed):
            signal.connect(self._on_changed)
        for plain in (project.images_changed, project.classes_changed):
            plain.connect(self._on_changed)
        self.classes.clicked.connect(self._on_class)
        self.shapes_an_image.clicked.connect(self._on_shapes)
        self.shape_sizes.clicked.connect(self._on_shape_size)
        self.image_sizes.clicked.connect(lambda row: self._on_image_size(row, is_aspect=False))
        self.aspects.clicked.connect(lambda row: self._on_image_size(row, is_aspect=True))
        self.places.clicked.connect(self._on_place)
        self.together.clicked.connect(self._on_pair)

    def _on_changed(self, *_: object) -> None:
        self._is_stale = True

    def _show(self, found: counting.Statistics) -> None:
        self.shown = found
        self.banner.hide()
        self._show_findings(find(found.classes, found.shapes, found.median_side, found.splits))
        self.classes.set_bars(
            [
                Bar(
                    cls.name,
                    found.shapes.get(cls.id, 0),
                    cls.color,
                    tr("on {images}").format(images=image_count(found.images_with.get(cls.id, 0))),
                )
                for cls in found.classes
            ]
        )
        counts = found.shapes_an_image
        self.shapes_an_image.set_bars(
            [
                Bar(_range_words(low, high), sum(counts[low : _end(high)]))
                for low, high in _SHAPE_BINS
            ]
        )
        self.shape_sizes.set_bars(_binned(counting.SHAPE_SIZES, found.shape_sizes, "px"))
        self.image_sizes.set_bars(_binned(counting.IMAGE_SIZES, found.image_sizes, "px"))
        self.aspects.set_bars(_binned(counting.ASPECTS, found.aspects, ": 1"))
        self.places.set_values(found.places)
        self._show_together(found)
        self._show_notes(found)
        if found.unmeasured:
            self._measure(0)

    def _measure(self, after: int) -> None:
        """Read the sizes of images that nobody has opened yet, some hundreds at a time, then count again."""
        if self._project.read_only or not self.isVisible():
            return
        waiting = unmeasured(self._project, _MEASURED_AT_ONCE, after)
        if not waiting:
            if after:
                self._project.images_changed.emit()
                self.refresh()
            return
        last = waiting[-1][0]
        job = self._jobs.call(lambda _steps: measure(waiting))
        job.finished.connect(lambda measured: self._on_measured(measured, last))

    def _on_measured(self, measured: list[Measured], last: int) -> None:
        if (
            self.isVisible()
        ):  # else the project may be closed; what was read is read again next time
            keep_sizes(self._project, measured, quietly=True)
            self._measure(last)

    def _show_together(self, found: counting.Statistics) -> None:
        ids = sorted({class_id for pair in found.together for class_id in pair})
        names = {cls.id: cls.name for cls in found.classes}
        values = np.zeros((len(ids), len(ids)), dtype=int)
        for (one, other), count in found.together.items():
            row, column = ids.index(one), ids.index(other)
            values[row, column] = values[column, row] = count
        self._together_ids = ids
        self.together.set_values(values, [names.get(class_id, "") for class_id in ids])

    def _show_notes(self, found: counting.Statistics) -> None:
        notes = []
        if found.stride > 1:
            notes.append(
                tr("Sizes and places are from every {stride}th shape.").format(stride=found.stride)
            )
        if found.unmeasured:
            said = ntr(
                "{unmeasured:,} image has not been opened yet: its size is not known.",
                "{unmeasured:,} images have not been opened yet: their size is not known.",
                found.unmeasured,
            )
            notes.append(said.format(unmeasured=found.unmeasured))
        self._sampled.setText(" ".join(notes))
        self._sampled.setVisible(bool(notes))

    def _show_findings(self, found: Sequence[Finding]) -> None:
        while (item := self.findings.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        self._finding_rows = []
        for finding in found[:_FINDINGS_SHOWN]:
            row = TextButton(finding.text, "link", "warning")
            row.setEnabled(finding.images is not None)
            row.setToolTip(_CLICK if finding.images is not None else "")
            row.clicked.connect(lambda _=False, f=finding: self.images_asked.emit(f.images))
            self.findings.addWidget(row, 0, Qt.AlignmentFlag.AlignLeft)
            self._finding_rows.append(row)
        more = len(found) - _FINDINGS_SHOWN
        said = (
            tr("and {more:,} more").format(more=more)
            if more > 0
            else ""
            if found
            else tr("Nothing stands out.")
        )
        if said:
            self.findings.addWidget(TextLabel(said, "secondary"))

    def _on_class(self, row: int) -> None:
        if self.shown is not None:
            self.images_asked.emit(ImageFilter(class_id=self.shown.classes[row].id))

    def _on_shapes(self, row: int) -> None:
        self.images_asked.emit(ImageFilter(shapes=_SHAPE_BINS[row]))

    def _on_image_size(self, row: int, *, is_aspect: bool) -> None:
        ends = counting.ASPECTS if is_aspect else counting.IMAGE_SIZES
        low, high = counting.bounds_of_bins(tuple(map(float, ends)))[row]
        ids = counting.images_of_size(self._project, low, high, is_aspect)
        bars = (self.aspects if is_aspect else self.image_sizes).bars()
        what = tr("width : height") if is_aspect else tr("longer side")
        self._ask(ids, f"{what} {bars[row].name}")

    def _on_shape_size(self, row: int) -> None:
        low, high = counting.bounds_of_bins(tuple(map(float, counting.SHAPE_SIZES)))[row]
        words = tr("with shapes of {name}").format(name=self.shape_sizes.bars()[row].name)
        self._search(
            lambda folder, is_cancelled: counting.images_with_side(
                folder, low, high, None, is_cancelled
            ),
            words,
        )

    def _on_place(self, row: int, column: int) -> None:
        self._search(
            lambda folder, is_cancelled: counting.images_in_cell(folder, row, column, is_cancelled),
            tr("with shapes at this place"),
        )

    def _on_pair(self, row: int, column: int) -> None:
        one, other = self._together_ids[row], self._together_ids[column]
        if one == other:
            self.images_asked.emit(ImageFilter(class_id=one))
            return
        names = {cls.id: cls.name for cls in self._project.classes()}
        words = tr("with {one} and {other}").format(one=names.get(one), other=names.get(other))
        self._ask(counting.images_with_both(self._project, one, other), words)

    def _search(self, look: Callable[[Path, Callable[[], bool]], list[int]], words: str) -> None:
        """Look through all shapes in a thread, then show the images."""
        if not self._running.is_running:
            folder = self._project.folder
            job = self._jobs.call(lambda steps: look(folder, steps.is_cancelled))
            self._running.follow(
                job,
                tr("Looking for images {words}").format(words=words),
                lambda ids: self._ask(ids, words),
            )

    def _ask(self, ids: Sequence[int], words: str) -> None:
        self.images_asked.emit(replace(ImageFilter(), only=tuple(ids), only_words=words))

    def _describe_place(self, _row: int, _column: int, count: int) -> str:
        said = ntr(
            "{count:,} shape has its middle here. {click}.",
            "{count:,} shapes have their middle here. {click}.",
            count,
        )
        return said.format(count=count, click=_CLICK)

    def _describe_pair(self, row: int, column: int, count: int) -> str:
        names = {cls.id: cls.name for cls in self._project.classes()}
        one, other = (names.get(self._together_ids[place], "") for place in (row, column))
        if one == other:
            return one
        return tr("{one} and {other} are together on {images}. {click}.").format(
            one=one, other=other, images=image_count(count), click=_CLICK
        )

    def _lay_out(self) -> None:
        inner = QWidget()
        whole = QVBoxLayout(inner)
        whole.setContentsMargins(*(tokens.SPACE_XL,) * 4)
        whole.setSpacing(tokens.SPACE_L)
        sides = QHBoxLayout()
        sides.setSpacing(tokens.SPACE_L)
        columns = (QVBoxLayout(), QVBoxLayout())
        stands_out = QWidget()
        stands_out.setLayout(self.findings)
        self.findings.setContentsMargins(0, 0, 0, 0)
        self.findings.setSpacing(tokens.SPACE_XS)
        whole.addWidget(_card(tr("What stands out"), stands_out))
        cards = (
            (tr("Shapes of each class"), self.classes),
            (tr("Shapes on an image"), self.shapes_an_image),
            (tr("Size of shapes (longer side)"), self.shape_sizes),
            (tr("Where shapes lie"), self.places),
            (tr("Size of images (longer side)"), self.image_sizes),
            (tr("Classes on the same image"), self.together),
            (tr("Width over height of images"), self.aspects),
        )
        for place, (title, widget) in enumerate(cards):
            columns[place % 2].addWidget(_card(title, widget))
        for column in columns:
            column.setSpacing(tokens.SPACE_L)
            column.addStretch(1)
            sides.addLayout(column, 1)
        whole.addLayout(sides)
        whole.addWidget(self._sampled)
        whole.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        head = QHBoxLayout()
        head.setContentsMargins(tokens.SPACE_XL, 0, tokens.SPACE_XL, 0)
        head.addWidget(self.progress, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.banner)
        layout.addLayout(head)
        layout.addWidget(area, 1)


def _card(title: str, content: QWidget) -> QFrame:
    card = QFrame()
    card.setProperty("role", "card")
    column = QVBoxLayout(card)
    column.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, tokens.SPACE_L)
    column.setSpacing(tokens.SPACE_S)
    column.addWidget(TextLabel(title, "section"))
    column.addWidget(content)
    return card


def _binned(ends: Sequence[float], counts: Sequence[int], unit: str) -> list[Bar]:
    """Return a bar for each bin, named by its ends."""
    names = [tr("under {ends:g} {unit}").format(ends=ends[0], unit=unit)]
    names += [
        tr("{low:g} to {high:g} {unit}").format(low=low, high=high, unit=unit)
        for low, high in pairwise(ends)
    ]
    names.append(tr("{ends:g} {unit} and more").format(ends=ends[-1], unit=unit))
    return [Bar(name, count) for name, count in zip(names, counts, strict=True)]


def _range_words(low: int, high: int | None) -> str:
    if high is None:
        return tr("{low} and more").format(low=low)
    return (
        tr("none")
        if high == 0
        else f"{low}"
        if low == high
        else tr("{low} to {high}").format(low=low, high=high)
    )


def _end(high: int | None) -> int | None:
    return None if high is None else high + 1
