"""Times in a video as people read them."""

from __future__ import annotations


def clock_text(seconds: float) -> str:
    """Return a time in a video as players show it.

    >>> clock_text(64.25)
    '1:04.25'
    """
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    head = f"{hours}:{minutes:02d}" if hours else f"{minutes}"
    return f"{head}:{rest:05.2f}"
