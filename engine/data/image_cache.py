"""Decoded pictures kept for the next time: some in memory always, all in memory or on disk when asked.

Pictures are decoded and resized to the training size once. Which ones are kept never changes what a
training sees, only how long it takes.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import math
import shutil
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import psutil

from engine.data.images import read_image
from engine.data.transforms.resize import resized
from engine.runtime.errors import ConfigError, ImageError
from engine.runtime.log import LOGGER
from engine.runtime.paths import cache_dir, write_atomic

Kind = Literal["ram", "disk"] | None
# Part of the free memory that is used unasked, and the most of it.
_FREE_SHARE, _MOST_BYTES = 0.1, 1 << 30


def cache_kind(value: Any) -> Kind:
    """Return what the ``cache`` argument asks for: False, True or "ram", "disk".

    Raises:
        ConfigError: It is none of these.
    """
    known: dict[str, Kind] = {
        "false": None,
        "none": None,
        "true": "ram",
        "ram": "ram",
        "disk": "disk",
    }
    text = str(value).lower()
    if text not in known:
        raise ConfigError(
            f"cache must be False, True, 'ram' or 'disk', received {value!r}.", value=value
        )
    return known[text]


class ImageCache:
    """Reads the pictures of a data set, resized to fit into the network's input."""

    def __init__(
        self,
        files: Sequence[Path],
        imgsz: int | tuple[int, int],
        kind: Kind = None,
        sharers: int = 1,
        fast: bool = False,
        channels: int = 3,
    ) -> None:
        """Take the pictures.

        Args:
            files: Picture files, by index.
            imgsz: Longer side in pixels, or the (height, width) into which a picture is to fit.
            kind: Keep all in memory or on disk; None keeps what little memory allows.
            sharers: How many processes have a cache of their own.
            fast: Decode large JPEGs at a fraction of their size. The pixels differ a little from those of a
                full decoding and resize, so it is for training only: what is measured must be read as
                prediction reads it.
            channels: Of a picture.
        """
        self.channels = channels
        self.files, self.frame, self.kind, self.fast = list(files), _frame(imgsz), kind, fast
        free = psutil.virtual_memory().available
        self.budget_bytes = int(min(free * _FREE_SHARE, _MOST_BYTES) / max(sharers, 1))
        if kind == "ram":
            self._make_room(free, sharers)
        if kind == "disk":
            self._check_disk()
        self._kept: OrderedDict[int, np.ndarray] = OrderedDict()
        self._kept_bytes = 0
        self._lock = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """Give workers started by *spawn* the description, not the pictures."""
        state = self.__dict__.copy()
        del state["_lock"]
        return state | {"_kept": OrderedDict(), "_kept_bytes": 0}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._lock = threading.Lock()

    def get(self, index: int) -> np.ndarray:
        """Return a picture (H, W, C) uint8 that fits into ``imgsz``. It may be shared: do not change it.

        Raises:
            ImageError: The file has become unreadable.
        """
        with self._lock:
            image = self._kept.get(index)
            if image is not None:
                self._kept.move_to_end(index)
                return image
        image = self._from_disk(index) if self.kind == "disk" else self.read(self.files[index])
        with self._lock:
            if index not in self._kept:
                self._kept[index] = image
                self._kept_bytes += image.nbytes
            while self._kept_bytes > self.budget_bytes and self._kept:
                self._kept_bytes -= self._kept.popitem(last=False)[1].nbytes
        return image

    @property
    def has_all(self) -> bool:
        """Whether every picture is in memory."""
        return len(self._kept) == len(self.files)

    @property
    def form(self) -> str:
        """What decides how a picture is kept, for the names of copies on disk."""
        height, width = self.frame
        size = height if height == width else f"{height}x{width}"
        return f"{size}\0{self.fast}\0{self.channels}"

    def read(self, file: Path) -> np.ndarray:
        """Read a picture in the form in which it is kept; tasks with another one override this and `form`."""
        image = read_image(file, max(self.frame) if self.fast else None, self.channels)
        height, width = image.shape[:2]
        return resized(image, resized_size(height, width, self.frame))

    def _from_disk(self, index: int) -> np.ndarray:
        """Read the resized copy, made on the first visit, in the program's cache folder."""
        file = self._copy_of(self.files[index])
        with contextlib.suppress(OSError, ValueError, EOFError):
            image: np.ndarray = np.load(file, allow_pickle=False)
            return image
        image, buffer = self.read(self.files[index]), io.BytesIO()
        np.save(buffer, image, allow_pickle=False)
        try:
            write_atomic(file, buffer.getvalue())
        except OSError as error:
            LOGGER.warning("Images are not cached on disk: %s: %s.", file.parent, error.strerror)
            self.kind = None
        return image

    def _copy_of(self, file: Path) -> Path:
        try:
            stat = file.stat()
        except OSError as error:
            raise ImageError(f"Cannot be read: {error.strerror}.", path=file) from error
        key = f"{file.absolute()}\0{stat.st_size}\0{stat.st_mtime_ns}\0{self.form}"
        name = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        return cache_dir() / "images" / name[:2] / f"{name}.npy"

    def _make_room(self, free: int, sharers: int) -> None:
        """Allow all pictures in memory, or say why not."""
        most = self._most_bytes() * sharers
        if most > 0.8 * free:
            LOGGER.warning(
                "cache='ram' may need %.1f GB and %.1f GB are free: only a part is kept.",
                most / 1e9,
                free / 1e9,
            )
            self.budget_bytes = int(0.6 * free / sharers)
        else:
            self.budget_bytes = most

    def _check_disk(self) -> None:
        """Keep copies on disk only where they all fit: a full disk would stop more than this training."""
        folder = cache_dir()
        while not folder.exists():
            folder = folder.parent
        free = shutil.disk_usage(folder).free
        if (most := self._most_bytes()) > 0.8 * free:
            LOGGER.warning(
                "cache='disk' may need %.1f GB and %.1f GB are free in %s: images are decoded every time instead.",
                most / 1e9,
                free / 1e9,
                folder,
            )
            self.kind = None

    def _most_bytes(self) -> int:
        """Return how many bytes all pictures need at most."""
        return len(self.files) * math.prod(self.frame) * self.channels


def resized_size(height: int, width: int, imgsz: int | tuple[int, int]) -> tuple[int, int]:
    """Return (height, width) that just fits: a longer side, or (height, width) of the frame; no side below one pixel."""
    most_h, most_w = _frame(imgsz)
    gain = min(most_h / height, most_w / width)
    return max(round(height * gain), 1), max(round(width * gain), 1)


def _frame(imgsz: int | tuple[int, int]) -> tuple[int, int]:
    return (imgsz, imgsz) if isinstance(imgsz, int) else imgsz
