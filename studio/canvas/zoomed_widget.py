"""A widget that shows a part of a picture, at some size: what part, by commands, by wheel and by hand."""

from __future__ import annotations

from math import floor

from PySide6.QtCore import QPointF, QRect, Signal
from PySide6.QtGui import QRegion
from PySide6.QtWidgets import QWidget

from studio.canvas.input import device_place
from studio.canvas.navigation import Navigation
from studio.canvas.viewport import Viewport

_ZOOM_STEP = 1.25


class ZoomedWidget(QWidget):
    """Zooms and moves; what is painted there is a matter of who derives from it.

    Signals:
        zoom_changed(float): Device pixels per image pixel.
        moved(): Another part of the picture shows, or at another size.

    Attributes:
        viewport: Which part of the picture shows, and how large.
    """

    zoom_changed = Signal(float)
    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.viewport = Viewport()
        self._navigation = Navigation(self.viewport, self._on_view_changed)

    @property
    def zoom(self) -> float:
        """Device pixels per image pixel."""
        return self.viewport.scale

    def fit(self) -> None:
        """Show the whole picture."""
        self.viewport.fit()
        self._on_view_changed(True)

    def set_zoom(self, zoom: float) -> None:
        """Zoom to ``zoom`` device pixels per image pixel about the cursor, or the middle if it is elsewhere."""
        self.viewport.set_scale(zoom, *device_place(self._zoom_center(), self.viewport))
        self._on_view_changed(True)

    def zoom_in(self) -> None:
        """Zoom in by a step."""
        self._navigation.zoom(self._zoom_center(), _ZOOM_STEP)

    def zoom_out(self) -> None:
        """Zoom out by a step."""
        self._navigation.zoom(self._zoom_center(), 1 / _ZOOM_STEP)

    def show_rect(self, x1: float, y1: float, x2: float, y2: float) -> None:
        """Bring a part of the picture into the middle, large."""
        self.viewport.show_rect(x1, y1, x2, y2)
        self._on_view_changed(True)

    def center_on(self, x: float, y: float) -> None:
        """Bring an image point into the middle without another zoom."""
        width, height = self.viewport.view_wh
        left, top = self.viewport.to_device(x, y)
        self.viewport.pan(width / 2 - left, height / 2 - top)
        self._on_view_changed(False)

    def _zoom_center(self) -> QPointF:
        here = self.mapFromGlobal(self.cursor().pos())
        return (
            QPointF(here)
            if self.underMouse() and self.rect().contains(here)
            else QPointF(self.rect().center())
        )

    def _on_view_changed(self, zoomed: bool) -> None:
        self.update()
        if zoomed:
            self.zoom_changed.emit(self.viewport.scale)
        self.moved.emit()

    def _update_region(self, region: QRegion) -> None:
        ratio = self.viewport.pixel_ratio
        if ratio == 1.0:
            self.update(region)
            return
        rect = region.boundingRect()
        sides = rect.left(), rect.top(), rect.width(), rect.height()
        left, top, width, height = (floor(side / ratio) for side in sides)
        self.update(QRect(left - 1, top - 1, width + 3, height + 3))
