"""What should I label next? A model looks at the images without labels and names the ones that would teach it most."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QSlider, QWidget

from studio.jobs.client import Job, JobsClient, RunsWatcher
from studio.jobs.messages import Failed, Progress, Surveyed
from studio.jobs.suggest_run import progress_text
from studio.language import ntr, tr, tr_engine
from studio.model.edits import Edit, change_tags
from studio.model.next_images import MOST_COVERED, MOST_IMAGES, NextImage, spread
from studio.model.project import Project
from studio.model.records import ImageFilter
from studio.model.runs import read_args
from studio.panels.learning.next_list import NextImagesList, NextImagesModel, Thumbnails
from studio.panels.learning.work_page import lay_out, stacked
from studio.storage.learning_results import keep_next, read_next
from studio.widgets.empty_state import EmptyState
from studio.widgets.icon_button import TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.model_picker import ModelPicker
from studio.widgets.progress_row import ProgressRow
from studio.widgets.spin_box import SpinBox
from studio.widgets.text_label import TextLabel

TAG = tr("label next")
_UNLABELLED = ImageFilter(statuses=frozenset({"unlabelled"}))
_LABELLED = ImageFilter(statuses=frozenset({"labelled", "background"}))
_USUAL_COUNT, _MOST = 20, 2000


class NextPanel(QWidget):
    """Asks the model in the worker; the answer stays with the project.

    Signals:
        images_asked(ImageFilter): The person wants to see these images in the list.
        image_opened(int): The person wants to label this image.

    Args:
        project: Gives the images.
        jobs: Runs the model.
        watcher: Tells which models there are.
        thumbnails: Small pictures.
        listed: Returns the ids of the image list as it is filtered.
        apply: Applies an edit and tells the person where it cannot be.
    """

    images_asked = Signal(object)
    image_opened = Signal(int)

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        watcher: RunsWatcher,
        thumbnails: Thumbnails,
        listed: Callable[[], Sequence[int]],
        apply: Callable[[Edit], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project, self._jobs, self._listed, self._apply = project, jobs, listed, apply
        self._job: Job | None = None
        self._is_read = False
        self.picker = ModelPicker()
        self.pool = QComboBox()
        self.pool.setAccessibleName(tr("Images to choose from"))
        self.pool.addItem(tr("All without labels"), False)
        self.pool.addItem(tr("Those of the list"), True)
        self.count = SpinBox()
        self.count.setAccessibleName(tr("How many images"))
        self.count.setRange(1, _MOST)
        self.count.setSuffix(tr(" images"))
        self.count.setValue(_USUAL_COUNT)
        self.balance = QSlider(Qt.Orientation.Horizontal)
        self.balance.setAccessibleName(tr("Unsure or different"))
        self.balance.setToolTip(
            tr("Left: where the model is least sure. Right: what differs most from all the others.")
        )
        self.balance.setRange(0, 100)
        self.balance.setValue(50)
        self.balance.setFixedWidth(96)
        self.find_button = TextButton(tr("Find images"), "primary", "search")
        self.find_button.clicked.connect(self.search)
        self.progress = ProgressRow(tr("Looking at images"))
        self.progress.cancelled.connect(self._on_cancel)
        self.banner = MessageBanner()
        self.said = TextLabel("", "secondary", wrap=True)
        self.model = NextImagesModel(project, thumbnails, self)
        self.list = NextImagesList(self.model)
        self.list.activated.connect(lambda index: self._open(index.row()))
        self.start_button = TextButton(tr("Label the first"), "primary", "annotate")
        self.start_button.setToolTip(tr("Shows them in the list and opens the first"))
        self.start_button.clicked.connect(self._on_start)
        self.list_button = TextButton(tr("Show in list"), "normal", "grid")
        self.list_button.clicked.connect(self._on_list)
        self.tag_button = TextButton(tr("Tag them"), "normal", "tag")
        self.tag_button.setToolTip(
            tr("Gives each the tag “{tag}”, to find them by").format(tag=TAG)
        )
        self.tag_button.clicked.connect(self._on_tag)
        self._lay_out()
        self.picker.chosen.connect(self._offer)
        watcher.runs_changed.connect(self.picker.show_runs)
        self.picker.show_runs(watcher.runs)
        self._offer()

    def search(self) -> None:
        """Let the model look at the images."""
        model = self.picker.path()
        if self._job is not None or model is None:
            return
        self.banner.hide()
        waiting = self._project.image_ids(_UNLABELLED)
        if self.pool.currentData():
            listed = set(self._listed())
            waiting = [image_id for image_id in waiting if image_id in listed]
        if not waiting:
            self.said.setText(tr("Every one of these images is labelled."))
            return
        images = self._files(spread(waiting, MOST_IMAGES))
        covered = self._files(spread(self._project.image_ids(_LABELLED), MOST_COVERED))
        arguments = {k: v for k, v in read_args(model.parent.parent).items() if k == "imgsz" and v}
        self.progress.start(tr("Starting the model"))
        self._job = job = self._jobs.survey(
            model, images, covered, self.count.value(), self.balance.value() / 100, arguments
        )
        job.progressed.connect(self._on_progress)
        job.finished.connect(self._on_found)
        job.failed.connect(self._on_failed)
        job.ended.connect(self._on_ended)
        self._offer()

    def show_images(self, images: Sequence[NextImage]) -> None:
        """Show images, the best first."""
        self.model.show_images(images)
        self._offer()

    def chosen(self) -> tuple[int, ...]:
        """Return the ids of the listed images, the best first."""
        return tuple(image.image_id for image in self.model.images)

    def stop(self) -> None:
        """Give the work up, because the project closes."""
        job, self._job = self._job, None
        if job is not None:
            job.cancel()

    def _files(self, image_ids: Sequence[int]) -> list[tuple[int, Path]]:
        return list(self._project.store.files_of(image_ids).items())

    def _on_progress(self, progress: Progress) -> None:
        if self._job is not None:
            self.progress.set_progress(progress.done, progress.total)
            self.progress.set_title(progress_text(progress))

    def _on_cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _on_found(self, found: Surveyed) -> None:
        if self._job is None:
            return
        keep_next(self._project.folder, found.ranked)
        self.show_images(found.ranked)
        self.said.setText(_sentence(found))
        if found.problems:
            first, rest = found.problems[0], tr_engine("\n".join(found.problems))
            self.banner.show_message(first, tone="warning", details=rest)

    def _on_failed(self, failed: Failed) -> None:
        if self._job is not None and failed.kind != "cancelled":
            self.banner.show_message(failed.message, failed.remedy, details=failed.details)

    def _on_ended(self) -> None:
        self._job = None
        self._offer()

    def _open(self, row: int) -> None:
        self.image_opened.emit(self.model.images[row].image_id)

    def _on_start(self) -> None:
        self._on_list()
        self._open(0)

    def _on_list(self) -> None:
        self.images_asked.emit(ImageFilter(only=self.chosen(), only_words=tr("to label next")))

    def _on_tag(self) -> None:
        records = self._project.images(self.chosen())
        self._apply(change_tags({record.id: record.tags for record in records}, add=[TAG]))

    def _offer(self, *_: object) -> None:
        running, has_rows = self._job is not None, bool(self.model.images)
        self.progress.setVisible(running)
        self.find_button.setEnabled(not running and self.picker.path() is not None)
        self._shown.setCurrentWidget(self.list if has_rows else self._empty)
        for button in (self.start_button, self.list_button, self.tag_button):
            button.setVisible(has_rows)
        self.tag_button.setEnabled(not self._project.read_only)

    def _lay_out(self) -> None:
        self._empty = EmptyState(
            tr("What should I label next?"),
            tr(
                "A trained model looks at the images without labels and names those that it is unsure of "
                "and that differ from the labelled ones: they teach it most."
            ),
            (),
            "smart",
        )
        self._shown = stacked(self.list, self._empty)
        unsure, different = (
            TextLabel(words, "secondary") for words in (tr("Unsure"), tr("Different"))
        )
        asked = (self.picker, self.pool, self.count, unsure, self.balance, different)
        lay_out(
            self,
            ((*asked, self.find_button), ()),
            self._shown,
            (self.said, (self.tag_button, self.list_button, self.start_button)),
            (self.banner, self.progress),
        )

    def showEvent(self, event: QShowEvent) -> None:
        """Show what was found the last time, unless something was found since."""
        super().showEvent(event)
        if not self._is_read:
            self._is_read = True
            if not self.model.images and (kept := read_next(self._project.folder)):
                self.show_images(kept)


def _sentence(found: Surveyed) -> str:
    chosen = ntr("{count:,} image", "{count:,} images", len(found.ranked)).format(
        count=len(found.ranked)
    )
    return ntr(
        "{chosen} of {images:,} without labels, compared with {covered:,} labelled one.",
        "{chosen} of {images:,} without labels, compared with {covered:,} labelled ones.",
        found.covered,
    ).format(chosen=chosen, images=found.images, covered=found.covered)
