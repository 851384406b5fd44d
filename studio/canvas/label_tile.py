"""One tile of the label layer, and painting shapes and name tags into it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import QRect, QRectF
from PySide6.QtGui import QImage, QPainter, QPicture

from studio.canvas.draft import draw_draft
from studio.canvas.items import build_item
from studio.canvas.label_content import Bounds, Content, Drawable
from studio.canvas.sheet import Sheet
from studio.canvas.styles import ShapeStyle
from studio.canvas.tags import Tag, TagPen, Tags
from studio.tools.scene import Entry

TILE_SIDE = 512  # device pixels: a dozen cover a window; small enough to arrive quickly
_PICTURES_KEPT = 20_000


@dataclass
class Tile:
    """A part of the label layer at one scale.

    Attributes:
        rect: Which part: device pixels at ``scale``, counted from the picture's top-left corner.
        scale: Device pixels per image pixel.
        image: What is painted, transparent where no shape is; None while nothing was painted yet.
        dirty: Boxes in image pixels where shapes changed after ``image`` was painted, with the revision of the change.
        deferred: Painting it anew is too much work for one frame; the thread will do it.
    """

    rect: QRect
    scale: float
    image: QImage | None = None
    dirty: list[tuple[int, Bounds]] = field(default_factory=list)
    deferred: bool = False

    @property
    def is_clean(self) -> bool:
        """Whether it shows the shapes as they are."""
        return self.image is not None and not self.dirty

    def image_rect(self, rect: QRectF | None = None) -> Bounds:
        """Return the tile's rectangle, or ``rect`` within the layer, in image pixels."""
        part = QRectF(self.rect) if rect is None else rect
        corners = part.left(), part.top(), part.right(), part.bottom()
        x1, y1, x2, y2 = (value / self.scale for value in corners)
        return x1, y1, x2, y2


@dataclass
class Job:
    """A tile to be painted in the worker thread."""

    tile: Tile
    content: Content
    tag_pen: TagPen
    revision: int
    cancelled: bool = False
    is_draft: bool = False  # drawn quickly by studio.canvas.draft
    pixel_ratio: float = 1.0


class TileWorker:
    """Paints tiles in one thread.

    Qt's painter holds Python's lock during most of its calls, but not while it plays a recorded picture: so each shape is
    recorded once and played for every tile, and the window stays free. Recordings are used by this one thread
    only; playing one in two threads at a time is not safe.

    Args:
        tell: Called in the thread with a job and its tile (QImage) as painted.
    """

    def __init__(self, tell: Callable[[Job, QImage], None]) -> None:
        self._tell = tell
        self._tags: Tags | None = None
        self._pictures: dict[Hashable, tuple[Entry, ShapeStyle, QPicture]] = {}

    def run(self, job: Job) -> None:
        """Paint one tile and report; a cancelled job is dropped without a report."""
        if job.is_draft:
            if (draft := _draft(job)) is not None:
                self._report(job, draft)
            return
        image = new_image(job.tile.rect)
        painter = QPainter(image)
        painter.translate(-job.tile.rect.x(), -job.tile.rect.y())
        painter.scale(job.tile.scale, job.tile.scale)
        for drawable in job.content.drawables():
            if job.cancelled:
                painter.end()
                return
            painter.drawPicture(0, 0, self._recorded(drawable))
        draw_tags(painter, job.content.tags(self._measuring(job)), job.tag_pen, job.tile.rect)
        painter.end()
        self._report(job, image)

    def _report(self, job: Job, image: QImage) -> None:
        if not job.cancelled:
            self._tell(job, image)

    def _measuring(self, job: Job) -> Tags:
        """Return what measures tags in this thread."""
        if self._tags is None or self._tags.pixel_ratio != job.pixel_ratio:
            self._tags = job.tag_pen.tags()
        return self._tags

    def _recorded(self, drawable: Drawable) -> QPicture:
        known = self._pictures.get(drawable.key)
        if known and known[0] is drawable.entry and known[1] is drawable.style:
            return known[2]
        if len(self._pictures) >= _PICTURES_KEPT:
            self._pictures.clear()
        picture = QPicture()
        item = build_item(drawable.entry)
        if item is not None:
            painter = QPainter(picture)
            item.draw(painter, drawable.style)
            painter.end()
        self._pictures[drawable.key] = drawable.entry, drawable.style, picture
        return picture


def _draft(job: Job) -> QImage | None:
    drawables, tile = job.content.drawables(), job.tile
    return draw_draft(tile.rect, tile.scale, drawables, job.pixel_ratio, lambda: job.cancelled)


def new_image(rect: QRect) -> QImage:
    """Return a transparent picture of the rectangle's size."""
    image = QImage(rect.size(), QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    return image


def repaint(
    tile: Tile, part: QRect, drawables: Sequence[Drawable], tags: Sequence[Tag], pen: TagPen
) -> None:
    """Paint a part of a tile anew, at once.

    Args:
        tile: It gets an image where it has none.
        part: Device pixels at the tile's scale, counted like ``tile.rect``.
        drawables: The shapes that touch the part, from back to front.
        tags: The tags that touch it.
        pen: Draws the tags.
    """
    is_blank = tile.image is None
    if tile.image is None:
        tile.image = new_image(tile.rect)
    painter = _painter_of(tile.image, tile.rect)
    painter.setClipRect(part)
    if not is_blank:
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_Clear)
        painter.fillRect(part, 0)
        painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceOver)
    _draw(painter, tile.rect, tile.scale, drawables, tags, pen)


def paint_sheet(
    sheet: Sheet, scale: float, drawables: Sequence[Drawable], tags: Sequence[Tag], pen: TagPen
) -> None:
    """Paint on a fresh sheet of the layer at a scale; the rest is as in `repaint`."""
    painter = _painter_of(sheet.image, sheet.rect)
    _draw(painter, sheet.rect, scale, drawables, tags, pen)


def _painter_of(image: QImage, rect: QRect) -> QPainter:
    painter = QPainter(image)
    painter.translate(-rect.x(), -rect.y())
    return painter


def _draw(
    painter: QPainter,
    rect: QRect,
    scale: float,
    drawables: Sequence[Drawable],
    tags: Sequence[Tag],
    pen: TagPen,
) -> None:
    painter.scale(scale, scale)
    for drawable in drawables:
        item = build_item(drawable.entry)
        if item is not None:
            item.draw(painter, drawable.style)
    draw_tags(painter, tags, pen, rect)
    painter.end()


def draw_tags(painter: QPainter, tags: Sequence[Tag], pen: TagPen, rect: QRect) -> None:
    """Draw tags, which are placed in device pixels, into a tile."""
    painter.resetTransform()
    painter.translate(-rect.x(), -rect.y())
    for tag in tags:
        pen.draw(painter, tag)
