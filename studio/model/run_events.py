"""Reading a run's ``events.jsonl``: only what is new, or only its two ends; never the writing side."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

Event = dict[str, Any]

_HEAD_BYTES = 32 * 1024
_END_BYTES = (
    256 * 1024
)  # holds at least the last epoch's events: five batch events a second are thinned


class EventTail:
    """Follows a growing ``events.jsonl`` and hands out each complete line once.

    A half-written last line waits for its end. A line that is damaged (the writer was killed inside it,
    then a resumed run wrote on) is skipped up to the next object that can be read.

    Args:
        path: The file; it need not exist yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.offset = 0

    def read(self, limit: int = 1 << 20) -> list[Event]:
        """Return the events that were completed since the last call.

        Args:
            limit: Largest number of bytes to read at once, so that a long history arrives in pieces.
        """
        try:
            if self.path.stat().st_size < self.offset:  # a new file took the place of the old one
                self.offset = 0
            with self.path.open("rb") as file:
                file.seek(self.offset)
                data = file.read(limit)
        except OSError:
            return []
        end = data.rfind(b"\n") + 1
        if end == 0 and len(data) == limit:  # one line longer than the limit: damaged, step over it
            end = limit
        self.offset += end
        return parse_lines(data[:end])

    @property
    def has_more(self) -> bool:
        """Whether unread bytes are waiting (they may be half a line)."""
        try:
            return self.path.stat().st_size != self.offset
        except OSError:
            return False


def read_ends(path: Path) -> list[Event]:
    """Return the first and the last events of a file, enough for a row in a table, in their order."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            if size <= _HEAD_BYTES + _END_BYTES:
                return parse_lines(file.read())
            head = file.read(_HEAD_BYTES)
            file.seek(size - _END_BYTES)
            tail = file.read()
    except OSError:
        return []
    return parse_lines(head[: head.rfind(b"\n")]) + parse_lines(tail[tail.find(b"\n") :])


def parse_lines(data: bytes) -> list[Event]:
    """Parse JSON lines; what cannot be read is left out."""
    events = (_parse_line(line) for line in data.split(b"\n") if line.strip())
    return [event for event in events if event is not None]


def _parse_line(line: bytes) -> Event | None:
    for start in (0, line.rfind(b'{"event"')):
        if start < 0:
            continue
        try:
            event = json.loads(line[start:])
        except ValueError:
            continue
        if isinstance(event, dict) and isinstance(event.get("event"), str):
            return event
    return None
