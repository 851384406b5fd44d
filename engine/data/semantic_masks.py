"""Where the class of each pixel of a picture is written, and what the numbers or colours there mean.

A data.yaml names a folder of masks (``masks_dir``) and, where the values in them are not the classes
themselves, ``label_mapping`` or ``colors``. Loads no torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.runtime.errors import DatasetError, ImageError

# A pixel that belongs to no class: nothing is learned from it and nothing is measured there
IGNORED = 255
MAX_CLASSES = 255
# Of lossless formats only: others change the numbers
SUFFIXES = (".png", ".tif", ".tiff", ".bmp", ".gif")
_IGNORING = ("ignore_label", "ignore", "void", -1, IGNORED, None)
_VALUES = 1 << 16


@dataclass(frozen=True)
class ClassMap:
    """A mask that was read.

    Attributes:
        classes: (H, W) uint8 class numbers, 255 where there is none.
        unknown: Value or colour in the file that is no class -> how many pixels have it.
    """

    classes: np.ndarray
    unknown: Mapping[str, int]


@dataclass(frozen=True)
class MaskFiles:
    """The masks of a data set.

    Attributes:
        root: Folder of the data set.
        folder: ``masks_dir``, relative to the root or to what holds the folder ``images``, or absolute.
        table: (65536,) uint8 class of each value, 255 for none.
        known: (65536,) bool values that the description speaks of.
        colors: Colour as 0xRRGGBB -> class; None where masks hold numbers.
    """

    root: Path
    folder: Path
    table: np.ndarray
    known: np.ndarray
    colors: Mapping[int, int] | None = field(default=None)

    def candidates(self, image: str | Path) -> Iterator[Path]:
        """Give where the mask of a picture may lie, the usual place first."""
        image = Path(image)
        for base in self._places(image):
            for suffix in SUFFIXES:
                yield base.with_suffix(suffix)

    def find(self, image: str | Path) -> Path | None:
        """Return the mask of a picture, None where there is none."""
        return next((path for path in self.candidates(image) if path.is_file()), None)

    def read(self, path: str | Path) -> ClassMap:
        """Read a mask.

        Raises:
            ImageError: It is missing, damaged, or holds colours where numbers are expected.
        """
        stored = _stored(Path(path), self.colors is not None)
        return self._of_numbers(stored) if self.colors is None else self._of_colors(stored)

    def _places(self, image: Path) -> Iterator[Path]:
        """Give the mask's place without suffix: ``images`` becomes ``masks_dir``, below it all is the same."""
        parts = image.parts
        at = max((i for i, part in enumerate(parts[:-1]) if part == "images"), default=None)
        if at is not None:
            yield Path(*parts[:at]) / self.folder / Path(*parts[at + 1 :])
            yield self.root / self.folder / Path(*parts[at + 1 :])
        elif image.is_relative_to(self.root):
            yield self.root / self.folder / image.relative_to(self.root)
        yield self.root / self.folder / image.name

    def _of_numbers(self, stored: np.ndarray) -> ClassMap:
        import cv2

        if stored.dtype == np.uint8:  # OpenCV looks up bytes ten times as fast as indexing does
            strange = cv2.LUT(stored, (~self.known[:256]).astype(np.uint8))
            classes = cv2.LUT(stored, self.table[:256])
        else:
            inside = np.clip(stored, 0, _VALUES - 1)
            strange = (~self.known[inside] | (stored != inside)).astype(np.uint8)
            classes = np.where(strange, IGNORED, self.table[inside]).astype(np.uint8)
        unknown: dict[str, int] = {}
        if cv2.countNonZero(strange):
            values, counts = np.unique(stored[strange > 0], return_counts=True)
            unknown = dict(zip(map(str, values.tolist()), counts.tolist(), strict=True))
        return ClassMap(classes, unknown)

    def _of_colors(self, stored: np.ndarray) -> ClassMap:
        codes = stored.astype(np.uint32) @ np.array((1 << 16, 1 << 8, 1), dtype=np.uint32)
        colors = self.colors or {}
        order = np.array(sorted(colors), dtype=np.uint32)
        numbers = np.array([colors[int(code)] for code in order], dtype=np.uint8)
        at = np.searchsorted(order, codes).clip(max=len(order) - 1)
        strange = order[at] != codes
        unknown: dict[str, int] = {}
        if strange.any():
            values, counts = np.unique(codes[strange], return_counts=True)
            names = (f"#{value:06x}" for value in values.tolist())
            unknown = dict(zip(names, counts.tolist(), strict=True))
        return ClassMap(np.where(strange, IGNORED, numbers[at]).astype(np.uint8), unknown)


