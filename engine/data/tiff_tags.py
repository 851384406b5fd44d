"""What the first directory of a TIFF file says, and where it says it (TIFF 6.0, section 2, and BigTIFF)."""

from __future__ import annotations

import struct
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, BinaryIO

WIDTH, HEIGHT, BITS, PHOTOMETRIC = 256, 257, 258, 262
ORIENTATION, SAMPLES, EXTRA_SAMPLES = 274, 277, 338

# Kinds of whole numbers -> their letter in struct.
_LETTERS = {1: "B", 3: "H", 4: "I", 16: "Q"}
_MOST_VALUES = 1 << 16  # no tag read here has more than one a sample


@dataclass(frozen=True, slots=True)
class Tag:
    """One entry of a directory.

    Attributes:
        values: Its whole numbers.
        at: Where the first of them lies, in bytes from the start of the file.
        form: What struct calls one of them, with the byte order.
    """

    values: tuple[int, ...]
    at: int
    form: str


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a file writes its directories: where the first one's place stands, and its fields in struct's letters."""

    place_at: int
    place: str
    count: str
    entry: str


_PLAIN, _BIG = _Layout(4, "I", "H", "HHI4s"), _Layout(8, "Q", "Q", "HHQ8s")
_STARTS = {
    b"II*\0": ("<", _PLAIN),
    b"MM\0*": (">", _PLAIN),
    b"II+\0": ("<", _BIG),
    b"MM\0+": (">", _BIG),
}


def read_tags(file: BinaryIO, wanted: Collection[int]) -> dict[int, Tag]:
    """Return those of the wanted tags that the first directory has; none where the file is damaged or no TIFF."""
    file.seek(0)
    order, layout = _STARTS.get(file.read(4), ("", None))
    if layout is None:
        return {}
    try:
        (place,) = _unpack(file, layout.place_at, order + layout.place)
        (count,) = _unpack(file, place, order + layout.count)
        first = place + struct.calcsize(order + layout.count)
        size = struct.calcsize(order + layout.entry)
        found = {}
        for at in range(first, first + size * min(count, _MOST_VALUES), size):
            number, kind, length, field = _unpack(file, at, order + layout.entry)
            if number not in wanted or number in found:
                continue  # of several the first counts, as libraries have it
            if kind in _LETTERS and 0 < length <= _MOST_VALUES:
                form = order + _LETTERS[kind]
                values_at = at + size - len(field)
                if length * struct.calcsize(form) > len(field):
                    (values_at,) = struct.unpack(order + layout.place, field)
                values = _unpack(file, values_at, f"{order}{length}{form[1:]}")
                found[number] = Tag(values, values_at, form)
    except (struct.error, OverflowError, OSError):  # cut, or a place that no file has
        return {}
    return found


def count_samples(file: BinaryIO) -> int:
    """Return the samples a pixel of a TIFF file's first page; 1 where the file does not say."""
    tag = read_tags(file, (SAMPLES,)).get(SAMPLES)
    return tag.values[0] if tag else 1


def _unpack(file: BinaryIO, at: int, form: str) -> tuple[Any, ...]:
    file.seek(at)
    return struct.unpack(form, file.read(struct.calcsize(form)))
