"""Icons by what they mean. One family, Phosphor's outlines, drawn from the font that qtawesome ships (works offline)."""

from __future__ import annotations

from functools import lru_cache

import qtawesome
from PySide6.QtGui import QIcon, QPixmap

from studio.theme import tokens
from studio.theme.resources import resource_path
from studio.theme.tokens import Colors

NAMES: dict[str, str] = {
    # places of the activity rail
    "annotate": "ph.polygon",
    "dataset": "ph.database",
    "train": "ph.chart-line-up",
    "models": "ph.cube",
    "explore": "ph.compass",
    "settings": "ph.gear-six",
    # tools
    "select": "ph.cursor",
    "polygon": "ph.polygon",
    "box": "ph.bounding-box",
    "oriented_box": "ph.diamond",
    "brush": "ph.paint-brush",
    "eraser": "ph.eraser",
    "wand": "ph.magic-wand",
    "smart": "ph.sparkle",
    "circle": "ph.circle",
    "ellipse": "ph.pill",
    "polyline": "ph.path",
    "point": "ph.map-pin",
    "keypoints": "ph.person-simple",
    "scissors": "ph.scissors",
    "knife": "ph.knife",
    "image_class": "ph.bookmark-simple",
    "snap": "ph.magnet",
    "follow": "ph.intersect",
    "fill": "ph.paint-bucket",
    "contiguous": "ph.selection-background",
    "pan": "ph.hand",
    # view
    "zoom_in": "ph.magnifying-glass-plus",
    "zoom_out": "ph.magnifying-glass-minus",
    "zoom_fit": "ph.frame-corners",
    "measure": "ph.ruler",
    "ruler": "ph.ruler",
    "minimap": "ph.map-trifold",
    "crosshair": "ph.crosshair",
    "display": "ph.sliders-horizontal",
    "zoom_full": "ph.number-square-one",
    "show": "ph.eye",
    "hide": "ph.eye-slash",
    "tag": "ph.tag",
    "grid": "ph.grid-four",
    "list": "ph.list",
    "filter": "ph.funnel",
    "sort": "ph.sort-ascending",
    "search": "ph.magnifying-glass",
    # edits
    "lock": "ph.lock-simple",
    "unlock": "ph.lock-simple-open",
    "solo": "ph.crosshair",
    "group": "ph.selection-all",
    "unite": "ph.git-merge",
    "subtract": "ph.minus-circle",
    "intersect": "ph.intersect",
    "simplify": "ph.path",
    "undo": "ph.arrow-counter-clockwise",
    "redo": "ph.arrow-clockwise",
    "add": "ph.plus",
    "remove": "ph.minus",
    "delete": "ph.trash",
    "edit": "ph.pencil-simple",
    "copy": "ph.copy",
    "paste": "ph.clipboard",
    "accept": "ph.check",
    "reject": "ph.x",
    "accept_all": "ph.checks",
    "reset": "ph.arrow-u-up-left",
    # files and work
    "folder": "ph.folder",
    "folder_open": "ph.folder-open",
    "file": "ph.file",
    "image": "ph.image",
    "images": "ph.stack",
    "image_broken": "ph.link-break",
    "import": "ph.download-simple",
    "export": "ph.export",
    "save": "ph.floppy-disk",
    "play": "ph.play",
    "pause": "ph.pause",
    "stop": "ph.stop",
    "predict": "ph.lightning",
    "validate": "ph.check-square-offset",
    "compare": "ph.arrows-left-right",
    "device": "ph.cpu",
    "time": "ph.clock",
    "history": "ph.clock-counter-clockwise",
    "chart": "ph.chart-line",
    "table": "ph.table",
    "log": "ph.terminal-window",
    "keyboard": "ph.keyboard",
    "more": "ph.dots-three",
    "close": "ph.x",
    "menu": "ph.list",
    "back": "ph.arrow-left",
    "previous": "ph.caret-left",
    "next": "ph.caret-right",
    "expand": "ph.caret-right",
    "collapse": "ph.caret-down",
    "up": "ph.caret-up",
    "external": "ph.arrow-square-out",
    "light": "ph.sun",
    "dark": "ph.moon",
    # states
    "info": "ph.info",
    "success": "ph.check-circle",
    "warning": "ph.warning",
    "danger": "ph.warning-octagon",
    "saved": "ph.cloud-check",
    "help": "ph.question",
}


def icon(name: str, colors: Colors, *, color: str | None = None) -> QIcon:
    """Return the icon called ``name`` in :data:`NAMES`, with its disabled and checked looks.

    Args:
        name: What the icon means, as ``"train"``.
        colors: The scheme it will stand in.
        color: ``#RRGGBB`` instead of the scheme's text colour.

    Raises:
        KeyError: ``name`` is not in the table.
    """
    ink = color or colors.text
    return qtawesome.icon(
        NAMES[name],
        color=ink,
        color_disabled=colors.disabled,
        color_on=color or colors.accent_text,
    )


def pixmap(name: str, color: str, size_px: int = tokens.ICON_SIZE, ratio: float = 1.0) -> QPixmap:
    """Return the icon as a picture of ``size_px`` logical pixels at the screen's device pixel ``ratio``."""
    picture = qtawesome.icon(NAMES[name], color=color).pixmap(round(size_px * ratio))
    picture.setDevicePixelRatio(ratio)
    return picture


@lru_cache(maxsize=1)
def application_icon() -> QIcon:
    """Return the program's own icon."""
    return QIcon(str(resource_path("icons/maskwright.svg")))
