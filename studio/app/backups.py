"""The backup that an opened project gets, made in a thread a moment after the opening."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from studio.model.errors import DamagedError, StorageError
from studio.storage.backup import Backup, back_up
from studio.storage.database_copy import CopyCancelledError
from studio.widgets.background import Background

if TYPE_CHECKING:
    from studio.app.session import Session

DELAY_MS = 1500  # the first picture comes first


class OpeningBackup(QObject):
    """Backs a session's project up once, and says where that could not be.

    Args:
        session: The open project's session.
    """

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._stopped = threading.Event()
        self._background = Background()
        self._background.done.connect(self._on_done)
        if not session.project.read_only:
            QTimer.singleShot(DELAY_MS, self, self.start)

    def start(self) -> None:
        """Begin."""
        if not self._stopped.is_set():
            work = _work(self._session.project.folder, self._stopped.is_set)
            self._background.start("backup", work)

    def stop(self) -> None:
        """Give it up: the project closes. The thread ends by itself in a moment and leaves nothing half."""
        self._stopped.set()
        self._background.clear()

    def _on_done(self, _key: object, result: Backup | StorageError | None) -> None:
        if isinstance(result, StorageError) and not self._stopped.is_set():
            safety, folder = self._session.studio.safety, self._session.project.folder
            if isinstance(result, DamagedError):
                safety.tell_damaged(folder, result)
            else:
                self._session.studio.show_error(result)


def _work(
    folder: Path, is_stopped: Callable[[], bool]
) -> Callable[[], Backup | StorageError | None]:
    """Return the function for the thread; it holds nothing of the window."""

    def run() -> Backup | StorageError | None:
        try:
            return back_up(folder, is_stopped)
        except CopyCancelledError:
            return None
        except StorageError as error:
            return error

    return run
