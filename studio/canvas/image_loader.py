"""Reading pictures without holding up the window: in threads, the neighbours ahead of time, the last ones kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QSize, Signal
from PySide6.QtGui import QImage, QImageReader
from shiboken6 import isValid

from engine.data.images import check_image, read_image
from engine.runtime.errors import ImageError
from engine.runtime.log import LOGGER
from studio.canvas.pyramid import ImagePyramid, build_pyramid
from studio.widgets.thread_pools import shared_pool

_CACHE_BYTES = 768 * 2**20  # some 40 photographs of 5 megapixels, or one of 108 and its preview
_PREVIEW_FROM = 16_000_000  # pixels: smaller pictures are decoded before a preview would pay
_PREVIEW_SIDE = 1600
_WANTED, _AHEAD = 1, 0  # priorities in the pool
_EIGHT_BIT = frozenset(
    {
        QImage.Format.Format_RGB32,
        QImage.Format.Format_ARGB32,
        QImage.Format.Format_RGB888,
        QImage.Format.Format_RGBA8888,
        QImage.Format.Format_RGBX8888,
        QImage.Format.Format_Grayscale8,
        QImage.Format.Format_Indexed8,
        QImage.Format.Format_Mono,
        QImage.Format.Format_MonoLSB,
    }
)
_FileKey = tuple[Path, int, int]  # path, time of change, size: a changed file is another picture


@dataclass
class _Wishes:
    """What is wanted just now; the reading threads look before they begin."""

    shown: _FileKey | None = None
    ahead: frozenset[_FileKey] = frozenset()

    def __contains__(self, key: _FileKey) -> bool:
        return key == self.shown or key in self.ahead


class _Reports(QObject):
    """Carries results from a reading thread to the window's; outlives both ends."""

    preview = Signal(object, object)
    done = Signal(object, object)
    failed = Signal(object, object)

    def tell(self, what: str, key: _FileKey, result: object) -> None:
        """Emit one of the signals, unless the program has ended meanwhile."""
        if isValid(self):
            getattr(self, what).emit(key, result)


class ImageLoader(QObject):
    """Reads pictures upright, with a quick preview of very large ones.

    Signals:
        preview_ready(path, ImagePyramid): A coarse version; the full one follows.
        loaded(path, ImagePyramid): The picture.
        failed(path, ImageError): Why it cannot be shown, and what to do.
    """

    preview_ready = Signal(object, object)
    loaded = Signal(object, object)
    failed = Signal(object, object)

    def __init__(self, parent: QObject | None = None, cache_bytes: int = _CACHE_BYTES) -> None:
        super().__init__(parent)
        # Qt refuses more than 256 MB by default; a 12000 x 9000 photograph takes 432. What is absurd is refused by
        # its header already (engine.data.images).
        QImageReader.setAllocationLimit(0)
        self._pool = shared_pool("images", 2)
        self._cache: OrderedDict[_FileKey, ImagePyramid] = OrderedDict()
        self._cache_bytes = cache_bytes
        self._under_way: set[_FileKey] = set()
        self._wishes = _Wishes()
        self._reports = _Reports()
        self._reports.preview.connect(self._on_preview)
        self._reports.done.connect(self._on_done)
        self._reports.failed.connect(self._on_failed)

    def load(self, path: Path) -> ImagePyramid | None:
        """Ask for a picture.

        Returns:
            The picture where it is at hand; else None, and a signal follows.
        """
        key = _file_key(path)
        self._wishes.shown = key
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        self._start(key, _WANTED)
        return None

    def prefetch(self, paths: Iterable[Path]) -> None:
        """Read pictures that will probably be asked for next; those no longer named are left."""
        keys = [_file_key(path) for path in paths]
        self._wishes.ahead = frozenset(keys)
        for key in keys:
            if key not in self._cache:
                self._start(key, _AHEAD)

    def is_cached(self, path: Path) -> bool:
        """Tell whether a picture is at hand."""
        return _file_key(path) in self._cache

    def wait(self) -> None:
        """Wait until nothing is being read any more."""
        self._pool.waitForDone()

    def _start(self, key: _FileKey, priority: int) -> None:
        if key in self._under_way:
            return
        self._under_way.add(key)
        reports, wishes = (
            self._reports,
            self._wishes,
        )  # not self: a thread must not keep the loader alive
        self._pool.start(lambda: _work(key, reports, wishes), priority)

    def _on_preview(self, key: _FileKey, pyramid: ImagePyramid) -> None:
        if key == self._wishes.shown:
            self.preview_ready.emit(key[0], pyramid)

    def _on_done(self, key: _FileKey, pyramid: ImagePyramid | None) -> None:
        self._under_way.discard(key)
        if pyramid is None:  # skipped while nobody wanted it; somebody may want it again by now
            if key in self._wishes:
                self._start(key, _WANTED if key == self._wishes.shown else _AHEAD)
            return
        self._cache[key] = pyramid
        self._shrink_cache()
        if key == self._wishes.shown:
            self.loaded.emit(key[0], pyramid)

    def _on_failed(self, key: _FileKey, error: ImageError) -> None:
        self._under_way.discard(key)
        if key == self._wishes.shown:
            self.failed.emit(key[0], error)

    def _shrink_cache(self) -> None:
        held = sum(pyramid.byte_count for pyramid in self._cache.values())
        for key in list(self._cache):
            if held <= self._cache_bytes:
                return
            if key != self._wishes.shown:
                held -= self._cache.pop(key).byte_count


