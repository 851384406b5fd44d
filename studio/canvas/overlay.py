"""What moves: the shape under the cursor and the selected ones, handles, the line being drawn, the crosshair.

All of it is drawn live, in device pixels, over the picture and the still shapes.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF, QRegion

from engine.data.annotations import Point
from studio.canvas.frame_overlay import frame_points, paint_chosen, paint_frame
from studio.canvas.items import build_item
from studio.canvas.paint_layer import draw_paint
from studio.canvas.styles import Look, ShapeStyle, Styles
from studio.canvas.tags import MAX_TAG_WIDTH, TAG_HEIGHT, Tags
from studio.canvas.viewport import Viewport
from studio.theme import tokens
from studio.theme.fonts import font
from studio.tools.base import Paint, Preview, PromptMark
from studio.tools.handles import shown_handles
from studio.tools.rings import Ring
from studio.tools.scene import Entry

_WHITE, _DARK = QColor("#FFFFFF"), QColor(tokens.HALO)
_ADDS, _EXCLUDES = QColor(tokens.DARK.success), QColor(tokens.DARK.danger)
_MARK_RADIUS = 6.0  # logical pixels
_CROSSHAIR_LIGHT, _CROSSHAIR_DARK = QColor(255, 255, 255, 150), QColor(0, 0, 0, 150)
_HANDLE_GAP = 5.0  # logical pixels: closer vertices are not drawn, they would hide the line
_CLOSING_SIZE = 13
_NAMED_LIMIT = 16
_LABEL_GAP, _LABEL_WIDTH, _LABEL_HEIGHT = 14, 240, 22  # logical pixels
_EXTENT = 14  # logical pixels that handles, outlines and snap rings reach beyond their place


@dataclass(frozen=True)
class KeptPaint:
    """The pixels of a stroke that has become a mask, and that shape's number."""

    shape_id: int
    paint: Paint


@dataclass(frozen=True)
class Live:
    """What to draw over the still picture.

    Attributes:
        preview: What the tool shows.
        selected: Shapes that are selected.
        hovered: The shape under the cursor, where it is not selected.
        held: Shapes whose tile is not up to date yet.
        suggestion: The suggestion under the cursor.
        kept: A large mask that was just painted, as the pixels that made it: its outline comes with its tiles.
        tagged: Whether name tags are shown.
    """

    preview: Preview = field(default_factory=Preview)
    selected: tuple[Entry, ...] = ()
    hovered: tuple[Entry, ...] = ()
    held: tuple[Entry, ...] = ()
    suggestion: tuple[Entry, ...] = ()
    kept: KeptPaint | None = None
    tagged: bool = True

    @property
    def paint(self) -> Paint | None:
        """The pixels that are drawn: of a stroke, else of the mask that the last one made."""
        if self.preview.paint is not None or self.kept is None:
            return self.preview.paint
        return self.kept.paint

    def looks(self) -> list[tuple[Entry, Look]]:
        """Return each shape with its look, from back to front."""
        changing = {shape.id for shape in self.preview.shapes} | set(self.preview.hidden)
        if self.kept is not None:
            changing.add(self.kept.shape_id)
        still = (
            (self.suggestion, Look.SUGGESTION_HOVERED),
            (self.held, Look.NORMAL),
            (self.hovered, Look.HOVERED),
            (self.selected, Look.RAISED),
        )
        found = [
            (entry, look)
            for entries, look in still
            for entry in entries
            if entry.shape.id not in changing
        ]
        return found + [(Entry(shape), Look.SELECTED) for shape in self.preview.shapes]

    def named(self) -> tuple[Entry, ...]:
        """Return the shapes whose tag is written out however small they are."""
        selected = self.selected if len(self.selected) <= _NAMED_LIMIT else ()
        return (*self.hovered, *selected, *self.suggestion) if self.tagged else ()


