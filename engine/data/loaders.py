"""What a prediction reads: pictures and videos from files, folders, patterns, memory, or lists of these."""

from __future__ import annotations

import glob
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from engine.data.images import IMG_FORMATS, VID_FORMATS, list_images, read_image
from engine.data.source_arrays import from_array, from_pil, from_tensor
from engine.runtime.errors import DatasetError, ImageError
from engine.runtime.log import LOGGER


@dataclass(frozen=True)
class SourceInfo:
    """Where a picture comes from.

    Attributes:
        kind: "image" (a file), "video" (a frame of one) or "array" (memory).
        number: 1-based number of the file or array in the source.
        count: How many there are.
        frame: 1-based number of the frame in its video; 0 for other kinds.
        frames: Frames of the video as its header says, 0 where unknown.
        fps: Frames a second of the video, 0 where unknown.
    """

    kind: str
    number: int
    count: int
    frame: int = 0
    frames: int = 0
    fps: float = 0.0


class SourceBatch(NamedTuple):
    """Some pictures of a source; images are (H, W, channels) uint8, upright, BGR where there are three."""

    paths: list[str]
    images: list[np.ndarray]
    infos: list[SourceInfo]


class Source(Protocol):
    """Something that predictions are made on."""

    def __iter__(self) -> Iterator[SourceBatch]: ...


def load_source(source: Any, batch: int = 1, vid_stride: int = 1, channels: int = 3) -> Source:
    """Open a source.

    Args:
        source: Path of a picture, video, folder or list file (.txt), a glob pattern, an array (H, W[, C]) BGR
            uint8, a tensor (C, H, W) or (B, C, H, W) RGB 0..1, a PIL picture, or a list of any of these.
        batch: Pictures at a time; frames of different files come together too.
        vid_stride: Take every n-th frame of videos.
        channels: What the network takes: 3, 1 (everything becomes grey), or more, which the source must have,
            see `engine.data.channels`.

    Raises:
        DatasetError: It names nothing, or a kind that cannot be read.
    """
    items = _items(source, channels)
    if not items:
        raise DatasetError(
            f"No images or videos in {source!r}.",
            remedy=f"Readable are {', '.join(sorted(IMG_FORMATS))} and {', '.join(sorted(VID_FORMATS))}.",
        )
    return SourceLoader(items, max(int(batch), 1), max(int(vid_stride), 1), channels)


class SourceLoader:
    """Iterates a source; each iteration starts at its beginning.

    A damaged file among several is named in the log and left out; a damaged single file raises.
    """

    def __init__(
        self, items: Sequence[Path | np.ndarray], batch: int, vid_stride: int, channels: int = 3
    ) -> None:
        """Take files and arrays of ``channels``; :func:`load_source` finds them."""
        self.items, self.batch, self.vid_stride = list(items), batch, vid_stride
        self.channels = channels

    def __iter__(self) -> Iterator[SourceBatch]:
        waiting: list[tuple[str, np.ndarray, SourceInfo]] = []
        for entry in self._pictures():
            waiting.append(entry)
            if len(waiting) == self.batch:
                yield _batch(waiting)
                waiting = []
        if waiting:
            yield _batch(waiting)

    def __len__(self) -> int:
        """Return the number of batches where every item is one picture; videos give more."""
        return math.ceil(len(self.items) / self.batch)

    def _pictures(self) -> Iterator[tuple[str, np.ndarray, SourceInfo]]:
        count = len(self.items)
        for number, item in enumerate(self.items, start=1):
            if isinstance(item, np.ndarray):
                info = SourceInfo("array", number, count)
                yield f"image{number - 1}.jpg", item, info
                continue
            try:
                if _is_video(item):
                    yield from self._frames(item, number)
                else:
                    image = read_image(item, channels=self.channels)
                    yield str(item), image, SourceInfo("image", number, count)
            except ImageError as error:
                if count == 1:
                    raise
                LOGGER.warning("Left out: %s", error)

    def _frames(self, path: Path, number: int) -> Iterator[tuple[str, np.ndarray, SourceInfo]]:
        """Yield the frames that decode; stops at the first that does not."""
        import cv2

        if path.stat().st_size == 0:
            raise ImageError("The file is empty.", path=path, remedy="Replace or remove it.")
        if self.channels not in (1, 3):
            raise ImageError(
                f"A video has 3 channels, the model takes {self.channels}.",
                path=path,
                remedy="Give pictures with as many channels.",
            )
        capture = cv2.VideoCapture(str(path))
        try:
            frames = max(int(capture.get(cv2.CAP_PROP_FRAME_COUNT)), 0)
            fps = capture.get(cv2.CAP_PROP_FPS)
            fps = fps if math.isfinite(fps) and fps > 0 else 0.0
            index = 0
            while capture.grab():
                index += 1
                if (index - 1) % self.vid_stride:
                    continue
                decoded, image = capture.retrieve()
                if not decoded:
                    break
                info = SourceInfo("video", number, len(self.items), index, frames, fps)
                yield str(path), from_array(image, self.channels), info
            if index == 0:
                raise ImageError(
                    "It cannot be read as a video.", path=path, remedy="Convert or remove it."
                )
            if frames and index < frames:
                LOGGER.warning("%s: %d of %d frames could be read.", path, index, frames)
        finally:
            capture.release()


