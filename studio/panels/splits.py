"""Drawing splits: the plan as a form, what it gives before anything changes, and the locks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QFormLayout,
    QGridLayout,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from engine.runtime.errors import EngineError
from studio.jobs.client import JobsClient
from studio.jobs.shown_job import ShownJob
from studio.language import ntr, tr
from studio.model.edits import Edit, UnlockSplits
from studio.model.errors import CancelledError
from studio.model.project import Project
from studio.storage.project_files import open_project
from studio.storage.split_draw import GroupBy, SplitDraw, SplitPlan, draw, draw_edit
from studio.storage.split_locks import locked_images
from studio.theme import tokens
from studio.widgets.icon_button import TextButton
from studio.widgets.spin_box import SpinBox
from studio.widgets.text_label import TextLabel

_GROUPS: tuple[tuple[str, GroupBy], ...] = (
    (tr("Each image by itself"), "nothing"),
    (tr("Images of a folder together"), "folder"),
    (tr("Images with a part of the name in common"), "name"),
    (tr("Images that share a tag"), "tag"),
)
_HINTS = {
    "name": tr("Regular expression, for instance (.+)_\\d+"),
    "tag": tr("Tags that begin with, for instance patient:  (empty: any)"),
}
_COLUMNS = (("train", tr("Training")), ("val", tr("Validation")), ("test", tr("Test")))
_CLASSES_SHOWN = 200


class SplitsPanel(QWidget):
    """The form at the left, what it gives at the right.

    Args:
        project: The open project.
        jobs: Draws in a thread.
        apply: Applies an edit and tells the person where it cannot be; returns None then.
        take_over: Given how many images an edit touches and what makes it, applies it in a thread if they are many
            and tells whether it does; the panel goes with its project then.
    """

    def __init__(
        self,
        project: Project,
        jobs: JobsClient,
        apply: Callable[[Edit], Edit | None],
        take_over: Callable[[int, Callable[[Project], Edit | None]], bool] = lambda *_: False,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._project, self._jobs, self._apply = project, jobs, apply
        self._take_over = take_over
        self._drawn: tuple[SplitPlan, SplitDraw] | None = None
        self.val = _percent(tr("Share for validation"), 20)
        self.test = _percent(tr("Share for testing"), 0)
        self.seed = SpinBox()
        self.seed.setRange(0, 999_999)
        self.seed.setAccessibleName(tr("Seed"))
        self.seed.setToolTip(tr("The same images and the same seed always give the same division"))
        self.by_class = QCheckBox(tr("Spread each class evenly"))
        self.by_class.setChecked(True)
        self.keep = QCheckBox(tr("Leave images that have a split"))
        self.group_box = QComboBox()
        self.group_box.setAccessibleName(tr("What stays together"))
        for text, value in _GROUPS:
            self.group_box.addItem(text, value)
        self.pattern = QLineEdit()
        self.pattern.setAccessibleName(tr("Pattern of the groups"))
        self._running = ShownJob(tr("Drawing splits"), self)
        self.progress, self.banner = self._running.progress, self._running.banner
        self.try_button = TextButton(tr("Preview"), "normal", "show")
        self._running.ended.connect(self._on_ended)
        self.apply_button = TextButton(tr("Put images into these splits"), "primary", "accept")
        self.unlock_button = TextButton(tr("Unlock"), "normal", "unlock")
        self.unlock_button.setToolTip(
            tr("Let splits be changed although trained versions use them")
        )
        self._locked = TextLabel("", "secondary", wrap=True)
        self._said = TextLabel("", "secondary", wrap=True)
        self._table = QGridLayout()
        self._lay_out()
        self._connect()
        self._on_group()
        self._forget()

    def plan(self) -> SplitPlan:
        """Return what the form says.

        Raises:
            EditError: The shares leave nothing to train on.
        """
        return SplitPlan(
            self.val.value() / 100,
            self.test.value() / 100,
            self.seed.value(),
            self.by_class.isChecked(),
            self.group_box.currentData(),
            self.pattern.text(),
            self.keep.isChecked(),
        )

    def preview(self) -> None:
        """Draw in a thread and show what comes out; changes nothing."""
        if self._running.is_running:
            return
        try:
            plan = self.plan()
        except EngineError as error:
            self.banner.show_message(error.message, error.remedy or "")
            return
        folder = self._project.folder
        self.try_button.setEnabled(False)
        job = self._jobs.call(lambda steps: _draw(folder, plan, steps.is_cancelled))
        self._running.follow(job, tr("Drawing splits"), self._show)

    def _connect(self) -> None:
        for spin in (self.val, self.test, self.seed):
            spin.valueChanged.connect(self._forget)
        for box in (self.by_class, self.keep):
            box.toggled.connect(self._forget)
        self.group_box.currentIndexChanged.connect(self._on_group)
        self.pattern.textChanged.connect(self._forget)
        self.try_button.clicked.connect(self.preview)
        self.apply_button.clicked.connect(self._on_apply)
        self.unlock_button.clicked.connect(self._on_unlock)
        for signal in (self._project.images_changed, self._project.classes_changed):
            signal.connect(self._forget)
        self._project.image_changed.connect(self._on_image)

    def _on_image(self, _image_id: int) -> None:
        if self._drawn is not None:
            self._forget()

    def _forget(self, *_: object) -> None:
        """What was drawn no longer counts, because the form or the images changed."""
        self._drawn = None
        self.apply_button.setEnabled(False)
        self._clear_table()
        self._said.setText(tr("Preview shows what these choices give before anything changes."))
        locked = self._project.store.is_any_split_locked()
        self.unlock_button.setVisible(locked)
        self._locked.setText(
            tr("Splits that a trained version uses are locked: they stay where they are.")
            if locked
            else tr("A version that is trained on locks the splits it uses.")
        )

    def _on_group(self, *_: object) -> None:
        kind = self.group_box.currentData()
        self.pattern.setVisible(kind in _HINTS)
        self.pattern.setPlaceholderText(_HINTS.get(kind, ""))
        self._forget()

    def _on_ended(self) -> None:
        self.try_button.setEnabled(True)

    def _show(self, found: tuple[SplitPlan, SplitDraw]) -> None:
        self.banner.hide()
        self._drawn = found
        _plan, drawn = found
        words = []
        if drawn.groups:
            said = ntr(
                "{groups:,} group stays together.", "{groups:,} groups stay together.", drawn.groups
            )
            words.append(said.format(groups=drawn.groups))
        if drawn.locked:
            said = ntr(
                "{locked:,} image is locked where it is.",
                "{locked:,} images are locked where they are.",
                drawn.locked,
            )
            words.append(said.format(locked=drawn.locked))
        self._said.setText(" ".join(words))
        self._clear_table()
        for column, (_, title) in enumerate(_COLUMNS, start=1):
            self._table.addWidget(TextLabel(title, "secondary"), 0, column)
        rows = [(tr("Images"), drawn.images)]
        names = {cls.id: cls.name for cls in self._project.classes()}
        rows += [(names.get(c, ""), counts) for c, counts in sorted(drawn.classes.items())]
        for row, (name, counts) in enumerate(rows[:_CLASSES_SHOWN], start=1):
            self._table.addWidget(TextLabel(name), row, 0)
            total = counts.total() or 1
            for column, (key, _) in enumerate(_COLUMNS, start=1):
                text = f"{counts[key]:,}  ({counts[key] / total:.0%})"
                self._table.addWidget(
                    TextLabel(text, "body" if row == 1 else "secondary"), row, column
                )
        self.apply_button.setEnabled(not self._project.read_only)

    def _on_apply(self) -> None:
        if self._drawn is None:
            return
        plan, drawn = self._drawn
        if self._take_over(len(drawn.splits), lambda project: draw_edit(project, drawn, plan.seed)):
            return
        edit = draw_edit(self._project, drawn, plan.seed)
        if edit is None:
            self._said.setText(tr("The images are in these splits already."))
        elif self._apply(edit) is not None:
            self._forget()
            self._said.setText(tr("Done. Undo takes it back."))

    def _on_unlock(self) -> None:
        locked = tuple(locked_images(self._project))
        if self._take_over(len(locked), lambda _project: UnlockSplits(locked)):
            return
        if self._apply(UnlockSplits(locked)) is not None:
            self._forget()

    def _clear_table(self) -> None:
        while (item := self._table.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()

    def _lay_out(self) -> None:
        form = QFormLayout()
        form.setVerticalSpacing(tokens.SPACE_S)
        form.setHorizontalSpacing(tokens.SPACE_M)
        for text, field in (
            (tr("Validation"), self.val),
            (tr("Test"), self.test),
            (tr("Seed"), self.seed),
            (tr("Together"), self.group_box),
            ("", self.pattern),
            ("", self.by_class),
            ("", self.keep),
        ):
            form.addRow(TextLabel(text, "secondary"), field)
        left = _column(
            (
                TextLabel(tr("Draw splits"), "title"),
                form,
                self.try_button,
                self._locked,
                self.unlock_button,
            )
        )
        left.setMaximumWidth(380)
        table = QWidget()
        table.setLayout(self._table)
        self._table.setHorizontalSpacing(tokens.SPACE_XL)
        self._table.setVerticalSpacing(tokens.SPACE_XS)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(_column((self._said, table, self.apply_button)))
        columns = QHBoxLayout()
        columns.addWidget(left)
        columns.addWidget(area, 1)
        self.apply_button.setMaximumWidth(280)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_S, tokens.SPACE_L, tokens.SPACE_L)
        layout.addWidget(self.banner)
        layout.addWidget(self.progress)
        layout.addLayout(columns, 1)


def _draw(
    folder: Path, plan: SplitPlan, is_cancelled: Callable[[], bool]
) -> tuple[SplitPlan, SplitDraw]:
    with open_project(folder, read_only=True) as project:
        drawn = draw(project, plan)
    if is_cancelled():
        raise CancelledError(tr("Cancelled; nothing was changed."))
    return plan, drawn


def _percent(name: str, value: int) -> SpinBox:
    spin = SpinBox()
    spin.setRange(0, 99)
    spin.setValue(value)
    spin.setSuffix(" %")
    spin.setAccessibleName(name)
    return spin


def _column(parts: Sequence[QWidget | QFormLayout]) -> QWidget:
    holder = QWidget()
    column = QVBoxLayout(holder)
    column.setContentsMargins(tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S, tokens.SPACE_S)
    column.setSpacing(tokens.SPACE_M)
    for part in parts:
        if isinstance(part, QWidget):
            column.addWidget(part)
        else:
            column.addLayout(part)
    column.addStretch(1)
    return holder
