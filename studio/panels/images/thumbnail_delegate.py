"""Paints one frame of the filmstrip: the thumbnail, a status dot, the suggestions that wait."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from studio.model.records import ImageRecord
from studio.panels.images.image_list_model import RECORD_ROLE, THUMBNAIL_ROLE
from studio.theme import icons, tokens
from studio.theme.fonts import font
from studio.theme.theme import current_colors
from studio.theme.tokens import SCHEMES, Colors

FRAME_WIDTH, FRAME_HEIGHT = 96, 72
_DOT, _MARK = 8, 18
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
        record = index.data(RECORD_ROLE)
        if record is None:
            return
        colors = current_colors()
        frame = QRectF(option.rect).adjusted(4, 4, -4, -4)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        outline = QPainterPath()
        outline.addRoundedRect(frame, tokens.RADIUS, tokens.RADIUS)
        painter.fillPath(outline, QColor(colors.pressed))
        self._paint_picture(painter, frame, outline, index, record, colors)
        self._paint_frame(painter, outline, option, colors)
        self._paint_status(painter, frame, record, colors)
        painter.restore()

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return the one size that all frames have."""
        return QSize(FRAME_WIDTH + 8, FRAME_HEIGHT + 8)

    @staticmethod
    def _paint_picture(
        painter: QPainter,
        frame: QRectF,
        outline: QPainterPath,
        index: QModelIndex | QPersistentModelIndex,
        record: ImageRecord,
        colors: Colors,
    ) -> None:
        picture = index.data(THUMBNAIL_ROLE)
        if picture is None:
            name = "image_broken" if record.status == "damaged" else "image"
            place = QRectF(0, 0, tokens.ICON_SIZE, tokens.ICON_SIZE)
            place.moveCenter(frame.center())
            painter.drawPixmap(place.toRect(), icons.pixmap(name, colors.secondary))
            return
        scale = max(frame.width() / picture.width(), frame.height() / picture.height())
        source = QRectF(0, 0, frame.width() / scale, frame.height() / scale)
        source.moveCenter(QRectF(picture.rect()).center())
        painter.setClipPath(outline)
        painter.drawImage(frame, picture, source)
        painter.setClipping(False)

    @staticmethod
    def _paint_frame(
        painter: QPainter, outline: QPainterPath, option: QStyleOptionViewItem, colors: Colors
    ) -> None:
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(QColor(colors.accent), 2.5))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(QPen(QColor(colors.outline), 1.5))
        else:
            painter.setPen(QPen(QColor(colors.line), 1))
        painter.drawPath(outline)

    @staticmethod
    def _paint_status(
        painter: QPainter, frame: QRectF, record: ImageRecord, colors: Colors
    ) -> None:
        dot = QRectF(frame.right() - _DOT - 5, frame.top() + 5, _DOT, _DOT)
        painter.setPen(QPen(QColor(tokens.HALO), 1.5))
        painter.setBrush(QColor(status_color(record.status, colors)))
        painter.drawEllipse(dot)
        if mark := _STAGE_MARKS.get(record.stage):
            name, ink = mark
            place = QRectF(frame.right() - _MARK - 3, frame.bottom() - _MARK - 3, _MARK, _MARK)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(tokens.HALO))
            painter.drawRoundedRect(place, 4, 4)
            inner = place.adjusted(2, 2, -2, -2)
            ratio = painter.device().devicePixelRatioF()
            picture = icons.pixmap(name, getattr(SCHEMES["dark"], ink), round(inner.width()), ratio)
            painter.drawPixmap(inner.toRect(), picture)
        if not record.suggestion_count:
            return
        text = str(record.suggestion_count)
        painter.setFont(font(tokens.FONT_CAPTION))
        width = painter.fontMetrics().horizontalAdvance(text) + 10
        badge = QRectF(frame.left() + 4, frame.top() + 4, width, 16)
        painter.setPen(QPen(QColor(colors.accent), 1, Qt.PenStyle.DashLine))
        painter.setBrush(QColor(tokens.HALO))
        painter.drawRoundedRect(badge, 4, 4)
        painter.setPen(QColor("#FFFFFF"))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)


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
        whole = QRect(option.rect)
        option.rect = whole.adjusted(0, 0, 0, -self.LINE)
        super().paint(painter, option, index)
        option.rect = whole
        below = whole.adjusted(6, whole.height() - self.LINE - 2, -6, -2)
        painter.save()
        painter.setFont(font(tokens.FONT_CAPTION))
        painter.setPen(QColor(current_colors().secondary))
        name = str(index.data(Qt.ItemDataRole.DisplayRole) or "")
        short = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, below.width())
        painter.drawText(below, Qt.AlignmentFlag.AlignCenter, short)
        painter.restore()

    def sizeHint(
        self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QSize:
        """Return the one size that all frames have."""
        return super().sizeHint(option, index) + QSize(0, self.LINE)
