"""The tools that there are, by name: how each is made, which options it has, and what to tell a person who takes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from studio.tools.base import Tool
from studio.tools.box import BoxTool
from studio.tools.ellipse import CircleTool, EllipseTool
from studio.tools.knife import KnifeTool
from studio.tools.oriented_box import OrientedBoxTool
from studio.tools.polygon import PolygonTool
from studio.tools.polyline import PolylineTool
from studio.tools.scene import Scene
from studio.tools.select import SelectTool


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """One tool.

    Attributes:
        build: Makes it for a scene.
        hint: What its clicks and keys do, in a line.
        options: Names of ``studio.tools.options.OPTIONS``, in the order of the strip.
        wheel: The option that Shift + wheel and the brackets change; empty for none.
    """

    build: Callable[[Scene], Tool]
    hint: str
    options: tuple[str, ...] = ()
    wheel: str = ""


TOOLS: dict[str, ToolSpec] = {
    "select": ToolSpec(
        SelectTool, "Click selects, drag moves; drag a vertex or an edge's middle to reshape", ("snapping",)
    ),
    "polygon": ToolSpec(
        PolygonTool,
        "Click points or drag; Enter closes, Backspace goes back, Shift follows a neighbour's border",
        ("snapping", "follow", "smoothing"),
        "smoothing",
    ),
    "box": ToolSpec(BoxTool, "Drag, or click two corners; Shift keeps it square", ("snapping",)),
    "oriented_box": ToolSpec(
        OrientedBoxTool, "Click both ends of one side, then the opposite side; Shift: steps of 15°", ("snapping",)
    ),
    "circle": ToolSpec(CircleTool, "Press in the middle, let go on the rim; or click both", ("snapping",)),
    "ellipse": ToolSpec(EllipseTool, "Drag the box around it; Shift makes a circle", ("snapping",)),
    "polyline": ToolSpec(
        PolylineTool,
        "Click points or drag; a double click or Enter ends the line",
        ("snapping", "follow", "smoothing"),
        "smoothing",
    ),
    "knife": ToolSpec(KnifeTool, "Swipe or click a line across shapes; only the selected ones if there are any"),
}  # fmt: skip
