"""One live stream, read in a thread."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.data.source_arrays import from_array
from engine.data.sources.video import frames_per_second
from engine.runtime.downloads import shown_url
from engine.runtime.log import LOGGER

Address = int | str | Path
# Frames of a buffered stream that wait before reading it waits too.
MOST_WAITING = 32
# Times that a stream which never gave a frame is opened.
OPENINGS = 2


@dataclass(frozen=True)
class Patience:
    """How long to wait for a live stream.

    Attributes:
        open_s: For its beginning.
        silence_s: For its next frame, before it is opened again.
        give_up_s: For its next frame, before it counts as ended.
        pause_s: Between two openings.
    """

    open_s: float = 10.0
    silence_s: float = 10.0
    give_up_s: float = 60.0
    pause_s: float = 1.0


class Frame(NamedTuple):
    """A frame: (H, W, channels) uint8 and its 1-based number in the stream."""

    image: np.ndarray
    number: int


class StreamReader:
    """Reads one stream.

    Attributes:
        name: How it is called in results and messages, without passwords.
        fps: Frames a second that it claims, 0 where unknown.
        frames: Frames read so far.
        why_ended: Why it gives no more; empty while it does.
    """

    def __init__(
        self,
        address: Address,
        news: threading.Condition,
        vid_stride: int,
        channels: int,
        buffered: bool,
        patience: Patience,
    ) -> None:
        """Take the stream, without opening it.

        Args:
            address: A camera's number, an address, or a video, of which no frame is ever dropped.
            news: Notified when there is a frame, or no more will come.
            vid_stride: Take every n-th frame.
            channels: 3, or 1 for grey.
            buffered: Keep frames waiting instead of dropping all but the newest.
            patience: How long to wait.
        """
        self.address, self.name = address, shown_url(str(address))
        self.fps, self.frames, self.why_ended = 0.0, 0, ""
        self._news, self._patience = news, patience
        self._stride, self._channels = vid_stride, channels
        self._is_file = isinstance(address, Path)
        self._keeps_all = buffered or self._is_file
        self._waiting: deque[Frame] = deque(maxlen=None if self._keeps_all else 1)
        self._stopped = threading.Event()
        # A daemon: a driver may hold it for ever, and then it must not hold the program.
        self._thread = threading.Thread(target=self._run, name=f"stream {self.name}", daemon=True)

    @property
    def has_news(self) -> bool:
        """Whether :meth:`take` has something to give."""
        return bool(self._waiting)

    @property
    def has_ended(self) -> bool:
        """Whether no further frame will come."""
        return bool(self.why_ended)

    def start(self) -> None:
        """Begin to read."""
        self._thread.start()

    def stop(self, why: str = "") -> None:
        """Read no more; waits a moment for the thread, which may be held by its driver."""
        self.why_ended = self.why_ended or why
        self._stopped.set()
        with self._news:
            self._news.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)

    def take(self) -> Frame | None:
        """Return the next waiting frame, None where there is none."""
        with self._news:
            frame = self._waiting.popleft() if self._waiting else None
            self._news.notify_all()  # the thread may wait for room
        return frame

    def _run(self) -> None:
        """Open the stream again and again until it has ended or nobody wants it."""
        failures = 0
        while not self._stopped.is_set():
            before = self.frames
            reason = self._read_until_it_breaks()
            failures = 1 if self.frames > before else failures + 1
            if self._is_file or (self.frames == 0 and failures >= OPENINGS):
                self._end(reason)
                return
            if self.frames > before and not self._stopped.is_set():
                LOGGER.warning("%s: %s; it is opened again.", self.name, reason)
            self._stopped.wait(self._patience.pause_s)

    def _read_until_it_breaks(self) -> str:
        """Hand out frames as long as they come; return why they stopped."""
        capture = open_capture(self.address, self._patience)
        try:
            if not capture.isOpened():
                return "it cannot be opened"
            self.fps = frames_per_second(capture)
            while not self._stopped.is_set() and capture.grab():
                self.frames += 1
                if (self.frames - 1) % self._stride:
                    continue
                decoded, image = capture.retrieve()
                if decoded:
                    self._offer(Frame(from_array(image, self._channels), self.frames))
            return "it has no more frames" if self._is_file else "no frame came"
        finally:
            capture.release()

    def _offer(self, frame: Frame) -> None:
        with self._news:
            if self._keeps_all:
                self._news.wait_for(
                    lambda: len(self._waiting) < MOST_WAITING or self._stopped.is_set()
                )
            self._waiting.append(frame)
            self._news.notify_all()

    def _end(self, reason: str) -> None:
        with self._news:
            self.why_ended = reason
            self._news.notify_all()


def open_capture(address: Address, patience: Patience) -> Any:
    """Return OpenCV's reader of a stream; addresses give up by themselves when nothing comes."""
    import cv2

    if isinstance(address, int):
        return cv2.VideoCapture(address)
    if isinstance(address, Path):
        return cv2.VideoCapture(str(address))
    limits = [
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC,
        int(patience.open_s * 1000),
        cv2.CAP_PROP_READ_TIMEOUT_MSEC,
        int(patience.silence_s * 1000),
    ]
    return cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)
