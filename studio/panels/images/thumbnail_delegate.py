"""Paints one frame of the filmstrip: the thumbnail, a status dot, the suggestions that wait."""

from __future__ import annotations

from collections import OrderedDict
from functools import cache, lru_cache
from typing import Literal

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QImage, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from studio.model.records import ImageRecord
from studio.panels.images.image_list_model import FRAME_ROLE
from studio.theme import icons, tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors
from studio.theme.tokens import SCHEMES, Colors, Scheme

FRAME_WIDTH, FRAME_HEIGHT = 96, 72
_DOT, _MARK = 8, 18
Look = Literal["selected", "hovered", "resting"]
# What a frame says of the stage, on the dark of its badge: an icon and its ink.
_STAGE_MARKS = {
    "done": ("accept", "text"),
    "reviewed": ("accept_all", "success_text"),
    "rejected": ("reject", "danger_text"),
    "skipped": ("next", "secondary"),
}


def status_color(status: str, colors: Colors) -> str:
    """Return the colour of the dot that says how far an image is."""
    return {
        "labelled": colors.success,
        "background": colors.accent,
        "damaged": colors.danger,
        "unlabelled": colors.outline,
    }[status]


class ThumbnailDelegate(QStyledItemDelegate):
    """Draws frames of a fixed size, so that a list of 100,000 scrolls without asking each for its size."""

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw one frame."""
        if found := index.data(FRAME_ROLE):
            record, picture = found
            place, colors = QRect(option.rect), current_colors()
            self.paint_frame(painter, place, option.state, record, picture, colors)

    @staticmethod
    def paint_frame(
        painter: QPainter,
        place: QRect,
        state: QStyle.StateFlag,
        record: ImageRecord,
        picture: QImage | None,
        colors: Colors,
    ) -> None:
        """Draw the frame of a record: its picture, and above it what frames of the same state have in common."""
        size, ratio = place.size(), painter.device().devicePixelRatioF()
        wide, high = size.width(), size.height()
        absent = picture is None
        if picture is not None:
            shown = _thumbnails.frame(picture, wide, high, ratio, colors.scheme)
            painter.drawImage(place.topLeft(), shown)
        look = _look(state)
        marks = _marks(wide, high, ratio, colors.scheme, look, record.status, record.stage, absent)
        painter.drawImage(place.topLeft(), marks)
        if record.suggestion_count:
            _paint_badge(painter, _frame_of(place), str(record.suggestion_count), colors)

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return the one size that all frames have."""
        return QSize(FRAME_WIDTH + 8, FRAME_HEIGHT + 8)


class CaptionDelegate(ThumbnailDelegate):
    """A frame with the file's name below it."""

    LINE = 20

    def paint(
        self,
        painter: QPainter,
        option: QStyleOptionViewItem,
        index: QModelIndex | QPersistentModelIndex,
    ) -> None:
        """Draw the frame, then the name."""
        found = index.data(FRAME_ROLE)
        if not found:
            return
        record, picture = found
        colors, whole = current_colors(), QRect(option.rect)
        above = whole.adjusted(0, 0, 0, -self.LINE)
        self.paint_frame(painter, above, option.state, record, picture, colors)
        below = whole.adjusted(6, whole.height() - self.LINE - 2, -6, -2)
        painter.setFont(_caption_font())
        painter.setPen(QColor(colors.secondary))
        name, metrics = record.path.name, painter.fontMetrics()
        if metrics.horizontalAdvance(name) > below.width():  # measured in less than half the time
            name = metrics.elidedText(name, Qt.TextElideMode.ElideMiddle, below.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, name)

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return the one size that all frames have."""
        return super().sizeHint(option, index) + QSize(0, self.LINE)


def _frame_of(place: QRect) -> QRectF:
    """Return where the frame is on the place that the list gives it."""
    return QRectF(place).adjusted(4, 4, -4, -4)


def _outline_of(frame: QRectF) -> QPainterPath:
    outline = QPainterPath()
    outline.addRoundedRect(frame, tokens.RADIUS, tokens.RADIUS)
    return outline


@cache
def _caption_font() -> QFont:
    return font(tokens.FONT_CAPTION)


@cache
def _look(state: QStyle.StateFlag) -> Look:
    if state & QStyle.StateFlag.State_Selected:
        return "selected"
    return "hovered" if state & QStyle.StateFlag.State_MouseOver else "resting"


def _paint_badge(painter: QPainter, frame: QRectF, text: str, colors: Colors) -> None:
    """Draw how many suggestions wait."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font(tokens.FONT_CAPTION))
    width = painter.fontMetrics().horizontalAdvance(text) + 10
    badge = QRectF(frame.left() + 4, frame.top() + 4, width, 16)
    painter.setPen(QPen(QColor(colors.accent), 1, Qt.PenStyle.DashLine))
    painter.setBrush(QColor(tokens.HALO))
    painter.drawRoundedRect(badge, 4, 4)
    painter.setPen(QColor("#FFFFFF"))
    painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)
    painter.restore()


