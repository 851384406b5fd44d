"""Images that are in the project twice, group by group: which one stays, which ones go."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QSize, Qt, Signal, SignalInstance
from PySide6.QtGui import QImage, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from studio.jobs.client import JobsClient
from studio.jobs.shown_job import ShownJob
from studio.language import ntr, tr
from studio.model.count_words import image_count
from studio.model.edits import Edit, RemoveImages
from studio.model.project import Project
from studio.model.records import ImageFilter, ImageRecord
from studio.storage.duplicates import SAME_LOOK, DuplicateGroup, Duplicates, find_duplicates
from studio.theme import tokens
from studio.widgets.flow_layout import FlowLayout
from studio.widgets.icon_button import TextButton
from studio.widgets.text_label import TextLabel

_LIKENESS = (
    (tr("Equal files only"), 0),
    (tr("The same picture"), SAME_LOOK),
    (tr("Similar pictures"), 10),
)
_GROUPS_SHOWN = 40
_THUMBNAIL = QSize(120, 90)


class Thumbnails(Protocol):
    """Where small pictures come from."""

    loaded: SignalInstance

    def get(self, image_id: int, path: Path) -> QImage | None:
        """Return the thumbnail, or None and ask for it."""


class DuplicatesPanel(QWidget):
    """Searches in the background; nothing goes before the person says so, and undo brings it back.

    Signals:
        images_asked(ImageFilter): The person wants to see these images.

    Args:
        project: The open project.
        jobs: Runs the search.
        thumbnails: Small pictures.
        apply: Applies an edit and tells the person where it cannot be; returns None then.
    """

    images_asked = Signal(object)

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        thumbnails: Thumbnails,
        apply: Callable[[Edit], Edit | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project, self._jobs, self._apply = project, jobs, apply
        self._thumbnails = thumbnails
        self._rest: list[DuplicateGroup] = []
        self.cards: list[GroupCard] = []
        self.likeness = QComboBox()
        self.likeness.setAccessibleName(tr("How alike"))
        for text, distance in _LIKENESS:
            self.likeness.addItem(text, distance)
        self.likeness.setCurrentIndex(1)
        self.find_button = TextButton(tr("Find duplicates"), "primary", "search")
        self.find_button.clicked.connect(self.search)
        self.remove_button = TextButton(tr("Remove ticked images"), "danger", "delete")
        self.remove_button.setToolTip(
            tr("Out of the project; the files stay, and undo brings them back")
        )
        self.remove_button.clicked.connect(self._on_remove)
        self.more_button = TextButton(tr("Show more groups"), "normal")
        self.more_button.clicked.connect(self._show_more)
        self._running = ShownJob(tr("Comparing images"), self)
        self._running.ended.connect(lambda: self.find_button.setEnabled(True))
        self.progress, self.banner = self._running.progress, self._running.banner
        self.said = TextLabel(
            tr("Compares all images by content and by looks, whatever their size and format."),
            "secondary",
            wrap=True,
        )
        self._groups = QVBoxLayout()
        self._lay_out()
        thumbnails.loaded.connect(self._on_thumbnail)
        project.images_changed.connect(self._drop_gone)
        self._count()

    def search(self) -> None:
        """Look for duplicates in a thread."""
        if self._running.is_running:
            return
        folder, distance = self._project.folder, int(self.likeness.currentData())
        self.find_button.setEnabled(False)
        job = self._jobs.call(
            lambda steps: find_duplicates(
                folder,
                distance,
                lambda done, total: steps.progress(done, total, ""),
                steps.is_cancelled,
            )
        )
        self._running.follow(job, tr("Comparing images"), self._show)

    def ticked(self) -> list[int]:
        """Return the images that would go."""
        return [image_id for card in self.cards for image_id in card.ticked()]

    def _show(self, found: Duplicates) -> None:
        self.banner.hide()
        self._clear()
        self._rest = list(found.groups)
        groups = ntr("{count:,} group", "{count:,} groups", len(found.groups)).format(
            count=len(found.groups)
        )
        said = (
            tr("{groups} among {images}.").format(groups=groups, images=image_count(found.compared))
            if found.groups
            else tr("No duplicates among {images}.").format(images=image_count(found.compared))
        )
        if found.unreadable:
            said += tr(" {unreadable:,} could not be read.").format(unreadable=found.unreadable)
        self.said.setText(said)
        self._show_more()

    def _show_more(self) -> None:
        now, self._rest = self._rest[:_GROUPS_SHOWN], self._rest[_GROUPS_SHOWN:]
        for group in now:
            card = GroupCard(group, self._thumbnails)
            card.changed.connect(self._count)
            card.shown_asked.connect(self._on_show_group)
            self.cards.append(card)
            self._groups.addWidget(card)
        self._count()

    def _on_show_group(self, image_ids: tuple[int, ...]) -> None:
        wanted = ImageFilter(only=image_ids, only_words=tr("a group of duplicates"))
        self.images_asked.emit(wanted)

    def _on_remove(self) -> None:
        ids = tuple(self.ticked())
        count = ntr("a duplicate", "{count:,} duplicates", len(ids)).format(count=len(ids))
        if (
            ids
            and self._apply(RemoveImages(ids, label=tr("Remove {count}").format(count=count)))
            is not None
        ):
            self._drop_gone()

    def _drop_gone(self) -> None:
        """Take away the groups of which one image or none is left in the project."""
        for card in list(self.cards):
            left = {record.id for record in self._project.images(card.image_ids)}
            if len(left) < 2:
                self.cards.remove(card)
                self._groups.removeWidget(card)
                card.hide()
                card.deleteLater()
            else:
                card.keep_only(left)
        self._count()

    def _clear(self) -> None:
        for card in self.cards:
            self._groups.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = []

    def _count(self) -> None:
        count = len(self.ticked())
        self.remove_button.setText(
            ntr("Remove {count:,} ticked image", "Remove {count:,} ticked images", count).format(
                count=count
            )
        )
        self.remove_button.setEnabled(count > 0 and not self._project.read_only)
        self.remove_button.setVisible(bool(self.cards))
        self.more_button.setText(
            tr("Show more groups ({count:,} left)").format(count=len(self._rest))
        )
        self.more_button.setVisible(bool(self._rest))

    def _on_thumbnail(self, image_id: int) -> None:
        for card in self.cards:
            card.show_thumbnail(image_id)

    def _lay_out(self) -> None:
        bar = QHBoxLayout()
        bar.setSpacing(tokens.SPACE_S)
        bar.addWidget(self.likeness)
        bar.addWidget(self.find_button)
        bar.addWidget(self.said, 1)
        bar.addWidget(self.remove_button)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(tokens.SPACE_M)
        column.addLayout(self._groups)
        column.addWidget(self.more_button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch(1)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(inner)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_M, tokens.SPACE_L, tokens.SPACE_M)
        layout.setSpacing(tokens.SPACE_M)
        layout.addWidget(self.banner)
        layout.addLayout(bar)
        layout.addWidget(self.progress)
        layout.addWidget(area, 1)


class GroupCard(QFrame):
    """One group: the pictures side by side, each with a tick where it would go.

    Signals:
        changed(): Another image is ticked.
        shown_asked(object): The person wants to see these images in the list.
    """

    changed = Signal()
    shown_asked = Signal(object)

    def __init__(self, group: DuplicateGroup, thumbnails: Thumbnails) -> None:
        super().__init__()
        self.setProperty("role", "card")
        self._thumbnails = thumbnails
        self.image_ids = tuple(record.id for record in group.images)
        self._records = {record.id: record for record in group.images}
        self.boxes: dict[int, QCheckBox] = {}
        self._pictures: dict[int, QLabel] = {}
        self._cells: dict[int, QWidget] = {}
        title = tr("Equal files") if group.is_same_file else tr("Look the same")
        head = QHBoxLayout()
        head.addWidget(
            TextLabel(
                tr("{title}: {count} images").format(title=title, count=len(group.images)),
                "section",
            ),
            1,
        )
        show = TextButton(tr("Show in list"), "link")
        show.clicked.connect(lambda: self.shown_asked.emit(self.image_ids))
        head.addWidget(show)
        cells = QWidget()
        flow = FlowLayout(cells, tokens.SPACE_M)
        for place, record in enumerate(group.images):
            flow.addWidget(self._cell(record, ticked=place > 0))
        column = QVBoxLayout(self)
        column.addLayout(head)
        column.addWidget(cells)

    def ticked(self) -> list[int]:
        """Return the images that would go."""
        return [image_id for image_id, box in self.boxes.items() if box.isChecked()]

    def keep_only(self, image_ids: set[int]) -> None:
        """Show only the images that are still in the project."""
        for image_id, cell in self._cells.items():
            cell.setVisible(image_id in image_ids)
            if image_id not in image_ids:
                self.boxes[image_id].setChecked(False)

    def show_thumbnail(self, image_id: int) -> None:
        """Show a picture that has come."""
        record = self._records.get(image_id)
        picture = self._thumbnails.get(image_id, record.path) if record is not None else None
        if picture is not None:
            scaled = picture.scaled(
                _THUMBNAIL,
                Qt.AspectRatioMode.KeepAspectRatio,
                Qt.TransformationMode.SmoothTransformation,
            )
            self._pictures[image_id].setPixmap(QPixmap.fromImage(scaled))

    def _cell(self, record: ImageRecord, *, ticked: bool) -> QWidget:
        picture = QLabel(alignment=Qt.AlignmentFlag.AlignCenter)
        picture.setFixedSize(_THUMBNAIL)
        box = QCheckBox(tr("Remove"))
        box.setChecked(ticked)
        box.setAccessibleName(tr("Remove {name}").format(name=record.path.name))
        box.toggled.connect(lambda _on: self.changed.emit())
        size = f"{record.width} × {record.height} · " if record.width else ""
        shapes = ntr("{count:,} shape", "{count:,} shapes", record.shape_count).format(
            count=record.shape_count
        )
        name = TextLabel("", "caption")
        name.setText(
            name.fontMetrics().elidedText(
                record.path.name, Qt.TextElideMode.ElideMiddle, _THUMBNAIL.width()
            )
        )
        cell = QWidget()
        cell.setToolTip(str(record.path))
        column = QVBoxLayout(cell)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(tokens.SPACE_XS)
        for widget in (picture, name, TextLabel(f"{size}{shapes}", "caption"), box):
            column.addWidget(widget)
        self.boxes[record.id], self._pictures[record.id] = box, picture
        self._cells[record.id] = cell
        self.show_thumbnail(record.id)
        return cell