def read_qimage(path: Path) -> QImage:
    """Read a picture upright, 8 bits a channel, with the same pixels that training sees.

    Raises:
        ImageError: It is missing, damaged, or no image.
    """
    check_image(path)
    return _decode(path)


def _decode(path: Path) -> QImage:
    reader = QImageReader(str(path))
    reader.setDecideFormatFromContent(True)  # a suffix may lie
    reader.setAutoTransform(True)
    if reader.imageFormat() in _EIGHT_BIT:
        image = reader.read()
        if not image.isNull():
            return image
        LOGGER.debug("%s: Qt cannot read it (%s)", path, reader.errorString())
    return _from_bgr(read_image(path))


def _read_preview(path: Path) -> tuple[QImage, tuple[int, int]] | None:
    """Read a very large JPEG coarsely, which takes a tenth of the time.

    Returns:
        The small picture and the full size (width, height); None where a preview would not pay.
    """
    reader = QImageReader(str(path))
    reader.setDecideFormatFromContent(True)
    reader.setAutoTransform(True)
    size = reader.size()
    if reader.format().data() != b"jpeg" or size.width() * size.height() < _PREVIEW_FROM:
        return None
    shrink = _PREVIEW_SIDE / max(size.width(), size.height())
    reader.setScaledSize(QSize(round(size.width() * shrink), round(size.height() * shrink)))
    small = reader.read()
    if small.isNull():
        return None
    turned = (small.width() > small.height()) != (size.width() > size.height())
    full = (size.height(), size.width()) if turned else (size.width(), size.height())
    return small, full


def _work(key: _FileKey, reports: _Reports, wishes: _Wishes) -> None:
    """Read one picture in a thread and report."""
    path = key[0]
    if key not in wishes:  # asked for ahead, and passed by before its turn came
        reports.tell("done", key, None)
        return
    try:
        check_image(path)
        preview = _read_preview(path)
        if preview is not None:
            reports.tell("preview", key, build_pyramid(*preview))
        reports.tell("done", key, build_pyramid(_decode(path)))
    except ImageError as error:
        reports.tell("failed", key, error)
    except MemoryError:
        text = "The image does not fit into memory."
        reports.failed.emit(
            key, ImageError(text, path=path, remedy="Close other programs, or tile it.")
        )


def _file_key(path: Path) -> _FileKey:
    try:
        facts = path.stat()
    except OSError:
        return path, 0, 0
    return path, facts.st_mtime_ns, facts.st_size


def _from_bgr(array: np.ndarray) -> QImage:
    """Return a picture of its own memory from (H, W, 3) uint8 BGR."""
    height, width = array.shape[:2]
    packed = np.ascontiguousarray(array)
    return QImage(packed.data, width, height, 3 * width, QImage.Format.Format_BGR888).copy()
