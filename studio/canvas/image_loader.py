"""Reading pictures without holding up the window: in threads, the neighbours ahead of time, the last ones kept.

What is too large for memory is written to disk as tiles once, which takes some seconds, tells how far it is and can be stopped.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PySide6.QtCore import QObject, QSize, QTimer, Signal
from PySide6.QtGui import QImage, QImageReader

from engine.data.image_headers import Header
from engine.data.images import check_image, read_image, read_image_header, read_samples
from engine.runtime.errors import ImageError
from engine.runtime.log import LOGGER
from engine.runtime.paths import cache_dir
from studio.canvas.pyramid import build_pyramid, qimage_of
from studio.canvas.samples import Picture, build_samples
from studio.canvas.tiled import TiledPicture, TiledSource, read_source
from studio.language import tr
from studio.storage.big_images import Pyramid, PyramidCache, StoppedError, count_pages, read_page
from studio.widgets.in_window import in_window
from studio.widgets.thread_pools import shared_pool

_CACHE_BYTES = 768 * 2**20  # some 40 photographs of 5 megapixels, or one of 108 and its preview
_PREVIEW_FROM = 16_000_000  # pixels: smaller pictures are decoded before a preview would pay
_PREVIEW_SIDE = 1600
_WHOLE_BYTES = 512 << 20  # a picture that takes more is read by tiles
_WANTED, _AHEAD = 1, 0  # priorities in the pool
_AHEAD_MS = 60  # until the picture on the canvas is painted, which needs the cores that reading ahead would take
_TOLD_EACH_S = 0.05
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
_FileKey = tuple[
    Path, int, int, int
]  # path, time of change, size, page: a changed file is another picture
_What = Literal["preview", "done", "failed", "huge", "progress"]
_Tell = Callable[[_What, _FileKey, object], None]  # from a reading thread to the window's


@dataclass
class _Wishes:
    """What is wanted just now; the reading threads look before they begin, and while a huge picture is prepared.

    Attributes:
        shown: The picture on the canvas.
        ahead: Those that will probably be next.
        refused: Huge ones whose preparation the person has stopped.
        urgent: A huge one on the canvas that waits: those of ahead make way.
    """

    shown: _FileKey | None = None
    ahead: frozenset[_FileKey] = frozenset()
    refused: set[_FileKey] = field(default_factory=set)
    urgent: _FileKey | None = None

    def __contains__(self, key: _FileKey) -> bool:
        return key == self.shown or key in self.ahead

    def goes_on(self, key: _FileKey) -> bool:
        """Tell whether a huge picture is still to be prepared."""
        makes_way = self.urgent is not None and self.urgent != key
        return key in self and key not in self.refused and not makes_way


class ImageLoader(QObject):
    """Reads pictures upright, with a quick preview of very large ones.

    Signals:
        preview_ready(path, Picture): A coarse version; the full one follows.
        loaded(path, Picture): The picture.
        failed(path, ImageError): Why it cannot be shown, and what to do.
        progress(path, float): Share (0..1) of a huge picture that has been prepared.
    """

    preview_ready = Signal(object, object)
    loaded = Signal(object, object)
    failed = Signal(object, object)
    progress = Signal(object, float)

    def __init__(self, parent: QObject | None = None, cache_bytes: int = _CACHE_BYTES) -> None:
        super().__init__(parent)
        # Qt refuses more than 256 MB by default; a 12000 x 9000 photograph takes 432. What is absurd is refused by
        # its header already (engine.data.images).
        QImageReader.setAllocationLimit(0)
        self._pool = shared_pool("images", 2)
        self._preparing = shared_pool("pyramids", 1)
        self._pyramids = PyramidCache(cache_dir() / "pyramids")
        self._cache: OrderedDict[_FileKey, Picture] = OrderedDict()
        self._cache_bytes = cache_bytes
        self._under_way: set[_FileKey] = set()
        self._next: list[_FileKey] = []  # to be read ahead when the shown one has been painted
        self._ahead = QTimer(self)
        self._ahead.setSingleShot(True)
        self._ahead.setInterval(_AHEAD_MS)
        self._ahead.timeout.connect(self._start_ahead)
        self._wishes = _Wishes()
        self._tell: _Tell = in_window(self._on_told)

    def set_pyramids(self, pyramids: PyramidCache) -> None:
        """Keep the tiles of huge pictures here."""
        self._pyramids = pyramids

    def load(self, path: Path, page: int = 0) -> Picture | None:
        """Ask for a picture, of a file with several pages for one of them.

        Returns:
            The picture where it is at hand; else None, and a signal follows.
        """
        key = _file_key(path, page)
        self._wishes.shown, self._wishes.urgent = key, None
        self._wishes.refused.discard(key)
        if key in self._cache:
            self._cache.move_to_end(key)
            return self._cache[key]
        self._start(key, _WANTED)
        return None

    def release(self) -> None:
        """Show nothing: what was being read for the canvas is not wanted any more."""
        self._wishes.shown = self._wishes.urgent = None

    def stop(self) -> None:
        """Give up preparing the huge picture on the canvas; ``failed`` follows."""
        if self._wishes.shown is not None:
            self._wishes.refused.add(self._wishes.shown)

    def prefetch(self, paths: Iterable[Path]) -> None:
        """Read pictures that will probably be asked for next; those no longer named are left."""
        keys = [_file_key(path) for path in paths]
        self._wishes.ahead = frozenset(keys)
        self._next = [key for key in keys if key not in self._cache]
        self._go_on()

    def is_cached(self, path: Path) -> bool:
        """Tell whether a picture is at hand."""
        return _file_key(path) in self._cache

    def held_bytes(self) -> int:
        """Return the memory that the pictures at hand take."""
        return sum(picture.byte_count for picture in self._cache.values())

    def wait(self) -> None:
        """Wait until nothing is being read any more, nor to be read ahead."""
        self._ahead.stop()
        self._start_ahead()
        self._pool.waitForDone()
        self._preparing.waitForDone()

    def _start(self, key: _FileKey, priority: int) -> None:
        if key in self._under_way:
            return
        self._under_way.add(key)
        work = partial(_work, key, self._tell, self._wishes, self._pyramids)
        self._pool.start(work, priority)

    def _start_ahead(self) -> None:
        """Read what is wanted next; not while the picture on the canvas needs both cores."""
        for key in self._next:
            if key not in self._cache:
                self._start(key, _AHEAD)
        self._next = []

    def _on_told(self, what: _What, key: _FileKey, result: Any) -> None:
        """Take what a thread tells."""
        take: dict[_What, Callable[[_FileKey, Any], None]] = {
            "preview": self._on_preview,
            "done": self._on_done,
            "failed": self._on_failed,
            "huge": self._on_huge,
            "progress": self._on_progress,
        }
        take[what](key, result)

    def _on_huge(self, key: _FileKey, pages: int) -> None:
        """A huge picture has no tiles on disk yet: make them, one picture at a time."""
        is_shown = key == self._wishes.shown
        if is_shown:
            self._wishes.urgent = key
            self.progress.emit(key[0], 0.0)
        work = partial(_prepare, key, pages, self._tell, self._wishes, self._pyramids)
        self._preparing.start(work, _WANTED if is_shown else _AHEAD)

    def _on_progress(self, key: _FileKey, share: float) -> None:
        if key == self._wishes.shown:
            self.progress.emit(key[0], share)

    def _on_preview(self, key: _FileKey, picture: Picture) -> None:
        if key == self._wishes.shown:
            self.preview_ready.emit(key[0], picture)

    def _on_done(self, key: _FileKey, result: Picture | TiledSource | None) -> None:
        self._under_way.discard(key)
        if key == self._wishes.urgent:
            self._wishes.urgent = None
        if result is None:  # skipped while nobody wanted it; somebody may want it again by now
            if key in self._wishes:
                self._start(key, _WANTED if key == self._wishes.shown else _AHEAD)
            self._go_on()
            return
        picture = TiledPicture(result) if isinstance(result, TiledSource) else result
        self._cache[key] = picture
        self._shrink_cache()
        if key == self._wishes.shown:
            self.loaded.emit(key[0], picture)
        self._go_on()

    def _on_failed(self, key: _FileKey, error: ImageError) -> None:
        self._under_way.discard(key)
        if key == self._wishes.urgent:
            self._wishes.urgent = None
        if key == self._wishes.shown:
            self.failed.emit(key[0], error)
        self._go_on()

    def _go_on(self) -> None:
        if self._next and self._wishes.shown not in self._under_way:
            self._ahead.start()

    def _shrink_cache(self) -> None:
        held = self.held_bytes()
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
    is_jpeg = reader.format().data() == b"jpeg"  # OpenCV's reader takes half the time of Qt's
    if not is_jpeg and reader.imageFormat() in _EIGHT_BIT:
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


def _work(key: _FileKey, tell: _Tell, wishes: _Wishes, pyramids: PyramidCache) -> None:
    """Read one picture in a thread and report."""
    path, page = key[0], key[3]
    if key not in wishes:  # asked for ahead, and passed by before its turn came
        tell("done", key, None)
        return
    try:
        header = read_image_header(path)
        if is_huge(header):
            pages = count_pages(path)
            if (kept := pyramids.find(path, page)) is not None:
                tell("done", key, read_source(kept, pages, page))
                return
            _tell_preview(key, tell)
            tell("huge", key, pages)
            return
        if header.kind != "tiff" and not header.deep:
            check_image(path)
            _tell_preview(key, tell)
            made: Picture = build_pyramid(_decode(path))
        else:
            made = _read_deep(path, page)
        _ = made.facts  # worked out here, not in the window's thread
        tell("done", key, made)
    except ImageError as error:
        tell("failed", key, error)
    except MemoryError:
        text = tr("The image does not fit into memory.")
        tell(
            "failed",
            key,
            ImageError(text, path=path, remedy=tr("Close other programs, or tile it.")),
        )


def _prepare(
    key: _FileKey, pages: int, tell: _Tell, wishes: _Wishes, pyramids: PyramidCache
) -> None:
    """Write the tiles of a huge picture in a thread and report."""
    path, page = key[0], key[3]
    told_at = 0.0

    def on_progress(share: float) -> bool:
        nonlocal told_at
        if time.monotonic() - told_at > _TOLD_EACH_S:
            told_at = time.monotonic()
            tell("progress", key, share)
        return wishes.goes_on(key)

    try:
        made: Pyramid | None = pyramids.find(path, page)
        if made is None and wishes.goes_on(key):
            made = pyramids.make(path, page, on_progress)
        source = None if made is None else read_source(made, pages, page)
    except StoppedError:
        source = None
    except ImageError as error:
        tell("failed", key, error)
        return
    if source is None and key in wishes.refused:
        text = tr("Preparing this very large image was stopped.")
        remedy = tr("Go to another image and back to begin again.")
        tell("failed", key, ImageError(text, path=path, remedy=remedy))
    else:
        tell("done", key, source)


def is_huge(header: Header) -> bool:
    """Tell whether a picture takes too much memory to be held as a whole."""
    return header.colour_pixels * (6 if header.deep else 4) > _WHOLE_BYTES


def _read_deep(path: Path, page: int) -> Picture:
    """Read a picture that may have more than 8 bits, or more than one page."""
    pages = count_pages(path)
    samples = read_samples(path) if page == 0 else read_page(path, page)
    if samples.dtype == np.uint8 and samples.shape[2] in (1, 3):
        grey = samples.shape[2] == 1
        image = qimage_of(samples[..., 0] if grey else samples)
        return build_pyramid(image, None, pages, page)
    return build_samples(samples, pages, page)


def _tell_preview(key: _FileKey, tell: _Tell) -> None:
    preview = _read_preview(key[0]) if key[3] == 0 else None
    if preview is not None:
        tell("preview", key, build_pyramid(*preview))


def _file_key(path: Path, page: int = 0) -> _FileKey:
    try:
        facts = path.stat()
    except OSError:
        return path, 0, 0, page
    return path, facts.st_mtime_ns, facts.st_size, page


def _from_bgr(array: np.ndarray) -> QImage:
    """Return a picture of its own memory from (H, W, 3) uint8 BGR."""
    import cv2

    return qimage_of(cv2.cvtColor(array, cv2.COLOR_BGR2BGRA))
