"""Which item draws which kind of geometry; an image tag has no place on the picture and no item."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PySide6.QtGui import QPainter

from engine.data.annotations import Box, Keypoints, Mask, OrientedBox, Polygon, Polyline
from studio.canvas.items.area import AreaItem
from studio.canvas.items.line import LineItem
from studio.canvas.items.points import PointsItem
from studio.canvas.styles import ShapeStyle
from studio.tools.scene import Entry


class Item(Protocol):
    """The drawing of one shape."""

    vertex_count: int

    def draw(self, painter: QPainter, style: ShapeStyle) -> None:
        """Draw with a painter that is scaled to image pixels."""
        ...


ITEMS: dict[type, Callable[[Entry], Item]] = {
    Polygon: AreaItem,
    Box: AreaItem,
    OrientedBox: AreaItem,
    Mask: AreaItem,
    Polyline: LineItem,
    Keypoints: PointsItem,
}


def build_item(entry: Entry) -> Item | None:
    """Return the drawing of a shape, None where there is nothing to draw."""
    build = ITEMS.get(type(entry.shape.geometry))
    return None if build is None else build(entry)
