"""Thumbnails for the filmstrip: made in a thread pool, newest wish first, kept in a bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, QRunnable, Signal
from PySide6.QtGui import QImage

from studio.widgets.thread_pools import shared_pool

_KEPT = 800
_THREADS = 2


class ThumbnailLoader(QObject):
    """Gives thumbnails at once where they are in memory, and later through ``loaded`` where not.

    Signals:
        loaded(image_id): The thumbnail is there, or it is known that there is none.

    Args:
        read: Returns the encoded thumbnail (JPEG or PNG bytes) of an image file; called in the pool's threads;
            None where the image cannot be read.
    """

    loaded = Signal(int)
    _arrived = Signal(int, QImage)

    def __init__(self, read: Callable[[Path], bytes | None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._read = read
        self._images: OrderedDict[int, QImage | None] = OrderedDict()
        self._waiting: OrderedDict[int, Path] = OrderedDict()
        self._running = 0
        self._closed = False
        self._pool = shared_pool("thumbnails", _THREADS)
        self._arrived.connect(self._on_arrived)

    def get(self, image_id: int, path: Path) -> QImage | None:
        """Return the thumbnail, or None and ask for it."""
        if image_id in self._images:
            self._images.move_to_end(image_id)
            return self._images[image_id]
        if not self._closed:
            self._waiting[image_id] = path
            self._waiting.move_to_end(image_id)
            while len(self._waiting) > 4 * _KEPT:  # scrolled past long ago
                self._waiting.popitem(last=False)
            self._start()
        return None

    def is_busy(self) -> bool:
        """Tell whether a thumbnail that somebody asked for is on its way."""
        return bool(self._waiting) or self._running > 0

    def close(self) -> None:
        """Drop all wishes and wait for the threads; nothing is emitted afterwards."""
        self._closed = True
        self._waiting.clear()
        self._pool.clear()
        self._pool.waitForDone()

    def _start(self) -> None:
        while self._running < _THREADS and self._waiting:
            image_id, path = self._waiting.popitem(last=True)
            self._running += 1
            self._pool.start(_Reading(self._deliver, self._read, image_id, path))

    def _deliver(self, image_id: int, image: QImage) -> None:
        """Runs in the pool's thread: the signal carries the picture over to the window's."""
        if not self._closed:
            self._arrived.emit(image_id, image)

    def _on_arrived(self, image_id: int, image: QImage) -> None:
        self._running -= 1
        self._images[image_id] = None if image.isNull() else image
        while len(self._images) > _KEPT:
            self._images.popitem(last=False)
        self._start()
        self.loaded.emit(image_id)


class _Reading(QRunnable):
    def __init__(
        self,
        deliver: Callable[[int, QImage], None],
        read: Callable[[Path], bytes | None],
        image_id: int,
        path: Path,
    ) -> None:
        super().__init__()
        self._deliver, self._read, self._image_id, self._path = deliver, read, image_id, path

    def run(self) -> None:
        data = self._read(self._path)
        self._deliver(self._image_id, QImage.fromData(data) if data else QImage())
