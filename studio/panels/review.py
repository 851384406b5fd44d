"""How far the current image is, its tags, and what people say about it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from PySide6.QtCore import QStringListModel, Qt, Signal
from PySide6.QtGui import QKeyEvent, QShowEvent
from PySide6.QtWidgets import (
    QComboBox,
    QCompleter,
    QHBoxLayout,
    QLineEdit,
    QVBoxLayout,
    QWidget,
)

from studio.language import tr
from studio.model.edits import AddComment, Edit, RemoveComment, SetStage, change_tags
from studio.model.edits.review import AUTOMATIC
from studio.model.records import ImageRecord
from studio.model.review import STAGE_TITLES, STAGES, Comment
from studio.model.workspace import Workspace
from studio.theme import tokens
from studio.widgets.column_area import ColumnArea
from studio.widgets.flow_layout import FlowLayout
from studio.widgets.icon_button import IconButton, TextButton
from studio.widgets.late_call import LateCall
from studio.widgets.text_label import TextLabel

_SMALL_PX = 14


class ReviewPanel(QWidget):
    """The stage, tags with a field for more, comments with a field for another, and the verdict.

    Args:
        workspace: The open project and the place in it.
        apply: Applies an edit and tells the person where it cannot be; returns None then.
        approve: Marks the image as reviewed and goes on.
        reject: Sends the image back with a reason and goes on.

    Signals:
        finished: A rejection was written or given up: the keys are the canvas's again.
    """

    finished = Signal()

    def __init__(
        self,
        workspace: Workspace,
        apply: Callable[[Edit], Edit | None],
        approve: Callable[[], object],
        reject: Callable[[str], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._workspace, self._apply, self._reject = workspace, apply, reject
        self._shown: tuple[object, ...] = ()
        self._rejecting: int | None = None  # the image whose rejection waits for its reason
        self.stage_box = QComboBox()
        self.stage_box.setAccessibleName(tr("Stage of this image"))
        self.stage_box.setToolTip(tr("How far this image is  (Ctrl+Return: done, next image)"))
        for stage in STAGES:
            self.stage_box.addItem(STAGE_TITLES[stage], stage)
        self.stage_box.addItem(tr("As its labels say"), AUTOMATIC)
        self.stage_box.activated.connect(self._on_stage)
        self.tag_field = _field(tr("Add a tag"), self._on_tag)
        self._known_tags = QStringListModel(self)
        self._complete_tags()
        self.comment_field = _CommentField()
        self.comment_field.returnPressed.connect(self._on_comment)
        self.comment_field.left.connect(self._give_up_rejection)
        self.approve_button = TextButton(tr("Approve"), "primary", "accept_all")
        self.approve_button.setToolTip(
            tr("Reviewed: go on to the next image to review  (Ctrl+Shift+Return)")
        )
        self.approve_button.clicked.connect(lambda: approve())
        self.reject_button = TextButton(tr("Reject"), "normal", "reject")
        self.reject_button.setToolTip(tr("Send it back, with what is written above as the reason"))
        self.reject_button.clicked.connect(self.reject)
        self._counts = TextLabel("", "caption", wrap=True)
        self._tags, self._comments = QWidget(), QVBoxLayout()
        self._tag_flow = FlowLayout(self._tags, tokens.SPACE_XS)
        self._lay_out()
        self._bring_field = LateCall(self, self._show_field)
        self._count = LateCall(self, self._show_counts)
        project = workspace.project
        workspace.image_changed.connect(self.refresh)
        project.images_changed.connect(self.refresh)
        for signal in (project.image_changed, project.shapes_changed):
            signal.connect(self._on_changed)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """Show the current image."""
        image_id = self._workspace.image_id
        records = self._workspace.project.images([image_id]) if image_id is not None else []
        record = records[0] if records else None
        if self._rejecting not in (None, image_id):
            self._ask_why(None)  # the reason was to be that of another image
        self.setEnabled(record is not None and not self._workspace.project.read_only)
        self._show_counts()
        comments = self._workspace.project.comments(record.id) if record is not None else []
        shown = (record and (record.id, record.stage, record.tags), tuple(comments))
        if shown == self._shown:  # most edits of shapes change nothing here
            return
        self._shown = shown
        stage = record.stage if record is not None else None
        self.stage_box.setCurrentIndex(self.stage_box.findData(stage))
        self._show_tags(record)
        self._show_comments(comments)

    def reject(self) -> None:
        """Send the image back with the words of the comment field; without words ask for them, and Enter sends them."""
        if not self.isEnabled():
            return
        words = self.comment_field.text().strip()
        if not words:
            self._ask_why(self._workspace.image_id)
            self.comment_field.setFocus()
            self._bring_field.ask()  # a dock that was just raised has no sizes before the events go on
            return
        self.comment_field.clear()
        self._ask_why(None)
        self._reject(words)
        self.finished.emit()

    def counts_text(self) -> str:
        """Return how many images are at which stage, in words."""
        return self._counts.text()

    def _ask_why(self, image_id: int | None) -> None:
        """Take the next words as the reason for an image's rejection; None: as a comment again."""
        self._rejecting = image_id
        self.comment_field.ask_why(image_id is not None)

    def _give_up_rejection(self) -> None:
        self.comment_field.clear()
        self._ask_why(None)
        self.finished.emit()

    def _show_field(self) -> None:
        self._area.ensureWidgetVisible(self.reject_button)
        self._area.ensureWidgetVisible(self.comment_field)  # last: in a low dock this one counts

    def _on_stage(self, row: int) -> None:
        record = self._record()
        if record is not None:
            self._apply(SetStage({record.id: self.stage_box.itemData(row)}))
            self._shown = ()  # the box shows what was asked for, whatever became of it
            self.refresh()

    def _on_tag(self) -> None:
        record, words = self._record(), self.tag_field.text().strip()
        if record is not None and words:
            self.tag_field.clear()
            self._apply(change_tags({record.id: record.tags}, add=words.split(",")))

    def _on_comment(self) -> None:
        if self._rejecting is not None:
            self.reject()
            return
        record, words = self._record(), self.comment_field.text().strip()
        if record is not None and words:
            self.comment_field.clear()
            self._apply(AddComment(Comment(0, record.id, words)))

    def _record(self) -> ImageRecord | None:
        image_id = self._workspace.image_id
        found = self._workspace.project.images([image_id]) if image_id is not None else []
        return found[0] if found else None

    def _on_changed(self, image_id: int) -> None:
        if image_id == self._workspace.image_id:
            self.refresh()
        else:
            self._count.ask()  # once, however many images an edit tells of

    def _show_counts(self) -> None:
        counts = self._workspace.project.stage_counts()
        words = [
            f"{counts[stage]:,} {STAGE_TITLES[stage].lower()}" for stage in STAGES if counts[stage]
        ]
        self._counts.setText(" · ".join(words))

    def _show_tags(self, record: ImageRecord | None) -> None:
        while (item := self._tag_flow.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for tag in record.tags if record is not None else ():
            chip = TextButton(tag, "normal", "close")
            chip.setToolTip(tr("Take the tag “{tag}” away").format(tag=tag))
            chip.setAccessibleName(tr("Remove tag {tag}").format(tag=tag))
            chip.clicked.connect(lambda _=False, tag=tag: self._remove_tag(tag))
            self._tag_flow.addWidget(chip)
        self._tags.setVisible(record is not None and bool(record.tags))
        self._known_tags.setStringList(list(self._workspace.project.tag_counts()))

    def _remove_tag(self, tag: str) -> None:
        record = self._record()
        if record is not None:
            self._apply(change_tags({record.id: record.tags}, remove=[tag]))

    def _show_comments(self, comments: Sequence[Comment]) -> None:
        while (item := self._comments.takeAt(0)) is not None:
            if (old := item.widget()) is not None:
                old.hide()
                old.deleteLater()
        for comment in comments:
            self._comments.addWidget(self._comment(comment))

    def _comment(self, comment: Comment) -> QWidget:
        row = QWidget()
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(comment.time))
        author = comment.author or tr("Somebody")
        if comment.kind == "reject":
            author = tr("{author} rejected it").format(author=author)
        head = f"{author} · {when}"
        remove = IconButton("close", tr("Remove this comment"), size_px=_SMALL_PX)
        remove.clicked.connect(lambda: self._apply(RemoveComment(comment)))
        line = QHBoxLayout()
        line.addWidget(TextLabel(head, "caption"), 1)
        line.addWidget(remove)
        column = QVBoxLayout(row)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(line)
        words = TextLabel(comment.text, "danger" if comment.kind == "reject" else "body", wrap=True)
        words.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(words)
        return row

    def _complete_tags(self) -> None:
        completer = QCompleter(self._known_tags, self)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self.tag_field.setCompleter(completer)

    def _lay_out(self) -> None:
        verdict = QWidget()
        buttons = FlowLayout(verdict, tokens.SPACE_S)  # one below the other in a narrow dock
        buttons.addWidget(self.approve_button)
        buttons.addWidget(self.reject_button)
        inner = QWidget()
        column = QVBoxLayout(inner)
        column.setContentsMargins(tokens.SPACE_M, tokens.SPACE_S, tokens.SPACE_M, tokens.SPACE_M)
        column.setSpacing(tokens.SPACE_S)
        for widget in (
            self.stage_box,
            self._counts,
            TextLabel(tr("Tags"), "section"),
            self._tags,
            self.tag_field,
            TextLabel(tr("Comments"), "section"),
        ):
            column.addWidget(widget)
        column.addLayout(self._comments)
        column.addWidget(self.comment_field)
        column.addWidget(verdict)
        column.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._area = ColumnArea(inner)
        layout.addWidget(self._area)

    def showEvent(self, event: QShowEvent) -> None:
        """Show counts that changed meanwhile."""
        super().showEvent(event)
        self._show_counts()


class _CommentField(QLineEdit):
    """Takes comments, and the reason of a rejection while one is asked for.

    Signals:
        left: Escape was pressed while a reason was asked for.
    """

    left = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.ask_why(False)

    def ask_why(self, asked: bool) -> None:
        """Say what Enter does with the words."""
        self._asked = asked
        name = tr("Why is it rejected?") if asked else tr("Comment, or why it is rejected")
        self.setAccessibleName(name)
        self.setPlaceholderText(tr("Why? Enter rejects") if asked else name)
        self.setToolTip(
            tr("Enter rejects the image for this reason, Escape leaves it as it is")
            if asked
            else tr("Enter adds the comment; Reject sends it with the image")
        )

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Give the rejection up on Escape."""
        if event.key() == Qt.Key.Key_Escape and self._asked:
            self.left.emit()
        else:
            super().keyPressEvent(event)


def _field(name: str, entered: Callable[[], object]) -> QLineEdit:
    field = QLineEdit()
    field.setPlaceholderText(name)
    field.setAccessibleName(name)
    field.returnPressed.connect(entered)
    return field
