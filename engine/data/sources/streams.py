"""Live sources: cameras, and streams of the network, one or several at the same time.

Each stream is read in a thread of its own, so a slow network does not wait for the model and the model sees the
newest frame. A stream that falls silent is opened again; the others go on meanwhile.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.sources.files import is_video
from engine.data.sources.picture import Picture, SourceBatch, SourceInfo, joined
from engine.data.sources.stream_reader import Address, Patience, StreamReader
from engine.data.sources.video import check_channels
from engine.data.sources.web import ask, known_suffix, not_usable
from engine.runtime.downloads import is_url
from engine.runtime.errors import DatasetError, ImageError
from engine.runtime.log import LOGGER

LIVE_SCHEMES = ("rtsp://", "rtsps://", "rtmp://", "tcp://", "udp://", "rtp://", "srt://")
LIST_SUFFIX = ".streams"


def addresses(source: Any) -> list[Address]:
    """Return the live sources that a source names; nothing where it is of another kind.

    Args:
        source: A camera's number, an address, or the path of a .streams file: a text with one a line.

    Raises:
        DatasetError: The list is empty or cannot be read.
        DownloadError: A server does not say what is behind an address.
    """
    if isinstance(source, bool) or not isinstance(source, int | str | Path):
        return []
    text = str(source).strip()
    if Path(text).suffix.lower() == LIST_SUFFIX:
        return _listed(Path(text).expanduser())
    if isinstance(source, int) and source < 0:  # OpenCV would take any camera, or crash the program
        raise DatasetError(
            f"There is no camera {source}.", value=source, remedy="Cameras are numbered from 0."
        )
    if isinstance(source, int) or (text.isdecimal() and not Path(text).exists()):
        return [int(text)]
    if text.lower().startswith(LIVE_SCHEMES):
        return [text]
    if is_url(text) and not known_suffix(text):
        found = ask(text)
        if found.is_live:
            return [text]
        if not found.suffix:
            raise not_usable(text, found)
    return []


@dataclass
class _Watch:
    """When a stream was last heard of.

    Attributes:
        reader: It.
        heard: Moment of its last frame, of the monotonic clock.
    """

    reader: StreamReader
    heard: float


class StreamSource:
    """Iterates live sources: each batch has the newest frame of every stream that has a new one.

    It ends when every stream has ended or fallen silent for too long.

    Attributes:
        is_long: Always.
    """

    is_long = True

    def __init__(
        self,
        sources: Sequence[Address],
        vid_stride: int = 1,
        channels: int = 3,
        buffered: bool = False,
        patience: Patience | None = None,
    ) -> None:
        check_channels(channels, str(sources[0]))
        self.sources, self.vid_stride, self.channels = list(sources), vid_stride, channels
        self.buffered, self.patience = buffered, patience or Patience()

    def __len__(self) -> int:
        """Return how many streams there are."""
        return len(self.sources)

    def __iter__(self) -> Iterator[SourceBatch]:
        news = threading.Condition()
        readers = [
            StreamReader(
                address, news, self.vid_stride, self.channels, self.buffered, self.patience
            )
            for address in self.sources
        ]
        try:
            for reader in readers:
                reader.start()
            yield from self._batches(readers, news)
        finally:
            for reader in readers:
                reader.stop()

    def _batches(
        self, readers: Sequence[StreamReader], news: threading.Condition
    ) -> Iterator[SourceBatch]:
        now = time.monotonic()
        alive = {number: _Watch(reader, now) for number, reader in enumerate(readers, start=1)}
        reasons: list[str] = []
        while alive:
            with news:
                news.wait_for(lambda: any(w.reader.has_news for w in alive.values()), timeout=0.2)
            taken = [
                picture
                for number, watch in alive.items()
                if (picture := self._take(number, watch)) is not None
            ]
            if taken:
                yield joined(taken)
            for number in [n for n, watch in alive.items() if self._is_over(watch)]:
                reader = alive.pop(number).reader
                reasons.append(f"{reader.name}: {reader.why_ended or 'nothing came any more'}")
                LOGGER.warning("%s has ended: %s.", reader.name, reasons[-1].partition(": ")[2])
        if not any(reader.frames for reader in readers):
            raise ImageError(
                f"No frame came from any stream ({'; '.join(reasons)}).",
                remedy="Check the address or the camera's number, and that nobody else uses it.",
            )

    def _take(self, number: int, watch: _Watch) -> Picture | None:
        """Return the next frame of a stream, None where there is none yet."""
        frame = watch.reader.take()
        if frame is None:
            return None
        watch.heard = time.monotonic()
        info = SourceInfo("stream", number, len(self.sources), frame.number, 0, watch.reader.fps)
        return Picture(watch.reader.name, frame.image, info)

    def _is_over(self, watch: _Watch) -> bool:
        """Tell whether nothing is to be expected of a stream any more; lets go of one that is silent."""
        reader = watch.reader
        if reader.has_news:
            return False
        if reader.has_ended:
            return True
        silent_s = time.monotonic() - watch.heard
        if silent_s < self.patience.give_up_s:
            return False
        reader.stop(f"it has been silent for {silent_s:.0f} s")
        return True


def _listed(path: Path) -> list[Address]:
    """Read a list of streams.

    Raises:
        DatasetError: It cannot be read or is empty.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()]
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"The list of streams cannot be read ({error}).", path=path) from error
    found = [_address(line, path) for line in lines if line and not line.startswith("#")]
    if not found:
        raise DatasetError(
            "The list of streams is empty.",
            path=path,
            remedy="Write an address or a camera's number a line.",
        )
    return found


def _address(line: str, listing: Path) -> Address:
    """Return what a line of a list names: a camera, an address, or a video beside the list.

    Raises:
        DatasetError: It is none of these.
    """
    if line.isdecimal():
        return int(line)
    if "://" in line:
        return line
    file = listing.parent / Path(line).expanduser()
    if file.is_file() and is_video(file):
        return file
    raise DatasetError(
        f"{line!r} is neither an address, nor a camera's number, nor a video.",
        path=listing,
        value=line,
        remedy="Correct the line.",
    )
