"""The list of a project's backups, to choose one that is to take its place."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from studio.language import tr
from studio.model.count_words import image_count, shape_count
from studio.model.errors import StorageError
from studio.storage.backup import Backup, Contents, contents_of
from studio.theme import tokens
from studio.widgets.background import Background
from studio.widgets.button_row import button_row
from studio.widgets.icon_button import TextButton
from studio.widgets.text_label import TextLabel

_WIDTH, _HEIGHT = 520, 380
_EXPLAINED = tr(
    "A backup is made each time the project is opened and has changed; the last five are kept. "
    "Restoring one makes what the project is now a backup as well, so that nothing is lost."
)
_NONE = tr("There is no backup yet. The first one is made a moment after the project was opened.")


class RestoreBackupDialog(QDialog):
    """Backups with their time and what is in them, the newest first.

    Signals:
        chosen(Backup): This one is to be restored.

    Args:
        backups: The backups, the newest first.
        parent: The window.
    """

    chosen = Signal(object)

    def __init__(self, backups: Sequence[Backup], parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(tr("Restore a backup"))
        self.resize(_WIDTH, _HEIGHT)
        self._backups = list(backups)
        self._facts: list[TextLabel] = []
        self.list = QListWidget()
        self.list.setAccessibleName(tr("Backups, the newest first"))
        self.list.itemDoubleClicked.connect(self._on_restore)
        self.restore_button = TextButton(tr("Restore"), "primary", "history")
        self.restore_button.setToolTip(
            tr("Put this backup in the place of the project as it is now")
        )
        self.restore_button.clicked.connect(self._on_restore)
        self.cancel_button = TextButton(tr("Cancel"))
        self.cancel_button.clicked.connect(self.reject)
        self._lay_out()
        for backup in self._backups:
            self._add(backup)
        self.list.setCurrentRow(0)
        self.restore_button.setEnabled(bool(self._backups))
        self._background = Background()
        self._background.done.connect(self._on_contents)
        self.finished.connect(lambda _result: self._background.clear())
        for row, backup in enumerate(self._backups):
            self._background.start(row, _reader(backup))

    def _lay_out(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(tokens.SPACE_L, tokens.SPACE_L, tokens.SPACE_L, tokens.SPACE_L)
        layout.setSpacing(tokens.SPACE_M)
        layout.addWidget(TextLabel(_EXPLAINED, "secondary", wrap=True))
        layout.addWidget(self.list, 1)
        if not self._backups:
            layout.addWidget(TextLabel(_NONE, wrap=True))
        layout.addLayout(button_row(self.cancel_button, self.restore_button))

    def _add(self, backup: Backup) -> None:
        row = QWidget()
        lines = QVBoxLayout(row)
        lines.setContentsMargins(tokens.SPACE_S, tokens.SPACE_XS, tokens.SPACE_S, tokens.SPACE_XS)
        lines.setSpacing(0)
        facts = TextLabel(_size_text(backup.size), "secondary")
        when = when_text(backup.time, dt.datetime.now(dt.UTC))
        lines.addWidget(TextLabel(when))
        lines.addWidget(facts)
        self._facts.append(facts)
        item = QListWidgetItem()
        item.setData(Qt.ItemDataRole.AccessibleTextRole, when)
        item.setSizeHint(row.sizeHint())
        self.list.addItem(item)
        self.list.setItemWidget(item, row)

    def _on_contents(self, row: int, found: Contents | StorageError) -> None:
        size = _size_text(self._backups[row].size)
        if isinstance(found, StorageError):
            self._facts[row].setText(f"{size} · {found.message}")
            return
        words = tr("{shapes} on {images} · {size}").format(
            shapes=shape_count(found.shapes), images=image_count(found.images), size=size
        )
        last = (
            tr(" · last: {last_step}").format(last_step=found.last_step) if found.last_step else ""
        )
        self._facts[row].setText(words + last)

    def _on_restore(self, _what: object = None) -> None:
        row = self.list.currentRow()
        if row >= 0:
            self.chosen.emit(self._backups[row])
            self.accept()


def when_text(time: dt.datetime, now: dt.datetime) -> str:
    """Return when something was, as people say it, in the zone of this computer.

    >>> noon = dt.datetime(2026, 5, 4, 12, tzinfo=dt.UTC)
    >>> when_text(noon, noon)[:6]
    'Today '
    """
    here, today = time.astimezone(), now.astimezone().date()
    days = (today - here.date()).days
    day = {0: tr("Today"), 1: tr("Yesterday")}.get(days) or f"{here:%d.%m.%Y}"
    return f"{day} {here:%H:%M}"


def _reader(backup: Backup) -> Callable[[], Contents | StorageError]:
    def read() -> Contents | StorageError:
        try:
            return contents_of(backup)
        except StorageError as error:
            return error

    return read


def _size_text(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
