"""Pictures of the screen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import numpy as np

from engine.data.source_arrays import from_array
from engine.data.sources.picture import Picture, SourceBatch, SourceInfo, joined
from engine.data.sources.video import check_channels
from engine.runtime.errors import DatasetError, ImageError

WORD = "screen"
_GRAMMAR = 'Write "screen", "screen MONITOR" or "screen MONITOR LEFT TOP WIDTH HEIGHT", in pixels.'


def is_screen(source: Any) -> bool:
    """Tell whether a source means the screen."""
    return isinstance(source, str) and source.split()[:1] == [WORD]


class ScreenSource:
    """Iterates pictures of a monitor or a part of it, without end.

    Attributes:
        is_long: Always.
    """

    is_long = True

    def __init__(self, text: str, channels: int = 3) -> None:
        """Take what is to be looked at.

        Args:
            text: "screen", then if wanted the monitor's number, 0 for all of them together, and left, top,
                width and height in pixels.
            channels: 3, or 1 for grey.

        Raises:
            DatasetError: The words are others.
        """
        check_channels(channels, text)
        self.monitor, self.window = _parsed(text)
        self.channels = channels

    def __iter__(self) -> Iterator[SourceBatch]:
        frame = 0
        with closing(_opened()) as grabber:
            area = self._area(grabber.monitors)
            while True:
                frame += 1
                image = np.asarray(_grabbed(grabber, area))[..., :3]
                info = SourceInfo("screen", 1, 1, frame)
                picture = Picture(f"{WORD}{self.monitor}", from_array(image, self.channels), info)
                yield joined([picture])

    def _area(self, monitors: list[dict[str, int]]) -> dict[str, int]:
        """Return the part of the screen in the system's pixels."""
        if self.monitor >= len(monitors):
            raise DatasetError(
                f"There is no monitor {self.monitor}; there are {len(monitors) - 1}.",
                value=self.monitor,
                remedy=_GRAMMAR,
            )
        whole = monitors[self.monitor]
        if self.window is None:
            return whole
        left, top, width, height = self.window
        return {
            "left": whole["left"] + left,
            "top": whole["top"] + top,
            "width": width,
            "height": height,
        }


def _parsed(text: str) -> tuple[int, tuple[int, int, int, int] | None]:
    words = text.split()[1:]
    if len(words) not in (0, 1, 4, 5) or not all(word.isdecimal() for word in words):
        raise DatasetError(f"{text!r} names no part of the screen.", value=text, remedy=_GRAMMAR)
    numbers = [int(word) for word in words]
    monitor = numbers.pop(0) if len(numbers) in (1, 5) else 0
    if not numbers:
        return monitor, None
    left, top, width, height = numbers
    if not width or not height:
        raise DatasetError(f"{text!r} has no area.", value=text, remedy=_GRAMMAR)
    return monitor, (left, top, width, height)


def _opened() -> Any:
    """Return mss's grabber.

    Raises:
        ImageError: The package is missing, or there is no screen.
    """
    try:
        import mss
    except ImportError as error:
        raise ImageError(
            "Pictures of the screen need the package mss.", remedy="Install it: pip install mss"
        ) from error
    try:
        return mss.MSS()
    except mss.ScreenShotError as error:
        raise _no_screen(error) from error


def _grabbed(grabber: Any, area: dict[str, int]) -> Any:
    import mss

    try:
        return grabber.grab(area)
    except mss.ScreenShotError as error:
        raise _no_screen(error) from error


def _no_screen(error: Exception) -> ImageError:
    return ImageError(
        f"The screen cannot be looked at ({error}).",
        remedy="It needs a desktop session; over a remote shell there is none.",
    )
