"""All shapes that lie still, painted once into tiles: panning copies them, zooming stretches them until new ones are there.

Few shapes are painted at once, in the frame that needs them. Many are painted by a thread, the middle of the canvas
first; until a tile arrives the last sharp view or a coarse overview of the whole picture stands in, stretched. After an edit
only the rectangle that it touched is painted again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtCore import QObject, QPoint, QPointF, QRect, QRectF, QTimer, Signal
from PySide6.QtGui import QImage, QPainter, QRegion

from studio.canvas.label_content import (
    MARGIN,
    SHAPE_COST,
    Bounds,
    Content,
    Source,
    gather,
    is_crowded,
)
from studio.canvas.label_tile import (
    TILE_SIDE,
    Job,
    Tile,
    TileWorker,
    paint_sheet,
    repaint,
)
from studio.canvas.sheet import Sheet
from studio.canvas.styles import Styles
from studio.canvas.tags import Tags
from studio.canvas.viewport import Viewport
from studio.widgets.in_window import in_window
from studio.widgets.thread_pools import shared_pool

AT_ONCE = 2000  # vertices: about 8 ms of painting, half a frame
# Of a picture that was just opened: nothing moves yet, and all is there in one frame.
_AT_FIRST = 3000
_OVERVIEW_SIDE = 2048  # logical pixels
_TILES_KEPT = 96  # of 1 MB
_SETTLE_S = 0.06  # while the wheel turns, tiles of this moment's zoom would be wasted
_MANY_BOXES = 64  # to look through them for each tile would take longer than to paint everything
_TAG_MARGIN = 220  # device pixels beyond the picture that tags may take
_Key = tuple[int, int]


@dataclass
class _Snapshot:
    """The layer as it was when it was last sharp."""

    image: QImage
    rect: QRectF  # image pixels


class LabelLayer(QObject):
    """The still shapes.

    Signals:
        updated(QRect): A part was painted; device pixels at the scale in force, counted from the picture's corner.
    """

    updated = Signal(object)

    def __init__(
        self, own: Source, below: Iterable[Source] = (), parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._own = own
        self._sources = (*below, own)
        self._styles = Styles()
        self._tags = Tags()
        self._tags_shown = True
        self._hidden: frozenset[int] = frozenset()
        self._tiles: dict[_Key, Tile] = {}
        self._overview: Tile | None = None
        self._snapshot: _Snapshot | None = None
        self._viewport = Viewport()
        self._scale = 0.0
        self._revision = 0
        self._weighed_at, self._heavy = -1, False
        self._scaled_at = 0.0
        self._seen: tuple[tuple[float, ...], list[_Key]] = (), []
        self._job: Job | None = None
        self._worker = TileWorker(in_window(self._on_done))
        self._pool = shared_pool("labels", 1)
        self._later = QTimer(self)
        self._later.setSingleShot(True)
        self._later.timeout.connect(self._on_rest)

    # -- what is shown -------------------------------------------------------

    def set_styles(self, styles: Styles) -> None:
        """Use other colours, names or pen widths."""
        if styles.pixel_ratio != self._styles.pixel_ratio:
            self._tags = Tags(styles.pixel_ratio)
        self._styles = styles
        self.invalidate_all()

    @property
    def tags(self) -> Tags:
        """What measures the name tags."""
        return self._tags

    @property
    def tags_shown(self) -> bool:
        """Whether name tags are shown."""
        return self._tags_shown

    def set_tags_shown(self, shown: bool) -> None:
        """Show or hide the name tags."""
        if shown != self._tags_shown:
            self._tags_shown = shown
            self.invalidate_all()

    def set_hidden(self, shape_ids: Iterable[int]) -> None:
        """Leave these shapes out: they are being dragged and drawn live."""
        hidden = frozenset(shape_ids)
        if hidden == self._hidden:
            return
        changed, self._hidden = hidden ^ self._hidden, hidden
        entries = (self._own.scene.entry(shape_id) for shape_id in changed)
        self.invalidate(entry.bounds for entry in entries if entry is not None)

    def invalidate(self, boxes: Iterable[Bounds]) -> None:
        """Paint anew what lies in these boxes (image pixels): shapes changed there."""
        boxes = list(boxes)
        if len(boxes) > _MANY_BOXES:
            self.invalidate_all()
            return
        self._revision += 1
        for box in boxes:
            for tile in self._all_tiles():
                if self._grown(box, tile.scale).intersects(QRectF(tile.rect)):
                    tile.dirty.append((self._revision, box))
                    tile.deferred = False

    def invalidate_all(self) -> None:
        """Paint everything anew; what is there stays until it is replaced."""
        self._revision += 1
        for tile in self._all_tiles():
            tile.dirty = [(self._revision, tile.image_rect())]
            tile.deferred = False

    def clear(self) -> None:
        """Forget everything: another picture."""
        self._revision += 1
        self._drop_job()
        self._tiles.clear()
        self._overview = self._snapshot = None

    def is_clean(self, box: Bounds) -> bool:
        """Tell whether a box (image pixels) shows the shapes as they are, as far as it is in view."""
        keys = self._keys_in(self._grown(box, self._scale).toAlignedRect() & self._view_rect())
        return all(key in self._tiles and self._tiles[key].is_clean for key in keys)

    def clean_region(self) -> QRegion:
        """Return where the canvas shows the shapes as they are, in device pixels."""
        region = QRegion()
        for key in self._visible_keys():
            if key in self._tiles and self._tiles[key].is_clean:
                region += _tile_rect(key).translated(*self._viewport.origin)
        return region

    def is_covered(self) -> bool:
        """Tell whether every shape in view shows, sharp or as a draft."""
        drafted = self._overview is not None and self._overview.image is not None
        painted = (key in self._tiles and self._tiles[key].image for key in self._visible_keys())
        return drafted or all(painted)

    def is_settled(self, viewport: Viewport) -> bool:
        """Tell whether all that a viewport shows was painted, sharp and up to date."""
        if viewport.scale != self._scale or viewport.origin != self._viewport.origin:
            return False
        return all(key in self._tiles and self._tiles[key].is_clean for key in self._visible_keys())

    # -- painting ------------------------------------------------------------

    def paint(self, painter: QPainter, viewport: Viewport) -> None:
        """Draw the layer with a painter in the canvas's device pixels; begin what is missing."""
        if viewport.scale != self._scale:
            self._rescale(viewport)
        self._viewport = replace(viewport)  # a copy: the view goes on changing its own
        self._refresh()
        left, top = viewport.origin
        missing = QRegion()
        for key in self._visible_keys():
            tile = self._tiles.get(key)
            if tile is None or tile.image is None:
                missing += _tile_rect(key).translated(left, top)
            else:
                painter.drawImage(tile.rect.topLeft() + QPoint(left, top), tile.image)
        if not missing.isEmpty():
            self._paint_stand_in(painter, missing)
        self._pump()

    def _paint_stand_in(self, painter: QPainter, where: QRegion) -> None:
        """Draw the last sharp view, and the overview around it, where tiles are missing: coarsely while the wheel turns."""
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, self._unsettled_s() <= 0)
        if self._snapshot is not None:
            target = self._to_view(self._snapshot.rect)
            inner = QRegion(target.toAlignedRect())
            painter.setClipRegion(where & inner)
            painter.drawImage(target, self._snapshot.image)
            where = where - inner
        if self._overview is not None and self._overview.image is not None:
            tile = self._overview
            painter.setClipRegion(where)
            x1, y1, x2, y2 = tile.image_rect()
            painter.drawImage(self._to_view(QRectF(x1, y1, x2 - x1, y2 - y1)), self._overview.image)
        painter.restore()

    def _rescale(self, viewport: Viewport) -> None:
        self._keep_snapshot()
        # What is being painted is of no use any more, but for the overview while nothing else can stand in.
        if self._job is not None and not (self._job.is_draft and self._snapshot is None):
            self._drop_job()
        self._tiles.clear()
        self._scale = viewport.scale
        self._scaled_at = time.monotonic()

    def _keep_snapshot(self) -> None:
        keys = self._visible_keys()
        tiles = [self._tiles[key] for key in keys if key in self._tiles]
        painted = [(tile, tile.image) for tile in tiles if tile.image is not None]
        if not painted or len(painted) < len(keys):
            return
        covered = QRect()
        for tile, _ in painted:
            covered |= tile.rect
        seen = covered & self._view_rect()
        image = QImage(seen.size(), QImage.Format.Format_ARGB32_Premultiplied)
        painter = QPainter(image)
        # Copied, not blended, onto memory that was not cleared: tiles lie side by side and leave no gap.
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Source)
        for tile, content in painted:
            painter.drawImage(tile.rect.topLeft() - seen.topLeft(), content)
        painter.end()
        corners = seen.x(), seen.y(), seen.width(), seen.height()
        self._snapshot = _Snapshot(image, QRectF(*(value / self._scale for value in corners)))

    # -- tiles ---------------------------------------------------------------

    def _refresh(self) -> None:
        """Paint at once what is little work; leave the rest to the thread."""
        visible = self._visible_keys()
        missing = [key for key in visible if key not in self._tiles]
        is_new = not self._tiles and self._snapshot is None
        budget = _AT_FIRST if is_new else AT_ONCE
        if missing and (cost := self._paint_together(missing, budget)) <= budget:
            budget -= cost
            self._drop_far_tiles()
        tiles = [self._tiles[key] for key in visible if key in self._tiles]
        for tile in (*tiles, *([self._overview] if self._overview else [])):
            if tile.image is not None and tile.dirty and not tile.deferred:
                budget -= self._repaint_dirty(tile, budget)

    def _paint_together(self, keys: Sequence[_Key], limit: int) -> int:
        """Paint tiles as one sheet and cut it, so that no shape is painted twice; return what that costs.

        Where it costs more than the limit nothing is painted, and some number above the limit is returned.
        """
        columns, rows = zip(*keys, strict=True)
        whole = _tile_rect((min(columns), min(rows))) | _tile_rect((max(columns), max(rows)))
        if is_crowded(self._sources, QRectF(whole), self._scale, limit + self._hidden_cost):
            return limit + 1
        cost = self._content(self._scale, QRectF(whole), tagged=False).cost(limit)
        if cost > limit:
            return cost
        sheet, content = Sheet(whole), self._content(self._scale, QRectF(whole))
        tags = content.tags(self._tags)
        paint_sheet(sheet, self._scale, content.drawables(), tags, self._tags.pen())
        is_only = not self._tiles  # else a last tile of each of many sheets would keep all of them
        for tile in map(self._tile, keys):
            part = sheet.cut(tile.rect)
            tile.image = part if is_only else part.copy()
        return cost

    def _repaint_dirty(self, tile: Tile, budget: int) -> int:
        """Paint what has changed in a tile if the budget allows it; returns what it cost."""
        part = QRectF()
        for _, box in tile.dirty:
            part |= self._grown(box, tile.scale)
        part &= QRectF(tile.rect)
        crowded = is_crowded(self._sources, part, tile.scale, budget + self._hidden_cost)
        cost = budget + 1 if crowded else self._content(tile.scale, part, tagged=False).cost(budget)
        if cost > budget:
            tile.deferred = True
            return 0
        self._repaint(tile, part.toAlignedRect() & tile.rect)
        tile.dirty.clear()
        return cost

    @property
    def _hidden_cost(self) -> int:
        """What painting the shapes would cost that the scene shows but this layer leaves out."""
        return SHAPE_COST * len(self._hidden)

    def _repaint(self, tile: Tile, part: QRect) -> None:
        content = self._content(tile.scale, QRectF(part))
        repaint(tile, part, content.drawables(), content.tags(self._tags), self._tags.pen())

    def _content(self, scale: float, part: QRectF, *, tagged: bool = True) -> Content:
        """Return what lies in a part of the layer, device pixels at a scale."""
        reach = self._tags.reach() if tagged and self._tags_shown else None
        return gather(self._sources, part, scale, self._styles, reach, self._hidden)

    def _grown(self, box: Bounds, scale: float) -> QRectF:
        """Return the device pixels at ``scale`` that a shape in ``box`` can touch with halo and tag."""
        x1, y1, x2, y2 = (value * scale for value in box)
        margin = MARGIN * self._styles.pixel_ratio
        reach_x, reach_y = self._tags.reach()
        left, top = x1 - margin - 2, y1 - reach_y - margin
        right, bottom = max(x2, x1 + reach_x) + margin, y2 + margin
        return QRectF(left, top, right - left, bottom - top)

    def _all_tiles(self) -> list[Tile]:
        return [*self._tiles.values(), *([self._overview] if self._overview else [])]

    # -- the thread's work ---------------------------------------------------

    def _pump(self) -> None:
        """Give the thread its next tile: a first overview of many shapes, then in view, the overview, around the view."""
        if self._job is not None:
            return
        wait_s = self._unsettled_s()
        tile = self._next_tile()
        if tile is None:
            return
        if wait_s > 0 and tile is not self._overview:
            self._later.start(round(wait_s * 1000) + 1)
            return
        is_draft = tile is self._overview
        job = Job(
            tile,
            self._content(tile.scale, QRectF(tile.rect), tagged=not is_draft),
            self._tags.pen(),
            self._revision,
            is_draft=is_draft,
            pixel_ratio=self._styles.pixel_ratio,
        )
        self._job = job
        self._pool.start(partial(self._worker.run, job))

    def _unsettled_s(self) -> float:
        """Return how long the wheel has to rest still until the zoom counts as chosen."""
        return self._scaled_at + _SETTLE_S - time.monotonic()

    def _on_rest(self) -> None:
        self.updated.emit(self._view_rect())  # the stand-in once more, smoothly
        self._pump()

    def _next_tile(self) -> Tile | None:
        keys = self._visible_keys()
        stale = [key for key in keys if key not in self._tiles or not self._tiles[key].is_clean]
        if stale and self._has_nothing_to_show(stale) and self._is_heavy():
            self._overview = self._new_overview()
            return self._overview
        if stale:
            return self._tile(min(stale, key=self._distance()))
        if not keys or not self._is_heavy():
            return None  # any view of so few shapes is painted in the frame that needs it
        if self._overview is None or not self._overview.is_clean:
            self._overview = self._overview or self._new_overview()
            return self._overview
        side = TILE_SIDE
        ring = self._keys_in(self._view_rect().adjusted(-side, -side, side, side))
        ahead = [key for key in ring if key not in self._tiles]
        return self._tile(min(ahead, key=self._distance())) if ahead else None

    def _has_nothing_to_show(self, stale: list[_Key]) -> bool:
        """Tell whether neither an overview nor any sharp view can stand in for the tiles that are missing."""
        has_overview = self._overview is not None and self._overview.image is not None
        return (
            not has_overview
            and self._snapshot is None
            and not any(key in self._tiles and self._tiles[key].image for key in stale)
        )

    def _is_heavy(self) -> bool:
        """Tell whether the shapes of a source are too much for one frame."""
        if self._weighed_at != self._revision:
            self._heavy = any(source.scene.outweighs(AT_ONCE) for source in self._sources)
            self._weighed_at = self._revision
        return self._heavy

    def _tile(self, key: _Key) -> Tile:
        if key not in self._tiles:
            self._tiles[key] = Tile(_tile_rect(key), self._scale)
        return self._tiles[key]

    def _new_overview(self) -> Tile:
        width, height = self._viewport.image_wh
        largest = _OVERVIEW_SIDE * self._viewport.pixel_ratio / max(width, height, 1)
        # At the scale of the fitted picture, at which most images are seen first, it is not resampled.
        scale = min(self._viewport.fit_scale(), largest, 1.0)
        return Tile(QRect(0, 0, round(width * scale), round(height * scale)), scale)

    def _on_done(self, job: Job, image: QImage) -> None:
        if job is not self._job:
            return
        self._job = None
        tile = job.tile
        tile.image = image
        tile.dirty = [change for change in tile.dirty if change[0] > job.revision]
        tile.deferred = False
        self._drop_far_tiles()
        self.updated.emit(self._view_rect() if tile is self._overview else tile.rect)
        self._pump()

    def _drop_job(self) -> None:
        if self._job is not None:
            self._job.cancelled = True
            self._job = None

    def _drop_far_tiles(self) -> None:
        if len(self._tiles) > _TILES_KEPT:
            near = sorted(self._tiles, key=self._distance())[: _TILES_KEPT // 2]
            self._tiles = {key: self._tiles[key] for key in near}

    # -- places --------------------------------------------------------------

    def _view_rect(self) -> QRect:
        """Return the canvas in device pixels counted from the picture's corner."""
        left, top = self._viewport.origin
        return QRect(-left, -top, *self._viewport.view_wh)

    def _visible_keys(self) -> list[_Key]:
        view = self._viewport
        place = (*view.origin, *view.view_wh, *view.image_wh, self._scale, self._styles.pixel_ratio)
        if self._seen[0] != place:  # asked for several times a frame
            self._seen = place, self._keys_in(self._view_rect())
        return self._seen[1]

    def _keys_in(self, rect: QRect) -> list[_Key]:
        width, height = (round(side * self._scale) for side in self._viewport.image_wh)
        margin = round(_TAG_MARGIN * self._styles.pixel_ratio)
        rect = rect & QRect(0, 0, width, height).adjusted(-margin, -margin, margin, margin)
        if rect.isEmpty() or not self._scale:
            return []
        columns = range(rect.left() // TILE_SIDE, rect.right() // TILE_SIDE + 1)
        rows = range(rect.top() // TILE_SIDE, rect.bottom() // TILE_SIDE + 1)
        return [(column, row) for row in rows for column in columns]

    def _distance(self) -> Callable[[_Key], float]:
        """Return what tells how far a tile lies from the middle of the view, in tiles."""
        view = QRectF(self._view_rect()).center() / TILE_SIDE - QPointF(0.5, 0.5)
        x, y = view.x(), view.y()
        return lambda key: abs(key[0] - x) + abs(key[1] - y)

    def _to_view(self, rect: QRectF) -> QRectF:
        """Return an image rectangle in the canvas's device pixels."""
        left, top = self._viewport.origin
        scale = self._viewport.scale
        return QRectF(
            rect.x() * scale + left,
            rect.y() * scale + top,
            rect.width() * scale,
            rect.height() * scale,
        )


def _tile_rect(key: _Key) -> QRect:
    return QRect(key[0] * TILE_SIDE, key[1] * TILE_SIDE, TILE_SIDE, TILE_SIDE)