def mask_files(data: Mapping[str, Any]) -> MaskFiles | None:
    """Return where the masks of a data set are; None where it has none and polygons take their place.

    Args:
        data: What ``read_data_yaml`` returned.

    Raises:
        DatasetError: ``masks_dir``, ``label_mapping`` or ``colors`` cannot be used.
    """
    file, names = data.get("yaml_file"), data["names"]
    folder, mapping, colors = (data.get(k) for k in ("masks_dir", "label_mapping", "colors"))
    if folder is None and mapping is None and colors is None:
        return None
    folder = "masks" if folder is None else folder
    if not isinstance(folder, str) or not folder.strip():
        raise DatasetError(f"'masks_dir' must be a folder, received {folder!r}.", path=file)
    if mapping is not None and colors is not None:
        raise DatasetError(
            "It has both 'label_mapping', for masks of numbers, and 'colors', for masks of colours.",
            path=file,
            remedy="Keep the one that the masks are of.",
        )
    if len(names) > MAX_CLASSES:
        raise DatasetError(
            f"Masks can tell at most {MAX_CLASSES} classes apart, received {len(names)}.", path=file
        )
    table, known = _table(mapping or {}, names, file)
    by_color = None if colors is None else _by_color(colors, names, file)
    return MaskFiles(Path(data["path"]), Path(folder).expanduser(), table, known, by_color)


def _table(mapping: Any, names: Mapping[int, str], file: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the class of each value and which values are spoken of."""
    if not isinstance(mapping, Mapping):
        raise DatasetError(
            f"'label_mapping' must be lines of 'value: class', received {mapping!r}.", path=file
        )
    table, known = np.full(_VALUES, IGNORED, np.uint8), np.zeros(_VALUES, bool)
    table[: len(names)] = np.arange(len(names))
    known[: len(names)] = known[IGNORED] = True
    for value, target in mapping.items():
        number = int(value) if isinstance(value, str) and value.lstrip("-").isdigit() else value
        if isinstance(number, bool) or not isinstance(number, int) or number >= _VALUES:
            raise DatasetError(
                f"'label_mapping' speaks of {value!r}, which is no value of a mask.", path=file
            )
        if number >= 0:  # negative ones, as some lists have, occur in no file
            table[number], known[number] = _class(target, names, "label_mapping", file), True
    return table, known


def _by_color(colors: Any, names: Mapping[int, str], file: Any) -> dict[int, int]:
    """Return colour code -> class for a list, or 'class: colour' lines."""
    rows = enumerate(colors) if isinstance(colors, list) else None
    if rows is None and isinstance(colors, Mapping):
        rows = iter(colors.items())  # type: ignore[assignment]
    if rows is None:
        raise DatasetError(
            f"'colors' must be a list or lines of 'class: [red, green, blue]', received {colors!r}.",
            path=file,
        )
    found: dict[int, int] = {}
    for key, given in rows:
        number = _class(key, names, "colors", file)
        several = isinstance(given, list) and given and isinstance(given[0], list)
        for color in given if several else [given]:
            code = _code(color, file)
            if found.setdefault(code, number) != number:
                raise DatasetError(
                    f"'colors' gives #{code:06x} to two classes.", path=file, value=color
                )
    if not found:
        raise DatasetError("'colors' names no colour.", path=file)
    return found


def _class(given: Any, names: Mapping[int, str], entry: str, file: Any) -> int:
    """Return the class that an entry names by number or name, 255 for what is to be ignored."""
    by_name = {name: number for number, name in names.items()}
    if isinstance(given, str) and given in by_name:
        return by_name[given]
    if not isinstance(given, bool) and given in names:
        return int(given)
    if given in _IGNORING:
        return IGNORED
    raise DatasetError(
        f"'{entry}' names the class {given!r}, which is not among the {len(names)} of 'names'.",
        path=file,
        value=given,
        remedy="Write the number or the name of a class, or ignore_label.",
    )


def _code(color: Any, file: Any) -> int:
    """Return a colour [r, g, b] or "#rrggbb" as one number."""
    if isinstance(color, str) and len(color.lstrip("#")) == 6:
        try:
            return int(color.lstrip("#"), 16)
        except ValueError:
            color = repr(color)
    if isinstance(color, list) and len(color) == 3 and all(_is_byte(part) for part in color):
        return color[0] << 16 | color[1] << 8 | color[2]
    raise DatasetError(
        f"'colors' holds {color!r}, expected three numbers 0..255 (red, green, blue) or '#rrggbb'.",
        path=file,
        value=color,
    )


def _is_byte(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 255


def _stored(path: Path, color: bool) -> np.ndarray:
    """Return (H, W) numbers as stored, also those of a palette, or (H, W, 3) RGB."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(path) as picture:
            if color:
                return np.asarray(picture.convert("RGB"))
            array = np.asarray(picture)
    except FileNotFoundError as error:
        raise ImageError("The mask does not exist.", path=path) from error
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        what = "is no image" if isinstance(error, UnidentifiedImageError) else "is damaged"
        raise ImageError(f"The mask {what}.", path=path, remedy="Replace the file.") from error
    if array.ndim == 3:
        if (array[..., :3] != array[..., :1]).any():
            raise ImageError(
                "The mask holds colours, expected a class number in each pixel.",
                path=path,
                remedy="List the colours of the classes under 'colors' in the data.yaml.",
            )
        array = array[..., 0]
    return array.astype(np.uint8) if array.dtype == bool else array
