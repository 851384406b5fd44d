"""Pictures whose pixels are numbers or colours of classes or objects: read without surprises, written, painted."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np

from engine.data.annotations import Geometry, Keypoints, Polyline, Tag, to_mask
from engine.data.formats.pictures import measured
from engine.data.problems import Problem
from engine.runtime.errors import ImageError
from engine.runtime.paths import write_atomic

Color: TypeAlias = tuple[int, int, int]
MASK_SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".gif")
LOSSY_SUFFIXES = (".jpg", ".jpeg", ".webp")


def read_mask(path: Path) -> np.ndarray:
    """Return a mask as it is stored: (H, W) integers, also those of a palette, or (H, W, 3) uint8 RGB.

    Colours that are all grey are returned as numbers.

    Raises:
        ImageError: It is no image, is damaged, or claims an absurd size.
    """
    from PIL import Image

    size = measured(path)
    if isinstance(size, Problem):  # also keeps Pillow from decoding a bomb
        raise ImageError(size.reason, path=path)
    try:
        with Image.open(path) as picture:
            picture.load()
            is_color = picture.mode in ("RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV")
            array = np.asarray(picture.convert("RGB") if is_color else picture)
    except (OSError, ValueError, SyntaxError) as error:
        raise ImageError("The mask is damaged.", path=path, remedy="Replace the file.") from error
    if array.dtype == bool:
        array = array.astype(np.uint8)
    if array.ndim == 3 and array.shape[2] == 2:  # grey with alpha
        array = array[..., 0]
    if array.dtype.kind == "f":
        raise ImageError("The mask holds fractions, expected whole numbers.", path=path)
    if array.ndim == 3 and not (array != array[..., :1]).any():
        array = array[..., 0]
    return array


def color_codes(rgb: np.ndarray) -> np.ndarray:
    """Return (H, W, 3) uint8 colours as (H, W) int32 numbers 0xRRGGBB."""
    wide = rgb.astype(np.int32)
    return (wide[..., 0] << 16) | (wide[..., 1] << 8) | wide[..., 2]


def palette_of(path: Path) -> list[Color]:
    """Return the palette of a picture, empty where it has none."""
    from PIL import Image

    try:
        with Image.open(path) as picture:
            flat = picture.getpalette() or []
    except (OSError, ValueError, SyntaxError):
        return []
    return [(r, g, b) for r, g, b in zip(flat[::3], flat[1::3], flat[2::3], strict=False)]


def write_numbers(path: Path, array: np.ndarray, palette: Sequence[Color] = ()) -> None:
    """Write (H, W) uint8 or uint16 numbers as PNG; 8-bit ones with a palette, so that people see them.

    Raises:
        OSError: It cannot be written.
    """
    from PIL import Image

    picture = Image.fromarray(array)
    if palette and array.dtype == np.uint8:
        picture = picture.convert("P")
        picture.putpalette([v for color in palette for v in color])
    _write(path, picture)


def write_colors(path: Path, rgb: np.ndarray) -> None:
    """Write (H, W, 3) uint8 RGB as PNG.

    Raises:
        OSError: It cannot be written.
    """
    from PIL import Image

    _write(path, Image.fromarray(rgb))


def voc_palette(count: int = 256) -> list[Color]:
    """Return the colours of Pascal VOC's masks: the bits of a number spread over red, green and blue."""
    colors = []
    for number in range(count):
        rgb = [0, 0, 0]
        for place in range(8):
            for channel in range(3):
                rgb[channel] |= (number >> (3 * place + channel) & 1) << (7 - place)
        colors.append((rgb[0], rgb[1], rgb[2]))
    return colors


def hex_color(color: Color) -> str:
    """Return ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def parse_color(text: str) -> Color | None:
    """Return the colour of ``#rrggbb``; None where it is none."""
    digits = text.removeprefix("#")
    if len(digits) != 6:
        return None
    try:
        number = int(digits, 16)
    except ValueError:
        return None
    return number >> 16, number >> 8 & 255, number & 255


class Painter:
    """Paints shapes as numbers into one picture, later ones over earlier ones, and counts what that hides.

    Args:
        width: Columns.
        height: Rows.
        empty: The number of pixels that nothing covers.
    """

    def __init__(self, width: int, height: int, empty: int = 0) -> None:
        self.array = np.full((height, width), empty, dtype=np.int64)
        self._is_painted = np.zeros((height, width), dtype=bool)
        self.hidden = 0

    def paint(self, geometry: Geometry, number: int) -> int:
        """Paint a shape and return its pixels; 0 for what covers none."""
        if isinstance(geometry, (Tag, Keypoints, Polyline)):
            return 0
        inside = to_mask(geometry, *self.array.shape).to_array().astype(bool)
        self.hidden += int((self._is_painted & inside & (self.array != number)).any())
        self._is_painted |= inside
        self.array[inside] = number
        return int(np.count_nonzero(inside))


def value_counts(array: np.ndarray) -> dict[int, int]:
    """Return how many pixels each value has."""
    values, counts = np.unique(array, return_counts=True)
    return dict(zip(values.tolist(), counts.tolist(), strict=True))


def mask_files(folder: Path) -> list[Path]:
    """Return the masks below a folder, sorted, links to folders not followed."""
    return sorted(_walk(folder, (*MASK_SUFFIXES, *LOSSY_SUFFIXES), 3))


def _walk(folder: Path, suffixes: Iterable[str], depth: int) -> list[Path]:
    found: list[Path] = []
    try:
        entries = list(folder.iterdir())
    except OSError:
        return found
    for entry in entries:
        if entry.suffix.lower() in suffixes and entry.is_file():
            found.append(entry)
        elif depth and entry.is_dir() and not entry.is_symlink():
            found += _walk(entry, suffixes, depth - 1)
    return found


def _write(path: Path, picture: object) -> None:
    from PIL import Image

    data = io.BytesIO()
    if isinstance(picture, Image.Image):
        picture.save(data, format="PNG")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, data.getvalue())
