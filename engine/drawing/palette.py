"""The colours of classes and objects."""

from __future__ import annotations

_HEX = (
    "FF5A5F", "2D9CDB", "27AE60", "F2C94C", "9B51E0", "F2994A", "00B8A9", "EB57A6", "6C8EF5", "A3C644",
    "B5651D", "56CCF2", "D64545", "1E7F5C", "C9A0FF", "FFB199", "3D5AFE", "8D99AE", "FFD166", "118AB2",
)  # fmt: skip

Color = tuple[int, int, int]


class Palette:
    """Twenty colours that are easy to tell apart on photographs, repeated.

    Attributes:
        colors: (red, green, blue) 0..255 each.
    """

    def __init__(self) -> None:
        self.colors: list[Color] = [(int(h[:2], 16), int(h[2:4], 16), int(h[4:], 16)) for h in _HEX]

    def __call__(self, i: float, bgr: bool = False) -> Color:
        """Return the colour of number ``i``, as (blue, green, red) with ``bgr``."""
        r, g, b = self.colors[int(i) % len(self.colors)]
        return (b, g, r) if bgr else (r, g, b)


colors = Palette()


def readable_on(color: Color) -> Color:
    """Return black or white, whichever reads better on a colour (blue, green, red)."""
    blue, green, red = color
    return (0, 0, 0) if 0.114 * blue + 0.587 * green + 0.299 * red > 150 else (255, 255, 255)
