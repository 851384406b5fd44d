"""The tools that there are, by name: how each is made, which options it has, and what to tell a person who takes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio.language import tr
from studio.tools.base import Tool
from studio.tools.box import BoxTool
from studio.tools.brush import BrushTool, EraserTool
from studio.tools.ellipse import CircleTool, EllipseTool
from studio.tools.image_class import ImageClassTool
from studio.tools.keypoints import KeypointsTool
from studio.tools.knife import KnifeTool
from studio.tools.measure import MeasureTool
from studio.tools.oriented_box import OrientedBoxTool
from studio.tools.point import PointTool
from studio.tools.polygon import PolygonTool
from studio.tools.polyline import PolylineTool
from studio.tools.scene import Scene
from studio.tools.scissors import ScissorsTool
from studio.tools.select import SelectTool
from studio.tools.smart import SmartTool
from studio.tools.wand import WandTool


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool.

    Attributes:
        build: Makes it for a scene.
        hint: What its clicks and keys do, in a line.
        options: Names of ``studio.tools.options.OPTIONS``, in the order of the strip.
        wheel: The option that Shift + wheel and the brackets change; empty for none.
        takes_right: The right button is a press with Alt for it, and opens no menu.
        steps_back: Undo means Backspace to it while something is open.
    """

    build: Callable[[Scene], Tool]
    hint: str
    options: tuple[str, ...] = ()
    wheel: str = ""
    takes_right: bool = False
    steps_back: bool = True


TOOLS: dict[str, ToolSpec] = {
    "select": ToolSpec(
        SelectTool, tr("Click selects, drag moves; drag a vertex or an edge's middle to reshape"), ("snapping",), steps_back=False
    ),
    "smart": ToolSpec(
        SmartTool,
        tr("Click the object or drag a box around it; Alt or the right button excludes, Tab: another one, Enter takes it"),
        ("outline_tolerance", "as_mask", "hover"),
        "outline_tolerance",
        takes_right=True,
    ),
    "polygon": ToolSpec(
        PolygonTool,
        tr("Click points or drag; Enter closes, Backspace goes back, Shift follows a neighbour's border"),
        ("snapping", "follow", "smoothing"),
        "smoothing",
    ),
    "box": ToolSpec(BoxTool, tr("Drag, or click two corners; Shift keeps it square"), ("snapping",)),
    "oriented_box": ToolSpec(
        OrientedBoxTool, tr("Click both ends of one side, then the opposite side; Shift: steps of 15°"), ("snapping",)
    ),
    "circle": ToolSpec(CircleTool, tr("Press in the middle, let go on the rim; or click both"), ("snapping",)),
    "ellipse": ToolSpec(EllipseTool, tr("Drag the box around it; Shift makes a circle"), ("snapping",)),
    "polyline": ToolSpec(
        PolylineTool,
        tr("Click points or drag; a double click or Enter ends the line"),
        ("snapping", "follow", "smoothing"),
        "smoothing",
    ),
    "point": ToolSpec(PointTool, tr("Click: each point is an object of its own"), ("snapping",)),
    "keypoints": ToolSpec(
        KeypointsTool,
        tr("Drag a box for the whole skeleton, or click point after point; Shift: hidden, S: skip, X: visible or not"),
    ),
    "brush": ToolSpec(
        BrushTool,
        tr("Paint; Ctrl erases, Shift+click draws straight on, Enter begins the next object, Shift+wheel: size"),
        ("brush_size", "fill_holes"),
        "brush_size",
    ),
    "eraser": ToolSpec(
        EraserTool, tr("Erase from the selected shape or the one under the cursor; Shift+wheel: size"), ("brush_size",), "brush_size"
    ),
    "wand": ToolSpec(
        WandTool,
        tr("Click takes alike pixels, drag for more or fewer; Shift adds to the shape in hand, Ctrl takes away"),
        ("tolerance", "contiguous", "fill_holes"),
        "tolerance",
    ),
    "scissors": ToolSpec(
        ScissorsTool,
        tr("Click along an edge, the line follows it; Alt goes straight, Enter closes, Backspace goes back"),
        ("snapping", "smoothing"),
        "smoothing",
    ),
    "image_class": ToolSpec(
        ImageClassTool, tr("1 to 9 say what the image is, 0 takes it back, Enter goes on"), ("one_class", "advance")
    ),
    "knife": ToolSpec(KnifeTool, tr("Swipe or click a line across shapes; only the selected ones if there are any")),
    "measure": ToolSpec(
        MeasureTool, tr("Drag along what you measure, or click both ends; Shift keeps it level or upright"), ("snapping",), steps_back=False
    ),
}  # fmt: skip
