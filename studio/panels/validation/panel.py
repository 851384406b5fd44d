"""The validation panel: figures, curve, confusion, and the images and objects behind every number."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from studio.jobs.client import JobsClient
from studio.jobs.messages import Failed
from studio.model.colors import class_color
from studio.model.project import Project
from studio.model.runs import VALIDATION_FILE
from studio.model.validation_report import ValidationReport, read_report
from studio.panels.validation.class_table import ClassTable
from studio.panels.validation.confusion import ConfusionView
from studio.panels.validation.gallery import Gallery
from studio.panels.validation.originals import original_of
from studio.panels.validation.pr_curve import PrecisionRecallPlot
from studio.panels.validation.tiles import Look, Tile, class_tiles, example_tile, image_tile
from studio.theme import tokens
from studio.theme.theme import current_colors
from studio.widgets.empty_state import EmptyState
from studio.widgets.icon_button import TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.section_header import SectionHeader
from studio.widgets.stat import Stat
from studio.widgets.text_label import TextLabel

_LEFT_WIDTH = 560
_LEFT_HEIGHTS = (210, 250, 330)
_LEGEND = "Labels left, predictions right. Red outline: missed or wrong."
_STATS = (
    ("mAP50-95", "mAP50-95"),
    ("mAP50", "mAP50"),
    ("precision", "precision"),
    ("recall", "recall"),
)


class ValidationPanel(QWidget):
    """Shows what ``validation.json`` of a folder says.

    Signals:
        open_image(object, object): Path of an image and the box (x1, y1, x2, y2) to show, or None.

    Args:
        project: Gives the classes their colours.
        jobs: Reads the file in a thread; it may hold thousands of images.
    """

    open_image = Signal(object, object)

    def __init__(self, project: Project, jobs: JobsClient, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._project = project
        self._jobs = jobs
        self.report: ValidationReport | None = None
        self._inks: Mapping[int, str] = {}
        self._folder: Path | None = None
        self._title = TextLabel("", "title")
        self._about = TextLabel("", "secondary")
        self.kind = QComboBox()
        self.kind.addItems(["Masks", "Boxes"])
        self.kind.setAccessibleName("Measure of")
        self.kind.currentIndexChanged.connect(lambda _index: self._show_figures())
        self.stats = {key: Stat(caption) for key, caption in _STATS}
        self.table = ClassTable()
        self.curve = PrecisionRecallPlot()
        self.confusion = ConfusionView()
        self.gallery = Gallery()
        self._gallery_title = TextLabel("", "section")
        self._gallery_count = TextLabel("", "caption")
        self.show_all_button = TextButton("Show all images", "quiet")
        self.banner = MessageBanner()
        self._empty = EmptyState(
            "No validation yet",
            "Every training ends with one. Choose a finished run, or validate a model on the Models page.",
            icon_name="validate",
        )
        self._stack = QStackedWidget()
        self._lay_out()
        self.table.class_chosen.connect(self.show_class)
        self.confusion.cell_chosen.connect(self.show_cell)
        self.show_all_button.clicked.connect(self.show_all)
        self.gallery.tile_opened.connect(self._on_tile_opened)

    def show_folder(self, folder: Path, title: str = "") -> None:
        """Read and show the validation that a run or a validation left in ``folder``."""
        self._folder = folder
        self._title.setText(title or folder.name)
        job = self._jobs.call(lambda _steps: read_report(folder / VALIDATION_FILE))
        job.finished.connect(lambda report: self._on_read(folder, report))
        job.failed.connect(lambda failed: self._on_failed(folder, failed))

    def show_report(self, report: ValidationReport) -> None:
        """Show a report that was read."""
        self.report = report
        self._inks = self._class_inks(report)
        self.banner.hide()
        self.kind.setVisible(report.has_masks)
        self.kind.blockSignals(True)
        self.kind.setCurrentIndex(0 if report.has_masks else 1)
        self.kind.blockSignals(False)
        self._about.setText(_about(report))
        self.confusion.show_matrix(report.labels, report.matrix)
        self._show_figures()
        self.show_all()
        self._stack.setCurrentIndex(1)

    @property
    def of_masks(self) -> bool:
        """Return whether the figures are those of masks."""
        return self.kind.currentIndex() == 0

    def show_all(self) -> None:
        """Show all images, most mistakes first."""
        if self.report is None:
            return
        images = sorted(self.report.images, key=lambda image: -image.mistakes)
        self._show_tiles("All images, most mistakes first", [image_tile(i) for i in images])
        self.show_all_button.hide()
        self.table.clearSelection()
        self.confusion.choose(None)
        self.curve.choose(None)

    def show_class(self, class_id: int) -> None:
        """Show the images of one class, reduced to its objects."""
        if self.report is None:
            return
        self.confusion.choose(None)
        self.curve.choose(class_id)
        name = self.report.names.get(class_id, str(class_id))
        self._show_tiles(f"Images with {name}", class_tiles(self.report.images, class_id))

    def show_cell(self, predicted: int, true: int) -> None:
        """Show the objects behind a cell of the confusion matrix."""
        if self.report is None:
            return
        self.table.clearSelection()
        self.curve.choose(None)
        examples = self.report.cells.get((predicted, true), [])
        self._show_tiles(
            self.confusion.describe(predicted, true), [example_tile(e) for e in examples]
        )

    def _on_read(self, folder: Path, report: ValidationReport) -> None:
        if folder == self._folder:
            self.show_report(report)

    def _on_failed(self, folder: Path, failed: Failed) -> None:
        if folder == self._folder:
            self.report = None
            self._stack.setCurrentIndex(0)
            self.banner.show_message(failed.message, failed.remedy, details=failed.details)

    def _on_tile_opened(self, tile: Tile) -> None:
        whole = (0, 0, tile.image.width, tile.image.height)
        box = None if tuple(tile.region) == whole else tile.region
        self.open_image.emit(original_of(tile.image.file), box)

    def _show_figures(self) -> None:
        if self.report is None:
            return
        kind = "M" if self.of_masks else "B"
        for key, stat in self.stats.items():
            value = self.report.metrics.get(f"metrics/{key}({kind})")
            stat.set_value("–" if value is None else f"{value:.3f}")
        self.table.show_report(self.report, of_masks=self.of_masks)
        curve = self.report.curves.get("mask" if self.of_masks else "box")
        self.curve.show_curve(curve, self._inks)

    def _show_tiles(self, title: str, tiles: list[Tile]) -> None:
        self._gallery_title.setText(title)
        self._gallery_count.setText(f"{len(tiles):,}")
        self.show_all_button.show()
        names = self.report.names if self.report is not None else {}
        look = Look(self._inks, names, current_colors().danger)
        self.gallery.show_tiles(tiles, look)

    def _class_inks(self, report: ValidationReport) -> dict[int, str]:
        """The project's colour where it has a class of that name, else the palette's."""
        known = {cls.name: cls.color for cls in self._project.classes()}
        return {n: known.get(name, class_color(n)) for n, name in report.names.items()}

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(tokens.SPACE_XL)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(self._title)
        words.addWidget(self._about)
        head.addLayout(words, 1)
        for stat in self.stats.values():
            head.addWidget(stat)
        head.addWidget(self.kind)
        left = QSplitter(Qt.Orientation.Vertical)
        left.setChildrenCollapsible(False)
        for title, note, widget in (
            ("Classes", "a click shows its images", self.table),
            ("Precision over recall", "", self.curve),
            ("Confusion", "rows: said, columns: true; a click shows the objects", self.confusion),
        ):
            left.addWidget(_titled(SectionHeader(title, note), widget))
        left.setSizes(list(_LEFT_HEIGHTS))
        gallery_head = QHBoxLayout()
        gallery_head.setSpacing(tokens.SPACE_S)
        gallery_head.addWidget(self._gallery_title)
        gallery_head.addWidget(self._gallery_count)
        gallery_head.addStretch()
        gallery_head.addWidget(TextLabel(_LEGEND, "caption"))
        gallery_head.addWidget(self.show_all_button)
        right = _titled(gallery_head, self.gallery)
        body = QSplitter(Qt.Orientation.Horizontal)
        body.setChildrenCollapsible(False)
        body.addWidget(left)
        body.addWidget(right)
        body.setSizes([_LEFT_WIDTH, 2 * _LEFT_WIDTH])
        body.setStretchFactor(1, 1)
        content = QWidget()
        inner = QVBoxLayout(content)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(tokens.SPACE_S)
        inner.addLayout(head)
        inner.addWidget(body, 1)
        self._stack.addWidget(self._empty)
        self._stack.addWidget(content)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, tokens.SPACE_M)
        layout.addWidget(self.banner)
        layout.addWidget(self._stack, 1)


def _titled(header: QWidget | QHBoxLayout, widget: QWidget) -> QWidget:
    box = QWidget()
    layout = QVBoxLayout(box)
    layout.setContentsMargins(0, 0, tokens.SPACE_S, 0)
    layout.setSpacing(tokens.SPACE_XS)
    if isinstance(header, QWidget):
        layout.addWidget(header)
    else:
        layout.addLayout(header)
    layout.addWidget(widget, 1)
    return box


def _about(report: ValidationReport) -> str:
    objects = sum(len(image.truth) for image in report.images)
    parts = [f"{len(report.images):,} images, {objects:,} objects"]
    if report.left_out:
        parts.append(f"{report.left_out:,} more images measured but not listed")
    total = sum(value for value in report.speed_ms.values() if isinstance(value, int | float))
    if total:
        parts.append(f"{total:.1f} ms an image")
    return " · ".join(parts)
