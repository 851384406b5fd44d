"""Pictures on disk: few colours, small files. Works in a process of its own, beside the window."""

from __future__ import annotations

import sys
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

from PIL import Image, ImageColor

from studio.model.colors import FIRST_COLORS
from studio.theme.tokens import SCHEMES, Colors

# The window's own colours, which fill areas with one exact value, keep theirs; photographs get the rest.
_EXACT, _OTHERS = 40, (56, 32, 20)
_MOST_BYTES = 60_000  # a larger picture gets the next fewer colours for its photographs


def save(pixels: bytes, size: tuple[int, int], file: Path) -> int:
    """Write RGB pixels as a PNG with a palette; returns its size in bytes."""
    picture = Image.frombytes("RGB", size, pixels)
    for others in _OTHERS:
        with_few_colors(picture, others).save(file, optimize=True)
        if file.stat().st_size <= _MOST_BYTES:
            break
    sys.stdout.write(f"{file.name} {file.stat().st_size // 1024} KiB\n")
    return file.stat().st_size


def with_few_colors(picture: Image.Image, photographs: int = _OTHERS[0]) -> Image.Image:
    """Keep the colours of the theme, the classes and the largest even areas exactly, the others as near as may be."""
    counts = sorted(picture.getcolors(picture.width * picture.height) or [], reverse=True)
    used = {color for _, color in counts}
    kept: list[Any] = [color for color in _named() if color in used]
    exact = list(dict.fromkeys([*kept, *(color for _, color in counts[:_EXACT])]))[:_EXACT]
    others = picture.quantize(photographs, dither=Image.Dither.NONE).getpalette("RGB") or []
    palette = Image.new("P", (1, 1))
    palette.putpalette([part for color in exact for part in color] + others[: 3 * photographs])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


@cache
def _named() -> tuple[Any, ...]:
    names = [*_colors_of(SCHEMES["dark"]), *_colors_of(SCHEMES["light"]), *FIRST_COLORS]
    return tuple(ImageColor.getrgb(name) for name in names)


def _colors_of(colors: Colors) -> list[str]:
    values = (getattr(colors, field.name) for field in fields(colors))
    return [value for value in values if str(value).startswith("#")]
