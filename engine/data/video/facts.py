"""What a video file says about itself."""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.images import VID_FORMATS
from engine.data.sources.video import frames_per_second
from engine.runtime.errors import ImageError

_HEAD_BYTES = 1 << 20  # of a file, enough to tell it from others of its size


@dataclass(frozen=True)
class VideoFacts:
    """A video.

    Attributes:
        path: The file.
        frames: Number of frames as the header says, 0 where it does not.
        fps: Frames a second, 0 where unknown.
        width: Pixels, upright.
        height: Pixels, upright.
        first: (H, W, 3) uint8 BGR, its first readable frame.
    """

    path: Path
    frames: int
    fps: float
    width: int
    height: int
    first: np.ndarray

    @property
    def seconds(self) -> float:
        """Return its length, 0 where unknown."""
        return self.frames / self.fps if self.fps else 0.0


def is_video(path: str | Path) -> bool:
    """Tell by its name whether a file is a video; a GIF counts as a picture."""
    suffix = Path(path).suffix.lower().lstrip(".")
    return suffix in VID_FORMATS and suffix != "gif"


def read_video_facts(path: str | Path) -> VideoFacts:
    """Open a video and look at its first frame.

    Raises:
        ImageError: It is missing, empty or no video.
    """
    path = Path(path).absolute()
    capture = open_video(path)
    try:
        frames = capture.get(_count_property())
        found, first = capture.read()
        if not found:
            raise _unreadable(path)
        height, width = first.shape[:2]
        count = int(frames) if math.isfinite(frames) and frames > 0 else 0
        return VideoFacts(path, count, frames_per_second(capture), width, height, first)
    finally:
        capture.release()


def open_video(path: Path) -> Any:
    """Return OpenCV's reader of a video.

    Raises:
        ImageError: It is missing, empty or no video.
    """
    import cv2

    try:
        size = path.stat().st_size
    except OSError as error:
        raise ImageError(
            f"The video cannot be read: {error.strerror}.", path=path, remedy="Look where it is."
        ) from error
    if not size:
        raise ImageError("The file is empty.", path=path, remedy="Replace it.")
    capture = cv2.VideoCapture(str(path))
    if not capture.isOpened():
        raise _unreadable(path)
    return capture


def video_digest(path: Path) -> str:
    """Return what tells one video file from another: its size and a hash of its beginning.

    Raises:
        ImageError: It cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = hashlib.sha256(file.read(_HEAD_BYTES)).hexdigest()
        return f"{path.stat().st_size}-{head[:24]}"
    except OSError as error:
        raise ImageError(f"The video cannot be read: {error.strerror}.", path=path) from error


def _count_property() -> int:
    import cv2

    return cv2.CAP_PROP_FRAME_COUNT


def _unreadable(path: Path) -> ImageError:
    return ImageError(
        "It cannot be read as a video.",
        path=path,
        remedy="Convert it to MP4 with another program, or choose another file.",
    )
