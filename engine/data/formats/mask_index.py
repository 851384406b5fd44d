"""PNG masks of class numbers: ``images``, ``masks`` and a table of numbers and names (colormap.csv).

One mask a class and picture. 0 is the background unless the table names it otherwise, 255 is of no class.
Masks of 16 bits with ``class * 1000 + number of the object`` keep objects of one class apart, as Cityscapes
does (Cordts et al. 2016).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine.data.annotations import Keypoints, Mask, Polyline, Tag
from engine.data.formats.class_table import (
    IGNORED_NUMBER,
    ClassEntry,
    entries_of,
    write_table,
)
from engine.data.formats.findings import Findings, listed
from engine.data.formats.losses import loss_sentences
from engine.data.formats.mask_pictures import (
    LOSSY_SUFFIXES,
    Color,
    Painter,
    color_codes,
    value_counts,
    voc_palette,
    write_numbers,
)
from engine.data.formats.mask_set import Labels, kind_of, look_at, read_set
from engine.data.formats.pictures import How, PicturePlacer
from engine.data.formats.records import LabelledDataset, LabelledImage, WriteReport
from engine.runtime.errors import DatasetError, ImageError

Progress = Callable[[int, int], None]
_OBJECTS = 1000
_IGNORED_COLOR: Color = (224, 224, 192)


def is_this(path: Path) -> bool:
    """Say whether a folder holds masks of numbers and a table that names them."""
    found = look_at(path, "number")
    if found is None or found.table is None or not found.pictures:
        return False
    return any(kind_of(folder) == "number" for folder in found.folders)


def read(path: Path, progress: Progress | None = None) -> LabelledDataset:
    """Read masks of numbers; without a table classes are called by their numbers.

    Raises:
        DatasetError: There are no masks, or the table cannot be read.
    """
    found = look_at(path, "number")
    if found is None:
        raise DatasetError(
            "There are no masks in this folder.",
            path=path,
            remedy="Expected a folder 'images', a folder 'masks' and a colormap.csv.",
        )
    dataset = read_set(found, _Numbers, progress)
    _name_unnamed(dataset)
    return dataset


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    images: How = "copy",
    objects: bool = False,
) -> WriteReport:
    """Write ``images/SPLIT``, ``masks/SPLIT`` and ``colormap.csv`` below the folder ``path``.

    Args:
        dataset: What to write; pictures without a split go to train, unlabelled ones get no mask.
        path: Folder, made where missing; files of the same names are replaced.
        progress: Called with (done, total).
        images: Copy the pictures, link to them, or write the masks only.
        objects: Write 16-bit numbers, class * 1000 + number, that keep objects of one class apart.

    Raises:
        DatasetError: There are more classes than numbers.
        OSError: The folder cannot be written.
    """
    most = 65 if objects else 254
    entries = entries_of(dataset, voc_palette(), most)
    if len(entries) > most:
        raise DatasetError(f"A mask holds {most} classes, the data set has {len(entries)}.")
    palette = [*voc_palette()]
    for entry in entries.values():
        palette[entry.number or 0] = entry.color or (0, 0, 0)
    palette[IGNORED_NUMBER] = _IGNORED_COLOR
    report = WriteReport(path)
    lost: Counter[str] = Counter()
    placer = PicturePlacer(path / "images", images)
    for done, image in enumerate(dataset.images, start=1):
        name = placer.place(image.path, image.split or "train")
        if image.annotations is not None:
            array = paint(image, entries, lost, objects)
            target = (path / "masks" / name).with_suffix(".png")
            write_numbers(target, array, () if objects else palette)
            report.annotations += len(np.setdiff1d(np.unique(array), (0, IGNORED_NUMBER)))
        report.images += 1
        if progress:
            progress(done, len(dataset.images))
    table = sorted(entries.values(), key=lambda entry: entry.number or 0)
    if all(entry.number for entry in table):
        table.insert(0, ClassEntry("background", 0, (0, 0, 0)))
    write_table(
        path / "colormap.csv", [*table, ClassEntry("ignore", IGNORED_NUMBER, _IGNORED_COLOR)]
    )
    report.lost = loss_sentences(lost)
    return report


def paint(
    image: LabelledImage, entries: dict[int, ClassEntry], lost: Counter[str], objects: bool = False
) -> np.ndarray:
    """Return the mask of a picture, (H, W) uint8, or uint16 of objects, counting what it loses."""
    is_zero_taken = any(entry.number == 0 for entry in entries.values())
    empty = IGNORED_NUMBER if is_zero_taken and not objects else 0
    painter = Painter(image.width, image.height, empty)
    seen: Counter[int] = Counter()
    for annotation in image.annotations or ():
        geometry = annotation.geometry
        entry = entries[annotation.class_id]
        number = entry.number or 0
        seen[number] += 1
        if objects:
            number = number * _OBJECTS + min(seen[number], _OBJECTS - 1)
        if not painter.paint(geometry, number):
            lost[f"{geometry.kind} [shape|shapes], which [covers|cover] no pixels"] += 1
            continue
        count_losses(annotation.geometry, annotation.score, annotation.attributes, lost)
        if entry.is_reserved:
            lost[
                f"[shape|shapes] of class '{entry.name}', which other programs read as no class"
            ] += 1
        if not objects and seen[number] > 1:
            lost["[shape|shapes], joined with others of [its|their] class"] += 1
    if painter.hidden:
        lost["[shape|shapes], painted over others"] += painter.hidden
    return painter.array.astype(np.uint16 if objects else np.uint8)


def count_losses(geometry: object, score: object, attributes: object, lost: Counter[str]) -> None:
    """Count what a shape of pixels loses."""
    if not isinstance(geometry, Mask | Tag | Keypoints | Polyline):
        lost["[outline or box|outlines and boxes], written as whole pixels"] += 1
    if score is not None:
        lost["[score|scores]"] += 1
    if attributes:
        lost["[set|sets] of attributes"] += 1


class _Numbers:
    """Decodes masks of numbers.

    Args:
        classes: Entries of the table that are classes, with their indices.
        entries: All of the table.
        findings: Where to note.
    """

    def __init__(
        self, classes: list[tuple[ClassEntry, int]], entries: list[ClassEntry], findings: Findings
    ) -> None:
        self._classes = {e.number: index for e, index in classes if e.number is not None}
        self._known = {entry.number for entry in entries}
        self._has_table = bool(entries)
        self._findings = findings

    def __call__(self, mask: Path, array: np.ndarray) -> Labels:
        if mask.suffix.lower() in LOSSY_SUFFIXES:
            raise ImageError(
                f"A {mask.suffix} file changes the numbers of a mask, so it cannot hold one.",
                remedy="Save the masks as PNG.",
            )
        if array.ndim == 3:
            raise ImageError(f"It holds colours, expected numbers: {_colors(array)}.", remedy=_HOW)
        counts = value_counts(array)
        if array.dtype != np.uint8 and max(counts) >= _OBJECTS:
            return self._objects(mask, array, counts)
        return self._whole(mask, array, counts)

    def _whole(self, mask: Path, array: np.ndarray, counts: dict[int, int]) -> Labels:
        """Return one mask a class."""
        if (
            set(counts) == {0, IGNORED_NUMBER}
            and len(self._classes) == 1
            and 0 not in self._classes
        ):
            (number, only), *_ = self._classes.items()
            reason = f"It holds 0 and 255; 255 was read as class {number}, the only one."
            self._findings.add(mask, reason, "changed")
            return [(only, array == IGNORED_NUMBER)]
        labels = []
        unknown: list[str] = []
        for value, count in counts.items():
            index = self._index(value)
            if index is not None:
                labels.append((index, array == value))
            elif value not in (0, IGNORED_NUMBER, *self._known):
                unknown.append(f"{value} ({count} pixels)")
            elif value == IGNORED_NUMBER:
                reason = f"{count} pixels are marked as of no class (255); here they count as background."
                self._findings.add(mask, reason, "changed")
        if unknown:
            reason = f"It holds values that no class has: {listed(unknown)}. Add them to the table of classes."
            self._findings.add(mask, reason)
        return labels

    def _objects(self, mask: Path, array: np.ndarray, counts: dict[int, int]) -> Labels:
        """Return one mask an object: class * 1000 + number."""
        labels: Labels = []
        unknown = []
        for value, count in counts.items():
            number = value // _OBJECTS if value >= _OBJECTS else value
            found = self._index(number) if number not in (0, IGNORED_NUMBER) else None
            if found is not None:
                labels.append((found, array == value))
            elif number not in (0, IGNORED_NUMBER):
                unknown.append(f"{value} ({count} pixels)")
        if unknown:
            self._findings.add(mask, f"It holds objects of no class: {listed(unknown)}.")
        return labels

    def _index(self, value: int) -> int | None:
        """Return the class of a value; without a table every value but 0 and 255 is one."""
        if not self._has_table and value not in (0, IGNORED_NUMBER):
            return self._classes.setdefault(value, value)
        return self._classes.get(value)


_HOW = "Add a colormap.csv with the columns index, name, r, g, b, and read it as masks by colour."


def _colors(array: np.ndarray) -> str:
    counts = sorted(value_counts(color_codes(array)).items(), key=lambda item: -item[1])
    return listed([f"#{code:06x} ({count} pixels)" for code, count in counts])


def _name_unnamed(dataset: LabelledDataset) -> None:
    """Name the classes of masks that came without a table."""
    if dataset.names:
        return
    used = {a.class_id for image in dataset.images for a in image.annotations or ()}
    dataset.names.update({number: f"class {number}" for number in sorted(used)})
