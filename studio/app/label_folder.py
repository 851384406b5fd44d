"""The label files of the data set that a project came from: kept in step while the person wants it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from studio.app.opening import find_description, is_description
from studio.language import ntr, tr
from studio.storage.folder_mirror import FolderMirror

if TYPE_CHECKING:
    from studio.app.session import Session

_SYNC_MS = 1000
_FILES_A_STEP = 20  # about 10 ms of writing, far under what a hand would feel
_ROUND_MS = 30_000  # how often a new look at the whole folder begins


class LabelFolder(QObject):
    """Drives a project's folder mirror from idle time, and says what it found.

    Args:
        session: The open project's session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._mirror = FolderMirror.of(session.project)
        self._told: set[Path] = set()
        self._next = 0
        self._timers: list[QTimer] = []
        if self._mirror is None:
            return
        self._mirror.conflict_found.connect(self._on_conflict)
        self._mirror.failed.connect(self._on_failed)
        for pause_ms, do in ((_SYNC_MS, self._sync), (_ROUND_MS, self._begin_round)):
            timer = QTimer(self)
            timer.setInterval(pause_ms)
            timer.timeout.connect(do)
            timer.start()
            self._timers.append(timer)
        QTimer.singleShot(0, self, self._begin_round)

    @property
    def kept(self) -> Path | None:
        """The data.yaml whose label files follow the project, or None."""
        return self._mirror.yaml_file if self._mirror is not None else None

    def offered(self) -> Path | None:
        """Return the data.yaml beside the project whose label files could follow it, or None."""
        if self._mirror is not None or self._session.project.read_only:
            return None
        found = find_description(self._session.project.folder.parent)
        return found if found is not None and is_description(found) else None

    def keep(self) -> None:
        """Let the label files follow the project from now on."""
        source = self.offered()
        if source is not None:
            self._session.studio.files.keep_labels_in_step(source)

    def leave(self) -> None:
        """Let the label files be."""
        if self._mirror is not None:
            mirror, self._mirror = self._mirror, None
            self._stop_timers()
            self._session.attempt(mirror.leave)

    def conflicts(self) -> int:
        """Return how many files were changed outside and wait for a decision."""
        return len(self._mirror.conflicts()) if self._mirror is not None else 0

    def take_theirs(self) -> None:
        """Load every file that was changed outside; each can be undone."""
        self._decide(lambda mirror, image_id: mirror.take_theirs(image_id))

    def keep_ours(self) -> None:
        """Write the project's labels over every file that was changed outside."""
        self._decide(lambda mirror, image_id: mirror.keep_ours(image_id))

    def stop(self) -> None:
        """The project closes: what is behind is written when it is opened again."""
        self._stop_timers()
        if self._mirror is not None:
            self._mirror.stop()
            self._mirror = None

    def _stop_timers(self) -> None:
        for timer in self._timers:
            timer.stop()

    def _sync(self) -> None:
        if self._mirror is not None:
            self._session.attempt(lambda: self._mirror and self._mirror.sync(_FILES_A_STEP))
            if self._next:
                self._look(self._next)

    def _begin_round(self) -> None:
        self._look(0)

    def _look(self, after: int) -> None:
        if self._mirror is not None:
            self._next = self._mirror.check_outside(after)

    def _decide(self, decide: Callable[[FolderMirror, int], object]) -> None:
        mirror = self._mirror
        if mirror is None:
            return
        for row in mirror.conflicts():
            self._session.attempt(partial(decide, mirror, row.image_id))
        self._session.studio.window.banner.hide()

    def _on_conflict(self, _image_id: int, reason: str) -> None:
        count = self.conflicts()
        what = ntr("{count:,} label file waits", "{count:,} label files wait", count).format(
            count=count
        )
        self._session.studio.window.banner.show_message(
            tr("{reason} {what} for your decision and is left alone until then.").format(
                reason=reason, what=what
            ),
            tr(
                "Load what the file says, or keep the project's labels: both are on the Dataset page."
            ),
            tone="warning",
            action_text=tr("Go to Dataset"),
            action=lambda: self._session.studio.show_page("dataset"),
        )

    def _on_failed(self, path: Path, reason: str) -> None:
        if path in self._told:  # it is tried again every second
            return
        self._told.add(path)
        self._session.studio.window.banner.show_message(
            tr("{path}: the labels could not be written ({reason}).").format(
                path=path, reason=reason
            ),
            tr("They are safe in the project, and written as soon as the file can be."),
            tone="warning",
        )
