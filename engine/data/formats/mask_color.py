"""PNG masks of class colours: ``images``, ``masks`` and a table of colours and names (colormap.csv).

One mask a class and picture; black is the background unless the table names it otherwise.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace as changed
from pathlib import Path

import numpy as np

from engine.data.formats.class_table import (
    IGNORED,
    IGNORED_NUMBER,
    ClassEntry,
    entries_of,
    read_table,
    write_table,
)
from engine.data.formats.findings import Findings, listed
from engine.data.formats.losses import loss_sentences
from engine.data.formats.mask_index import paint
from engine.data.formats.mask_pictures import (
    LOSSY_SUFFIXES,
    color_codes,
    palette_of,
    value_counts,
    voc_palette,
    write_colors,
)
from engine.data.formats.mask_set import Labels, kind_of, look_at, read_set
from engine.data.formats.pictures import How, PicturePlacer
from engine.data.formats.records import LabelledDataset, WriteReport
from engine.runtime.errors import DatasetError, ImageError

Progress = Callable[[int, int], None]
_BLACK = 0
_IGNORED_COLOR = (224, 224, 192)
# How far JPEG moves a colour of a flat area, in one channel; farther ones are edges.
_NEAR = 64


def is_this(path: Path) -> bool:
    """Say whether a folder holds masks of colours and a table that names them."""
    found = look_at(path, "color")
    if found is None or found.table is None or not found.pictures:
        return False
    try:
        has_colors = any(entry.color is not None for entry in read_table(found.table))
    except DatasetError:
        return False
    return has_colors and any(kind_of(folder) == "color" for folder in found.folders)


def read(path: Path, progress: Progress | None = None) -> LabelledDataset:
    """Read masks of colours.

    Raises:
        DatasetError: There are no masks, or no table of colours.
    """
    found = look_at(path, "color")
    if found is None or found.table is None:
        raise DatasetError(
            "There are no masks with a table of colours in this folder.",
            path=path,
            remedy="Expected a folder 'images', a folder 'masks' and a colormap.csv (index,name,r,g,b).",
        )
    return read_set(found, _Colors, progress)


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    images: How = "copy",
) -> WriteReport:
    """Write ``images/SPLIT``, ``masks/SPLIT`` and ``colormap.csv`` below the folder ``path``.

    Args:
        dataset: What to write; pictures without a split go to train, unlabelled ones get no mask.
        path: Folder, made where missing; files of the same names are replaced.
        progress: Called with (done, total).
        images: Copy the pictures, link to them, or write the masks only.

    Raises:
        DatasetError: There are more classes than this format's numbers.
        OSError: The folder cannot be written.
    """
    told = entries_of(dataset, voc_palette(), IGNORED_NUMBER - 1)
    # Numbers from 1: what nothing covers is black, whatever number the first class has elsewhere.
    entries = {i: changed(e, number=n) for n, (i, e) in enumerate(told.items(), start=1)}
    if len(entries) >= IGNORED_NUMBER:
        raise DatasetError(f"A mask holds 254 classes, the data set has {len(entries)}.")
    colors = np.zeros((IGNORED_NUMBER + 1, 3), dtype=np.uint8)
    for entry in entries.values():
        colors[entry.number or 0] = entry.color or (0, 0, 0)
    report = WriteReport(path)
    lost: Counter[str] = Counter()
    placer = PicturePlacer(path / "images", images)
    for done, image in enumerate(dataset.images, start=1):
        name = placer.place(image.path, image.split or "train")
        if image.annotations is not None:
            array = paint(image, entries, lost)
            write_colors((path / "masks" / name).with_suffix(".png"), colors[array])
            report.annotations += len(np.setdiff1d(np.unique(array), [0]))
        report.images += 1
        if progress:
            progress(done, len(dataset.images))
    table = [ClassEntry("background", 0, (0, 0, 0)), *entries.values()]
    write_table(
        path / "colormap.csv", [*table, ClassEntry("ignore", IGNORED_NUMBER, _IGNORED_COLOR)]
    )
    report.lost = loss_sentences(lost)
    return report


class _Colors:
    """Decodes masks of colours.

    Args:
        classes: Entries of the table that are classes, with their indices.
        entries: All of the table.
        findings: Where to note.
    """

    def __init__(
        self, classes: list[tuple[ClassEntry, int]], entries: list[ClassEntry], findings: Findings
    ) -> None:
        self._classes = {_code(e): index for e, index in classes if e.color is not None}
        ignored = (e for e in entries if e.name.lower() in IGNORED and not e.is_class)
        self._ignored = {_code(e) for e in ignored if e.color}
        self._known = {_code(e) for e in entries if e.color is not None} | {_BLACK}
        self._findings = findings

    def __call__(self, mask: Path, array: np.ndarray) -> Labels:
        codes = color_codes(self._as_colors(mask, array))
        if mask.suffix.lower() in LOSSY_SUFFIXES:
            codes = self._nearest(mask, codes)
        counts = value_counts(codes)
        unknown = {code: n for code, n in counts.items() if code not in self._known}
        if unknown:
            parts = [f"#{code:06x} ({n} pixels)" for code, n in _most(unknown)]
            reason = f"It holds colours that no class has: {listed(parts)}. Add them to the table of classes."
            self._findings.add(mask, reason)
        for code in self._ignored & set(counts):
            reason = (
                f"{counts[code]} pixels are marked as of no class; here they count as background."
            )
            self._findings.add(mask, reason, "changed")
        return [(i, codes == code) for code, i in self._classes.items() if code in counts]

    def _as_colors(self, mask: Path, array: np.ndarray) -> np.ndarray:
        if array.ndim == 3:
            return array
        if palette := palette_of(mask):
            table = np.zeros((max(256, int(array.max(initial=0)) + 1), 3), dtype=np.uint8)
            table[: len(palette)] = palette
            return table[array]
        if array.dtype != np.uint8:
            raise ImageError(
                "It holds numbers, expected colours.", remedy="Read it as masks by number."
            )
        return np.repeat(array[..., None], 3, axis=2)

    def _nearest(self, mask: Path, codes: np.ndarray) -> np.ndarray:
        """Return each colour's nearest of the table: JPEG changes colours."""
        known = np.array(sorted(self._known), dtype=np.int64)
        values, places = np.unique(codes, return_inverse=True)
        apart = np.abs(_channels(values)[:, None] - _channels(known)[None]).max(2)
        best = apart.argmin(1)
        far = apart.min(1) > _NEAR
        replaced = np.where(far, values, known[best])
        reason = (
            f"A {mask.suffix} file changes the colours of a mask; the nearest of the table were taken. "
            "Save the masks as PNG."
        )
        self._findings.add(mask, reason, "changed")
        return replaced[places].reshape(codes.shape)


def _code(entry: ClassEntry) -> int:
    r, g, b = entry.color or (0, 0, 0)
    return r << 16 | g << 8 | b


def _channels(codes: np.ndarray) -> np.ndarray:
    return np.stack((codes >> 16 & 255, codes >> 8 & 255, codes & 255), axis=-1).astype(np.int64)


def _most(counts: dict[int, int]) -> list[tuple[int, int]]:
    return sorted(counts.items(), key=lambda item: -item[1])