def paint_live(
    painter: QPainter, live: Live, viewport: Viewport, styles: Styles, tags: Tags, part: QRect
) -> None:
    """Draw everything that moves, with a painter in device pixels; ``part`` is what of the canvas is drawn anew."""
    preview = live.preview
    if preview.paint is not None:
        color = styles.style(preview.paint.class_id).color
        draw_paint(painter, preview.paint, part, viewport, color)
    if preview.crosshair is not None:
        _paint_crosshair(painter, preview.crosshair, viewport)
    looks = live.looks()
    for entry, look in looks:
        _paint_shape(painter, entry, styles.style(entry.shape.class_id, look), viewport)
    if preview.frame is not None:
        paint_frame(painter, preview.frame, viewport)
    if live.tagged:
        _paint_tags(painter, live, viewport, styles, tags)
    _paint_handles(painter, [entry for entry, _ in looks], preview, viewport, styles)
    if preview.chosen:
        paint_chosen(painter, preview.chosen, viewport)
    if preview.path:
        _paint_path(painter, preview, viewport, styles.style(preview.class_id))
    if preview.band is not None:
        _paint_band(painter, preview.band, viewport)
    if preview.snapped is not None:
        _paint_snap(painter, preview.snapped, viewport)
    if preview.marks:
        _paint_marks(painter, preview.marks, viewport)
    if preview.brush is not None:
        _paint_brush(painter, preview.brush, viewport)
    if preview.label and (place := _label_place(preview)) is not None:
        _paint_label(painter, preview.label, place, viewport)


def difference(before: Live, after: Live, viewport: Viewport) -> QRegion:
    """Return what of the canvas has to be drawn anew when one comes after the other, in device pixels."""
    region = extent(before, viewport) + extent(after, viewport)
    old, new = before.paint, after.paint
    if old is not None and new is not None and old.pixels is new.pixels:
        return region + _device_rect(new.changed, viewport) if old != new else region
    for paint in (old, new):
        if paint is not None:
            region += _device_rect(paint.bounds(), viewport)
    return region


def extent(live: Live, viewport: Viewport) -> QRegion:
    """Return what of the canvas has to be drawn anew when this appears or goes, in device pixels; without the paint."""
    preview = live.preview
    boxes = [entry.bounds for entry, _ in live.looks()]
    region = QRegion()
    for entry in live.named():
        region += _tag_rect(entry, viewport)
    if preview.band is not None:
        boxes.append(preview.band)
    boxes.extend((mark.x, mark.y, mark.x, mark.y) for mark in preview.marks)
    framed = frame_points(preview.frame, viewport) if preview.frame is not None else ()
    for point in (preview.handle, preview.ghost, preview.snapped, *preview.chosen, *framed):
        if point is not None:
            boxes.append((*point, *point))
    if preview.brush is not None:
        x, y, radius = preview.brush
        boxes.append((x - radius, y - radius, x + radius, y + radius))
    if preview.label and (place := _label_place(preview)) is not None:
        region += _label_rect(place, viewport)
    line = [*preview.path, *preview.trail, *([preview.rubber] if preview.rubber else [])]
    if line:
        xs, ys = zip(*line, strict=True)
        boxes.append((min(xs), min(ys), max(xs), max(ys)))
    for box in boxes:
        region += _device_rect(box, viewport)
    if preview.crosshair is not None:
        x, y = (round(value) for value in viewport.to_device(*preview.crosshair))
        width, height = viewport.view_wh
        region += QRegion(QRect(0, y - 2, width, 5)) + QRegion(QRect(x - 2, 0, 5, height))
    return region


def _device_rect(box: tuple[float, float, float, float], viewport: Viewport) -> QRect:
    (x1, y1), (x2, y2) = viewport.to_device(*box[:2]), viewport.to_device(*box[2:])
    margin = _EXTENT * viewport.pixel_ratio
    limit = 1 << 24  # far beyond any screen: Qt's rectangles are of 32 bits
    edges = (x1 - margin, y1 - margin, x2 + margin, y2 + margin)
    left, top, right, bottom = (round(min(max(edge, -limit), limit)) for edge in edges)
    return QRect(left, top, right - left, bottom - top)


def _paint_shape(painter: QPainter, entry: Entry, style: ShapeStyle, viewport: Viewport) -> None:
    item = build_item(entry)
    if item is None:
        return
    painter.save()
    painter.translate(*viewport.origin)
    painter.scale(viewport.scale, viewport.scale)
    item.draw(painter, style)
    painter.restore()


def _paint_tags(
    painter: QPainter, live: Live, viewport: Viewport, styles: Styles, tags: Tags
) -> None:
    pen = tags.pen()
    changed = {shape.id: Entry(shape) for shape in live.preview.shapes}
    for entry in live.named():
        entry = changed.get(entry.shape.id, entry)
        bounds = (*viewport.to_device(*entry.bounds[:2]), *viewport.to_device(*entry.bounds[2:]))
        style = styles.style(entry.shape.class_id)
        pen.draw(painter, tags.tag_of(entry.shape, style, bounds, full=True))