def _batch(entries: Sequence[tuple[str, np.ndarray, SourceInfo]]) -> SourceBatch:
    paths, images, infos = zip(*entries, strict=True)
    return SourceBatch(list(paths), list(images), list(infos))


def _items(source: Any, channels: int) -> list[Path | np.ndarray]:
    """Turn a source into files and arrays."""
    if isinstance(source, str | os.PathLike):
        return list(_files(str(source)))
    if isinstance(source, list | tuple):
        return [item for entry in source for item in _items(entry, channels)]
    if isinstance(source, np.ndarray):
        arrays = list(source) if source.ndim == 4 else [source]
        return [from_array(array, channels) for array in arrays]
    if hasattr(source, "detach"):
        return list(from_tensor(source, channels))
    if hasattr(source, "convert"):
        return [from_pil(source, channels)]
    raise DatasetError(
        f"A source of type {type(source).__name__} cannot be read.",
        remedy="Give a path, a folder, an array, a PIL image, or a list of these.",
    )


def _files(text: str) -> list[Path]:
    """Return the pictures and videos that a path, folder, list file or pattern names."""
    if "://" in text:
        raise DatasetError(
            f"{text} is an address.", value=text, remedy="Download the file and give its path."
        )
    path = Path(text).expanduser()
    if path.is_dir():
        return _of_folder(path)
    if path.is_file():
        return _of_list(path) if path.suffix.lower() == ".txt" else [path]
    if any(sign in text for sign in "*?["):
        # Path.glob takes no absolute pattern.
        found = map(Path, sorted(glob.glob(str(path), recursive=True)))  # noqa: PTH207
        return [f for f in found if f.is_file() and _suffix(f) in IMG_FORMATS | VID_FORMATS]
    raise DatasetError("The source does not exist.", path=path, remedy="Correct the path.")


def _of_folder(folder: Path) -> list[Path]:
    videos = (f for f in folder.rglob("*") if _suffix(f) in VID_FORMATS and f.is_file())
    return sorted({*list_images(folder), *videos})


def _of_list(file: Path) -> list[Path]:
    """Read a text file with one path a line, relative to the file."""
    lines = (line.strip() for line in file.read_text(encoding="utf-8-sig").splitlines())
    return [f for line in lines if line for f in _files(str(file.parent / line))]


def _suffix(path: Path) -> str:
    return path.suffix[1:].lower()


def _is_video(path: Path) -> bool:
    return _suffix(path) in VID_FORMATS
