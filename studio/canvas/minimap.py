"""The whole picture, small, in a corner of the canvas: where the view is, and a way to go elsewhere."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from studio.canvas.samples import Picture
from studio.canvas.viewport import Viewport
from studio.language import tr
from studio.model.display import NEUTRAL, Display
from studio.theme.theme import current_colors

_SIDE = 168  # logical pixels of the longer side
_MARGIN = 12


class Minimap(QWidget):
    """Shows only while a part of the picture is out of sight.

    Signals:
        place_chosen(float, float): This image point shall come into the middle.

    Args:
        viewport: Where the picture lies.
        parent: The canvas.
    """

    place_chosen = Signal(float, float)

    def __init__(self, viewport: Viewport, parent: QWidget) -> None:
        super().__init__(parent)
        self._viewport = viewport
        self._picture: Picture | None = None
        self._display = NEUTRAL
        self._image: QImage | None = None
        self._wanted = False
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(tr("Overview of the image"))
        self.setToolTip(tr("Click or drag to go to a part of the image."))
        self.hide()

    def set_wanted(self, wanted: bool) -> None:
        """Show it where it helps, or never."""
        self._wanted = wanted
        self.follow()

    def show_picture(self, picture: Picture | None, display: Display) -> None:
        """Show another picture, or the same in another way."""
        self._picture, self._display, self._image = picture, display, None
        self.follow()

    def follow(self) -> None:
        """Go to the corner and show where the view is; hide when the whole picture is in view."""
        parent = self.parentWidget()
        width, height = self._viewport.image_wh
        if not self._wanted or self._picture is None or not width or parent is None:
            self.hide()
            return
        x1, y1, x2, y2 = self._viewport.visible()
        if x1 <= 0 and y1 <= 0 and x2 >= width and y2 >= height:
            self.hide()
            return
        shrink = _SIDE / max(width, height)
        size = max(16, round(width * shrink)), max(16, round(height * shrink))
        place = parent.width() - size[0] - _MARGIN, parent.height() - size[1] - _MARGIN
        self.setGeometry(*place, *size)
        self.show()
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw the picture, what is out of sight dimmed, and a frame around the view."""
        colors = current_colors()
        painter = QPainter(self)
        whole = QRectF(self.rect())
        painter.drawImage(whole, self._small())
        view = self._view()
        shade = QColor(0, 0, 0, 110)
        for part in (
            QRectF(0, 0, whole.width(), view.top()),
            QRectF(0, view.bottom(), whole.width(), whole.height() - view.bottom()),
            QRectF(0, view.top(), view.left(), view.height()),
            QRectF(view.right(), view.top(), whole.width() - view.right(), view.height()),
        ):
            painter.fillRect(part, shade)
        painter.setPen(QPen(QColor(colors.accent), 1.5))
        painter.drawRect(view.adjusted(0.75, 0.75, -0.75, -0.75))
        painter.setPen(QPen(QColor(colors.outline), 1))
        painter.drawRect(whole.adjusted(0.5, 0.5, -0.5, -0.5))
        painter.end()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Go there."""
        if event.button() == Qt.MouseButton.LeftButton:
            self._go_to(event.position())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Go on going there."""
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._go_to(event.position())

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """Keep the event from the canvas."""

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Keep the event from the canvas, where it would fit the picture."""

    def _go_to(self, place: QPointF) -> None:
        width, height = self._viewport.image_wh
        share_x = min(max(place.x() / self.width(), 0.0), 1.0)
        share_y = min(max(place.y() / self.height(), 0.0), 1.0)
        self.place_chosen.emit(share_x * width, share_y * height)

    def _view(self) -> QRectF:
        """Return what the canvas shows, in the minimap's pixels."""
        width, height = self._viewport.image_wh
        across, down = self.width() / max(width, 1), self.height() / max(height, 1)
        x1, y1, x2, y2 = self._viewport.visible()
        view = QRectF(x1 * across, y1 * down, (x2 - x1) * across, (y2 - y1) * down)
        view = view & QRectF(self.rect())
        grow_x, grow_y = max(0.0, 6 - view.width()) / 2, max(0.0, 6 - view.height()) / 2
        return view.adjusted(-grow_x, -grow_y, grow_x, grow_y) & QRectF(self.rect())

    def _small(self) -> QImage:
        """Return the picture in the minimap's size, drawn once."""
        ratio = self.devicePixelRatioF()
        wanted = self.size() * ratio
        if self._image is None or self._image.size() != wanted:
            self._image = QImage(wanted, QImage.Format.Format_RGB32)
            self._image.fill(QColor(current_colors().panel))
            if self._picture is not None:
                painter = QPainter(self._image)
                width, height = self._picture.size_wh
                target = QRectF(0, 0, wanted.width(), wanted.height())
                scale = wanted.width() / width
                self._picture.draw(
                    painter, target, QRectF(0, 0, width, height), scale, self._display
                )
                painter.end()
        return self._image
