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

from engine.data.images import IMG_FORMATS, VID_FORMATS, list_images, read_image, to_uint8
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
    """Some pictures of a source; images are (H, W, 3) uint8 BGR, upright."""

    paths: list[str]
    images: list[np.ndarray]
    infos: list[SourceInfo]


class Source(Protocol):
    """Something that predictions are made on."""

    def __iter__(self) -> Iterator[SourceBatch]: ...


def load_source(source: Any, batch: int = 1, vid_stride: int = 1) -> Source:
    """Open a source.

    Args:
        source: Path of a picture, video, folder or list file (.txt), a glob pattern, an array (H, W[, C]) BGR
            uint8, a tensor (C, H, W) or (B, C, H, W) RGB 0..1, a PIL picture, or a list of any of these.
        batch: Pictures at a time; frames of different files come together too.
        vid_stride: Take every n-th frame of videos.

    Raises:
        DatasetError: It names nothing, or a kind that cannot be read.
    """
    items = _items(source)
    if not items:
        raise DatasetError(
            f"No images or videos in {source!r}.",
            remedy=f"Readable are {', '.join(sorted(IMG_FORMATS))} and {', '.join(sorted(VID_FORMATS))}.",
        )
    return SourceLoader(items, max(int(batch), 1), max(int(vid_stride), 1))


class SourceLoader:
    """Iterates a source; each iteration starts at its beginning.

    A damaged file among several is named in the log and left out; a damaged single file raises.
    """

    def __init__(self, items: Sequence[Path | np.ndarray], batch: int, vid_stride: int) -> None:
        """Take files and arrays; :func:`load_source` finds them."""
        self.items, self.batch, self.vid_stride = list(items), batch, vid_stride

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
                    yield str(item), read_image(item), SourceInfo("image", number, count)
            except ImageError as error:
                if count == 1:
                    raise
                LOGGER.warning("Left out: %s", error)

    def _frames(self, path: Path, number: int) -> Iterator[tuple[str, np.ndarray, SourceInfo]]:
        """Yield the frames that decode; stops at the first that does not."""
        import cv2

        if path.stat().st_size == 0:
            raise ImageError("The file is empty.", path=path, remedy="Replace or remove it.")
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
                yield str(path), image, info
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


def _items(source: Any) -> list[Path | np.ndarray]:
    """Turn a source into files and arrays."""
    if isinstance(source, str | os.PathLike):
        return list(_files(str(source)))
    if isinstance(source, list | tuple):
        return [item for entry in source for item in _items(entry)]
    if isinstance(source, np.ndarray):
        arrays = list(source) if source.ndim == 4 else [source]
        return [_bgr(array) for array in arrays]
    if hasattr(source, "detach"):
        return _tensor_items(source)
    if hasattr(source, "convert"):
        return [_from_pil(source)]
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


def _bgr(array: np.ndarray) -> np.ndarray:
    """Return an array of any channel count as (H, W, 3) uint8 BGR."""
    if array.ndim == 2:
        array = array[..., None]
    if array.ndim != 3 or array.shape[2] not in (1, 3, 4) or 0 in array.shape:
        raise DatasetError(
            f"Expected an array of (height, width, 1, 3 or 4 channels), received {array.shape}."
        )
    array = to_uint8(array)
    array = np.repeat(array, 3, axis=2) if array.shape[2] == 1 else array[..., :3]
    return np.ascontiguousarray(array)


def _tensor_items(tensor: Any) -> list[Path | np.ndarray]:
    """Turn a (C, H, W) or (B, C, H, W) RGB tensor, 0..1 or uint8, into arrays."""
    values = tensor.detach().cpu().numpy()
    values = values[None] if values.ndim == 3 else values
    if values.ndim != 4 or values.shape[1] != 3:
        raise DatasetError(f"Expected a tensor of (B, 3, H, W), received {tuple(tensor.shape)}.")
    if values.dtype != np.uint8:
        values = np.clip(values * 255 + 0.5, 0, 255).astype(np.uint8)
    return [np.ascontiguousarray(image[::-1].transpose(1, 2, 0)) for image in values]


def _from_pil(picture: Any) -> np.ndarray:
    """Turn a PIL picture upright into an array."""
    from PIL import ImageOps

    upright = ImageOps.exif_transpose(picture) or picture
    return np.ascontiguousarray(np.asarray(upright.convert("RGB"))[..., ::-1])
