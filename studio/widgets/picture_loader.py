"""Small pictures for lists: made in a thread pool, newest wish first, kept in a bounded memory."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QImage

from studio.widgets.in_window import in_window
from studio.widgets.thread_pools import shared_pool

Wish = TypeVar("Wish")
_KEPT = 800
_THREADS = 2


class PictureLoader(QObject, Generic[Wish]):
    """Gives pictures at once where they are in memory, and later through ``loaded`` where not.

    Signals:
        loaded(int): The picture of that key is there, or it is known that there is none.

    Args:
        make: Returns the picture for a wish, a null one where there is none; called in the pool's threads.
        pool: Name of the pool of threads.
        kept: How many pictures stay in memory.
    """

    loaded = Signal(int)

    def __init__(
        self,
        make: Callable[[Wish], QImage],
        pool: str,
        kept: int = _KEPT,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._make, self._kept = make, kept
        self._images: OrderedDict[int, QImage | None] = OrderedDict()
        self._waiting: OrderedDict[int, Wish] = OrderedDict()
        self._running = self._round = 0
        self._closed = False
        self._pool = shared_pool(pool, _THREADS)
        self._tell = in_window(self._on_arrived)

    def get(self, key: int, wish: Wish) -> QImage | None:
        """Return the picture, or None and ask for it."""
        if key in self._images:
            self._images.move_to_end(key)
            return self._images[key]
        if not self._closed:
            self._waiting[key] = wish
            self._waiting.move_to_end(key)
            while len(self._waiting) > 4 * self._kept:  # scrolled past long ago
                self._waiting.popitem(last=False)
            self._start()
        return None

    def knows(self, key: int) -> bool:
        """Tell whether the picture is there, or it is known that there is none."""
        return key in self._images

    def forget(self) -> None:
        """Drop all pictures and wishes: they look otherwise now."""
        self._round += 1
        self._images.clear()
        self._waiting.clear()

    def is_busy(self) -> bool:
        """Tell whether a picture that somebody asked for is on its way."""
        return bool(self._waiting) or self._running > 0

    def close(self) -> None:
        """Drop all wishes and wait for the threads; nothing is emitted afterwards."""
        self._closed = True
        self._waiting.clear()
        self._pool.clear()
        self._pool.waitForDone()

    def _start(self) -> None:
        while self._running < _THREADS and self._waiting:
            key, wish = self._waiting.popitem(last=True)
            self._running += 1
            self._pool.start(partial(_work, self._tell, self._round, key, self._make, wish))

    def _on_arrived(self, made_in: int, key: int, image: QImage) -> None:
        if self._closed:
            return
        self._running -= 1
        if made_in == self._round:
            self._images[key] = None if image.isNull() else image
        while len(self._images) > self._kept:
            self._images.popitem(last=False)
        self._start()
        if made_in == self._round:
            self.loaded.emit(key)


def _work(
    tell: Callable[..., None], made_in: int, key: int, make: Callable[[Wish], QImage], wish: Wish
) -> None:
    """Make one picture in a thread and report."""
    tell(made_in, key, make(wish))