def _tag_rect(entry: Entry, viewport: Viewport) -> QRect:
    left, top = viewport.to_device(*entry.bounds[:2])
    width, height = (round(side * viewport.pixel_ratio) for side in (MAX_TAG_WIDTH, TAG_HEIGHT + 4))
    return QRect(round(left) - 2, round(top) - height - 2, width + 4, height + 4)


def _paint_handles(
    painter: QPainter,
    entries: Sequence[Entry],
    preview: Preview,
    viewport: Viewport,
    styles: Styles,
) -> None:
    ratio = viewport.pixel_ratio
    radius = tokens.VERTEX_HIT_SIZE / 2 * ratio / viewport.scale
    for entry in entries:
        if entry.shape.id not in preview.armed:
            continue
        vertices, ghosts = shown_handles(entry.shape.geometry, radius)
        color = styles.style(entry.shape.class_id).color
        _paint_dots(
            painter, _on_canvas(ghosts, viewport), _WHITE, tokens.GHOST_VERTEX_SIZE - 1, ratio
        )
        _paint_dots(painter, _on_canvas(vertices, viewport), color, tokens.VERTEX_SIZE, ratio)
    for place, size in (
        (preview.handle, tokens.VERTEX_SIZE_HOVER),
        (preview.ghost, tokens.VERTEX_SIZE),
    ):
        if place is not None:
            points = QPolygonF([QPointF(*viewport.to_device(*place))])
            _paint_dots(painter, points, _WHITE, size, ratio)


def _on_canvas(rings: Iterable[Ring], viewport: Viewport) -> QPolygonF:
    """Return the places on the canvas, without those out of sight and those too close to the one before."""
    points: list[QPointF] = []
    gap = _HANDLE_GAP * viewport.pixel_ratio
    width, height = viewport.view_wh
    for ring in rings:
        on_device = ring * viewport.scale + np.array(viewport.origin)
        near = (on_device > -gap).all(axis=1) & (on_device < (width + gap, height + gap)).all(
            axis=1
        )
        last = (float("inf"), float("inf"))
        for x, y in on_device[near].tolist():
            if max(abs(x - last[0]), abs(y - last[1])) >= gap:
                points.append(QPointF(x, y))
                last = x, y
    return QPolygonF(points)


