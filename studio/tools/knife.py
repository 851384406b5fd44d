"""The knife: a line across shapes cuts them apart."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from engine.data.annotations import Box, Geometry, Mask, OrientedBox, Point, Polygon, Polyline
from studio.language import tr
from studio.model.edits import AddShapes, Batch, Edit, ReplaceShapes
from studio.model.kind_words import shapes_text
from studio.model.locks import locked_text
from studio.model.records import Shape, moved_to
from studio.model.tracks import off_track
from studio.tools.base import Pointer
from studio.tools.cutting import cut_apart
from studio.tools.path_tool import PathTool, State

_CUTTABLE = (Polygon, Box, OrientedBox, Polyline, Mask)
_MISSED = tr("Nothing was cut: the line has to cross a shape from side to side.")


class KnifeTool(PathTool):
    """Cuts the selected shapes, or where none is selected all that the line crosses.

    The largest part keeps the number of the shape and its track, all parts keep its class and other attributes. Locked
    shapes stay whole. A swipe cuts when the button is let go; clicks make a line of several points that a double click or
    Enter ends.
    """

    too_few = tr("A cut needs two points; Escape drops it.")

    def _release(self) -> Edit | None:
        return self._finish() if self.state is State.FREEHAND else super()._release()

    def _point_at(self, event: Pointer) -> None:
        super()._point_at(replace(event, shift=False))  # a cut along a border would cut nothing

    def _made(self, points: list[Point]) -> Edit | None:
        changed: list[Shape] = []
        added: list[Shape] = []
        cuts = [(s, cut_apart(s.geometry, points)) for s in self._candidates(points)]
        crossed = [(shape, parts) for shape, parts in cuts if len(parts) > 1]
        for shape, parts in crossed:
            if not shape.locked:
                changed.append(moved_to(shape, parts[0]))
                rest = off_track(shape)  # one object cannot be twice on an image
                added += [replace(moved_to(rest, part), id=0, z=0) for part in parts[1:]]
        self.notice.text = locked_text([shape for shape, _ in crossed]) if crossed else _MISSED
        if not changed:
            return None
        label = tr("Cut {shapes} into {parts} parts").format(
            shapes=shapes_text(changed), parts=len(changed) + len(added)
        )
        return Batch((ReplaceShapes(tuple(changed)), AddShapes(tuple(added))), label)

    def _candidates(self, points: Iterable[Point]) -> list[Shape]:
        xs, ys = zip(*points, strict=True)
        rect = min(xs), min(ys), max(xs), max(ys)
        touched = [entry.shape for entry in self.scene.entries_touching(rect)]
        chosen = [s for s in touched if s.id in self.scene.selection] or touched
        return [shape for shape in chosen if _can_cut(shape.geometry)]


def _can_cut(geometry: Geometry) -> bool:
    return isinstance(geometry, _CUTTABLE)
