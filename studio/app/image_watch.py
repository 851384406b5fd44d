"""Looks whether the file of the image at hand is still the one that is shown."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from studio.language import tr
from studio.widgets.background import Background

if TYPE_CHECKING:
    from studio.app.session import Session

_EVERY_MS = 2000


@dataclass(frozen=True, slots=True)
class FileFacts:
    """A file as the directory tells of it; ``size`` is -1 where there is none."""

    size: int = -1
    mtime_ns: int = 0
    inode: int = 0

    @property
    def exists(self) -> bool:
        """Whether there is a file."""
        return self.size >= 0


class ImageWatch(QObject):
    """Tells when another program has replaced or removed the image at hand; what is shown stays until it is asked for.

    Args:
        session: The open project's session.
        every_ms: Pause between two looks, each in a thread: the file may lie on a slow network.
    """

    def __init__(self, session: Session, every_ms: int = _EVERY_MS) -> None:
        super().__init__(session)
        self._session = session
        self._path: Path | None = None
        self._shown: FileFacts | None = None  # None: not looked at yet
        self._last: FileFacts | None = (
            None  # of the look before: a file that still grows is waited for
        )
        self._told: FileFacts | None = None
        self._background = Background()
        self._background.done.connect(self._on_looked)
        session.workspace.image_changed.connect(self._on_image_changed)
        session.canvas.image_shown.connect(self._on_image_shown)
        self._timer = QTimer(self)
        self._timer.setInterval(every_ms)
        self._timer.timeout.connect(self.look)
        self._timer.start()
        self._on_image_changed(session.workspace.image_id)

    def stop(self) -> None:
        """The project closes."""
        self._timer.stop()
        self._background.clear()

    def look(self) -> None:
        """Look at the file now."""
        if self._path is not None:
            self._background.start("look", _looker(self._path))

    def show_file(self) -> None:
        """Show what is in the file now; shapes stay as they are."""
        self._forget()
        self._session.studio.window.banner.hide()
        self._session.link.show_image(self._session.workspace.image_id)
        self.look()

    def _on_image_changed(self, image_id: int | None) -> None:
        record = self._session.workspace.image() if image_id is not None else None
        self._path = record.path if record is not None else None
        self._forget()
        self.look()

    def _forget(self) -> None:
        self._shown = self._last = self._told = None

    def _on_looked(self, _key: object, looked: tuple[Path, FileFacts]) -> None:
        path, facts = looked
        if path != self._path or not self._timer.isActive():
            return
        is_still, self._last = facts == self._last, facts
        if self._shown is None:
            self._shown = facts
        elif facts == self._shown:
            if self._told is not None:  # it came back
                self._told = None
                self._session.studio.window.banner.hide()
        elif is_still and facts != self._told:
            self._told = facts
            self._tell(path, facts)

    def _tell(self, path: Path, facts: FileFacts) -> None:
        banner = self._session.studio.window.banner
        if not facts.exists:
            banner.show_message(
                tr("{name} was removed or moved by another program while it was open.").format(
                    name=path.name
                ),
                tr("Its shapes are kept in the project. Bring the file back to train on it."),
                tone="warning",
                details=str(path),
            )
            return
        banner.show_message(
            tr("{name} was changed by another program while it was open.").format(name=path.name),
            tr("You see it as it was. Its shapes are kept in the project."),
            tone="warning",
            action_text=tr("Show it as it is now"),
            action=self.show_file,
            details=str(path),
        )

    def _on_image_shown(self, is_good: bool) -> None:
        """Correct the size that the project knows where the file has become another picture."""
        record, shown = self._session.workspace.image(), self._session.canvas.scene.size_wh
        if record is None or not is_good or not record.width:
            return
        before = (record.width, record.height)
        if shown == before:
            return
        found = self._session.attempt(lambda: self._session.project.remeasure(record.id))
        if found is None or (found.width, found.height) == before:
            return
        self._session.studio.window.status.show_image(found.width, found.height)
        if record.shape_count:
            self._session.studio.window.banner.show_message(
                tr(
                    "{name} is {width} × {height} pixels now; its shapes were drawn on {old_width} × "
                    "{old_height}."
                ).format(
                    name=record.path.name,
                    width=found.width,
                    height=found.height,
                    old_width=before[0],
                    old_height=before[1],
                ),
                tr("Look whether they still fit. They were left as they are."),
                tone="warning",
            )


def facts_of(path: Path) -> FileFacts:
    """Return what the directory says of a file."""
    try:
        info = path.stat()
    except OSError:
        return FileFacts()
    return FileFacts(info.st_size, info.st_mtime_ns, info.st_ino)


def _looker(path: Path) -> Callable[[], tuple[Path, FileFacts]]:
    return lambda: (path, facts_of(path))
