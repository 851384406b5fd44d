"""What a prediction reads: pictures and videos from files, the web, cameras, the screen, memory, or lists of these.

Each kind of source is a file of `engine.data.sources`.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from engine.data.images import IMG_FORMATS, VID_FORMATS, read_image
from engine.data.source_arrays import from_array, from_pil, from_tensor
from engine.data.sources.ahead import mapped_ahead
from engine.data.sources.files import existing, is_video, named_files
from engine.data.sources.picture import Picture, Source, SourceBatch, SourceInfo, joined
from engine.data.sources.screen import ScreenSource, is_screen
from engine.data.sources.streams import StreamSource, addresses
from engine.data.sources.video import read_frames
from engine.data.sources.web import WebFile
from engine.runtime.ahead import iterated_ahead
from engine.runtime.errors import DatasetError, DownloadError, ImageError
from engine.runtime.log import LOGGER

__all__ = ["Source", "SourceBatch", "SourceInfo", "SourceLoader", "load_source"]

_FRAMES_AHEAD = 4  # of a video, that wait


class Memory(NamedTuple):
    """A picture that was given as it is.

    Attributes:
        image: (H, W, channels) uint8.
        kind: "array" or "tensor".
    """

    image: np.ndarray
    kind: str


Item = Path | WebFile | Memory


def load_source(
    source: Any,
    batch: int = 1,
    vid_stride: int = 1,
    channels: int = 3,
    stream_buffer: bool = False,
) -> Source:
    """Open a source.

    Args:
        source: Path of a picture, video, folder, list (.txt, .csv) or list of streams (.streams); a glob
            pattern; the address of a picture, video or stream; the number of a camera; "screen" with, if
            wanted, a monitor's number and left, top, width, height; an array (H, W[, C]) BGR uint8; a tensor
            (C, H, W) or (B, C, H, W) RGB 0..1; a PIL picture; or a list of any of these but streams.
        batch: Pictures at a time; frames of different files come together too. Streams come together as
            many as there are.
        vid_stride: Take every n-th frame of videos and streams.
        channels: What the network takes: 3, 1 (everything becomes grey), or more, which the source must have,
            see `engine.data.channels`.
        stream_buffer: Keep the frames of live streams waiting instead of dropping all but the newest.

    Raises:
        DatasetError: It names nothing, or a kind that cannot be read.
        DownloadError: A server does not say what is behind an address.
    """
    stride = max(int(vid_stride), 1)
    if is_screen(source):
        return ScreenSource(source, channels)
    if live := addresses(source):
        return StreamSource(live, stride, channels, stream_buffer)
    items = _items(source, channels)
    if not items:
        raise DatasetError(
            f"No images or videos in {source!r}.",
            remedy=f"Readable are {', '.join(sorted(IMG_FORMATS))} and {', '.join(sorted(VID_FORMATS))}.",
        )
    return SourceLoader(items, max(int(batch), 1), stride, channels)


class SourceLoader:
    """Iterates a source that has an end; each iteration starts at its beginning.

    Files are read in threads ahead of the consumer. A damaged or missing file among several is named in the
    log and left out; a single one raises.

    Attributes:
        is_long: Whether there is a video in it.
    """

    def __init__(
        self, items: Sequence[Item], batch: int, vid_stride: int, channels: int = 3
    ) -> None:
        """Take files and pictures of ``channels``; :func:`load_source` finds them."""
        self.items, self.batch, self.vid_stride = list(items), batch, vid_stride
        self.channels = channels
        self.is_long = any(isinstance(item, Path) and is_video(item) for item in self.items)

    def __iter__(self) -> Iterator[SourceBatch]:
        waiting: list[Picture] = []
        for picture in self._pictures():
            waiting.append(picture)
            if len(waiting) == self.batch:
                yield joined(waiting)
                waiting = []
        if waiting:
            yield joined(waiting)

    def __len__(self) -> int:
        """Return the number of batches where every item is one picture; videos give more."""
        return math.ceil(len(self.items) / self.batch)

    def _pictures(self) -> Iterator[Picture]:
        for number, (item, read) in enumerate(self._read(), start=1):
            try:
                if isinstance(item, Memory):
                    info = SourceInfo(item.kind, number, len(self.items))
                    yield Picture(f"image{number - 1}.jpg", item.image, info)
                    continue
                path, image = read()
                if image is None:
                    yield from self._frames(path, number)
                else:
                    info = SourceInfo("image", number, len(self.items))
                    yield Picture(str(path), image, info)
            except (ImageError, DownloadError) as error:
                if len(self.items) == 1:
                    raise
                LOGGER.warning("Left out: %s", error)

    def _read(self) -> Iterator[tuple[Item, Callable[[], tuple[Path, np.ndarray | None]]]]:
        """Yield each item with what gives its file and, unless it is a video, its pixels."""
        if len(self.items) == 1 or all(isinstance(item, Memory) for item in self.items):
            for item in self.items:
                yield item, lambda item=item: self._open(item)  # type: ignore[misc]
            return
        coming = mapped_ahead(self._open, self.items, self.batch + 1)
        for item, outcome in zip(self.items, coming, strict=True):
            yield item, outcome.result

    def _open(self, item: Item) -> tuple[Path, np.ndarray | None]:
        """Return the file of an item and, unless it is a video or in memory, its pixels; runs in threads."""
        if isinstance(item, Memory):
            return Path(), None
        path = item.bring() if isinstance(item, WebFile) else item
        return path, None if is_video(path) else read_image(path, channels=self.channels)

    def _frames(self, path: Path, number: int) -> Iterator[Picture]:
        frames = read_frames(path, number, len(self.items), self.vid_stride, self.channels)
        yield from iterated_ahead(frames, _FRAMES_AHEAD)


def _items(source: Any, channels: int) -> list[Item]:
    """Turn a source into files and pictures.

    Raises:
        DatasetError: It names nothing, or a kind that cannot be read.
    """
    if isinstance(source, str | os.PathLike):
        return list(named_files(str(source)))
    if isinstance(source, list | tuple):
        return existing(source, lambda entry: _items(entry, channels))
    if isinstance(source, np.ndarray):
        arrays = list(source) if source.ndim == 4 else [source]
        return [Memory(from_array(array, channels), "array") for array in arrays]
    if hasattr(source, "detach") and hasattr(source, "cpu"):  # files have a detach too
        return [Memory(image, "tensor") for image in from_tensor(source, channels)]
    if hasattr(source, "convert"):
        return [Memory(from_pil(source, channels), "array")]
    raise DatasetError(
        f"A source of type {type(source).__name__} cannot be read.",
        remedy="Give a path, a folder, a camera's number, an array, a PIL image, or a list of these.",
    )
