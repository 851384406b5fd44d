"""The tool in use on the canvas: which one, its options, and where what it has finished goes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QObject, Signal

from engine.data.annotations import Point
from studio.language import tr
from studio.model.edits import Edit
from studio.model.locks import locked_text, unlocked
from studio.model.records import Shape
from studio.tools.base import Key, Pointer, Preview, Tool
from studio.tools.keypoint_edits import keypoint_at, with_next_visibility, with_sides_swapped
from studio.tools.path_tool import PathTool
from studio.tools.scene import Scene
from studio.tools.table import TOOLS

_NO_SIDES = tr("No selected object has keypoints of which left and right are known.")
_BARE = ("select", "measure", "image_class")  # what they do has a sense on the bare picture too


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
        self._drafts: dict[tuple[str, int], tuple[Point, ...]] = {}  # by tool and image

    def take_up(self, name: str) -> None:
        """Use another tool; an open line waits for its tool, everything else that was begun is dropped.

        Raises:
            KeyError: There is no such tool.
        """
        tool = TOOLS[name].build(self._scene)
        self.lay_aside()
        self.name, self.tool = name, tool
        self.pick_up()
        self._scene.hovered = None
        self.changed.emit()
        self.tool_changed.emit(name)

    def lay_aside(self) -> None:
        """Let go of what is begun, before another image or tool: an open line waits for this image and tool."""
        if isinstance(self.tool, PathTool) and self.tool.points and self._scene.image_id:
            self._drafts[self.name, self._scene.image_id] = tuple(self.tool.points)
            self.notice.emit(tr("The open line waits: it goes on with this tool on its image."))
        self.tool.cancel()

    def pick_up(self) -> None:
        """Go on with the line that waits for this image and tool, if there is one."""
        points = self._drafts.pop((self.name, self._scene.image_id), ())
        if points and isinstance(self.tool, PathTool):
            self.tool.resume(points)
            self.notice.emit(tr("Here is the line that was open; Escape drops it."))

    def step_back(self) -> bool:
        """Take back the last step of what is being drawn; False where nothing is."""
        back = Key("backspace")
        if not TOOLS[self.name].steps_back or not self.tool.wants(back):
            return False
        self.press(back)
        return True

    def draws(self) -> bool:
        """Tell whether a press begins a shape, or changes one."""
        return self.name not in _BARE

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
        chosen = self._scene.selected()
        meant = [shape for shape in chosen if self._with_sides_swapped([shape]) is not None]
        if said := locked_text(meant) if meant else _NO_SIDES:
            self.notice.emit(said)
        self.take(self._with_sides_swapped(unlocked(meant)))

    def _with_sides_swapped(self, shapes: Sequence[Shape]) -> Edit | None:
        schemes = [self._scene.keypoint_scheme(shape.class_id) for shape in shapes]
        return with_sides_swapped(shapes, schemes)
