"""Files that say which number or colour of a mask is which class: lists, tables and maps of several tools."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.formats.json_file import read_json
from engine.data.formats.mask_pictures import Color, parse_color
from engine.data.formats.records import ClassInfo, LabelledDataset
from engine.data.labels.parse import decode_text
from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic

BACKGROUND = frozenset(("background", "_background_", "bg"))
IGNORED = frozenset(("ignore", "ignored", "void", "unlabelled", "unlabeled", "__ignore__"))
IGNORED_NUMBER = 255
# The first that lies in a folder is read.
TABLES = (
    "colormap.csv",
    "labelmap.txt",
    "label_colors.txt",
    "mask_color_map.json",
    "mask_grayscale_map.json",
    "class_names.txt",
    "classes.txt",
    "labels.txt",
)
_MOST_BYTES = 1 << 20
# ``name:r,g,b:parts:actions``, of which the last two may be missing.
_WITH_COLOR = re.compile(r"(.+):(\s*\d+\s*,\s*\d+\s*,\s*\d+\s*)(?::[^:]*){0,2}")


@dataclass(frozen=True, slots=True)
class ClassEntry:
    """One line of a table.

    Attributes:
        name: The class.
        number: Its value in masks; None where the table gives only a colour.
        color: Its colour in masks; None where the table gives only a number.
        told: Whether objects can be of it, where the table says so; None: its name says it.
    """

    name: str
    number: int | None = None
    color: Color | None = None
    told: bool | None = None

    @property
    def is_class(self) -> bool:
        """Tell whether objects can be of it: background and what is to be ignored are no classes."""
        return not self.is_reserved if self.told is None else self.told

    @property
    def is_reserved(self) -> bool:
        """Tell whether programs take its name for what is of no class."""
        return self.name.lower() in BACKGROUND | IGNORED


def find_table(*folders: Path) -> Path | None:
    """Return the first table that lies directly in one of the folders."""
    for folder in folders:
        for name in TABLES:
            if (folder / name).is_file():
                return folder / name
    return None


def read_table(path: Path) -> list[ClassEntry]:
    """Return the lines of a table.

    Raises:
        DatasetError: It cannot be read or names no classes.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise DatasetError("It is too large for a list of classes.", path=path)
        if path.suffix.lower() == ".json":
            entries = _from_json(read_json(path))
        else:
            lines = decode_text(path.read_bytes()).splitlines()
            entries = _parse(path, [line.strip() for line in lines])
    except OSError as error:
        raise DatasetError(f"Cannot be read: {error.strerror or error}.", path=path) from error
    if not entries:
        raise DatasetError("It names no classes.", path=path, remedy="One class a line.")
    return entries


def write_table(path: Path, entries: Sequence[ClassEntry]) -> None:
    """Write ``index,name,r,g,b``, and ``is_class`` where the name of a class would be taken for the background.

    Raises:
        OSError: It cannot be written.
    """
    tells = any(entry.is_class and entry.is_reserved for entry in entries)
    rows = ["index,name,r,g,b,is_class" if tells else "index,name,r,g,b"]
    for entry in entries:
        name = (
            f'"{entry.name.replace(chr(34), 2 * chr(34))}"'
            if re.search('[",]', entry.name)
            else entry.name
        )
        cells = [entry.number, name, *(entry.color or (0, 0, 0))]
        cells += [int(entry.is_class)] if tells else []
        rows.append(",".join(map(str, cells)))
    write_atomic(path, "\n".join(rows) + "\n")


def take_classes(
    entries: Sequence[ClassEntry], dataset: LabelledDataset
) -> list[tuple[ClassEntry, int]]:
    """Make the classes of a table those of a data set; return each with its index."""
    out = []
    indices: dict[str, int] = {}
    for entry in entries:
        if not entry.is_class:
            continue
        index = indices.setdefault(entry.name, len(indices))
        dataset.names[index] = entry.name
        color = "" if entry.color is None else "#{:02x}{:02x}{:02x}".format(*entry.color)
        dataset.classes.setdefault(index, ClassInfo(number=entry.number, color=color))
        out.append((entry, index))
    return out


