"""Every colour, size and font size of the window, once. No Qt here: the other files of this room turn them into Qt's terms.

Contrast is held by tests: text 4.5:1 or more on what it stands on, icons and lines that carry meaning 3:1.
"""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import Literal

Scheme = Literal["light", "dark"]

# The grid of 4 px: every margin, padding and gap is one of these.
SPACE_XS, SPACE_S, SPACE_M, SPACE_L, SPACE_XL = 4, 8, 12, 16, 24
RADIUS = 6
RADIUS_CARD = 8
CONTROL_HEIGHT = 28
TOOL_SIZE = 32
RAIL_WIDTH = 48
ICON_SIZE = 20
ICON_SIZE_LARGE = 40  # the picture of an empty place

FONT_CAPTION, FONT_SECONDARY, FONT_BODY, FONT_TITLE, FONT_NUMBER = 11, 12, 13, 18, 24

MOTION_MS = 120

# The canvas, in logical pixels.
OUTLINE_WIDTH = 1.5
HALO_WIDTH = 3.5
VERTEX_SIZE = 7
VERTEX_SIZE_HOVER = 9
VERTEX_HIT_SIZE = 12
GHOST_VERTEX_SIZE = 5
TAG_DOT_SIZE = 6
FILL_OPACITY = 0.18
FILL_OPACITY_SELECTED = 0.30
FILL_OPACITY_SUGGESTION = 0.10
PIXEL_GRID_ZOOM = 8.0  # device pixels per image pixel above which the grid shows: 800 %
PIXEL_VALUES_ZOOM = 20.0
HALO = "#0C0D0F"  # opaque: lines without alpha are twice as fast to rasterise


@dataclass(frozen=True, slots=True)
class Colors:
    """The colours of one scheme, each ``#RRGGBB``.

    Attributes:
        window: Behind everything.
        panel: Docks and forms.
        raised: Cards, fields, menus.
        surround: The canvas outside the picture.
        line: Hairlines that only separate.
        outline: Lines that carry meaning: borders of fields and check boxes.
        text: Body text.
        secondary: Captions and hints.
        accent: Focus, selection, links and lines; ``accent_fill`` where white text stands on it.
        success_text: ``success`` dark or light enough to be read; the same for warning and danger.
    """

    scheme: Scheme
    window: str
    panel: str
    raised: str
    surround: str
    line: str
    outline: str
    text: str
    secondary: str
    disabled: str
    hover: str
    pressed: str
    selection: str
    accent: str
    accent_hover: str
    accent_text: str
    accent_fill: str
    accent_fill_hover: str
    on_accent: str
    success: str
    success_text: str
    warning: str
    warning_text: str
    danger: str
    danger_text: str
    danger_fill: str
    danger_fill_hover: str


def lightened(color: str, amount: float) -> str:
    """Return ``color`` with its HLS lightness raised by ``amount`` (0..1, negative darkens)."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*_channels(color))
    channels = colorsys.hls_to_rgb(hue, min(1.0, max(0.0, lightness + amount)), saturation)
    return "#" + "".join(f"{round(channel * 255):02X}" for channel in channels)


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours as WCAG 2.2 defines it, 1 to 21."""
    low, high = sorted((_luminance(first), _luminance(second)))
    return (high + 0.05) / (low + 0.05)


def text_on(color: str) -> str:
    """Return black or white, whichever reads better on ``color``."""
    return max(("#000000", "#FFFFFF"), key=lambda ink: contrast(ink, color))


def _channels(color: str) -> tuple[float, float, float]:
    red, green, blue = (int(color[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def _luminance(color: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in _channels(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


_ACCENT = "#3B82F6"
_ACCENT_FILL = (
    "#1553D4"  # white text on the accent itself has 3.7:1 only; this keeps 4.5 also when hovered
)
_DANGER_FILL = "#B9252B"

DARK = Colors(
    scheme="dark",
    window="#16181C",
    panel="#1D2025",
    raised="#252930",
    surround="#101215",
    line="#31363F",
    outline="#737D8B",
    text="#E7E9EC",
    secondary="#9AA3AF",
    disabled="#6A727E",
    hover="#2C313A",
    pressed="#353B45",
    selection="#1F3A66",
    accent=_ACCENT,
    accent_hover=lightened(_ACCENT, 0.08),
    accent_text="#7FAEFA",
    accent_fill=_ACCENT_FILL,
    accent_fill_hover=lightened(_ACCENT_FILL, 0.08),
    on_accent="#FFFFFF",
    success="#22A06B",
    success_text="#3CC088",
    warning="#E0A100",
    warning_text="#E8B021",
    danger="#E5484D",
    danger_text="#F2777B",
    danger_fill=_DANGER_FILL,
    danger_fill_hover=lightened(_DANGER_FILL, 0.08),
)

LIGHT = Colors(
    scheme="light",
    window="#F4F5F7",
    panel="#FFFFFF",
    raised="#FFFFFF",
    surround="#E9EBEE",
    line="#DDE1E6",
    outline="#818B98",
    text="#16181C",
    secondary="#5B6470",
    disabled="#8F98A4",
    hover="#EEF0F3",
    pressed="#E2E5EA",
    selection="#D6E4FD",
    accent=_ACCENT,
    accent_hover=lightened(_ACCENT, 0.08),
    accent_text="#1D5FD6",
    accent_fill=_ACCENT_FILL,
    accent_fill_hover=lightened(_ACCENT_FILL, 0.08),
    on_accent="#FFFFFF",
    success="#22A06B",
    success_text="#147A4F",
    warning="#E0A100",
    warning_text="#8A6100",
    danger="#E5484D",
    danger_text="#C4282E",
    danger_fill=_DANGER_FILL,
    danger_fill_hover=lightened(_DANGER_FILL, 0.08),
)

SCHEMES: dict[Scheme, Colors] = {"light": LIGHT, "dark": DARK}
