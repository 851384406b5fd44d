"""The frames of a video file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.data.source_arrays import from_array
from engine.data.sources.picture import Picture, SourceInfo
from engine.runtime.errors import ImageError
from engine.runtime.log import LOGGER

# Frames in a row that may be unreadable before the rest counts as missing.
MOST_MISSED = 50


def check_channels(channels: int, path: str | Path) -> None:
    """Refuse videos for networks that take other pictures.

    Raises:
        ImageError: It takes neither 3 channels nor 1.
    """
    if channels not in (1, 3):
        raise ImageError(
            f"A video has 3 channels, the model takes {channels}.",
            path=path,
            remedy="Give pictures with as many channels.",
        )


def frames_per_second(capture: Any) -> float:
    """Return what a capture says, 0 where it says nothing sensible."""
    import cv2

    fps = float(capture.get(cv2.CAP_PROP_FPS))
    return fps if math.isfinite(fps) and fps > 0 else 0.0


def read_frames(
    path: Path, number: int, count: int, vid_stride: int = 1, channels: int = 3
) -> Iterator[Picture]:
    """Yield the frames of a video; unreadable ones are left out and counted in the log.

    Args:
        path: The file.
        number: Its 1-based number in the source.
        count: How many files there are.
        vid_stride: Take every n-th frame.
        channels: 3, or 1 for grey.

    Raises:
        ImageError: It is empty, no video, or for a network with other channels.
    """
    import cv2

    if path.stat().st_size == 0:
        raise ImageError("The file is empty.", path=path, remedy="Replace or remove it.")
    check_channels(channels, path)
    capture = cv2.VideoCapture(str(path))
    try:
        frames = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
        fps = frames_per_second(capture)
        lost = LostFrames(frames)
        index = 0
        while (index := lost.next_frame(capture, index)) > 0:
            if (index - 1) % vid_stride:
                continue
            decoded, image = capture.retrieve()
            if not decoded:
                lost.count += 1
                continue
            info = SourceInfo("video", number, count, index, frames, fps)
            yield Picture(str(path), from_array(image, channels), info)
        lost.tell(path)
    finally:
        capture.release()


class LostFrames:
    """Goes from frame to frame over the unreadable ones.

    Attributes:
        count: Unreadable frames so far that had readable ones behind them.
        last: Number of the last readable frame, from 1; 0 before the first.
    """

    def __init__(self, frames: int) -> None:
        self.frames, self.count, self.last = frames, 0, 0

    def next_frame(self, capture: Any, index: int) -> int:
        """Return the number of the next readable frame after ``index``, 0 where there is none."""
        missed = 0
        while not capture.grab():
            missed += 1
            # Without a frame count the first failure is the end: nothing tells damage from it.
            if index + missed >= self.frames or missed > MOST_MISSED:
                return 0
        self.count += missed
        self.last = index + missed + 1
        return self.last

    def tell(self, path: Path) -> None:
        """Log what was left out.

        Raises:
            ImageError: There was no frame at all.
        """
        if self.last == 0:
            raise ImageError(
                "It cannot be read as a video.", path=path, remedy="Convert or remove it."
            )
        if self.count:
            LOGGER.warning("%s: %d damaged frames were left out.", path, self.count)
        if self.last < self.frames:
            LOGGER.warning("%s: the video ends after frame %d of %d.", path, self.last, self.frames)
