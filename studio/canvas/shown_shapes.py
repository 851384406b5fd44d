"""The shapes on the canvas: those that lie still, what moves over them, and the suggestions below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from PySide6.QtCore import QObject, QRect, Signal
from PySide6.QtGui import QPainter, QRegion

from studio.canvas.label_layer import LabelLayer, Source
from studio.canvas.overlay import KeptPaint, Live, difference, paint_live
from studio.canvas.paint_layer import draw_paint
from studio.canvas.styles import Look, Styles
from studio.canvas.viewport import Viewport
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.records import ClassDef, Shape
from studio.tools.base import Pointer, Preview
from studio.tools.rings import is_large_mask
from studio.tools.scene import Entry, Scene

_LIVE_LIMIT = 4000  # vertices: a larger selection is painted into the still layer instead
_HELD_LIMIT = (
    16  # shapes: what a hand has just changed; a whole image of new ones comes tile by tile
)


class ShownShapes(QObject):
    """Keeps what is drawn in step with the scene and with what the tool in hand shows.

    Signals:
        stale(QRegion): This part of the canvas, in device pixels, has to be drawn anew; None for all of it.

    Attributes:
        scene: The person's own shapes, which the tools work on.
        suggestions: What models suggest.
        still: The layer of what lies still.
        live: What moves, as it is drawn.
        styles: Colours and pens.
        visible: Whether shapes are shown at all.
    """

    stale = Signal(object)

    def __init__(self, viewport: Viewport, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.scene, self.suggestions = Scene(), Scene()
        self.styles = Styles()
        self.live = Live()
        self.visible = True
        self._viewport = viewport
        self._classes: tuple[ClassDef, ...] = ()
        self._scheme: KeypointScheme | None = None
        self._baked: frozenset[int] = frozenset()
        self._held: dict[int, Entry] = {}
        self._kept: KeptPaint | None = None
        self._proposed: tuple[Shape, ...] = ()
        self.still = LabelLayer(
            Source("shape", self.scene, self._look),
            [Source("suggestion", self.suggestions, lambda _: Look.SUGGESTION)],
            self,
        )
        self.still.updated.connect(self._on_still_updated)

    # -- which shapes --------------------------------------------------------

    def set_image(self, image_id: int, size_wh: tuple[int, int]) -> None:
        """Begin with another picture, without shapes."""
        self._held.clear()
        self._kept = None
        self.suggestions.set_image(image_id, size_wh)
        self.scene.set_image(image_id, size_wh)
        self.still.clear()

    def set_size(self, size_wh: tuple[int, int]) -> None:
        """Take over the picture's size once it is known."""
        self.scene.size_wh = self.suggestions.size_wh = size_wh
        self.still.clear()

    def set_shapes(self, shapes: Sequence[Shape]) -> bool:
        """Show these shapes and no others; returns whether anything differs."""
        return self.update(*_changes(self.scene, shapes))

    def update(self, changed: Iterable[Shape], removed: Iterable[int] = ()) -> bool:
        """Add or replace some shapes and take others away; returns whether there was anything to do."""
        changed, removed = list(changed), list(removed)
        if not changed and not removed:
            return False
        self._replace(self.scene, changed, removed)
        self._kept = self._painted_as(changed)
        for shape_id in removed:
            self._held.pop(shape_id, None)
        if len(changed) <= _HELD_LIMIT:
            self._hold(changed)
        return True

    def propose(self, shapes: Sequence[Shape]) -> None:
        """Draw shapes in place of those with the same number, as they would become."""
        self._proposed = tuple(shapes)

    def set_suggestions(self, shapes: Sequence[Shape]) -> None:
        """Show these suggestions and no others."""
        self._replace(self.suggestions, *_changes(self.suggestions, shapes))

    def suggestion_at(self, pointer: Pointer) -> Entry | None:
        """Return the suggestion that a click would mean: none where a smaller shape of one's own is hit."""
        if not len(self.suggestions) or not self.visible:
            return None
        place = pointer.x, pointer.y, pointer.tolerance
        ghosts, own = self.suggestions.shapes_at(*place), self.scene.shapes_at(*place)
        if not ghosts or (own and own[0].geometry.area() < ghosts[0].geometry.area()):
            return None
        return self.suggestions.entry(ghosts[0].id)

    def _painted_as(self, changed: Sequence[Shape]) -> KeptPaint | None:
        """Return the stroke on the canvas if it has just become this one large mask.

        It stays until the mask's tiles are there: to work out the outline and draw it takes longer than a frame.
        """
        paint = self.live.preview.paint
        if paint is None or len(changed) != 1 or not is_large_mask(changed[0].geometry):
            return None
        shape = changed[0]
        if (
            not self.scene.is_shown(shape.id)
            or np.count_nonzero(paint.pixels) != shape.geometry.area()
        ):
            return None
        return KeptPaint(shape.id, replace(paint, class_id=shape.class_id))

    def _hold(self, shapes: Sequence[Shape]) -> None:
        """Draw these live until their tiles show them."""
        for shape in shapes:
            self._held.pop(shape.id, None)
        for shape in shapes:
            entry = self.scene.entry(shape.id) if self.scene.is_shown(shape.id) else None
            if entry is not None:
                self._held[shape.id] = entry

    def _replace(self, scene: Scene, changed: Sequence[Shape], removed: Sequence[int]) -> None:
        touched = [*(shape.id for shape in changed), *removed]
        before = [entry.bounds for i in touched if (entry := scene.entry(i)) is not None]
        scene.update(changed, removed)
        after = [entry.bounds for shape in changed if (entry := scene.entry(shape.id)) is not None]
        self.still.invalidate([*before, *after])

    # -- how they look -------------------------------------------------------

    def set_classes(self, classes: Sequence[ClassDef], scheme: KeypointScheme | None) -> None:
        """Use the names, colours and visibility of these classes."""
        self._classes, self._scheme = tuple(classes), scheme
        self.scene.set_classes(classes, scheme)
        self._held.clear()
        self._kept = None
        self._restyle()
        for scene in (self.scene, self.suggestions):
            scene.set_hidden_classes(self.styles.hidden_classes())

    def set_pixel_ratio(self, ratio: float) -> None:
        """Use the pens of a screen of ``ratio`` device pixels a logical pixel."""
        if ratio != self.styles.pixel_ratio:
            self._restyle(ratio)

    def _restyle(self, ratio: float | None = None) -> None:
        ratio = self._viewport.pixel_ratio if ratio is None else ratio
        self.styles = Styles(self._classes, ratio, self._scheme)
        self.still.set_styles(self.styles)

    # -- drawing -------------------------------------------------------------

    def show_live(self, preview: Preview, suggestion: Entry | None = None) -> None:
        """Draw anew what moves, if it differs from what is drawn.

        Args:
            preview: What the tool in hand shows.
            suggestion: The suggestion under the cursor.
        """
        if self._proposed:
            preview = replace(preview, shapes=(*preview.shapes, *self._proposed), frame=None)
        changing = [shape.id for shape in preview.shapes if shape.id]
        self.still.set_hidden([*changing, *preview.hidden])
        live = Live(
            preview,
            self._selected(),
            self._hovered(),
            tuple(self._held.values()),
            (suggestion,) if suggestion is not None else (),
            self._kept,
            self.still.tags_shown,
        )
        if live != self.live:
            region = difference(self.live, live, self._viewport)
            self.live = live
            self.stale.emit(region)

    def paint(self, painter: QPainter, part: QRect) -> None:
        """Draw with a painter in device pixels; ``part`` is what of the canvas is drawn anew."""
        if not self.visible:
            return
        self.still.paint(painter, self._viewport)
        self._let_go_of_held()
        self._paint_kept(painter, part)
        paint_live(painter, self.live, self._viewport, self.styles, self.still.tags, part)

    def _paint_kept(self, painter: QPainter, part: QRect) -> None:
        """Draw the pixels of a mask that was just painted where its tiles do not show it yet."""
        paint = self.live.paint
        if paint is None or paint is self.live.preview.paint:
            return
        painter.save()
        painter.setClipRegion(QRegion(part) - self.still.clean_region())
        draw_paint(painter, paint, part, self._viewport, self.styles.style(paint.class_id).color)
        painter.restore()

    def _selected(self) -> tuple[Entry, ...]:
        """Return the selected shapes that are drawn live; many are painted into the still layer instead."""
        found = [self.scene.entry(i) for i in self.scene.selection]
        entries = tuple(entry for entry in found if entry is not None)
        if sum(entry.vertex_count for entry in entries) > _LIVE_LIMIT:
            self._bake(frozenset(self.scene.selection))
            return ()
        self._bake(frozenset())
        return entries

    def _hovered(self) -> tuple[Entry, ...]:
        """Return the shape under the cursor, where it is not selected."""
        shape_id = self.scene.hovered
        if shape_id is None or shape_id in self.scene.selection:
            return ()
        entry = self.scene.entry(shape_id)
        return () if entry is None else (entry,)

    def _bake(self, shape_ids: frozenset[int]) -> None:
        """Paint a large selection into the still layer, where it costs nothing per frame."""
        if shape_ids == self._baked:
            return
        changed, self._baked = shape_ids ^ self._baked, shape_ids
        entries = (self.scene.entry(i) for i in changed)
        self.still.invalidate([entry.bounds for entry in entries if entry is not None])
        self.stale.emit(None)

    def _look(self, shape_id: int) -> Look:
        return Look.SELECTED if shape_id in self._baked else Look.NORMAL

    def _let_go_of_held(self) -> None:
        """Stop drawing live the shapes that their tiles show by now."""
        kept = None if self._kept is None else self.scene.entry(self._kept.shape_id)
        if self._kept is not None and (kept is None or self.still.is_clean(kept.bounds)):
            self._kept = None
            live = replace(self.live, kept=None)
            region = difference(self.live, live, self._viewport)
            self.live = live
            self.stale.emit(region)  # it may be highlighted, which its pixels were not
        if self._held:
            held = {i: e for i, e in self._held.items() if not self.still.is_clean(e.bounds)}
            if len(held) != len(self._held):
                self._held = held
                self.live = replace(self.live, held=tuple(held.values()))

    def _on_still_updated(self, rect: QRect) -> None:
        self.stale.emit(QRegion(rect.translated(*self._viewport.origin)))


def _changes(scene: Scene, shapes: Sequence[Shape]) -> tuple[list[Shape], list[int]]:
    """Return which of these shapes differ from the scene's, and which of the scene's are not among them."""
    kept = {shape.id for shape in shapes}
    removed = [old.id for old in scene.shapes() if old.id not in kept]
    return [shape for shape in shapes if scene.shape(shape.id) != shape], removed
