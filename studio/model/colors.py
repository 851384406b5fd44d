"""Colours for classes that nobody chose: easy to tell apart, also with a colour vision deficiency.

The first twelve start from the set of Okabe and Ito (Color Universal Design, 2008) without its
black, which no picture shows well, and go on with tones that keep their distance in lightness.
Later ones walk round the hue circle by the golden angle, at one lightness, so that neighbours in
the list are far apart on the circle.
"""

from __future__ import annotations

import colorsys
import re
from collections.abc import Iterable

FIRST_COLORS = (
    "#e69f00",  # orange
    "#56b4e9",  # sky blue
    "#009e73",  # bluish green
    "#f0e442",  # yellow
    "#0072b2",  # blue
    "#d55e00",  # vermilion
    "#cc79a7",  # reddish purple
    "#a6d854",  # light green
    "#b39ddb",  # lavender
    "#8c564b",  # brown
    "#17becf",  # cyan
    "#e7298a",  # magenta
)
_GOLDEN_ANGLE = 0.381966011250105  # of a full turn: 1 - 1 / golden ratio
_HEX = re.compile(r"#[0-9a-fA-F]{6}")


def class_color(index: int) -> str:
    """Return the default colour of the class at 0-based ``index`` as ``#rrggbb``."""
    if index < 0:
        raise ValueError(f"Expected an index of 0 or more, received {index}.")
    if index < len(FIRST_COLORS):
        return FIRST_COLORS[index]
    hue = (0.09 + (index - len(FIRST_COLORS)) * _GOLDEN_ANGLE) % 1.0
    red, green, blue = colorsys.hls_to_rgb(hue, 0.58, 0.66)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def next_color(used: Iterable[str]) -> str:
    """Return the first default colour that is not among ``used``."""
    taken = {color.lower() for color in used}
    index = 0
    while class_color(index) in taken:
        index += 1
    return class_color(index)


def is_color(text: str) -> bool:
    """Tell whether ``text`` is a colour of the form ``#rrggbb``."""
    return _HEX.fullmatch(text) is not None
