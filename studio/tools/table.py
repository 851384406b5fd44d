"""The tools that there are, by name."""

from __future__ import annotations

from collections.abc import Callable

from studio.tools.base import Tool
from studio.tools.box import BoxTool
from studio.tools.polygon import PolygonTool
from studio.tools.scene import Scene
from studio.tools.select import SelectTool

TOOLS: dict[str, Callable[[Scene], Tool]] = {
    "select": SelectTool,
    "polygon": PolygonTool,
    "box": BoxTool,
}
