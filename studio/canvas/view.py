"""The canvas: shows one picture with its shapes and lets the tools work on them. It changes nothing in the project.

What a tool has finished goes out as an edit; whoever applies it puts the shapes back with ``update_shapes`` or ``set_shapes``.
The widget joins its parts and takes Qt's events, which have to be methods of it: the picture is in ``shown_picture.py``,
the shapes in ``shown_shapes.py``, the tool in ``tool_in_hand.py``, who a press is for in ``pointing.py``, zooming in
``zoomed_widget.py``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import nan
from pathlib import Path

from PySide6.QtCore import QEvent, QRect, QRectF, Qt, QTimer, Signal
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
from studio.canvas.pixels import read_pixels
from studio.canvas.pointing import Pointing
from studio.canvas.shown_picture import ShownPicture
from studio.canvas.shown_shapes import ShownShapes
from studio.canvas.tool_in_hand import ToolInHand
from studio.canvas.zoomed_widget import ZoomedWidget
from studio.language import tr
from studio.model.display import Display
from studio.model.edits.classes import NEW
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.records import ClassDef, Shape
from studio.theme.theme import current_colors
from studio.tools.base import Key, Pixels, Pointer, Preview, Tool
from studio.tools.scene import Entry

_REST_MS = 80  # after which the wheel counts as let go
_NOTCH = 120.0  # what a wheel sends for one click


class CanvasView(ZoomedWidget):
    """The picture, its shapes, and a tool.

    Signals:
        edit_made(Edit): A tool finished something; apply it to the project. A new shape has the class id -1 while the
            canvas has no current class.
        cursor_moved(float, float): Where the cursor is, image pixels; NaN when it has left the canvas.
        selection_changed(tuple): Ids of the selected shapes.
        suggestion_clicked(int): Id of a suggestion.
        shape_activated(int): A shape was double-clicked.
        shapes_wanted(): Somebody begins to draw while no shapes are shown.
        tool_changed(str): Another tool is in hand.
        options_changed(): An option of the tools has another value.
        next_asked(): The tool is done with this image.
        notice(str): A sentence for the status bar.
        leave_asked(): Escape was pressed with nothing left to cancel: the tool wants to be left.
        image_shown(bool): The picture is there (True) or cannot be shown (False).

    Attributes:
        picture: The picture.
        labels: Its shapes, as they are drawn.
        scene: Its shapes, as the tools see them.
        hand: The tool in use.
        aids: Rulers, minimap and crosshair.
    """

    edit_made = Signal(object)
    cursor_moved = Signal(float, float)
    selection_changed = Signal(object)
    suggestion_clicked = Signal(int)
    shape_activated = Signal(int)
    shapes_wanted = Signal()
    notice = Signal(str)
    tool_changed = Signal(str)
    options_changed = Signal()
    next_asked = Signal()
    leave_asked = Signal()
    image_shown = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._backdrop = Backdrop()
        self.picture = ShownPicture(self._backdrop, self)
        self.labels = ShownShapes(self.viewport, self)
        self.scene = self.labels.scene
        self.scene.pixels = self._pixels
        self.hand = ToolInHand(self.scene, self)
        self._pointing = Pointing(self.hand, self.labels, self)
        self._announced_selection: tuple[int, ...] = ()
        self._cursor_place = (nan, nan)  # device pixels; NaN when it has left the canvas
        self._rest = QTimer(self, singleShot=True, interval=_REST_MS)
        self._connect()
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(160, 120)
        self.setAccessibleName(tr("Canvas"))
        self.aids = Aids(self)

    def _connect(self) -> None:
        """Join the parts; what one of them says that others need goes out as the canvas's own signal."""
        self.picture.arrived.connect(self._on_picture)
        self.picture.sharpened.connect(self._on_picture_sharpened)
        self.picture.shown.connect(self._on_picture_shown)
        self.labels.stale.connect(self._on_shapes_stale)
        self._rest.timeout.connect(self.update)
        hand, pointing = self.hand, self._pointing
        hand.changed.connect(self.refresh_preview)
        pointing.hovered.connect(self._show_live)
        pointing.fit_asked.connect(self.fit)
        for inner, own in (
            (hand.edit_made, self.edit_made),
            (hand.notice, self.notice),
            (hand.next_asked, self.next_asked),
            (hand.tool_changed, self.tool_changed),
            (hand.options_changed, self.options_changed),
            (pointing.shapes_wanted, self.shapes_wanted),
            (pointing.suggestion_clicked, self.suggestion_clicked),
            (pointing.shape_activated, self.shape_activated),
        ):
            inner.connect(own)

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
        self.hand.lay_aside()
        self.labels.set_image(image_id, size_wh)
        self.hand.pick_up()
        self.viewport.set_image(size_wh)
        self.picture.set_image(image)
        self.refresh_preview()
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
            self.viewport.set_image(size_wh)
            self.labels.set_size(size_wh)
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

    def _pixels(self, x1: int, y1: int, x2: int, y2: int) -> Pixels | None:
        """Return a part of the picture as it is shown, for the tools."""
        return read_pixels(self._backdrop.picture, self._backdrop.display, x1, y1, x2, y2)

    # -- shapes --------------------------------------------------------------

    def set_shapes(self, shapes: Sequence[Shape]) -> None:
        """Show these shapes and no others; only what differs is painted anew."""
        if self.labels.set_shapes(shapes):
            self._redraw()

    def update_shapes(self, changed: Iterable[Shape], removed: Iterable[int] = ()) -> None:
        """Add or replace some shapes and take others away."""
        if self.labels.update(changed, removed):
            self._redraw()

    def show_proposed(self, shapes: Sequence[Shape]) -> None:
        """Draw shapes in place of those with the same number, as they would become; none of them ends it."""
        self.labels.propose(shapes)
        self.refresh_preview()

    def set_suggestions(self, shapes: Sequence[Shape]) -> None:
        """Show these suggestions, dashed and with their score, in place of all others."""
        self.labels.set_suggestions(shapes)
        self._redraw()

    def set_classes(
        self, classes: Sequence[ClassDef], scheme: KeypointScheme | None = None
    ) -> None:
        """Use the names, colours and visibility of these classes; ``scheme`` is for those without keypoints of their own."""
        self.labels.set_classes(classes, scheme)
        self._redraw()

    def set_current_class(self, class_id: int | None) -> None:
        """Give new shapes this class; None while the project has none."""
        self.scene.class_id = NEW if class_id is None else class_id
        self.refresh_preview()

    def select(self, shape_ids: Sequence[int]) -> None:
        """Select these shapes and no others; who asked for hidden ones too is told which are selected."""
        self.scene.select(shape_ids)
        if self.scene.selection != tuple(shape_ids):
            self._announced_selection = tuple(shape_ids)
        self.refresh_preview()

    def select_all(self) -> None:
        """Select every shape that is shown."""
        self.select([shape.id for shape in self.scene.shapes()])

    def set_shapes_visible(self, shown: bool) -> None:
        """Show the bare picture, or the shapes again."""
        self.labels.visible = shown
        self.update()

    def set_tags_visible(self, shown: bool) -> None:
        """Show or hide the name tags."""
        self.labels.still.set_tags_shown(shown)
        self._redraw()

    def cursor_point(self) -> tuple[float, float]:
        """Return where the cursor is, image pixels; NaN when it has left the canvas."""
        return self.viewport.to_image(*self._cursor_place)

    def suggestion_under_cursor(self) -> int | None:
        """Return the suggestion that is highlighted."""
        suggestion = self.labels.live.suggestion
        return suggestion[0].shape.id if suggestion else None

    def is_covered(self) -> bool:
        """Tell whether every shape in view shows, if only as a draft."""
        return self.labels.still.is_covered()

    def is_settled(self) -> bool:
        """Tell whether picture and shapes in view are there in full sharpness."""
        is_sharp = self.picture.is_settled() and not self._backdrop.is_coarse
        return is_sharp and self.labels.still.is_settled(self.viewport)

    def _redraw(self) -> None:
        self.refresh_preview()
        self.update()

    def _on_shapes_stale(self, region: QRegion | None) -> None:
        if region is None:
            self.update()
        else:
            self._update_region(region)

    # -- the tool in hand ----------------------------------------------------

    @property
    def tool(self) -> Tool:
        """The tool in use."""
        return self.hand.tool

    @property
    def tool_name(self) -> str:
        """The tool in use, a name of ``studio.tools.table.TOOLS``."""
        return self.hand.name

    def set_tool(self, name: str) -> None:
        """Use another tool; what the last one had begun is dropped.

        Raises:
            KeyError: There is no such tool.
        """
        self.hand.take_up(name)

    def set_option(self, name: str, value: float | bool) -> None:
        """Set an option of the tools, a name of ``studio.tools.options.OPTIONS``."""
        self.hand.set_option(name, value)

    def has_crosshair(self) -> bool:
        """Tell whether the tool draws lines through the cursor itself."""
        return self.labels.live.preview.crosshair is not None

    def tool_preview(self) -> Preview:
        """Return what the tool in hand shows."""
        return self.hand.preview()

    def refresh_preview(self) -> None:
        """Show what the tool in hand has learned meanwhile."""
        self._show_live(None)

    def set_snapping(self, snapping: bool) -> None:
        """Let points snap to vertices and to the image's border, or not."""
        self.scene.snapping = snapping

    def turn_keypoint(self) -> None:
        """Make the keypoint under the cursor hidden, then not labelled, then visible again."""
        self.hand.turn_keypoint(*self.cursor_point(), hit_radius(self.viewport))

    def _show_live(self, suggestion: Entry | None) -> None:
        """Draw what moves, with this suggestion under the cursor; say what is selected by now."""
        preview = self.hand.preview()
        self.labels.show_live(preview, suggestion)
        if not self._navigation.is_panning and not self._navigation.space_held:
            self.setCursor(CURSORS["point" if suggestion is not None else preview.cursor])
        if self.scene.selection != self._announced_selection:
            self._announced_selection = self.scene.selection
            self.selection_changed.emit(self._announced_selection)

    # -- the view ------------------------------------------------------------

    def _on_view_changed(self, zoomed: bool) -> None:
        if zoomed:
            self.picture.rescaled()
        super()._on_view_changed(zoomed)

    def _measure(self) -> None:
        """Take over the widget's size and its screen's pixel ratio."""
        ratio = self.devicePixelRatioF()
        self.labels.set_pixel_ratio(ratio)
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
            if key.name == "tab" and self.tool.wants(key):  # before Qt hands the focus on
                self.hand.press(key)
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
        return (key.name == "space" and plain) or self.tool.wants(key)

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
        if not self._backdrop.problem:
            self.labels.paint(painter, on_device)
        painter.end()
        if self._backdrop.is_coarse:
            self._rest.start()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Keep the middle in the middle, and a fitted picture fitted."""
        super().resizeEvent(event)
        self._measure()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Pan, take a suggestion, or let the tool work."""
        if self._navigation.press(event):
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        else:
            self._pointing.press(pointer_of("press", event, self.viewport), event.button())

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Pan, or let the tool follow."""
        if self._navigation.move(event):
            return
        pointer = pointer_of("move", event, self.viewport)
        self._cursor_place = device_place(event.position(), self.viewport)
        self._pointing.move(pointer)
        self.cursor_moved.emit(pointer.x, pointer.y)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """End panning, click a suggestion, or let the tool finish."""
        if self._navigation.release(event):
            self.refresh_preview()
        else:
            self._pointing.release(pointer_of("release", event, self.viewport), event.button())

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """Fit when the background is meant, else tell which shape is."""
        if event.button() != Qt.MouseButton.LeftButton or self._navigation.space_held:
            self.mousePressEvent(event)
        else:
            self._pointing.double(pointer_of("double", event, self.viewport))

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom or pan; with Shift, change the size or tolerance of the tool in hand."""
        turn = event.angleDelta()
        shifted = event.modifiers() == Qt.KeyboardModifier.ShiftModifier
        # Some desktops turn the wheel sideways while Shift is down.
        if not (shifted and self.hand.step_option((turn.y() or turn.x()) / _NOTCH)):
            self._navigation.wheel(event)
        event.accept()

    def leaveEvent(self, event: QEvent) -> None:
        """Let go of what was under the cursor."""
        super().leaveEvent(event)
        self._cursor_place = nan, nan
        self.hand.send(Pointer("leave", nan, nan))
        self.cursor_moved.emit(nan, nan)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Give the tool its keys; Escape with nothing to cancel asks to leave the tool."""
        key = key_of(event)
        if key.name == "space" and self._takes(key):
            if not event.isAutoRepeat():
                self._navigation.space_held = True
                self.setCursor(Qt.CursorShape.OpenHandCursor)
        elif self.tool.wants(key):
            self.hand.press(key)
        elif key.name == "escape" and self.tool_name != "select":
            self.leave_asked.emit()
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        """Space ends panning."""
        if event.key() == Qt.Key.Key_Space and not event.isAutoRepeat():
            self._navigation.space_held = False
            self.refresh_preview()
        else:
            super().keyReleaseEvent(event)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """A Space that is let go elsewhere is not heard here."""
        self._navigation.space_held = False
        super().focusOutEvent(event)
