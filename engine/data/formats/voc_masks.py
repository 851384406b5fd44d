"""The masks beside Pascal VOC files: SegmentationObject numbers the objects of a picture, SegmentationClass their classes."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import replace as changed
from pathlib import Path

import numpy as np

from engine.data.annotations import Annotation, Box, Mask
from engine.data.formats.class_table import ClassEntry
from engine.data.formats.findings import Findings
from engine.data.formats.mask_pictures import color_codes, palette_of, read_mask, voc_palette
from engine.data.formats.voc_objects import BOX, VocObject
from engine.runtime.errors import ImageError

VOID = 255
# Masks end before the borders that VOC leaves open, so they are a little smaller than their boxes.
_LEAST_SHARED = 0.3


@dataclass(frozen=True, slots=True)
class Piece:
    """The pixels of one object.

    Attributes:
        mask: Where it is.
        name: Its class, empty where no mask of classes says.
        number: Its value in the mask.
    """

    mask: Mask
    name: str
    number: int


class VocMasks:
    """The masks of a set.

    Args:
        root: Folder of the set.
        entries: Its table of classes, empty where there is none.
        findings: Where to note.
    """

    def __init__(self, root: Path, entries: list[ClassEntry], findings: Findings) -> None:
        self._classes, self._objects = root / "SegmentationClass", root / "SegmentationObject"
        self._findings = findings
        self._has_void = False
        self._by_number = {e.number: e.name for e in entries if e.number is not None and e.is_class}
        self._by_color = {e.color: e.name for e in entries if e.color is not None and e.is_class}
        self._colors = voc_palette()

    def stems(self) -> list[str]:
        """Return the names without suffix of pictures that have a mask."""
        found = {p.stem for folder in (self._classes, self._objects) for p in folder.glob("*.png")}
        return sorted(found)

    def pieces(self, stem: str, size_wh: tuple[int, int]) -> list[Piece]:
        """Return the objects of a picture by their numbers; classes where objects have none."""
        objects = self._read(self._objects / f"{stem}.png", size_wh)
        classes = self._read(self._classes / f"{stem}.png", size_wh)
        numbers = objects if objects is not None else classes
        if numbers is None:
            return []
        if not self._has_void and (numbers == VOID).any():
            self._has_void = True
            reason = "Pixels marked as void (255) are not kept: they belong to no object."
            self._findings.add(self._objects.parent, reason, "note")
        pieces = []
        for number in np.setdiff1d(np.unique(numbers), (0, VOID)).tolist():
            inside = numbers == number
            name = "" if classes is None else self._name(classes, inside, stem)
            pieces.append(Piece(Mask.from_array(inside), name, number))
        return pieces

    def _read(self, path: Path, size_wh: tuple[int, int]) -> np.ndarray | None:
        """Return the numbers of a mask; colours become the numbers that VOC gives them."""
        if not path.is_file():
            return None
        try:
            array = read_mask(path)
        except ImageError as error:
            self._findings.add(path, error.message)
            return None
        if array.shape[1::-1] != size_wh:
            reason = f"The mask has {array.shape[1]} x {array.shape[0]} pixels, its picture {size_wh[0]} x {size_wh[1]}."
            self._findings.add(path, reason)
            return None
        if array.ndim == 2:
            return array
        codes = color_codes(array)
        out = np.full(codes.shape, VOID, dtype=np.int64)
        for number, (r, g, b) in enumerate(self._colors):
            out[codes == (r << 16 | g << 8 | b)] = number
        return out

    def _name(self, classes: np.ndarray, inside: np.ndarray, stem: str) -> str:
        """Return the class of most pixels inside."""
        values, counts = np.unique(classes[inside], return_counts=True)
        number = int(values[counts.argmax()])
        palette = palette_of(self._classes / f"{stem}.png") or self._colors
        color = palette[number] if number < len(palette) else (0, 0, 0)
        return self._by_color.get(color) or self._by_number.get(number, "")


def matched(objects: list[VocObject], pieces: list[Piece]) -> tuple[list[VocObject], list[Piece]]:
    """Give each object the mask that lies in its box; return them and the masks that are left.

    The object keeps its own box as an attribute where that of the mask is another; one that has an outline of
    its own keeps that.
    """
    places = _by_number(objects, pieces) or _by_fit(objects, pieces)
    out = list(objects)
    left = []
    for piece, place in zip(pieces, places, strict=True):
        if place is None:
            left.append(piece)
        elif isinstance(out[place].annotation.geometry, Box):
            out[place] = changed(out[place], annotation=_masked(out[place], piece.mask))
    return out, left


def _by_number(objects: list[VocObject], pieces: list[Piece]) -> list[int | None]:
    """Return the place of each piece's object by VOC's rule, that of its number; empty where one does not fit."""
    places: list[int | None] = []
    for piece in pieces:
        place = piece.number - 1
        if place >= len(objects) or piece.name not in ("", objects[place].name):
            return []
        if _fit(objects[place].box.bounds(), piece.mask.bounds()) < 1:
            return []
        places.append(place)
    return places


def _by_fit(objects: list[VocObject], pieces: list[Piece]) -> list[int | None]:
    """Return the place of the object whose box each piece fits best, None where it fits none."""
    free = [*range(len(objects))]
    places: list[int | None] = []
    for piece in pieces:
        fitting = [i for i in free if piece.name in ("", objects[i].name)]
        shares = {i: _fit(objects[i].box.bounds(), piece.mask.bounds()) for i in fitting}
        best = max(shares, key=lambda i: shares[i], default=None)
        is_found = best is not None and shares[best] >= _LEAST_SHARED
        places.append(best if is_found else None)
        if is_found and best is not None:
            free.remove(best)
    return places


def _masked(item: VocObject, mask: Mask) -> Annotation:
    attributes = dict(item.annotation.attributes)
    if item.box.bounds() != mask.bounds():
        attributes[BOX] = list(item.box.bounds())
    return changed(item.annotation, geometry=mask, attributes=attributes)


def _fit(box: tuple[float, ...], mask: tuple[float, ...]) -> float:
    """Say how well a mask fits a box: thin objects lose most of it to the open border but stay inside."""
    # Boxes of outlines are rounded: a pixel more on each side is no other place.
    is_inside = (
        box[0] - 1 <= mask[0]
        and box[1] - 1 <= mask[1]
        and mask[2] <= box[2] + 1
        and mask[3] <= box[3] + 1
    )
    return _shared(box, mask) + is_inside


def _shared(a: tuple[float, ...], b: tuple[float, ...]) -> float:
    """Return the intersection over the union of two boxes."""
    w = min(a[2], b[2]) - max(a[0], b[0])
    h = min(a[3], b[3]) - max(a[1], b[1])
    if w <= 0 or h <= 0:
        return 0.0
    whole = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return w * h / (whole - w * h)
