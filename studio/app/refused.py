"""Edits that the disk refused: kept in hand, and written as soon as it takes them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMessageBox

from engine.runtime.errors import EngineError
from studio.language import ntr, tr
from studio.model.edits import Edit
from studio.model.errors import ReadOnlyError, StorageError

if TYPE_CHECKING:
    from studio.app.session import Session

Write = Callable[[], Edit]


class RefusedEdits:
    """Writes edits for a session; one that cannot be written now waits, whatever was drawn is not lost.

    Args:
        session: The open project's session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._waiting: list[Write] = []

    @property
    def count(self) -> int:
        """How many edits wait."""
        return len(self._waiting)

    def write(self, write: Write) -> Edit | None:
        """Write an edit; where that cannot be, say why and return None.

        Args:
            write: Applies the edit to the project; called again when the person says so.
        """
        if self._waiting:  # in the order they were made
            self._waiting.append(write)
            self.try_again()
            return None
        try:
            edit = write()
        except ReadOnlyError as error:  # waiting would not help: another window holds the project
            self._session.studio.show_error(
                error, tr("Try again"), self._session.studio.safety.file_reopen
            )
        except StorageError as error:
            self._waiting.append(write)
            self._tell(error)
        except EngineError as error:
            self._session.studio.show_error(error)
        else:
            return edit
        return None

    def try_again(self) -> None:
        """Write what waits, in the order it was made, up to what is refused once more."""
        unfit: EngineError | None = None
        while self._waiting:
            try:
                self._waiting[0]()
            except StorageError as error:
                self._tell(error)
                return
            except EngineError as error:  # what it changes is gone: it can never be written
                unfit = error
            del self._waiting[0]
        studio = self._session.studio
        studio.window.status.show_refused(0)
        studio.window.banner.hide()
        if unfit is not None:
            studio.show_error(unfit)
        else:
            self._session.say(tr("Everything is saved."))

    def may_leave(self) -> bool:
        """Write what waits before the project is closed; where that cannot be, ask whether to give it up."""
        while self._waiting:
            self.try_again()
            if self._waiting and (answer := self._ask()) is not None:
                return answer
        return True

    def _ask(self) -> bool | None:
        """Ask what to do with what cannot be written: True to leave without it, False to stay, None to try again."""
        box = QMessageBox(self._session.studio.window)
        box.setWindowTitle("Maskwright")
        box.setIcon(QMessageBox.Icon.Warning)
        box.setText(
            ntr(
                "One change could not be written yet.",
                "{count:,} changes could not be written yet.",
                self.count,
            ).format(count=self.count)
        )
        box.setInformativeText(
            tr("Make room on the disk and try again. Who closes the project now loses them.")
        )
        again = box.addButton(tr("Try again"), QMessageBox.ButtonRole.AcceptRole)
        leave = box.addButton(tr("Close without them"), QMessageBox.ButtonRole.DestructiveRole)
        stay = box.addButton(tr("Stay"), QMessageBox.ButtonRole.RejectRole)
        box.setDefaultButton(again)
        box.setEscapeButton(stay)
        box.exec()
        return None if box.clickedButton() is again else box.clickedButton() is leave

    def _tell(self, error: StorageError) -> None:
        self._session.studio.window.status.show_refused(self.count)
        words = ntr("Try again", "Try again ({count:,} changes)", self.count).format(
            count=self.count
        )
        self._session.studio.show_error(error, words, self.try_again)
