"""Reading a source in a thread of its own, so that whoever waits can be stopped while the source is silent."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from engine.runtime.fetching.source import Body, Source

TICK_S = 0.1
_AHEAD = 16  # blocks read before they are written: 1 MiB

_Item = Body | bytes | BaseException | None


@contextmanager
def opened(source: Source, offset: int, validator: str, idle: Callable[[], None]) -> Iterator[Body]:
    """Open a source like :meth:`Source.open`, and its chunks, without ever being stuck in it.

    Left early, the thread ends by itself as soon as the source says something or its patience ends.

    Args:
        source: Where the file comes from.
        offset: Where in the file to begin.
        validator: Which version of the file the offset is about.
        idle: Called about ten times a second while nothing comes; what it raises comes out here.
    """
    items: queue.Queue[_Item] = queue.Queue(_AHEAD)
    is_left = threading.Event()
    arguments = (source, offset, validator, items, is_left)
    threading.Thread(target=_read, args=arguments, name="fetch", daemon=True).start()
    try:
        body = _next(items, idle)
        if not isinstance(body, Body):
            raise TypeError(f"expected the body first, received {type(body).__name__}")
        yield replace(body, chunks=_chunks(items, idle))
    finally:
        is_left.set()


def _read(
    source: Source,
    offset: int,
    validator: str,
    items: queue.Queue[_Item],
    is_left: threading.Event,
) -> None:
    """Pass on the body, its chunks and an end or an error, unless nobody is there any more."""
    last: BaseException | None = None
    try:
        with source.open(offset, validator) as body:
            if not _put(items, body, is_left):
                return
            for chunk in body.chunks:
                if not _put(items, chunk, is_left):
                    return
    except BaseException as error:  # noqa: BLE001 - raised again where somebody listens
        last = error
    _put(items, last, is_left)


def _put(items: queue.Queue[_Item], item: _Item, is_left: threading.Event) -> bool:
    while not is_left.is_set():
        try:
            items.put(item, timeout=TICK_S)
        except queue.Full:
            continue
        return True
    return False


def _next(items: queue.Queue[_Item], idle: Callable[[], None]) -> Body | bytes | None:
    while True:
        try:
            item = items.get(timeout=TICK_S)
        except queue.Empty:
            idle()
            continue
        if isinstance(item, BaseException):
            raise item
        return item


def _chunks(items: queue.Queue[_Item], idle: Callable[[], None]) -> Iterator[bytes]:
    while isinstance(chunk := _next(items, idle), bytes):
        yield chunk
