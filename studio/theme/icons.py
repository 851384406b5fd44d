"""Icons by what they mean. One family, Phosphor's outlines."""

from __future__ import annotations

from functools import lru_cache

from PySide6.QtCore import QSize
from PySide6.QtGui import QIcon, QPixmap

from studio.theme import tokens
from studio.theme.icon_font import GlyphEngine, Inks
from studio.theme.resources import resource_path
from studio.theme.tokens import Colors

NAMES: dict[str, str] = {
    # places of the activity rail
    "annotate": "polygon",
    "dataset": "database",
    "train": "chart-line-up",
    "models": "cube",
    "explore": "compass",
    "review": "checks",
    "settings": "gear-six",
    # tools
    "select": "cursor",
    "polygon": "polygon",
    "box": "bounding-box",
    "oriented_box": "diamond",
    "brush": "paint-brush",
    "eraser": "eraser",
    "wand": "magic-wand",
    "smart": "sparkle",
    "circle": "circle",
    "ellipse": "pill",
    "polyline": "path",
    "point": "map-pin",
    "keypoints": "person-simple",
    "scissors": "scissors",
    "knife": "knife",
    "image_class": "bookmark-simple",
    "snap": "magnet",
    "follow": "intersect",
    "fill": "paint-bucket",
    "contiguous": "selection-background",
    "pan": "hand",
    # view
    "zoom_in": "magnifying-glass-plus",
    "zoom_out": "magnifying-glass-minus",
    "zoom_fit": "frame-corners",
    "measure": "ruler",
    "ruler": "ruler",
    "minimap": "map-trifold",
    "crosshair": "crosshair",
    "display": "sliders-horizontal",
    "zoom_full": "number-square-one",
    "show": "eye",
    "hide": "eye-slash",
    "tag": "tag",
    "grid": "grid-four",
    "list": "list",
    "filter": "funnel",
    "sort": "sort-ascending",
    "search": "magnifying-glass",
    # edits
    "lock": "lock-simple",
    "unlock": "lock-simple-open",
    "solo": "crosshair",
    "group": "selection-all",
    "unite": "git-merge",
    "subtract": "minus-circle",
    "intersect": "intersect",
    "simplify": "path",
    "undo": "arrow-counter-clockwise",
    "redo": "arrow-clockwise",
    "add": "plus",
    "remove": "minus",
    "delete": "trash",
    "edit": "pencil-simple",
    "copy": "copy",
    "paste": "clipboard",
    "accept": "check",
    "reject": "x",
    "accept_all": "checks",
    "reset": "arrow-u-up-left",
    # files and work
    "folder": "folder",
    "folder_open": "folder-open",
    "file": "file",
    "image": "image",
    "images": "stack",
    "image_broken": "link-break",
    "import": "download-simple",
    "video": "film-strip",
    "export": "export",
    "save": "floppy-disk",
    "play": "play",
    "pause": "pause",
    "stop": "stop",
    "predict": "lightning",
    "validate": "check-square-offset",
    "compare": "arrows-left-right",
    "device": "cpu",
    "time": "clock",
    "history": "clock-counter-clockwise",
    "chart": "chart-line",
    "table": "table",
    "log": "terminal-window",
    "keyboard": "keyboard",
    "more": "dots-three",
    "close": "x",
    "menu": "list",
    "back": "arrow-left",
    "previous": "caret-left",
    "next": "caret-right",
    "expand": "caret-right",
    "collapse": "caret-down",
    "up": "caret-up",
    "external": "arrow-square-out",
    "light": "sun",
    "dark": "moon",
    # states
    "info": "info",
    "success": "check-circle",
    "warning": "warning",
    "danger": "warning-octagon",
    "saved": "cloud-check",
    "help": "question",
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
    return _drawn(name, Inks(ink, colors.disabled, color or colors.accent_text))


@lru_cache(maxsize=1024)
def _drawn(name: str, inks: Inks) -> QIcon:
    """Return one icon for all places of the same looks: a window asks for hundreds."""
    return QIcon(GlyphEngine(NAMES[name], inks))


def pixmap(name: str, color: str, size_px: int = tokens.ICON_SIZE, ratio: float = 1.0) -> QPixmap:
    """Return the icon as a picture of ``size_px`` logical pixels at the screen's device pixel ``ratio``."""
    side = round(size_px * ratio)
    picture = _drawn(name, Inks(color, color, color)).pixmap(QSize(side, side), 1.0)
    picture.setDevicePixelRatio(ratio)
    return picture


@lru_cache(maxsize=1)
def application_icon() -> QIcon:
    """Return the program's own icon."""
    return QIcon(str(resource_path("icons/maskwright.svg")))
