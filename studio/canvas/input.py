"""From Qt's events to the events of the tools."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QKeyEvent, QSinglePointEvent

from studio.canvas.viewport import Viewport
from studio.theme import tokens
from studio.tools.base import CursorName, Key, KeyName, Pointer, PointerKind

_KEYS: dict[int, KeyName] = {
    Qt.Key.Key_Escape: "escape",
    Qt.Key.Key_Return: "enter",
    Qt.Key.Key_Enter: "enter",
    Qt.Key.Key_Backspace: "backspace",
    Qt.Key.Key_Tab: "tab",
    Qt.Key.Key_Backtab: "tab",
    Qt.Key.Key_Delete: "delete",
    Qt.Key.Key_Left: "left",
    Qt.Key.Key_Right: "right",
    Qt.Key.Key_Up: "up",
    Qt.Key.Key_Down: "down",
    Qt.Key.Key_Space: "space",
}
CURSORS: dict[CursorName, Qt.CursorShape] = {
    "arrow": Qt.CursorShape.ArrowCursor,
    "cross": Qt.CursorShape.CrossCursor,
    "move": Qt.CursorShape.SizeAllCursor,
    "vertex": Qt.CursorShape.CrossCursor,
    "insert": Qt.CursorShape.DragCopyCursor,
    "remove": Qt.CursorShape.ForbiddenCursor,
    "point": Qt.CursorShape.PointingHandCursor,
    "resize": Qt.CursorShape.SizeFDiagCursor,
    "brush": Qt.CursorShape.CrossCursor,
}


def pointer_of(kind: PointerKind, event: QSinglePointEvent, viewport: Viewport) -> Pointer:
    """Return the tools' pointer event for a mouse or pen event of Qt."""
    x, y = viewport.to_image(*device_place(event.position(), viewport))
    held = bool(event.buttons() & Qt.MouseButton.LeftButton)
    return Pointer(kind, x, y, hit_radius(viewport), held, **_modifiers(event.modifiers()))


def key_of(event: QKeyEvent) -> Key:
    """Return the tools' key event for a key event of Qt."""
    text = event.text().lower()
    return Key(
        _KEYS.get(event.key(), "other"),
        text=text if text.isprintable() else "",
        **_modifiers(event.modifiers()),
    )


def hit_radius(viewport: Viewport) -> float:
    """Return the radius within which a thing is hit, in image pixels."""
    return tokens.VERTEX_HIT_SIZE / 2 * viewport.pixel_ratio / viewport.scale


def device_place(place: QPointF, viewport: Viewport) -> tuple[float, float]:
    """Return a place in Qt's logical pixels in device pixels."""
    return place.x() * viewport.pixel_ratio, place.y() * viewport.pixel_ratio


def _modifiers(modifiers: Qt.KeyboardModifier) -> dict[str, Any]:
    kinds = Qt.KeyboardModifier
    return {
        "shift": bool(modifiers & kinds.ShiftModifier),
        "alt": bool(modifiers & kinds.AltModifier),
        "ctrl": bool(modifiers & kinds.ControlModifier),
    }
