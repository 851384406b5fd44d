"""A huge picture on the canvas: the tiles in view are read from disk by a thread, coarser ones stand in until they are there."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PySide6.QtCore import QObject, QRectF, Signal
from PySide6.QtGui import QPainter

from engine.runtime.errors import ImageError
from engine.runtime.log import LOGGER
from studio.canvas.samples import Box, draw_levels
from studio.canvas.tone import describe
from studio.model.display import NEUTRAL, Display, PictureFacts
from studio.storage.big_images import TILE, Pyramid
from studio.widgets.in_window import in_window
from studio.widgets.thread_pools import shared_pool

_KEPT_BYTES = 384 << 20  # of tiles: more than a large screen shows at once, at any depth
_MISSING_KEPT = 256  # tiles that are asked for; those wanted longest ago are forgotten
_WHOLE_SIDE = 1024  # the largest level that is always in memory
_Key = tuple[int, int, int]  # level, column, row


@dataclass(frozen=True)
class TiledSource:
    """What is worked out of a huge picture before it is shown.

    Attributes:
        pyramid: The picture on disk.
        whole: The largest level that is always in memory.
        coarse: That level, (H, W, C).
        facts: What there is to see of the picture.
    """

    pyramid: Pyramid
    whole: int
    coarse: np.ndarray
    facts: PictureFacts


def read_source(pyramid: Pyramid, pages: int = 1, page: int = 0) -> TiledSource:
    """Read what is always in memory; call it off the window's thread."""
    fitting = (n for n, size in enumerate(pyramid.sizes_wh) if max(size) <= _WHOLE_SIDE)
    whole = next(fitting, len(pyramid.sizes_wh) - 1)
    coarse = pyramid.read(whole, 0, 0, *pyramid.sizes_wh[whole])
    return TiledSource(pyramid, whole, coarse, describe(coarse, pages, page))


