"""The tool in use on the canvas: which one, its options, and where what it has finished goes."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

from studio.language import tr
from studio.model.edits import Edit
from studio.tools.base import Key, Pointer, Preview, Tool
from studio.tools.keypoint_edits import keypoint_at, with_next_visibility, with_sides_swapped
from studio.tools.scene import Scene
from studio.tools.table import TOOLS


class ToolInHand(QObject):
    """Hands events to a tool and passes on what comes of them.

    Signals:
        edit_made(Edit): The tool finished something.
        notice(str): A sentence for the status bar.
        next_asked(): The tool is done with this image.
        changed(): What the tool shows may be something else now.
        tool_changed(str): Another tool is in hand.
        options_changed(): An option of the tools has another value.
    """

    edit_made = Signal(object)
    notice = Signal(str)
    next_asked = Signal()
    changed = Signal()
    tool_changed = Signal(str)
    options_changed = Signal()

    def __init__(self, scene: Scene, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._scene = scene
        self.name = "select"
        self.tool: Tool = TOOLS[self.name].build(scene)

    def take_up(self, name: str) -> None:
        """Use another tool; what the last one had begun is dropped.

        Raises:
            KeyError: There is no such tool.
        """
        tool = TOOLS[name].build(self._scene)
        self.tool.cancel()
        self.name, self.tool = name, tool
        self._scene.hovered = None
        self.changed.emit()
        self.tool_changed.emit(name)

    def takes_right(self) -> bool:
        """Tell whether the right button belongs to the tool."""
        return TOOLS[self.name].takes_right

    def preview(self) -> Preview:
        """Return what the tool shows."""
        return self.tool.preview() or Preview()

    def send(self, pointer: Pointer) -> None:
        """Hand on a pointer event and take what comes of it; nothing while the picture's size is unknown."""
        if all(self._scene.size_wh):
            self.take(self.tool.pointer(pointer))

    def press(self, key: Key) -> None:
        """Hand on a key that the tool wants."""
        self.take(self.tool.key(key))

    def take(self, edit: Edit | None) -> None:
        """Pass on an edit and what the tool has to say."""
        if text := self.tool.notice.take():
            self.notice.emit(text)
        if edit is not None:
            self.edit_made.emit(edit)
            self.options_changed.emit()  # dragging the wand has set its tolerance
        self.changed.emit()
        if self.tool.notice.take_wish():
            self.next_asked.emit()

    # -- options -------------------------------------------------------------

    def set_option(self, name: str, value: float | bool) -> None:
        """Set an option of the tools, a name of ``studio.tools.options.OPTIONS``."""
        self._scene.options.set(name, value)
        self.changed.emit()
        self.options_changed.emit()

    def step_option(self, notches: float) -> bool:
        """Make the number that the tool has on the wheel larger or smaller; False where it has none."""
        name = TOOLS[self.name].wheel
        if name:
            self._scene.options.step(name, notches)
            self.changed.emit()
            self.options_changed.emit()
        return bool(name)

    # -- keypoints, whatever the tool ----------------------------------------

    def turn_keypoint(self, x: float, y: float, radius: float) -> None:
        """Make the keypoint at a place hidden, then not labelled, then visible again; image pixels."""
        found = keypoint_at(self._scene, x, y, radius)
        edit = None if found is None else with_next_visibility(*found)
        if edit is None:
            self.notice.emit(tr("There is no keypoint under the cursor."))
        self.take(edit)

    def swap_keypoints(self) -> None:
        """Let left and right keypoints of the selected objects change places."""
        shapes = self._scene.selected()
        schemes = [self._scene.keypoint_scheme(shape.class_id) for shape in shapes]
        edit = with_sides_swapped(shapes, schemes)
        if edit is None:
            self.notice.emit(
                tr("No selected object has keypoints of which left and right are known.")
            )
        self.take(edit)
