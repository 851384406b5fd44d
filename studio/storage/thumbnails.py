"""Small pictures for lists, kept on disk so that a folder opens at once the second time."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from pathlib import Path

import numpy as np

from engine.data.image_headers import (
    MAX_PIXELS,
    Header,
    HeaderError,
    check_whole,
    read_header,
)
from engine.data.images import read_image, read_image_header
from engine.runtime.errors import ImageError
from engine.runtime.paths import write_atomic
from studio.language import tr
from studio.model.project import Project
from studio.storage.big_images import shrunk_huge
from studio.storage.project_files import cache_folder

SIZE = 192  # pixels of the longer side: sharp at 96 logical pixels on a screen of twice the density
_QUALITY = 85
_LIMIT_MIB = 512
_WHOLE_BYTES = 256 << 20  # a larger file is not read into memory for a thumbnail


class ThumbnailCache:
    """Makes and keeps thumbnails; safe to use from several threads and processes at once.

    A thumbnail is found again by the path, size in bytes and time of change of its image, so a
    changed image gets a new one.

    Args:
        folder: Where they are kept.
        size: Pixels of the longer side.
    """

    def __init__(self, folder: Path, size: int = SIZE) -> None:
        self.folder = folder
        self.size = size

    @classmethod
    def for_project(cls, project: Project) -> ThumbnailCache:
        """Return the cache inside the project folder, or in the person's cache where that cannot be written."""
        return cls(cache_folder(project) / "thumbnails")

    def find(self, image: Path) -> Path | None:
        """Return the thumbnail if it was made already; reads no picture."""
        try:
            kept = self._place(image)
        except OSError:
            return None
        return kept if kept.is_file() else None

    def make(self, image: Path) -> Path:
        """Return the thumbnail, making it first where it is missing (JPEG, upright, white behind nothing).

        Raises:
            ImageError: The image is missing or damaged, or the thumbnail cannot be written.
        """
        try:
            kept = self._place(image)
            if kept.is_file():
                return kept
            return write_atomic(kept, encode_jpeg(shrunk(image, self.size)))
        except ImageError:
            raise
        except OSError as error:
            raise ImageError(
                tr("No thumbnail can be made: {strerror}.").format(
                    strerror=error.strerror or error
                ),
                path=image,
            ) from error

    def prune(self, limit_mib: float = _LIMIT_MIB) -> int:
        """Remove the thumbnails that were used longest ago until the rest fits; return how many."""
        files = []
        for path in self.folder.glob("*/*.jpg"):
            with contextlib.suppress(OSError):
                info = path.stat()
                files.append((max(info.st_atime, info.st_mtime), info.st_size, path))
        room, removed = limit_mib * 2**20, 0
        for _, size, path in sorted(files, key=lambda file: file[0], reverse=True):
            room -= size
            if room < 0:
                with contextlib.suppress(OSError):
                    path.unlink()
                    removed += 1
        return removed

    def _place(self, image: Path) -> Path:
        info = image.stat()
        text = f"{os.fspath(image)}\0{info.st_size}\0{info.st_mtime_ns}\0{self.size}"
        name = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:40]
        return self.folder / name[:2] / f"{name}.jpg"


def shrunk(image: Path, size: int) -> np.ndarray:
    """Return an image as (H, W, 3) uint8 BGR, upright, its longer side at most ``size``.

    A JPEG is decoded at a fraction of its size, which is several times faster.

    Raises:
        ImageError: The image is missing or damaged.
    """
    import cv2

    facts = read_image_header(image)
    if facts.colour_pixels > MAX_PIXELS or image.stat().st_size > _WHOLE_BYTES:
        return shrunk_huge(image, size)
    data = image.read_bytes()
    header = _whole(data, image)
    factor = _reduction(header, size)
    picture = _decode_reduced(data, factor) if factor > 1 else None
    if picture is None:
        picture = read_image(image)
    height, width = picture.shape[:2]
    scale = size / max(height, width)
    if scale >= 1:
        return picture
    shape = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(picture, shape, interpolation=cv2.INTER_AREA)


def encode_jpeg(picture: np.ndarray) -> bytes:
    """Return (H, W, 3) uint8 BGR as the bytes of a JPEG file."""
    import cv2

    done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    if not done:
        raise ImageError(tr("The picture cannot be encoded."))
    return data.tobytes()


def _whole(data: bytes, image: Path) -> Header:
    """Return the header of a picture whose file is complete: a cut JPEG would be shown half grey."""
    try:
        header = read_header(io.BytesIO(data), len(data))
        check_whole(data, header.kind)
    except HeaderError as error:
        raise ImageError(str(error), path=image, remedy=tr("Replace the file.")) from error
    return header


def _reduction(header: Header, size: int) -> int:
    """Return 8, 4 or 2 where a JPEG decoded at that fraction still has enough pixels, else 1."""
    longer = max(header.width, header.height)
    if header.kind != "jpeg":
        return 1
    return next((factor for factor in (8, 4, 2) if longer >= factor * size), 1)


def _decode_reduced(data: bytes, factor: int) -> np.ndarray | None:
    import cv2

    flags = {
        2: cv2.IMREAD_REDUCED_COLOR_2,
        4: cv2.IMREAD_REDUCED_COLOR_4,
        8: cv2.IMREAD_REDUCED_COLOR_8,
    }
    try:
        # OpenCV turns the picture upright by EXIF itself with these flags
        return cv2.imdecode(np.frombuffer(data, np.uint8), flags[factor])
    except cv2.error:
        return None
