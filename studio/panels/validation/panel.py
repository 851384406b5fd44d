"""The validation panel: figures, curve, confusion, and the images and objects behind every number."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import zip_longest
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QHBoxLayout,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from studio.jobs.client import JobsClient
from studio.jobs.messages import Failed
from studio.language import ntr, tr
from studio.model.auto_annotation import BACKGROUND
from studio.model.colors import class_color
from studio.model.count_words import image_count, object_count
from studio.model.project import Project
from studio.model.run_figures import KINDS
from studio.model.runs import VALIDATION_FILE
from studio.model.seen import CONFUSION_SCORE
from studio.model.validation_report import OWN, Curve, ValidationReport, read_report
from studio.panels.validation.class_table import ClassTable
from studio.panels.validation.confusion import ConfusionView
from studio.panels.validation.curve_plot import CURVES, CurvePlot
from studio.panels.validation.label_view import LabelView
from studio.storage.version_origins import original_of
from studio.theme import tokens
from studio.theme.theme import current_colors
from studio.widgets.empty_state import EmptyState
from studio.widgets.icon_button import TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.section_header import SectionHeader
from studio.widgets.stat import Stat
from studio.widgets.text_label import TextLabel
from studio.widgets.tile_gallery import Gallery
from studio.widgets.tiles import Look, Tile, class_tiles, example_tile, image_tile

_LEFT_WIDTH = 560
_LEFT_HEIGHTS = (210, 250, 330)
_LEGENDS = {
    "object": tr(
        "Labels left, predictions of {score:.2f} and more right. Red outline: missed or wrong."
    ),
    "image": tr("What it is left, what the model says right. Red outline: wrong."),
    "pixel": tr("Labels left, predictions right."),
}
_KIND_TITLES = {"mask": tr("Masks"), "pose": tr("Keypoints"), "box": tr("Boxes")}
_OF_OBJECTS = (
    ("mAP50-95", "mAP50-95"),
    ("mAP50", "mAP50"),
    ("precision", tr("precision")),
    ("recall", tr("recall")),
)
# Of the measures that a task has of its own, as many as there is room for, by their names in the record.
_OWN = (
    ("accuracy_top1", tr("top-1 accuracy")),
    ("accuracy_top5", tr("top-5 accuracy")),
    ("mIoU", "mIoU"),
    ("pixel_acc", tr("pixel accuracy")),
    ("DiceScore", tr("Dice")),
    ("precision", tr("precision")),
    ("recall", tr("recall")),
)
_MOST_FIGURES = 4


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
        self.kind.setAccessibleName(tr("Measure of"))
        self.kind.currentIndexChanged.connect(lambda _index: self._show_figures())
        self.stats = [Stat("") for _ in range(_MOST_FIGURES)]
        self.table = ClassTable()
        self.curve = CurvePlot()
        self.curve_choice = QComboBox()
        self.curve_choice.setAccessibleName(tr("Curve"))
        self.curve_choice.currentIndexChanged.connect(lambda _index: self._show_curve())
        self.confusion = ConfusionView()
        self.gallery = Gallery()
        self.labels = LabelView()
        self._right = QTabWidget()
        self._right.setDocumentMode(True)
        self._legend = TextLabel("", "caption")
        self._gallery_title = TextLabel("", "section")
        self._gallery_count = TextLabel("", "caption")
        self.show_all_button = TextButton(tr("Show all images"), "quiet")
        self.banner = MessageBanner()
        self._empty = EmptyState(
            tr("No validation yet"),
            tr(
                "Every training ends with one. Choose a finished run, or validate a model on the Models page."
            ),
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
        job = self._jobs.call(lambda _steps: _read(folder / VALIDATION_FILE))
        job.finished.connect(lambda report: self._on_read(folder, report))
        job.failed.connect(lambda failed: self._on_failed(folder, failed))

    def show_nothing(self) -> None:
        """Show that there is none: the run was removed."""
        self._folder = self.report = None
        self.banner.hide()
        self._stack.setCurrentIndex(0)

    def show_report(self, report: ValidationReport) -> None:
        """Show a report that was read."""
        self.report = report
        self._inks = self._class_inks(report)
        self.banner.hide()
        self._show_kinds(report)
        self._about.setText(_about(report))
        self._legend.setText(_LEGENDS[report.counts].format(score=CONFUSION_SCORE))
        self.confusion.show_matrix(
            report.labels,
            report.matrix,
            has_background=report.has_background,
            noun=report.counts,
        )
        self._show_figures()
        self.labels.show_statistics(report.label_statistics, self._inks)
        has_labels = report.label_statistics is not None
        self._right.setTabVisible(self._right.indexOf(self.labels), has_labels)
        self._right.tabBar().setVisible(has_labels)
        self.show_all()
        self._stack.setCurrentIndex(1)

    def figures(self) -> dict[str, str]:
        """Return the large numbers as they are shown, by their names."""
        return {stat.caption(): stat.value() for stat in self.stats if not stat.isHidden()}

    def show_all(self) -> None:
        """Show all images, most mistakes first."""
        if self.report is None:
            return
        images = sorted(self.report.images, key=lambda image: -image.mistakes)
        tiles = [image_tile(image, self.report.names) for image in images]
        self._show_tiles(tr("All images, most mistakes first"), tiles)
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
        tiles = class_tiles(self.report.images, class_id, self.report.names)
        self._show_tiles(tr("Images with {name}").format(name=name), tiles)

    def show_cell(self, predicted: int, true: int) -> None:
        """Show the objects behind a cell of the confusion matrix."""
        if self.report is None:
            return
        self.table.clearSelection()
        self.curve.choose(None)
        examples = self.report.cells.get((predicted, true), [])
        tiles = [example_tile(example, self.report.names) for example in examples]
        self._show_tiles(self.confusion.describe(predicted, true), tiles)

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
        kind = str(self.kind.currentData())
        found = _figures(self.report, kind)
        for stat, figure in zip_longest(self.stats, found):
            stat.setVisible(figure is not None)
            if figure is not None:
                stat.set_caption(figure[0])
                stat.set_value(figure[1])
        self.table.show_report(self.report, kind)
        self._curve_box.setVisible(kind != OWN)
        self._offer_curves(self.report.curves.get(kind, {}))
        self._show_curve()

    def _offer_curves(self, curves: Mapping[str, Curve]) -> None:
        """Offer the curves that there are; the chosen one stays chosen."""
        chosen = self.curve_choice.currentData()
        self.curve_choice.blockSignals(True)
        self.curve_choice.clear()
        for name, (title, _x, _y) in CURVES.items():
            if name in curves:
                self.curve_choice.addItem(title, name)
        self.curve_choice.setCurrentIndex(max(0, self.curve_choice.findData(chosen)))
        self.curve_choice.blockSignals(False)

    def _show_curve(self) -> None:
        if self.report is None:
            return
        name = str(self.curve_choice.currentData() or "pr")
        curve = self.report.curves.get(str(self.kind.currentData()), {}).get(name)
        self.curve.show_curve(name, curve, self._inks)
        best = curve.best() if curve is not None and name == "f1" else None
        self._curve_header.set_note(
            ""
            if best is None
            else tr("best {best:.2f} at a confidence of {best_2:.2f}").format(
                best=best[1], best_2=best[0]
            )
        )

    def _show_kinds(self, report: ValidationReport) -> None:
        """Offer what was measured, where it is more than one kind."""
        self.kind.blockSignals(True)
        self.kind.clear()
        for kind in report.kinds:
            self.kind.addItem(_KIND_TITLES.get(kind, ""), kind)
        self.kind.blockSignals(False)
        self.kind.setVisible(len(report.kinds) > 1)

    def _show_tiles(self, title: str, tiles: list[Tile]) -> None:
        self._gallery_title.setText(title)
        self._gallery_count.setText(f"{len(tiles):,}")
        self.show_all_button.show()
        names = self.report.names if self.report is not None else {}
        look = Look(self._map_inks(), names, current_colors().danger)
        self.gallery.show_tiles(tiles, look)

    def _map_inks(self) -> Mapping[int, str]:
        """Return the colours without that of a background that nobody drew: it would lie over all of the images."""
        if self.report is None or self.report.counts != "pixel":
            return self._inks
        drawn = {cls.name for cls in self._project.classes()}
        kept = {n for n, name in self.report.names.items() if name != BACKGROUND or name in drawn}
        return {number: ink for number, ink in self._inks.items() if number in kept}

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
        for stat in self.stats:
            head.addWidget(stat)
        head.addWidget(self.kind)
        left = QSplitter(Qt.Orientation.Vertical)
        left.setChildrenCollapsible(False)
        self._curve_header = SectionHeader(tr("Curve"))
        self._curve_header.add_button(self.curve_choice)
        self._curve_box = _titled(self._curve_header, self.curve)
        said = SectionHeader(tr("Confusion"), tr("rows: said, columns: true; a click shows them"))
        sections = (
            _titled(SectionHeader(tr("Classes"), tr("a click shows its images")), self.table),
            self._curve_box,
            _titled(said, self.confusion),
        )
        for section in sections:
            left.addWidget(section)
        left.setSizes(list(_LEFT_HEIGHTS))
        gallery_head = QHBoxLayout()
        gallery_head.setSpacing(tokens.SPACE_S)
        gallery_head.addWidget(self._gallery_title)
        gallery_head.addWidget(self._gallery_count)
        gallery_head.addStretch()
        gallery_head.addWidget(self._legend)
        gallery_head.addWidget(self.show_all_button)
        self._right.addTab(_titled(gallery_head, self.gallery), tr("Images"))
        self._right.addTab(self.labels, tr("Labels"))
        body = QSplitter(Qt.Orientation.Horizontal)
        body.setChildrenCollapsible(False)
        body.addWidget(left)
        body.addWidget(self._right)
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


def _read(path: Path) -> ValidationReport:
    """Read a record and work out what is behind its cells: that takes seconds for thousands of images."""
    report = read_report(path)
    _ = report.cells
    return report


def _titled(header: QWidget | QHBoxLayout, widget: QWidget) -> QWidget:
    box = QWidget()
    layout = QVBoxLayout(box)
    layout.setContentsMargins(tokens.SPACE_XS, 0, tokens.SPACE_S, 0)
    layout.setSpacing(tokens.SPACE_XS)
    if isinstance(header, QWidget):
        layout.addWidget(header)
    else:
        layout.addLayout(header)
    layout.addWidget(widget, 1)
    return box


def _about(report: ValidationReport) -> str:
    objects = sum(len(image.truth) for image in report.images)
    parts = [image_count(len(report.images))]
    if report.counts == "object":
        parts[0] = tr("{images}, {objects}").format(images=parts[0], objects=object_count(objects))
    if report.left_out:
        more = ntr(
            "{left_out:,} more image measured but not listed",
            "{left_out:,} more images measured but not listed",
            report.left_out,
        )
        parts.append(more.format(left_out=report.left_out))
    total = sum(value for value in report.speed_ms.values() if isinstance(value, int | float))
    if total:
        parts.append(tr("{total:.1f} ms an image").format(total=total))
    return " · ".join(parts)


def _figures(report: ValidationReport, kind: str) -> list[tuple[str, str]]:
    """Return names and values of the large numbers."""
    metrics = report.metrics
    letter = next((k for k, word in KINDS.items() if word == kind), "")
    if letter:
        named = [
            (caption, metrics.get(f"metrics/{name}({letter})")) for name, caption in _OF_OBJECTS
        ]
    else:
        own = [(caption, metrics.get(f"metrics/{key}")) for key, caption in _OWN]
        named = [(caption, value) for caption, value in own if value is not None]
    return [(n, "–" if v is None else f"{v:.3f}") for n, v in named[:_MOST_FIGURES]]
