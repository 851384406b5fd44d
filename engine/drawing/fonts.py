"""TrueType fonts for labels: the one asked for, or one found on the system that has the letters."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from PIL import ImageFont

from engine.runtime.log import LOGGER

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

# Names under which the systems keep fonts with many letters; PIL looks through the system's font folders.
_WIDE = (
    "NotoSansCJK-Regular.ttc",
    "NotoSansCJKsc-Regular.otf",
    "msyh.ttc",
    "PingFang.ttc",
    "wqy-microhei.ttc",
    "DroidSansFallbackFull.ttf",
    "Arial Unicode.ttf",
)
_NO_SUCH_LETTER = "\U0010fffe"


@lru_cache(maxsize=64)
def find_font(name: str, size: int, letters: str = "") -> Font:
    """Return a font that has all ``letters``, else the first font found.

    Args:
        name: File or font name to try first.
        size: Height in pixels.
        letters: What will be written, each letter once.
    """
    first: Font | None = None
    for font in _candidates(name, size):
        if has_letters(font, letters):
            return font
        first = first or font
    LOGGER.warning("No font on this system has all of %r; some letters will be boxes.", letters)
    return first or ImageFont.load_default(size)


def has_letters(font: Font, letters: str) -> bool:
    """Return whether a font draws every letter as something else than its sign for a missing one."""
    missing = bytes(font.getmask(_NO_SUCH_LETTER))
    return all(c.isspace() or bytes(font.getmask(c)) != missing for c in letters)


def _candidates(name: str, size: int) -> Iterator[Font]:
    """Yield the fonts that open, best first."""
    for file in (name, "DejaVuSans.ttf", *_WIDE, *_shipped()):
        try:
            yield ImageFont.truetype(str(file), size)
        except OSError:
            continue
    yield ImageFont.load_default(size)


def _shipped() -> Iterator[Path]:
    """Yield the font that comes with matplotlib, without importing it."""
    spec = importlib.util.find_spec("matplotlib")
    if spec and spec.origin:
        yield Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
