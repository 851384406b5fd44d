"""What the project holds: counts, balance of the classes, splits, versions; import and export."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from studio.language import ntr, tr
from studio.model.count_words import class_count, label_count
from studio.model.project import Project
from studio.model.records import ImageFilter
from studio.storage.versions import list_versions
from studio.theme import tokens
from studio.widgets.bar_list import Bar, BarList
from studio.widgets.empty_state import EmptyState, Step
from studio.widgets.icon_button import TextButton
from studio.widgets.path_text import path_text
from studio.widgets.stat import Stat
from studio.widgets.text_label import TextLabel

_SPLITS = (
    ("train", tr("Training")),
    ("val", tr("Validation")),
    ("test", tr("Test")),
    ("", tr("Chosen at training")),
)
_VERSIONS_SHOWN = 8
_CLICK = tr("Click to see these images")
_STATUSES = (
    ("labelled", tr("labelled")),
    ("background", tr("background")),
    ("unlabelled", tr("to do")),
    ("damaged", tr("damaged")),
)


class LabelFiles(Protocol):
    """The label files on disk that can follow the project."""

    @property
    def kept(self) -> Path | None:
        """The data.yaml whose label files follow the project, or None."""

    def offered(self) -> Path | None:
        """Return the data.yaml whose label files could follow it, or None."""

    def conflicts(self) -> int:
        """Return how many files wait for a decision."""

    def keep(self) -> None:
        """Begin."""

    def leave(self) -> None:
        """End."""

    def take_theirs(self) -> None:
        """Load the files that wait."""

    def keep_ours(self) -> None:
        """Write over the files that wait."""


class DatasetPanel(QWidget):
    """An overview that is read anew each time the page is shown.

    Signals:
        images_asked(ImageFilter): The person wants to see these images.

    Args:
        project: The open project.
        add_images: Asks for a folder to add.
        import_labels: Asks for a data set to import.
        export_dataset: Asks where to export to.
        label_files: The label files that can follow the project.
    """

    images_asked = Signal(object)

    def __init__(
        self,
        project: Project,
        add_images: Callable[[], object],
        import_labels: Callable[[], object],
        export_dataset: Callable[[], object],
        label_files: LabelFiles,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project = project
        self._label_files = label_files
        self._steps = (
            (tr("Add a folder of images"), "add", add_images),
            (tr("Import labels"), "import", import_labels),
            (tr("Export data set"), "export", export_dataset),
        )
        self._body = QScrollArea()
        self._body.setWidgetResizable(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._body)
        self.refresh()

    def refresh(self) -> None:
        """Read the counts and show them."""
        counts = self._project.status_counts()
        total = sum(counts.values())
        self._body.setWidget(self._overview(counts, total) if total else self._empty())

    def showEvent(self, event: object) -> None:
        """Show what is true now."""
        self.refresh()
        super().showEvent(event)  # type: ignore[arg-type]

    def _empty(self) -> QWidget:
        add, load, _ = self._steps
        return EmptyState(
            tr("No images yet"),
            tr(
                "The images of this project, how far they are labelled, and how the classes are balanced "
                "will be shown here."
            ),
            (Step(add[0], add[2], "primary", add[1]), Step(load[0], load[2], "normal", load[1])),
            "dataset",
        )

    def _overview(self, counts: dict[str, int], total: int) -> QWidget:
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(
            tokens.SPACE_XL, tokens.SPACE_XL, tokens.SPACE_XL, tokens.SPACE_XL
        )
        column.setSpacing(tokens.SPACE_L)
        head = QHBoxLayout()
        head.addWidget(TextLabel(self._project.name, "title"), 1)
        for text, icon, do in self._steps:
            button = TextButton(text, "normal", icon)
            button.clicked.connect(lambda _=False, call=do: call())
            head.addWidget(button)
        column.addLayout(head)
        numbers = QWidget()
        numbers.setLayout(self._numbers(counts, total))
        numbers.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        column.addWidget(numbers)
        cards = QHBoxLayout()
        cards.setSpacing(tokens.SPACE_L)
        cards.addWidget(self._classes_card(), 3, Qt.AlignmentFlag.AlignTop)
        cards.addWidget(self._splits_card(), 2, Qt.AlignmentFlag.AlignTop)
        column.addLayout(cards)
        for card in (self._files_card(), self._versions_card()):
            if card is not None:
                column.addWidget(card)
        column.addStretch(1)
        return inner

    def _numbers(self, counts: dict[str, int], total: int) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(tokens.SPACE_XL * 2)
        line.addWidget(Stat(tr("images"), f"{total:,}"))
        for key, words in _STATUSES:
            if counts.get(key):
                line.addWidget(Stat(words, f"{counts[key]:,}"))
        line.addWidget(Stat(tr("shapes"), f"{sum(self._project.class_counts().values()):,}"))
        line.addStretch()
        return line

    def _classes_card(self) -> QWidget:
        card, grid = _card(tr("Classes"))
        counts = self._project.class_counts()
        classes = self._project.classes()
        if not classes:
            grid.addWidget(
                TextLabel(tr("No classes yet. Add one beside the canvas."), "secondary"), 1, 0
            )
        bars = BarList(tr("Shapes of each class"), _CLICK)
        bars.set_bars([Bar(cls.name, counts.get(cls.id, 0), cls.color) for cls in classes])
        bars.clicked.connect(
            lambda row: self.images_asked.emit(ImageFilter(class_id=classes[row].id))
        )
        grid.addWidget(bars, 2, 0, 1, 3)
        grid.setRowStretch(3, 1)
        return card

    def _splits_card(self) -> QWidget:
        card, grid = _card(tr("Splits"))
        rows = [
            (words, self._project.count_images(ImageFilter(split=key))) for key, words in _SPLITS
        ]
        bars = BarList(tr("Images of each split"), _CLICK)
        bars.set_bars([Bar(words, count) for words, count in rows])
        bars.clicked.connect(lambda row: self.images_asked.emit(ImageFilter(split=_SPLITS[row][0])))
        grid.addWidget(bars, 1, 0, 1, 3)
        note = tr(
            "Images without a split are divided when a training starts: one in five validates, always the "
            "same ones, however many images come later."
        )
        grid.addWidget(TextLabel(note, "caption", wrap=True), 2, 0, 1, 3)
        grid.setRowStretch(3, 1)
        return card

    def _files_card(self) -> QWidget | None:
        """Offer to keep the label files on disk in step; None where there are none."""
        files, kept = self._label_files, self._label_files.kept
        offered = files.offered() if kept is None else None
        if kept is not None:
            said = tr(
                "The label files of {kept} follow the project: each finished edit is written there "
                "as well."
            ).format(kept=path_text(kept))
            steps = [(tr("Stop writing label files"), files.leave)]
        elif offered is not None:
            said = tr(
                "The label files of {offered} are not touched: your labels are in the project."
            ).format(offered=path_text(offered))
            steps = [(tr("Keep the labels folder in step"), files.keep)]
        else:
            return None
        card, grid = _card(tr("Label files"))
        if waiting := files.conflicts():
            said += "\n" + ntr(
                "{count:,} of them was changed outside and is left alone.",
                "{count:,} of them were changed outside and are left alone.",
                waiting,
            ).format(count=waiting)
            steps = [
                (tr("Load the files"), files.take_theirs),
                (tr("Keep the project's labels"), files.keep_ours),
                *steps,
            ]
        grid.addWidget(TextLabel(said, "secondary", wrap=True), 1, 0)
        for place, (text, do) in enumerate(steps, start=1):
            button = TextButton(text)
            button.clicked.connect(lambda _=False, call=do: self._after(call))
            grid.addWidget(button, 1, place, Qt.AlignmentFlag.AlignTop)
        grid.setColumnStretch(0, 1)
        return card

    def _versions_card(self) -> QWidget | None:
        """List what was trained on, newest first; None before the first training."""
        versions = sorted(
            list_versions(self._project.versions_dir), key=lambda v: v.number, reverse=True
        )
        if not versions:
            return None
        card, grid = _card(tr("Versions"))
        for row, version in enumerate(versions[:_VERSIONS_SHOWN], start=1):
            images = ", ".join(
                f"{count:,} {words.lower()}"
                for key, words in _SPLITS
                if (count := version.images.get(key))
            )
            labels = tr("{labels}, {classes}").format(
                labels=label_count(sum(version.annotations.values())),
                classes=class_count(len(version.names)),
            )
            made = time.strftime("%Y-%m-%d %H:%M", time.localtime(version.created))
            shown = (
                tr("Version {number}").format(number=version.number),
                version.task,
                images,
                labels,
                made,
            )
            for column, text in enumerate(shown):
                label = TextLabel(text, "body" if column == 0 else "secondary")
                label.setToolTip(version.folder.name)
                grid.addWidget(label, row, column)
        note = tr(
            "A training learns from a frozen version, so each model can say which labels made it."
        )
        grid.addWidget(TextLabel(note, "caption", wrap=True), grid.rowCount(), 0, 1, 5)
        grid.setHorizontalSpacing(tokens.SPACE_XL)
        grid.setColumnStretch(4, 1)
        return card

    def _after(self, do: Callable[[], object]) -> None:
        """Do something and show what is true then; deferred, because the button that asks is shown anew."""
        do()
        QTimer.singleShot(0, self, self.refresh)


def _card(title: str) -> tuple[QFrame, QGridLayout]:
    card = QFrame()
    card.setProperty("role", "card")
    grid = QGridLayout(card)
    grid.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, tokens.SPACE_L)
    grid.setHorizontalSpacing(tokens.SPACE_M)
    grid.setVerticalSpacing(tokens.SPACE_S)
    grid.addWidget(TextLabel(title, "section"), 0, 0, 1, 3)
    return card, grid