# What many frames have in common is drawn once: a screen holds 150, and scrolling draws all of them anew.


class _Thumbnails:
    """Pictures as they fill their frames, those used last.

    Going to another image moves the strip, which draws them all again: to shrink and round each anew takes longer than
    showing the image.
    """

    def __init__(self, kept: int) -> None:
        self._kept = kept
        self._frames: OrderedDict[tuple[object, ...], QImage] = OrderedDict()

    def frame(self, picture: QImage, wide: int, high: int, ratio: float, scheme: Scheme) -> QImage:
        """Return a picture in its frame, without the border."""
        key = picture.cacheKey(), wide, high, ratio, scheme
        if key not in self._frames:
            self._frames[key] = _framed(picture, wide, high, ratio, SCHEMES[scheme])
            while len(self._frames) > self._kept:
                self._frames.popitem(last=False)
        self._frames.move_to_end(key)
        return self._frames[key]


_thumbnails = _Thumbnails(400)  # of 30 kB on a plain screen


def _framed(picture: QImage, wide: int, high: int, ratio: float, colors: Colors) -> QImage:
    sheet, painter = _sheet(wide, high, ratio)
    frame = _frame_of(QRect(0, 0, wide, high))
    scale = max(frame.width() / picture.width(), frame.height() / picture.height())
    source = QRectF(0, 0, frame.width() / scale, frame.height() / scale)
    source.moveCenter(QRectF(picture.rect()).center())
    outline = _outline_of(frame)
    painter.fillPath(outline, QColor(colors.pressed))
    painter.setClipPath(outline)
    painter.drawImage(frame, picture, source)
    painter.end()
    return sheet


@lru_cache(maxsize=256)
def _marks(
    wide: int,
    high: int,
    ratio: float,
    scheme: Scheme,
    look: Look,
    status: str,
    stage: str,
    absent: bool,
) -> QImage:
    """Return border, status dot and the mark of the stage; on a clear ground, or on what stands for an absent picture."""
    colors = SCHEMES[scheme]
    sheet, painter = _sheet(wide, high, ratio)
    frame = _frame_of(QRect(0, 0, wide, high))
    if absent:
        icon_name = "image_broken" if status == "damaged" else "image"
        _paint_stand_in(painter, frame, icon_name, ratio, colors)
    inks = {
        "selected": (colors.accent, 2.5),
        "hovered": (colors.outline, 1.5),
        "resting": (colors.line, 1.0),
    }
    ink, width = inks[look]
    painter.setPen(QPen(QColor(ink), width))
    painter.drawPath(_outline_of(frame))
    painter.setPen(QPen(QColor(tokens.HALO), 1.5))
    painter.setBrush(QColor(status_color(status, colors)))
    painter.drawEllipse(QRectF(frame.right() - _DOT - 5, frame.top() + 5, _DOT, _DOT))
    if mark := _STAGE_MARKS.get(stage):
        name, tint = mark
        place = QRectF(frame.right() - _MARK - 3, frame.bottom() - _MARK - 3, _MARK, _MARK)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(tokens.HALO))
        painter.drawRoundedRect(place, 4, 4)
        inner = place.adjusted(2, 2, -2, -2)
        color = getattr(SCHEMES["dark"], tint)
        painter.drawPixmap(inner.toRect(), icons.pixmap(name, color, round(inner.width()), ratio))
    painter.end()
    return sheet


def _paint_stand_in(
    painter: QPainter, frame: QRectF, icon_name: str, ratio: float, colors: Colors
) -> None:
    """Draw the frame of a picture that is not there (yet)."""
    painter.fillPath(_outline_of(frame), QColor(colors.pressed))
    place = QRectF(0, 0, tokens.ICON_SIZE, tokens.ICON_SIZE)
    place.moveCenter(frame.center())
    icon = icons.pixmap(icon_name, colors.secondary, tokens.ICON_SIZE, ratio)
    painter.drawPixmap(place.toRect(), icon)


def _sheet(wide: int, high: int, ratio: float) -> tuple[QImage, QPainter]:
    """Return a clear image of that many logical pixels, and a painter on it."""
    size = QSize(round(wide * ratio), round(high * ratio))
    sheet = QImage(size, QImage.Format.Format_ARGB32_Premultiplied)
    sheet.setDevicePixelRatio(ratio)
    sheet.fill(Qt.GlobalColor.transparent)
    painter = QPainter(sheet)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
    return sheet, painter
