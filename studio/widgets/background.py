"""Short work for a widget in threads: decoding pictures, drawing tiles. Results arrive in the window's thread."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from typing import Any

from PySide6.QtCore import QObject, Signal

from studio.widgets.in_window import in_window


class Background(QObject):
    """Runs functions in a few threads.

    Signals:
        done(object, object): The key of a piece of work, and what its function returned.

    Args:
        threads: How many pieces of work may run at once.
    """

    done = Signal(object, object)

    def __init__(self, threads: int = 1) -> None:
        super().__init__()
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="widget")
        self._futures: dict[Hashable, Future[None]] = {}
        self._tell = in_window(self._on_done)

    def start(self, key: Hashable, function: Callable[[], Any]) -> None:
        """Run ``function`` when a thread is free; it must neither touch nor hold widgets."""
        self._futures = {k: f for k, f in self._futures.items() if not f.done()}
        self._futures[key] = self._pool.submit(_run, key, function, self._tell)

    def clear(self) -> None:
        """Forget what has not begun yet."""
        for future in self._futures.values():
            future.cancel()
        self._futures.clear()

    def wait(self) -> None:
        """Wait until everything that was started has ended."""
        for future in list(self._futures.values()):
            try:
                future.result()
            except CancelledError:
                continue

    def _on_done(self, key: Hashable, value: Any) -> None:
        self.done.emit(key, value)


def _run(key: Hashable, function: Callable[[], Any], tell: Callable[..., None]) -> None:
    tell(key, function())
