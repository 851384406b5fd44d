"""What looks wrong? The labels that a model doubts as a gallery: next, fine as it is, put right, or opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QShowEvent
from PySide6.QtWidgets import QComboBox, QWidget

from engine.active_learning.disagreement import Rules
from studio.jobs.check_run import CheckResult, CheckRun
from studio.jobs.client import JobsClient, RunsWatcher
from studio.jobs.messages import Failed, Progress
from studio.jobs.suggest_run import progress_text
from studio.language import ntr, tr, tr_engine
from studio.model.doubt_list import DoubtList
from studio.model.edits import Edit
from studio.model.label_check import KIND_TITLES, LabelDoubt
from studio.model.locks import locked_text
from studio.model.project import Project
from studio.model.records import ImageFilter
from studio.model.runs import read_args
from studio.panels.learning.doubt_tiles import doubt_tile
from studio.panels.learning.work_page import lay_out, stacked
from studio.storage.learning_results import keep_doubts, read_doubts
from studio.theme.theme import current_colors
from studio.widgets.class_icons import class_icon
from studio.widgets.empty_state import EmptyState
from studio.widgets.icon_button import TextButton
from studio.widgets.message_banner import MessageBanner
from studio.widgets.model_picker import ModelPicker
from studio.widgets.progress_row import ProgressRow
from studio.widgets.searched_combo import SearchedComboBox
from studio.widgets.text_label import TextLabel
from studio.widgets.tile_gallery import Gallery
from studio.widgets.tiles import Look

_LABELLED = ImageFilter(statuses=frozenset({"labelled"}))
_IMAGES_AT_ONCE = 16  # looked at again between two events of the window
_MOST_TILES = 5000


class CheckPanel(QWidget):
    """Runs the check in the worker; the doubts stay with the project.

    Signals:
        doubt_opened(object): The person wants to see this :class:`LabelDoubt` on the canvas.

    Args:
        project: Gives images and shapes.
        jobs: Runs the model.
        watcher: Tells which models there are.
        listed: Returns the ids of the image list as it is filtered.
        apply: Applies an edit and tells the person where it cannot be; returns None then.
    """

    doubt_opened = Signal(object)

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        watcher: RunsWatcher,
        listed: Callable[[], Sequence[int]],
        apply: Callable[[Edit], Edit | None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project, self._jobs, self._listed, self._apply = project, jobs, listed, apply
        self._run: CheckRun | None = None
        self._is_read = False
        self.doubts = DoubtList(project)
        self._shown: list[int] = []  # numbers of the doubts behind the tiles
        self._unseen: list[int] = []  # images whose shapes may have changed since the last check
        self._later = QTimer(self)
        self._later.setInterval(0)
        self._later.timeout.connect(self._look_on)
        self._make_controls()
        self._lay_out()
        self._connect(watcher)
        self._fill_filters()
        self._offer()

    def check(self) -> None:
        """Let the model look at the labelled images."""
        model = self.picker.path()
        if self._run is not None or model is None:
            return
        self.banner.hide()
        image_ids = self._project.image_ids(_LABELLED)
        if self.pool.currentData():
            listed = set(self._listed())
            image_ids = [image_id for image_id in image_ids if image_id in listed]
        if not image_ids:
            self.said.setText(tr("None of these images has labels."))
            return
        arguments = {k: v for k, v in read_args(model.parent.parent).items() if k == "imgsz" and v}
        self.progress.start(tr("Starting the model"))
        self._run = run = CheckRun(
            self._project, self._jobs, model, image_ids, arguments, Rules(), self
        )
        run.progressed.connect(self._on_progress)
        run.finished.connect(self._on_finished)
        run.failed.connect(self._on_failed)
        self._offer()

    def show_doubts(self, doubts: Sequence[LabelDoubt]) -> None:
        """Show doubtful labels, the greatest doubt first."""
        self.doubts.take(doubts)
        self._fill_filters()
        self._refresh()

    def current(self) -> LabelDoubt | None:
        """Return the doubt whose tile is chosen."""
        row = self.gallery.currentIndex().row()
        return self.doubts.doubts[self._shown[row]] if 0 <= row < len(self._shown) else None

    def stop(self) -> None:
        """Give the work up, because the project closes."""
        self._later.stop()
        if self._run is not None:
            self._run.leave()
            self._run = None

    # What the person asks for

    def take_word(self) -> None:
        """Do what the model says about the chosen label; undo brings the label back, and the doubt with it."""
        doubt = self.current()
        if doubt is None or self._project.read_only:
            return
        classes = {cls.id: cls.defaults() for cls in self._project.classes()}
        shapes = self._project.shapes(doubt.image_id)
        edit = doubt.fix(shapes, classes.get(doubt.class_id))
        if left := locked_text([shape for shape in shapes if shape.id == doubt.shape_id]):
            self.said.setText(left)
        elif edit is None:
            self.said.setText(tr("The model gives a box here, no outline: open it and draw."))
        else:
            self._apply(edit)

    def call_fine(self) -> None:
        """Call the chosen label fine: it is not shown again."""
        row = self.gallery.currentIndex().row()
        if 0 <= row < len(self._shown) and not self._project.read_only:
            self.doubts.mark_fine(self._shown[row])
            self._take_away([row])

    def open_chosen(self) -> None:
        """Show the chosen label on the canvas."""
        if (doubt := self.current()) is not None:
            self.doubt_opened.emit(doubt)

    def go_on(self) -> None:
        """Choose the next tile."""
        self._choose(self.gallery.currentIndex().row() + 1)

    def _on_all_again(self) -> None:
        self.doubts.forget_marks()
        self._offer()
        self.said.setText(tr("The next check shows what was called fine as well."))

    # The work

    def _on_progress(self, progress: Progress) -> None:
        self.progress.set_progress(progress.done, progress.total)
        self.progress.set_title(progress_text(progress))

    def _on_cancel(self) -> None:
        if self._run is not None:
            self._run.cancel()

    def _on_finished(self, result: CheckResult) -> None:
        self._end()
        doubts = result.doubts[:_MOST_TILES]
        keep_doubts(self._project.folder, doubts)
        self.show_doubts(doubts)
        self.said.setText(result.sentence())
        if self.isVisible():
            self.gallery.setFocus()  # its keys can be used at once
        if result.problems:
            details = tr_engine("\n".join(result.problems))
            self.banner.show_message(result.problems[0], tone="warning", details=details)

    def _on_failed(self, failed: Failed) -> None:
        self._end()
        self.banner.show_message(failed.message, failed.remedy, details=failed.details)

    def _end(self) -> None:
        run, self._run = self._run, None
        if run is not None:
            run.deleteLater()
        self._offer()

    # The gallery

    def _refresh(self, *_: object) -> None:
        """Show the doubts that stand and pass the filter."""
        self._shown = self.doubts.standing(
            self.kind_box.currentData(), self.class_box.currentData()
        )
        names = {cls.id: cls.name for cls in self._project.classes()}
        inks = {cls.id: cls.color for cls in self._project.classes()}
        doubts = [self.doubts.doubts[number] for number in self._shown]
        records = {r.id: r for r in self._project.images(list({d.image_id for d in doubts}))}
        self._shown = [
            number
            for number, doubt in zip(self._shown, doubts, strict=True)
            if doubt.image_id in records
        ]
        tiles = [
            doubt_tile(doubt, records[doubt.image_id], names)
            for doubt in doubts
            if doubt.image_id in records
        ]
        self.gallery.show_tiles(tiles, Look(inks, names, current_colors().danger))
        self._choose(0)
        self._offer()

    def _take_away(self, rows: Sequence[int]) -> None:
        """Drop tiles; the next one is chosen in the place of a chosen one."""
        place = self.gallery.currentIndex().row()
        for row in sorted(rows, reverse=True):
            self.gallery.tiles_model.take_away(row)
            del self._shown[row]
            place -= row < place
        self._choose(min(place, len(self._shown) - 1))
        self._offer()

    def _choose(self, row: int) -> None:
        if 0 <= row < len(self._shown):
            self.gallery.setCurrentIndex(self.gallery.tiles_model.index(row))

    def _on_shapes(self, image_id: int) -> None:
        fell, back = self.doubts.look_at(image_id)
        if back:
            self._refresh()
            first = min(back)
            self._choose(self._shown.index(first) if first in self._shown else 0)
        elif fell:
            self._take_away([row for row, number in enumerate(self._shown) if number in fell])

    def _look_on(self) -> None:
        """Look at some of the images whose shapes may have changed while nobody listened."""
        now, self._unseen = self._unseen[:_IMAGES_AT_ONCE], self._unseen[_IMAGES_AT_ONCE:]
        gone = set[int]()
        for image_id in now:
            gone |= self.doubts.look_at(image_id)[0]
        self._take_away([row for row, number in enumerate(self._shown) if number in gone])
        if not self._unseen:
            self._later.stop()

    def _fill_filters(self) -> None:
        for box in (self.kind_box, self.class_box):
            box.blockSignals(True)
            box.clear()
        standing = [self.doubts.doubts[number] for number in self.doubts.standing()]
        self.kind_box.addItem(tr("Everything doubtful"), None)
        for kind, title in KIND_TITLES.items():
            count = sum(doubt.kind == kind for doubt in standing)
            if count:
                self.kind_box.addItem(f"{tr(title)} · {count:,}", kind)
        self.class_box.addItem(tr("Any class"), None)
        present = {doubt.class_id for doubt in standing}
        for cls in self._project.classes():
            if cls.id in present:
                self.class_box.addItem(class_icon(cls.color), cls.name, cls.id)
        for box in (self.kind_box, self.class_box):
            box.blockSignals(False)

    def _offer(self, *_: object) -> None:
        running, has_tiles = self._run is not None, bool(self._shown)
        editable = not self._project.read_only
        self.progress.setVisible(running)
        self.check_button.setEnabled(not running and self.picker.path() is not None)
        has_doubts = bool(self.doubts.doubts)
        self.kind_box.setVisible(has_doubts)
        self.class_box.setVisible(has_doubts)
        self._shown_part.setCurrentWidget(self.gallery if has_tiles else self._empty)
        for button in (self.take_button, self.fine_button, self.open_button):
            button.setVisible(has_tiles)
        self.take_button.setEnabled(editable)
        self.fine_button.setEnabled(editable)
        marks = len(self._project.recall("labels_called_fine", []))
        self.again_button.setVisible(bool(marks) and editable)
        self.again_button.setText(
            ntr(
                "{count:,} called fine: show again", "{count:,} called fine: show again", marks
            ).format(count=marks)
        )
        left = len(self._shown)
        self.counted.setText(
            ntr("{count:,} to look at", "{count:,} to look at", left).format(count=left)
            if has_doubts
            else ""
        )

    # Made once

    def _make_controls(self) -> None:
        self.picker = ModelPicker()
        self.pool = QComboBox()
        self.pool.setAccessibleName(tr("Images to check"))
        self.pool.addItem(tr("All with labels"), False)
        self.pool.addItem(tr("Those of the list"), True)
        self.check_button = TextButton(tr("Check labels"), "primary", "search")
        self.kind_box, self.class_box = QComboBox(), SearchedComboBox(tr("Find a class"))
        self.kind_box.setAccessibleName(tr("What is doubtful"))
        self.class_box.setAccessibleName(tr("Class of the label"))
        self.progress = ProgressRow(tr("Looking at images"))
        self.banner = MessageBanner()
        self.said = TextLabel("", "secondary", wrap=True)
        self.counted = TextLabel("", "secondary")
        self.gallery = Gallery(chooses=True)
        self.gallery.setAccessibleName(tr("Doubtful labels"))
        self.take_button = TextButton(tr("Take the model's word"), "normal", "accept")
        self.take_button.setToolTip(
            tr("Its outline or class, the missing shape, or none where it sees nothing  (T)")
        )
        self.fine_button = TextButton(tr("Fine as it is"), "normal", "success")
        self.fine_button.setToolTip(tr("Not shown again, by later checks neither  (F)"))
        self.open_button = TextButton(tr("Open"), "primary", "annotate")
        self.open_button.setToolTip(tr("Show it on the canvas  (Enter)"))
        self.again_button = TextButton("", "link")

    def _connect(self, watcher: RunsWatcher) -> None:
        self.check_button.clicked.connect(self.check)
        self.progress.cancelled.connect(self._on_cancel)
        self.take_button.clicked.connect(self.take_word)
        self.fine_button.clicked.connect(self.call_fine)
        self.open_button.clicked.connect(self.open_chosen)
        self.again_button.clicked.connect(self._on_all_again)
        self.gallery.tile_opened.connect(lambda _tile: self.open_chosen())
        for key, action in (("T", self.take_word), ("F", self.call_fine), ("N", self.go_on)):
            shortcut = QShortcut(QKeySequence(key), self.gallery)
            shortcut.setContext(Qt.ShortcutContext.WidgetShortcut)
            shortcut.activated.connect(action)
        for box in (self.kind_box, self.class_box):
            box.currentIndexChanged.connect(self._refresh)
        self.picker.chosen.connect(self._offer)
        watcher.runs_changed.connect(self.picker.show_runs)
        self.picker.show_runs(watcher.runs)
        self._project.shapes_changed.connect(self._on_shapes)

    def _lay_out(self) -> None:
        self._empty = EmptyState(
            tr("What looks wrong?"),
            tr(
                "A trained model looks at the labelled images. Where it disagrees with a label, missing, "
                "too many, of the wrong class or loose, the label is shown here, the most doubtful first."
            ),
            (),
            "search",
        )
        self._shown_part = stacked(self.gallery, self._empty)
        lay_out(
            self,
            (
                (self.picker, self.pool, self.check_button),
                (self.counted, self.kind_box, self.class_box),
            ),
            self._shown_part,
            (
                self.said,
                (self.again_button, self.take_button, self.fine_button, self.open_button),
            ),
            (self.banner, self.progress),
        )

    def showEvent(self, event: QShowEvent) -> None:
        """Show what the last check found, and look whether it still stands."""
        super().showEvent(event)
        if self._is_read:
            return
        self._is_read = True
        if not self.doubts.doubts and (kept := read_doubts(self._project.folder)):
            self.show_doubts(kept)
            self._unseen = list(self.doubts.image_ids())
            self._later.start()