class TiledPicture(QObject):
    """A picture of which only tiles are in memory; it lives in the window's thread.

    Signals:
        arrived(QRectF): Tiles of this part of the picture (image pixels) can be drawn sharply now.

    Args:
        source: The picture on disk; from now on only this object reads it.
        kept_bytes: Memory for tiles.
    """

    arrived = Signal(object)

    def __init__(self, source: TiledSource, kept_bytes: int = _KEPT_BYTES) -> None:
        super().__init__()
        self._pyramid = source.pyramid
        self.sizes_wh: Sequence[tuple[int, int]] = source.pyramid.sizes_wh
        self.facts = source.facts
        self._whole, self._coarse = source.whole, source.coarse
        self._tiles: OrderedDict[_Key, np.ndarray] = OrderedDict()
        self._kept_bytes = kept_bytes
        self._held_bytes = 0
        self._missing: OrderedDict[_Key, None] = OrderedDict()  # the most urgent last
        self._reading: _Key | None = None
        self._tell = in_window(self._on_read)
        self._pool = shared_pool("tiles", 1)

    @property
    def size_wh(self) -> tuple[int, int]:
        """Size of the picture in pixels."""
        return self.sizes_wh[0]

    @property
    def byte_count(self) -> int:
        """Memory that the tiles take just now."""
        return self._held_bytes + self._coarse.nbytes

    @property
    def is_preview(self) -> bool:
        """Every part of it can be had."""
        return False

    @property
    def is_settled(self) -> bool:
        """Whether all tiles that were asked for are there."""
        return not self._missing and self._reading is None

    def forget_wishes(self) -> None:
        """Read no tile any more that was asked for until now: another zoom needs others."""
        self._missing.clear()

    def draw(
        self,
        painter: QPainter,
        target: QRectF,
        source: QRectF,
        scale: float,
        display: Display = NEUTRAL,
    ) -> None:
        """Draw a part of the picture, coarsely where its tiles are still to be read."""
        draw_levels(self, painter, target, source, scale, display, self.facts)
        self._pump()

    def crop(self, x1: int, y1: int, x2: int, y2: int) -> np.ndarray:
        """Return the samples of a part of the picture, coarse where its tiles are still to be read."""
        part = self.part(0, (x1, y1, x2, y2))
        self._pump()
        return part

    def part(self, level: int, box: Box) -> np.ndarray:
        """Return a part of a level, put together from its tiles."""
        x1, y1, x2, y2 = box
        if level >= self._whole:
            return _reduced(self._coarse, self.sizes_wh[level], box)
        result = np.empty((y2 - y1, x2 - x1, self._coarse.shape[2]), self._coarse.dtype)
        for row in range(y1 // TILE, (y2 - 1) // TILE + 1):
            for column in range(x1 // TILE, (x2 - 1) // TILE + 1):
                left, top = column * TILE, row * TILE
                cut = max(left, x1), max(top, y1), min(left + TILE, x2), min(top + TILE, y2)
                tile = self._tiles.get((level, column, row))
                if tile is None:
                    self._want((level, column, row))
                    content = self._stand_in(level, cut)
                else:
                    self._tiles.move_to_end((level, column, row))
                    content = tile[cut[1] - top : cut[3] - top, cut[0] - left : cut[2] - left]
                result[cut[1] - y1 : cut[3] - y1, cut[0] - x1 : cut[2] - x1] = content
        return result

    def _stand_in(self, level: int, box: Box) -> np.ndarray:
        """Return a part of a level from the finest coarser tile at hand."""
        width, height = self.sizes_wh[level]
        for coarser in range(level + 1, self._whole):
            across, down = self.sizes_wh[coarser]
            shrink_x, shrink_y = across / width, down / height
            column, row = int(box[0] * shrink_x) // TILE, int(box[1] * shrink_y) // TILE
            tile = self._tiles.get((coarser, column, row))
            if tile is not None:
                xs = _columns(box[0], box[2], shrink_x, column * TILE, tile.shape[1])
                ys = _columns(box[1], box[3], shrink_y, row * TILE, tile.shape[0])
                return tile[ys][:, xs]
        return _enlarged(self._coarse, (width, height), box)

    def _want(self, key: _Key) -> None:
        if key != self._reading:
            self._missing[key] = None
            self._missing.move_to_end(key)
            if len(self._missing) > _MISSING_KEPT:
                self._missing.popitem(last=False)

    def _pump(self) -> None:
        """Let the thread read the tile that was wanted last: it is in view."""
        if self._reading is not None or not self._missing:
            return
        key, _ = self._missing.popitem()
        self._reading = key
        box = _tile_box(key, self.sizes_wh[key[0]])
        self._pool.start(partial(_read, self._pyramid, key, box, self._tell))

    def _on_read(self, key: _Key, tile: np.ndarray | None) -> None:
        self._reading = None
        if tile is not None:
            self._tiles[key] = tile
            self._held_bytes += tile.nbytes
            while self._held_bytes > self._kept_bytes and len(self._tiles) > 1:
                _, old = self._tiles.popitem(last=False)
                self._held_bytes -= old.nbytes
            x1, y1, x2, y2 = _tile_box(key, self.sizes_wh[key[0]])
            grow = self.size_wh[0] / self.sizes_wh[key[0]][0]
            self.arrived.emit(QRectF(x1 * grow, y1 * grow, (x2 - x1) * grow, (y2 - y1) * grow))
        self._pump()


def _read(pyramid: Pyramid, key: _Key, box: Box, tell: Callable[..., None]) -> None:
    """Read a tile in the thread."""
    try:
        tile = pyramid.read(key[0], *box)
    except ImageError as error:
        LOGGER.warning("%s", error)
        tile = None
    tell(key, tile)


def _tile_box(key: _Key, size_wh: tuple[int, int]) -> Box:
    _, column, row = key
    x1, y1 = column * TILE, row * TILE
    return x1, y1, min(x1 + TILE, size_wh[0]), min(y1 + TILE, size_wh[1])


def _columns(first: int, last: int, shrink: float, offset: int, count: int) -> np.ndarray:
    """Return which columns (or rows) of a coarser tile stand in for those from ``first`` to ``last``."""
    places = ((np.arange(first, last) + 0.5) * shrink).astype(np.int64) - offset
    return np.clip(places, 0, count - 1)


def _enlarged(coarse: np.ndarray, size_wh: tuple[int, int], box: Box) -> np.ndarray:
    """Return a part of a level of ``size_wh`` from the coarse picture of the whole."""
    xs = _columns(box[0], box[2], coarse.shape[1] / size_wh[0], 0, coarse.shape[1])
    ys = _columns(box[1], box[3], coarse.shape[0] / size_wh[1], 0, coarse.shape[0])
    return coarse[ys][:, xs]


def _reduced(coarse: np.ndarray, size_wh: tuple[int, int], box: Box) -> np.ndarray:
    """Return a part of a level that is as small as the coarse picture or smaller."""
    x1, y1, x2, y2 = box
    if coarse.shape[1::-1] == tuple(size_wh):
        return coarse[y1:y2, x1:x2]
    return _enlarged(coarse, size_wh, box)