def entries_of(
    dataset: LabelledDataset, palette: Sequence[Color], most: int
) -> dict[int, ClassEntry]:
    """Return the number and colour that each class is written with, by class; whatever its name, it is one.

    Numbers and colours that the classes came with are kept where no two are the same and none is taken by
    the background (0, black) unless it is so told.

    Args:
        dataset: The classes.
        palette: Colours by number, for classes without one.
        most: The largest number that a mask holds.
    """
    infos = {index: dataset.classes.get(index, ClassInfo()) for index in dataset.names}
    told = [info.number for info in infos.values()]
    keep = len(set(told)) == len(told) and all(n is not None and 0 <= n <= most for n in told)
    numbers = {
        i: info.number if keep else place for place, (i, info) in enumerate(infos.items(), 1)
    }
    used: set[Color] = {(0, 0, 0)}
    entries = {}
    for index, name in dataset.names.items():
        number = numbers[index] or 0
        color = parse_color(infos[index].color) if infos[index].color else None
        if color is None or color in used:
            color = next(
                c for c in (*palette[number % len(palette) :], *_any_colors()) if c not in used
            )
        used.add(color)
        entries[index] = ClassEntry(name, number, color, told=True)
    return entries


def _any_colors() -> list[Color]:
    return [
        (r, g, b) for r in range(5, 256, 25) for g in range(5, 256, 25) for b in range(5, 256, 25)
    ]


def _parse(path: Path, lines: list[str]) -> list[ClassEntry]:
    if path.suffix.lower() == ".csv":
        return _from_csv(lines)
    if path.name.lower().startswith("labelmap"):
        return _from_labelmap(lines)
    lines = [line for line in lines if line and not line.startswith("#")]
    matches = [re.fullmatch(r"(\d+)[\s,:]+(\S.*)", line) for line in lines]
    colors = [re.fullmatch(r"(\d+)[\s,]+(\d+)[\s,]+(\d+)[\s,]+(\S.*)", line) for line in lines]
    if lines and all(colors):
        return [ClassEntry(m[4], None, _rgb(m.groups()[:3])) for m in colors if m]
    if lines and all(matches):
        return [ClassEntry(m[2], int(m[1])) for m in matches if m and len(m[1]) < 9]
    first = -1 if lines and lines[0] == "__ignore__" else 0  # labelme counts from there
    return [ClassEntry(name, number) for number, name in enumerate(lines, first)]


def _from_csv(lines: list[str]) -> list[ClassEntry]:
    """Read rows by the names of their columns; without a header they are index, name, r, g, b."""
    rows = [row for row in csv.reader(line for line in lines if line) if row]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "name" in header:
        rows = rows[1:]
    else:
        header = ["index", "name", "r", "g", "b"]
    entries = []
    for row in rows:
        cells = dict(zip(header, (cell.strip() for cell in row), strict=False))
        index = cells.get("index", cells.get("id", ""))
        color = _rgb([cells.get(c, cells.get(long, "")) for c, long in _CHANNELS])
        if cells.get("name"):
            number = int(index) if index.isdecimal() and len(index) < 9 else None
            told = _FLAGS.get(cells.get("is_class", ""))
            entries.append(ClassEntry(cells["name"], number, color, told))
    return entries


_FLAGS = {"0": False, "1": True}
_CHANNELS = (("r", "red"), ("g", "green"), ("b", "blue"))


def _from_labelmap(lines: list[str]) -> list[ClassEntry]:
    """Read ``name:r,g,b:parts:actions``, the place of a line being its number."""
    entries: list[ClassEntry] = []
    for line in lines:
        if not line or line.startswith("#"):
            continue
        name, cells = _labelmap_fields(line)
        entries.append(ClassEntry(name.strip(), len(entries), _rgb(cells)))
    return [entry for entry in entries if entry.name]


def _labelmap_fields(line: str) -> tuple[str, list[str]]:
    """Return the name and the colour of a line; a name may hold colons, so the colour is looked for from the right."""
    if found := _WITH_COLOR.fullmatch(line):
        return found[1], found[2].split(",")
    return line.rsplit(":", 3)[0], []


def _from_json(value: Any) -> list[ClassEntry]:
    """Read ``{"colors": {name: number or [r, g, b]}}``."""
    colors = value.get("colors") if isinstance(value, Mapping) else None
    entries = []
    for name, told in colors.items() if isinstance(colors, Mapping) else ():
        if type(told) is int and 0 <= told < 1 << 16:
            entries.append(ClassEntry(name, told))
        elif isinstance(told, list):
            entries.append(ClassEntry(name, None, _rgb([str(v) for v in told])))
    return entries


def _rgb(texts: Sequence[str | Any]) -> Color | None:
    cells = [str(text).strip() for text in texts]
    if len(cells) != 3 or not all(c.isdecimal() and len(c) < 4 and int(c) < 256 for c in cells):
        return None
    r, g, b = map(int, cells)
    return r, g, b
