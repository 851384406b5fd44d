"""The canvas: shows one picture with its shapes and lets the tools work on them. It changes nothing in the project.

What a tool has finished goes out as an edit; whoever applies it puts the shapes back with ``update_shapes`` or ``set_shapes``.
The file is long because Qt wants its event handlers as methods of the one widget; what they do lives in the other files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import floor, nan
from pathlib import Path

from PySide6.QtCore import QEvent, QPointF, QRect, QRectF, Qt, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QRegion,
    QResizeEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from studio.canvas.aids import Aids
from studio.canvas.backdrop import Backdrop
from studio.canvas.input import CURSORS, device_place, hit_radius, key_of, pointer_of
from studio.canvas.label_layer import LabelLayer, Source
from studio.canvas.navigation import Navigation
from studio.canvas.overlay import Live, difference, paint_live
from studio.canvas.pixels import read_pixels
from studio.canvas.shown_picture import ShownPicture
from studio.canvas.styles import Look, Styles
from studio.canvas.viewport import Viewport
from studio.language import tr
from studio.model.display import Display
from studio.model.edits import Edit
from studio.model.edits.classes import NEW
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.records import ClassDef, Shape
from studio.theme.theme import current_colors
from studio.tools.base import Key, Pixels, Pointer, Preview, Tool
from studio.tools.keypoint_edits import keypoint_at, with_next_visibility, with_sides_swapped
from studio.tools.scene import Entry, Scene
from studio.tools.table import TOOLS

_LIVE_LIMIT = 4000  # vertices: a larger selection is painted into the still layer instead
_HELD_LIMIT = (
    16  # shapes: what a hand has just changed; a whole image of new ones comes tile by tile
)
_ZOOM_STEP = 1.25
_NOTCH = 120.0  # what a wheel sends for one click


class CanvasView(QWidget):
    """The picture, its shapes, and a tool.

    Signals:
        edit_made(Edit): A tool finished something; apply it to the project. A new shape has the class id -1 while the
            canvas has no current class.
        cursor_moved(float, float): Where the cursor is, image pixels; NaN when it has left the canvas.
        zoom_changed(float): Device pixels per image pixel.
        selection_changed(tuple): Ids of the selected shapes.
        suggestion_clicked(int): Id of a suggestion.
        shape_activated(int): A shape was double-clicked.
        tool_changed(str): Another tool is in hand.
        options_changed(): An option of the tools has another value.
        next_asked(): The tool is done with this image.
        notice(str): A sentence for the status bar.
        leave_asked(): Escape was pressed with nothing left to cancel: the tool wants to be left.
        image_shown(bool): The picture is there (True) or cannot be shown (False).
        moved(): Another part of the picture shows, or at another size.
    """

    edit_made = Signal(object)
    cursor_moved = Signal(float, float)
    zoom_changed = Signal(float)
    selection_changed = Signal(object)
    suggestion_clicked = Signal(int)
    shape_activated = Signal(int)
    notice = Signal(str)
    tool_changed = Signal(str)
    options_changed = Signal()
    next_asked = Signal()
    leave_asked = Signal()
    image_shown = Signal(bool)
    moved = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.scene = Scene()
        self.viewport = Viewport()
        self._suggestions = Scene()
        self._classes: tuple[ClassDef, ...] = ()
        self._scheme: KeypointScheme | None = None
        self._styles = Styles()
        self._backdrop = Backdrop()
        self.scene.pixels = self._pixels
        self._baked: frozenset[int] = frozenset()
        self._layer = LabelLayer(
            Source("shape", self.scene, self._look),
            [Source("suggestion", self._suggestions, lambda _: Look.SUGGESTION)],
            self,
        )
        self._layer.updated.connect(self._on_layer_updated)
        self.picture = ShownPicture(self._backdrop, self)
        self.picture.arrived.connect(self._on_picture)
        self.picture.sharpened.connect(self._on_picture_sharpened)
        self.picture.shown.connect(self._on_picture_shown)
        self._navigation = Navigation(self.viewport, self._on_view_changed)
        self._tool_name = "select"
        self._tool = TOOLS["select"].build(self.scene)
        self._live = Live()
        self._held: dict[int, Entry] = {}
        self._announced_selection: tuple[int, ...] = ()
        self._pressed_suggestion: int | None = None
        self._cursor_place = (nan, nan)  # device pixels; NaN when it has left the canvas
        self._proposed: tuple[Shape, ...] = ()
        self._shapes_shown = True
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAccessibleName(tr("Canvas"))
        self.aids = Aids(self)

    # -- the picture ---------------------------------------------------------

    def set_image(
        self,
        image: QImage | Path | str | None,
        image_id: int = 0,
        size_wh: tuple[int, int] = (0, 0),
    ) -> None:
        """Show another picture, fitted and without shapes; reading a file does not hold up the window.

        Args:
            image: A picture at hand, a file to read, or None for an empty canvas.
            image_id: The image that new shapes belong to.
            size_wh: Its size in pixels if known: shapes and drawing need not wait for the file then.
        """
        self._tool.cancel()
        self._held.clear()
        self._suggestions.set_image(image_id, size_wh)
        self.scene.set_image(image_id, size_wh)
        self.viewport.set_image(size_wh)
        self._layer.clear()
        self.picture.set_image(image)
        self._refresh_live()
        self._on_view_changed(True)

    def prefetch(self, paths: Iterable[Path]) -> None:
        """Read these pictures ahead, the most probable first."""
        self.picture.prefetch(paths)

    def problem(self) -> str:
        """Return why the picture cannot be shown, empty where there is none or it is fine."""
        return self.picture.problem()

    def set_display(self, display: Display) -> None:
        """Show the picture brighter, in one channel, through another window; the file stays as it is."""
        self.picture.set_display(display)
        self.aids.refresh_picture()
        self.update()

    def _on_picture(self, size_wh: tuple[int, int]) -> None:
        if self.scene.size_wh != size_wh:
            self.scene.size_wh = self._suggestions.size_wh = size_wh
            self.viewport.set_image(size_wh)
            self._layer.clear()
            self._on_view_changed(True)
        self.update()

    def _on_picture_sharpened(self, rect: QRectF) -> None:
        self._backdrop.forget(rect)
        left, top = self.viewport.to_device(rect.left(), rect.top())
        right, bottom = self.viewport.to_device(rect.right(), rect.bottom())
        part = QRectF(left, top, right - left, bottom - top) & QRectF(0, 0, *self.viewport.view_wh)
        if not part.isEmpty():
            self._update_region(QRegion(part.toAlignedRect().adjusted(-2, -2, 2, 2)))

    def _on_picture_shown(self, is_good: bool) -> None:
        self.update()
        self.image_shown.emit(is_good)

    # -- shapes --------------------------------------------------------------

    def set_shapes(self, shapes: Sequence[Shape]) -> None:
        """Show these shapes and no others; only what differs is painted anew."""
        kept = {shape.id for shape in shapes}
        removed = [old.id for old in self.scene.shapes() if old.id not in kept]
        self.update_shapes([s for s in shapes if self.scene.shape(s.id) != s], removed)

    def update_shapes(self, changed: Iterable[Shape], removed: Iterable[int] = ()) -> None:
        """Add or replace some shapes and take others away."""
        changed, removed = list(changed), list(removed)
        if not changed and not removed:
            return
        self._replace(self.scene, changed, removed)
        for shape_id in removed:
            self._held.pop(shape_id, None)
        if len(changed) <= _HELD_LIMIT:
            shown = [s for s in changed if self.scene.is_shown(s.id)]
            for shape in changed:
                self._held.pop(shape.id, None)
            entries = ((shape.id, self.scene.entry(shape.id)) for shape in shown)
            self._held.update({i: entry for i, entry in entries if entry is not None})
        self._refresh_live()
        self.update()

    def show_proposed(self, shapes: Sequence[Shape]) -> None:
        """Draw shapes in place of those with the same number, as they would become; none of them ends it."""
        self._proposed = tuple(shapes)
        self._refresh_live()

    def set_suggestions(self, shapes: Sequence[Shape]) -> None:
        """Show these suggestions, dashed and with their score, in place of all others."""
        kept = {shape.id for shape in shapes}
        removed = [old.id for old in self._suggestions.shapes() if old.id not in kept]
        changed = [s for s in shapes if self._suggestions.shape(s.id) != s]
        self._replace(self._suggestions, changed, removed)
        self._refresh_live()
        self.update()

    def set_classes(
        self, classes: Sequence[ClassDef], scheme: KeypointScheme | None = None
    ) -> None:
        """Use the names, colours and visibility of these classes; ``scheme`` is for those without keypoints of their own."""
        self._classes = tuple(classes)
        self.scene.set_classes(classes, scheme)
        self._scheme = scheme
        self._styles = Styles(classes, self.viewport.pixel_ratio, scheme)
        for scene in (self.scene, self._suggestions):
            scene.set_hidden_classes(self._styles.hidden_classes())
        self._held.clear()
        self._layer.set_styles(self._styles)
        self._refresh_live()
        self.update()

    def set_current_class(self, class_id: int | None) -> None:
        """Give new shapes this class; None while the project has none."""
        self.scene.class_id = NEW if class_id is None else class_id
        self._refresh_live()

    def select(self, shape_ids: Sequence[int]) -> None:
        """Select these shapes and no others."""
        self.scene.select(shape_ids)
        self._refresh_live()

    def select_all(self) -> None:
        """Select every shape that is shown."""
        self.select([shape.id for shape in self.scene.shapes()])

    def set_shapes_visible(self, shown: bool) -> None:
        """Show the bare picture, or the shapes again."""
        self._shapes_shown = shown
        self.update()

    def set_tags_visible(self, shown: bool) -> None:
        """Show or hide the name tags."""
        self._layer.set_tags_shown(shown)
        self._refresh_live()
        self.update()

    def cursor_point(self) -> tuple[float, float]:
        """Return where the cursor is, image pixels; NaN when it has left the canvas."""
        return self.viewport.to_image(*self._cursor_place)

    def suggestion_under_cursor(self) -> int | None:
        """Return the suggestion that is highlighted."""
        return self._live.suggestion[0].shape.id if self._live.suggestion else None

    def is_covered(self) -> bool:
        """Tell whether every shape in view shows, if only as a draft."""
        return self._layer.is_covered()

    def is_settled(self) -> bool:
        """Tell whether picture and shapes in view are there in full sharpness."""
        return self.picture.is_settled() and self._layer.is_settled(self.viewport)

    def _replace(self, scene: Scene, changed: Sequence[Shape], removed: Sequence[int]) -> None:
        touched = [*(shape.id for shape in changed), *removed]
        before = [entry.bounds for i in touched if (entry := scene.entry(i)) is not None]
        scene.update(changed, removed)
        after = [entry.bounds for shape in changed if (entry := scene.entry(shape.id)) is not None]
        self._layer.invalidate([*before, *after])

    # -- tools ---------------------------------------------------------------

    @property
    def tool(self) -> Tool:
        """The tool in use."""
        return self._tool

    def has_crosshair(self) -> bool:
        """Tell whether the tool draws lines through the cursor itself."""
        return self._live.preview.crosshair is not None

    @property
    def tool_name(self) -> str:
        """The tool in use, a name of ``studio.tools.table.TOOLS``."""
        return self._tool_name

    def set_tool(self, name: str) -> None:
        """Use another tool; what the last one had begun is dropped.

        Raises:
            KeyError: There is no such tool.
        """
        tool = TOOLS[name].build(self.scene)
        self._tool.cancel()
        self._tool_name, self._tool = name, tool
        self.scene.hovered = None
        self._refresh_live()
        self.tool_changed.emit(name)

    def takes_right(self) -> bool:
        """Tell whether the right button belongs to the tool in hand."""
        return TOOLS[self._tool_name].takes_right

    def tool_preview(self) -> Preview:
        """Return what the tool in hand shows."""
        return self._tool.preview() or Preview()

    def refresh_preview(self) -> None:
        """Show what the tool in hand has learned meanwhile."""
        self._refresh_live()

    def set_option(self, name: str, value: float | bool) -> None:
        """Set an option of the tools, a name of ``studio.tools.options.OPTIONS``."""
        self.scene.options.set(name, value)
        self._refresh_live()
        self.options_changed.emit()

    def step_option(self, notches: float) -> bool:
        """Make the number that the tool in hand has on the wheel larger or smaller; False where it has none."""
        name = TOOLS[self._tool_name].wheel
        if name:
            self.scene.options.step(name, notches)
            self._refresh_live()
            self.options_changed.emit()
        return bool(name)

    def set_snapping(self, snapping: bool) -> None:
        """Let points snap to vertices and to the image's border, or not."""
        self.scene.snapping = snapping

    def turn_keypoint(self) -> None:
        """Make the keypoint under the cursor hidden, then not labelled, then visible again."""
        found = keypoint_at(self.scene, *self.cursor_point(), hit_radius(self.viewport))
        edit = None if found is None else with_next_visibility(*found)
        if edit is None:
            self.notice.emit(tr("There is no keypoint under the cursor."))
        self._take(edit)

    def swap_keypoints(self) -> None:
        """Let left and right keypoints of the selected objects change places."""
        shapes = self.scene.selected()
        schemes = [self.scene.keypoint_scheme(shape.class_id) for shape in shapes]
        edit = with_sides_swapped(shapes, schemes)
        if edit is None:
            self.notice.emit(
                tr("No selected object has keypoints of which left and right are known.")
            )
        self._take(edit)

    def _pixels(self, x1: int, y1: int, x2: int, y2: int) -> Pixels | None:
        """Return a part of the picture as it is shown, for the tools."""
        return read_pixels(self._backdrop.picture, self._backdrop.display, x1, y1, x2, y2)

    def _send(self, pointer: Pointer) -> None:
        if all(self.scene.size_wh):
            self._take(self._tool.pointer(pointer))

    def _take(self, edit: Edit | None) -> None:
        if text := self._tool.notice.take():
            self.notice.emit(text)
        if edit is not None:
            self.edit_made.emit(edit)
            self.options_changed.emit()  # dragging the wand has set its tolerance
        self._refresh_live()
        if self._tool.notice.take_wish():
            self.next_asked.emit()

    def _refresh_live(self, suggestion: Entry | None = None) -> None:
        """Draw anew what moves, if it differs from what is drawn."""
        preview = self._tool.preview() or Preview()
        if self._proposed:
            preview = replace(preview, shapes=(*preview.shapes, *self._proposed), frame=None)
        changing = [shape.id for shape in preview.shapes if shape.id]
        self._layer.set_hidden([*changing, *preview.hidden])
        selected = [self.scene.entry(i) for i in self.scene.selection]
        entries = tuple(entry for entry in selected if entry is not None)
        if sum(entry.vertex_count for entry in entries) > _LIVE_LIMIT:
            self._bake(frozenset(self.scene.selection))
            entries = ()
        else:
            self._bake(frozenset())
        hovered = self.scene.entry(self.scene.hovered) if self.scene.hovered is not None else None
        free = hovered is not None and self.scene.hovered not in self.scene.selection
        live = Live(
            preview,
            entries,
            (hovered,) if free and hovered is not None else (),
            tuple(self._held.values()),
            (suggestion,) if suggestion is not None else (),
            self._layer.tags_shown,
        )
        if live != self._live:
            region = difference(self._live, live, self.viewport)
            self._live = live
            self._update_region(region)
        if not self._navigation.is_panning and not self._navigation.space_held:
            self.setCursor(CURSORS["point" if suggestion is not None else preview.cursor])
        if self.scene.selection != self._announced_selection:
            self._announced_selection = self.scene.selection
            self.selection_changed.emit(self._announced_selection)

    def _bake(self, shape_ids: frozenset[int]) -> None:
        """Paint a large selection into the still layer, where it costs nothing per frame."""
        if shape_ids == self._baked:
            return
        changed, self._baked = shape_ids ^ self._baked, shape_ids
        entries = (self.scene.entry(i) for i in changed)
        self._layer.invalidate([entry.bounds for entry in entries if entry is not None])
        self.update()

    def _look(self, shape_id: int) -> Look:
        return Look.SELECTED if shape_id in self._baked else Look.NORMAL

    def _suggestion_at(self, pointer: Pointer) -> Entry | None:
        """Return the suggestion that a click would mean: none where a smaller shape of one's own is hit."""
        if self._tool_name != "select" or not len(self._suggestions) or not self._shapes_shown:
            return None
        place = pointer.x, pointer.y, pointer.tolerance
        ghosts, own = self._suggestions.shapes_at(*place), self.scene.shapes_at(*place)
        if not ghosts or (own and own[0].geometry.area() < ghosts[0].geometry.area()):
            return None
        return self._suggestions.entry(ghosts[0].id)

    # -- the view ------------------------------------------------------------

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
            self.picture.rescaled()
            self.zoom_changed.emit(self.viewport.scale)
        self.moved.emit()

    def _on_layer_updated(self, rect: QRect) -> None:
        self._update_region(QRegion(rect.translated(*self.viewport.origin)))

    def _update_region(self, region: QRegion) -> None:
        ratio = self.viewport.pixel_ratio
        if ratio == 1.0:
            self.update(region)
            return
        rect = region.boundingRect()
        sides = rect.left(), rect.top(), rect.width(), rect.height()
        left, top, width, height = (floor(side / ratio) for side in sides)
        self.update(QRect(left - 1, top - 1, width + 3, height + 3))

    def _measure(self) -> None:
        """Take over the widget's size and its screen's pixel ratio."""
        ratio = self.devicePixelRatioF()
        if ratio != self._styles.pixel_ratio:
            self._styles = Styles(self._classes, ratio, self._scheme)
            self._layer.set_styles(self._styles)
        self.viewport.resize((round(self.width() * ratio), round(self.height() * ratio)), ratio)
        self._on_view_changed(True)

    # -- Qt's events ---------------------------------------------------------

    def event(self, event: QEvent) -> bool:
        """Keep the tool's keys from the window's shortcuts; zoom by gesture; follow the screen."""
        kind = event.type()
        if kind == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent):
            if self._takes(key_of(event)):
                event.accept()
                return True
        elif kind == QEvent.Type.KeyPress and isinstance(event, QKeyEvent):
            key = key_of(event)
            if key.name == "tab" and self._tool.wants(key):  # before Qt hands the focus on
                self._take(self._tool.key(key))
                return True
        elif kind == QEvent.Type.NativeGesture:
            return self._navigation.gesture(event)  # type: ignore[arg-type]
        elif kind == QEvent.Type.DevicePixelRatioChange:
            self._measure()
        elif kind == QEvent.Type.StyleChange:
            self.update()
        return super().event(event)

    def _takes(self, key: Key) -> bool:
        plain = not (key.shift or key.alt or key.ctrl)
        return (key.name == "space" and plain) or self._tool.wants(key)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Draw picture, still shapes and what moves, in that order."""
        painter = QPainter(self)
        ratio = self.viewport.pixel_ratio
        painter.scale(1 / ratio, 1 / ratio)
        part = event.rect()
        on_device = QRect(
            int(part.x() * ratio),
            int(part.y() * ratio),
            int(part.width() * ratio) + 2,
            int(part.height() * ratio) + 2,
        )
        self._backdrop.paint(painter, on_device, self.viewport, current_colors())
        if self._shapes_shown and not self._backdrop.problem:
            self._layer.paint(painter, self.viewport)
            self._let_go_of_held()
            tags = self._layer.tags
            paint_live(painter, self._live, self.viewport, self._styles, tags, on_device)
        painter.end()

    def _let_go_of_held(self) -> None:
        """Stop drawing live the shapes that their tiles show by now."""
        if self._held:
            held = {i: e for i, e in self._held.items() if not self._layer.is_clean(e.bounds)}
            if len(held) != len(self._held):
                self._held = held
                self._live = replace(self._live, held=tuple(held.values()))

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the middle in the middle, and a fitted picture fitted."""
        super().resizeEvent(event)
        self._measure()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pan, take a suggestion, or let the tool work."""
        if self._navigation.press(event):
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
            return
        pointer = pointer_of("press", event, self.viewport)
        if event.button() == Qt.MouseButton.RightButton and self.takes_right():
            self._send(replace(pointer, alt=True))
        elif event.button() == Qt.MouseButton.RightButton:
            self._select_for_menu(pointer)
        elif event.button() == Qt.MouseButton.LeftButton:
            ghost = self._suggestion_at(pointer)
            self._pressed_suggestion = ghost.shape.id if ghost is not None else None
            if ghost is None:
                self._send(pointer)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, or let the tool follow."""
        if self._navigation.move(event):
            return
        pointer = pointer_of("move", event, self.viewport)
        self._cursor_place = device_place(event.position(), self.viewport)
        if self._pressed_suggestion is None and all(self.scene.size_wh):
            ghost = None if pointer.held else self._suggestion_at(pointer)
            self._tool.pointer(pointer)
            if ghost is not None:
                self.scene.hovered = None
            self._refresh_live(ghost)
        self.cursor_moved.emit(pointer.x, pointer.y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End panning, click a suggestion, or let the tool finish."""
        if self._navigation.release(event):
            self._refresh_live()
            return
        if event.button() == Qt.MouseButton.RightButton and self.takes_right():
            self._send(replace(pointer_of("release", event, self.viewport), alt=True))
        if event.button() != Qt.MouseButton.LeftButton:
            return
        pointer = pointer_of("release", event, self.viewport)
        pressed, self._pressed_suggestion = self._pressed_suggestion, None
        if pressed is None:
            self._send(pointer)
        elif (ghost := self._suggestion_at(pointer)) is not None and ghost.shape.id == pressed:
            self.suggestion_clicked.emit(pressed)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fit when the background is meant, else tell which shape is."""
        if event.button() != Qt.MouseButton.LeftButton or self._navigation.space_held:
            self.mousePressEvent(event)
            return
        pointer = pointer_of("double", event, self.viewport)
        if self._tool_name != "select":
            self._send(pointer)
        elif hits := self.scene.shapes_at(pointer.x, pointer.y, pointer.tolerance):
            self.shape_activated.emit(hits[0].id)
        elif self._suggestion_at(pointer) is None:
            self.fit()

    def _select_for_menu(self, pointer: Pointer) -> None:
        """Let a menu at the cursor mean the shape under it."""
        hits = self.scene.shapes_at(pointer.x, pointer.y, hit_radius(self.viewport))
        if hits and not {shape.id for shape in hits} & set(self.scene.selection):
            self.select([hits[0].id])

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom or pan; with Shift, change the size or tolerance of the tool in hand."""
        turn = event.angleDelta()
        shifted = event.modifiers() == Qt.KeyboardModifier.ShiftModifier
        # Some desktops turn the wheel sideways while Shift is down.
        if not (shifted and self.step_option((turn.y() or turn.x()) / _NOTCH)):
            self._navigation.wheel(event)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """Let go of what was under the cursor."""
        super().leaveEvent(event)
        self._cursor_place = nan, nan
        self._send(Pointer("leave", nan, nan))
        self.cursor_moved.emit(nan, nan)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Give the tool its keys; Escape with nothing to cancel asks to leave the tool."""
        key = key_of(event)
        if key.name == "space" and self._takes(key):
            if not event.isAutoRepeat():
                self._navigation.space_held = True
                self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif self._tool.wants(key):
            self._take(self._tool.key(key))
        elif key.name == "escape" and self._tool_name != "select":
            self.leave_asked.emit()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space ends panning."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._navigation.space_held = False
            self._refresh_live()
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A Space that is let go elsewhere is not heard here."""
        self._navigation.space_held = False
        super().focusOutEvent(event)