def _paint_dots(
    painter: QPainter, points: QPolygonF, color: QColor, size: float, ratio: float
) -> None:
    """Draw white dots with a rim of ``color``, and a dark one around: they show on any picture."""
    if points.isEmpty():
        return
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for ink, width in ((_DARK, size + 2), (color, size), (_WHITE, size - 3)):
        pen = QPen(ink, width * ratio, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        painter.setPen(pen)
        painter.drawPoints(points)


def _paint_path(painter: QPainter, preview: Preview, viewport: Viewport, style: ShapeStyle) -> None:
    places = [_place(point, viewport) for point in preview.path]
    line = [*places, *(_place(point, viewport) for point in preview.trail)]
    line += [_place(preview.rubber, viewport)] if preview.rubber else []
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    if len(line) > 2 and preview.filled:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(style.fill)
        painter.drawPolygon(QPolygonF(line))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for pen in (style.halo, style.line):
        painter.setPen(pen)
        painter.drawPolyline(QPolygonF(line))
    ratio = viewport.pixel_ratio
    anchors = preview.path if preview.anchors is None else preview.anchors
    spaced = _on_canvas([np.array(anchors, np.float64).reshape(-1, 2)], viewport)
    _paint_dots(painter, spaced, style.color, tokens.VERTEX_SIZE, ratio)
    can_close = preview.filled and len(anchors) > 2
    first = tokens.VERTEX_SIZE_HOVER if can_close else tokens.VERTEX_SIZE
    size = _CLOSING_SIZE if preview.closing else first
    _paint_dots(painter, QPolygonF(places[:1]), style.color, size, ratio)


def _place(point: Point, viewport: Viewport) -> QPointF:
    return QPointF(*viewport.to_device(*point))


def _paint_band(
    painter: QPainter, band: tuple[float, float, float, float], viewport: Viewport
) -> None:
    first, second = _place(band[:2], viewport), _place(band[2:], viewport)
    accent = QColor(tokens.DARK.accent)
    fill = QColor(accent)
    fill.setAlphaF(0.12)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    painter.setPen(QPen(accent, viewport.pixel_ratio))
    painter.setBrush(fill)
    painter.drawRect(QRectF(first, second).normalized())


def _paint_snap(painter: QPainter, place: Point, viewport: Viewport) -> None:
    ratio = viewport.pixel_ratio
    side = 7 * ratio
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for ink, width in ((_DARK, 4), (QColor(tokens.DARK.accent_hover), 2)):
        painter.setPen(QPen(ink, width * ratio))
        painter.drawEllipse(_place(place, viewport), side, side)


def _paint_brush(painter: QPainter, brush: tuple[float, float, float], viewport: Viewport) -> None:
    x, y, radius = brush
    side = max(radius * viewport.scale, 1.0)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setBrush(Qt.BrushStyle.NoBrush)
    for ink, width in ((_DARK, 3), (_WHITE, 1)):
        painter.setPen(QPen(ink, width * viewport.pixel_ratio))
        painter.drawEllipse(_place((x, y), viewport), side, side)


def _paint_marks(painter: QPainter, marks: Sequence[PromptMark], viewport: Viewport) -> None:
    """Draw a plus or a minus at each place, in a disc that shows on any picture."""
    ratio = viewport.pixel_ratio
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    for mark in marks:
        place = _place((mark.x, mark.y), viewport)
        painter.setPen(QPen(_WHITE, 1.5 * ratio))
        painter.setBrush(_ADDS if mark.adds else _EXCLUDES)
        painter.drawEllipse(place, _MARK_RADIUS * ratio, _MARK_RADIUS * ratio)
        arm = _MARK_RADIUS * 0.5 * ratio
        painter.drawLine(place - QPointF(arm, 0), place + QPointF(arm, 0))
        if mark.adds:
            painter.drawLine(place - QPointF(0, arm), place + QPointF(0, arm))


def _label_place(preview: Preview) -> Point | None:
    return preview.brush[:2] if preview.brush is not None else preview.crosshair or preview.handle


def _label_rect(place: Point, viewport: Viewport) -> QRect:
    """Return the room of the words beside the cursor."""
    ratio = viewport.pixel_ratio
    x, y = viewport.to_device(*place)
    gap, width, height = (round(side * ratio) for side in (_LABEL_GAP, _LABEL_WIDTH, _LABEL_HEIGHT))
    left, top = round(x) + gap, round(y) + gap
    if left + width > viewport.view_wh[0]:  # on the cursor's other side where the canvas ends
        left -= width + 2 * gap
    if top + height > viewport.view_wh[1]:
        top -= height + 2 * gap
    return QRect(left, top, width, height)


def _paint_label(painter: QPainter, words: str, place: Point, viewport: Viewport) -> None:
    ratio = viewport.pixel_ratio
    room = _label_rect(place, viewport)
    painter.setFont(font(round(tokens.FONT_CAPTION * ratio)))
    metrics = painter.fontMetrics()
    padding = round(tokens.SPACE_S * ratio)
    text = metrics.elidedText(words, Qt.TextElideMode.ElideRight, room.width() - 2 * padding)
    width = metrics.horizontalAdvance(text) + 2 * padding
    plate = QRect(room.left(), room.top(), width, room.height())
    if room.left() < viewport.to_device(*place)[0]:
        plate.moveRight(room.right())
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, True)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(tokens.DARK.raised))
    painter.drawRoundedRect(plate, tokens.SPACE_XS * ratio, tokens.SPACE_XS * ratio)
    painter.setPen(QColor(tokens.DARK.text))
    painter.drawText(plate, Qt.AlignmentFlag.AlignCenter, text)


def _paint_crosshair(painter: QPainter, place: Point, viewport: Viewport) -> None:
    x, y = (round(value) for value in viewport.to_device(*place))
    width, height = viewport.view_wh
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    # A light line beside a dark one shows on any picture.
    for ink, shift in ((_CROSSHAIR_DARK, 1), (_CROSSHAIR_LIGHT, 0)):
        painter.setPen(QPen(ink, 1))
        painter.drawLines(
            [QLineF(0, y + shift, width, y + shift), QLineF(x + shift, 0, x + shift, height)]
        )
