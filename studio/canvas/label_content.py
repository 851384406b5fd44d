"""What lies in a part of the label layer at one moment: gathered in the window's thread, styled wherever it is painted."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF

from engine.data.annotations import Keypoints
from studio.canvas.styles import Look, ShapeStyle, Styles
from studio.canvas.tags import Tag, Tags
from studio.tools.scene import Entry, Scene

SHAPE_COST = 12  # vertices that the fixed effort for a shape is worth
MARGIN = 4  # device pixels that a halo reaches beyond its shape

Bounds = tuple[float, float, float, float]


@dataclass(frozen=True)
class Source:
    """Shapes of one kind on the canvas: the person's own, or suggestions."""

    name: str
    scene: Scene
    look: Callable[[int], Look]


@dataclass(frozen=True, slots=True)
class Drawable:
    """A shape as it is to be drawn; ``key`` tells it from all others on the canvas."""

    key: Hashable
    entry: Entry
    style: ShapeStyle


@dataclass(frozen=True)
class Content:
    """The shapes and tags that touch a part.

    Attributes:
        part: Device pixels at ``scale``, counted from the picture's corner.
        scale: Device pixels per image pixel.
        shapes: Per source, the rearmost source first, the shapes that touch it, from back to front.
        tagged: Those whose tags may touch it.
        styles: How they look.
    """

    part: QRectF
    scale: float
    shapes: Sequence[tuple[Source, Sequence[Entry]]]
    tagged: Sequence[tuple[Source, Sequence[Entry]]]
    styles: Styles

    def cost(self, limit: int) -> int:
        """Return what painting the shapes costs, in vertices; where that is above ``limit``, just some number above."""
        cost = SHAPE_COST * sum(len(entries) for _, entries in self.shapes)
        for _, entries in self.shapes:
            for entry in entries:
                if cost > limit:  # the outlines of the others need not be worked out now
                    return cost
                cost += entry.vertex_count
        return cost

    def drawables(self) -> list[Drawable]:
        """Return the shapes as they are to be drawn, from back to front."""
        return [
            Drawable((source.name, entry.shape.id), entry, self._style(source, entry))
            for source, entries in self.shapes
            for entry in entries
        ]

    def tags(self, tags: Tags) -> list[Tag]:
        """Return the tags that touch the part; ``tags`` measures them and must belong to this thread."""
        found = []
        for source, entries in self.tagged:
            for entry in entries:
                x1, y1, x2, y2 = (value * self.scale for value in entry.bounds)
                tag = tags.tag_of(entry.shape, self._style(source, entry), (x1, y1, x2, y2))
                # A point is a dot in its class's colour by itself, and a skeleton's corner is empty.
                has_place = bool(tag.text) or not isinstance(entry.shape.geometry, Keypoints)
                if has_place and tag.rect.intersects(self.part):
                    found.append(tag)
        return found

    def _style(self, source: Source, entry: Entry) -> ShapeStyle:
        return self.styles.style(entry.shape.class_id, source.look(entry.shape.id))


def is_crowded(sources: Sequence[Source], part: QRectF, scale: float, limit: int) -> bool:
    """Tell quickly whether some source has so many shapes in a part that painting them costs more than ``limit``.

    Args:
        sources: As `gather` takes them.
        part: Device pixels at ``scale``, counted from the picture's corner.
        scale: Device pixels per image pixel.
        limit: In vertices, see `Content.cost`.
    """
    rect = _on_image(part, scale)
    return any(source.scene.has_more_touching(rect, limit // SHAPE_COST) for source in sources)


def gather(
    sources: Sequence[Source],
    part: QRectF,
    scale: float,
    styles: Styles,
    tag_reach: tuple[float, float] | None = None,
    hidden: frozenset[int] = frozenset(),
) -> Content:
    """Return what lies in a part now.

    Args:
        sources: The rearmost first; the last one holds the person's own shapes.
        part: Device pixels at ``scale``, counted from the picture's corner.
        scale: Device pixels per image pixel.
        styles: How shapes look.
        tag_reach: How far a tag reaches to the right and upwards, in device pixels; None: no tags are wanted.
        hidden: Shapes of the last source that are left out.
    """

    def touching(rect: QRectF) -> list[tuple[Source, list[Entry]]]:
        box = _on_image(rect, scale)
        found = [(source, source.scene.entries_touching(box)) for source in sources]
        if hidden:
            own, entries = found[-1]
            found[-1] = own, [entry for entry in entries if entry.shape.id not in hidden]
        return found

    margin = MARGIN * styles.pixel_ratio
    shapes = touching(part.adjusted(-margin, -margin, margin, margin))
    if tag_reach is None:
        return Content(part, scale, shapes, (), styles)
    reach_x, reach_y = tag_reach
    return Content(
        part, scale, shapes, touching(part.adjusted(-reach_x, 0.0, MARGIN, reach_y)), styles
    )


def _on_image(rect: QRectF, scale: float) -> Bounds:
    """Return device pixels at ``scale`` as image pixels."""
    corners = rect.left(), rect.top(), rect.right(), rect.bottom()
    x1, y1, x2, y2 = (value / scale for value in corners)
    return x1, y1, x2, y2
