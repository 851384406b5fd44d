"""Zoom and pan: wheel, trackpad, middle button, Space and left button."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QPointF, Qt
from PySide6.QtGui import QInputDevice, QMouseEvent, QNativeGestureEvent, QWheelEvent

from studio.canvas.input import device_place
from studio.canvas.viewport import Viewport

_NOTCH = 120.0  # what a wheel sends for one click
_ZOOM_A_NOTCH = 1.2
_PAN_A_NOTCH = 64.0  # logical pixels


class Navigation:
    """Changes the viewport and says so.

    Args:
        viewport: What is changed.
        changed: Called after each change; its argument tells whether the zoom is another one.
    """

    def __init__(self, viewport: Viewport, changed: Callable[[bool], None]) -> None:
        self._viewport = viewport
        self._changed = changed
        self._from: QPointF | None = None
        self.space_held = False

    @property
    def is_panning(self) -> bool:
        """Whether the picture is being dragged."""
        return self._from is not None

    def wheel(self, event: QWheelEvent) -> None:
        """Zoom about the cursor; a trackpad's two fingers pan, with Ctrl they zoom; Shift+wheel pans sideways."""
        turn, modifiers = event.angleDelta(), event.modifiers()
        zooms = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
        trackpad = event.pointingDevice().type() == QInputDevice.DeviceType.TouchPad
        if zooms or not (trackpad or modifiers & Qt.KeyboardModifier.ShiftModifier):
            self.zoom(event.position(), _ZOOM_A_NOTCH ** (turn.y() / _NOTCH))
            return
        pixels = event.pixelDelta()
        if trackpad and not pixels.isNull():
            dx, dy = float(pixels.x()), float(pixels.y())
        else:
            dx, dy = (part / _NOTCH * _PAN_A_NOTCH for part in (turn.x(), turn.y()))
            if not trackpad:
                dx, dy = dx + dy, 0.0
        self._pan(dx, dy)

    def gesture(self, event: QNativeGestureEvent) -> bool:
        """Zoom with two fingers; returns whether the gesture was one for us."""
        if event.gestureType() != Qt.NativeGestureType.ZoomNativeGesture:
            return False
        self.zoom(event.position(), 1.0 + event.value())
        return True

    def zoom(self, place: QPointF, factor: float) -> None:
        """Zoom by ``factor`` about a place in logical pixels."""
        self._viewport.zoom_about(*device_place(place, self._viewport), factor)
        self._changed(True)

    def press(self, event: QMouseEvent) -> bool:
        """Begin to pan with the middle button, or with the left one while Space is down."""
        button = event.button()
        with_space = self.space_held and button == Qt.MouseButton.LeftButton
        if button != Qt.MouseButton.MiddleButton and not with_space:
            return False
        self._from = event.position()
        return True

    def move(self, event: QMouseEvent) -> bool:
        """Pan; returns whether the event was for us."""
        if self._from is None:
            return False
        here = event.position()
        step, self._from = here - self._from, here
        self._pan(step.x(), step.y())
        return True

    def release(self, event: QMouseEvent) -> bool:
        """End panning; returns whether the event was for us."""
        was_panning = self._from is not None
        self._from = None
        return was_panning

    def _pan(self, dx: float, dy: float) -> None:
        ratio = self._viewport.pixel_ratio
        self._viewport.pan(dx * ratio, dy * ratio)
        self._changed(False)


def is_gesture(event: QEvent) -> bool:
    """Tell whether an event is a trackpad gesture of the desktop."""
    return event.type() == QEvent.Type.NativeGesture
