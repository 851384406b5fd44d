"""The vertices that a person has chosen among those of the selected shapes, to move or remove them together."""

from __future__ import annotations

from engine.data.annotations import Point
from engine.data.annotations.geometry import Bounds
from studio.language import tr
from studio.model.edits import Edit, ReplaceShapes
from studio.model.records import Shape
from studio.tools.scene import Scene
from studio.tools.vertex_set import (
    Vertex,
    moved_vertices,
    places_of,
    still_vertices,
    vertices_in,
    without_vertices,
)

_TOO_FEW = tr(
    "A shape that would keep too few vertices stays as it was; Delete without vertices removes it."
)


class VertexChoice:
    """A set of vertices that follows the scene: what an undo has taken away is no longer in it."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._chosen: frozenset[Vertex] = frozenset()
        self._before: frozenset[Vertex] = frozenset()

    def current(self) -> frozenset[Vertex]:
        """Return the chosen vertices that are still there."""
        if self._chosen:
            self._chosen = still_vertices(self._chosen, self._scene.changeable())
        return self._chosen

    def clear(self) -> None:
        """Choose none."""
        self._chosen = frozenset()

    def turn(self, vertex: Vertex) -> None:
        """Choose a vertex, or no longer where it is chosen."""
        self._chosen = self.current() ^ {vertex}

    def begin_band(self) -> None:
        """Remember what a band with Shift adds to."""
        self._before = self.current()

    def stretch_band(self, band: Bounds, *, adds: bool) -> None:
        """Choose the vertices in a band; with ``adds`` beside those chosen before."""
        inside = vertices_in(self._scene.changeable(), band)
        self._chosen = inside | self._before if adds else inside

    def places(self, changed: tuple[Shape, ...]) -> tuple[Point, ...]:
        """Return where the vertices are, image pixels; ``changed`` are shapes as a drag has made them."""
        chosen = self.current()
        if not chosen:
            return ()
        anew = {shape.id: shape for shape in changed}
        shapes = [anew.get(shape.id, shape) for shape in self._scene.changeable()]
        return places_of(still_vertices(chosen, shapes), shapes)

    def moved(self, dx: float, dy: float) -> tuple[Shape, ...]:
        """Return the shapes with the vertices moved by (dx, dy) pixels."""
        scene = self._scene
        return moved_vertices(scene.changeable(), self.current(), dx, dy, scene.size_wh)

    def removed(self) -> tuple[Edit | None, str]:
        """Return the edit that removes the vertices, which are chosen no longer then, and what is to be said."""
        changed, refused = without_vertices(self._scene.changeable(), self.current())
        said = _TOO_FEW if refused else ""
        if not changed:
            return None, said
        label = tr("Remove vertex") if len(self._chosen) == 1 else tr("Remove vertices")
        self.clear()
        return ReplaceShapes(changed, label=label), said
