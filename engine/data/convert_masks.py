"""Masks of class numbers to label text with outlines."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.data.annotations import Polygon
from engine.data.formats.bridges import bridged
from engine.data.formats.mask_pictures import LOSSY_SUFFIXES, MASK_SUFFIXES, read_mask
from engine.data.formats.yolo_lines import format_row
from engine.ops.outlines import trace_outlines
from engine.runtime.errors import DatasetError, ImageError
from engine.runtime.log import LOGGER
from engine.runtime.paths import write_atomic

_WHITE = 255
# Parts below so many pixels are specks: no polygon of three points and more describes them.
_LEAST_PIXELS = 3


def convert_segment_masks_to_yolo_seg(
    masks_dir: str | Path, output_dir: str | Path, classes: int
) -> Path:
    """Write a label file with outlines for each mask of a folder.

    The number of a pixel is its class plus 1, 0 is background; with one class 255 means it too. Each connected
    part becomes an object, its holes joined to it; outlines have few points and an IoU above 0.99 with the mask.

    Args:
        masks_dir: Folder of masks in a lossless format.
        output_dir: Receives ``NAME.txt`` for each ``NAME.png``; files of the same names are replaced.
        classes: How many classes there are.

    Returns:
        The folder of labels.

    Raises:
        DatasetError: The folder has no masks, or ``classes`` is no number above 0.
    """
    if isinstance(classes, bool) or not isinstance(classes, int) or classes < 1:
        raise DatasetError(f"classes expects a whole number of 1 or more, received {classes!r}.")
    source, target = Path(masks_dir).expanduser(), Path(output_dir).expanduser()
    files = sorted(p for p in source.iterdir() if p.is_file()) if source.is_dir() else []
    masks = [p for p in files if p.suffix.lower() in MASK_SUFFIXES]
    for file in (p for p in files if p.suffix.lower() in LOSSY_SUFFIXES):
        LOGGER.warning("%s: its format changes the numbers of a mask; left out.", file)
    if not masks:
        raise DatasetError(
            "There are no masks in this folder.",
            path=source,
            remedy=f"Expected {', '.join(MASK_SUFFIXES)}.",
        )
    for file in masks:
        try:
            numbers = read_mask(file)
        except ImageError as error:
            LOGGER.warning("%s", error)
            continue
        if numbers.ndim != 2:
            LOGGER.warning("%s: it holds colours, expected a number in each pixel; left out.", file)
            continue
        rows = mask_rows(numbers, classes, file)
        write_atomic(target / f"{file.stem}.txt", "".join(f"{row}\n" for row in rows))
    LOGGER.info("Labels of %d masks are in %s.", len(masks), target)
    return target


def mask_rows(numbers: np.ndarray, classes: int, file: str | Path = "") -> list[str]:
    """Return the label lines of a mask.

    Args:
        numbers: (H, W) class plus 1, 0 for background.
        classes: How many classes there are; other numbers are said and left out.
        file: For the message.
    """
    size = np.array(numbers.shape[::-1], dtype=np.float64)
    found = [int(value) for value in np.unique(numbers) if value]
    if classes == 1 and found == [_WHITE]:
        numbers, found = (numbers == _WHITE).astype(np.uint8), [1]
    strange = [value for value in found if not 1 <= value <= classes]
    if strange:
        LOGGER.warning("%s: no class has the numbers %s; left out.", file, strange[:10])
    rows = []
    for value in found:
        if value in strange:
            continue
        for part in trace_outlines(numbers == value):
            if part.area >= _LEAST_PIXELS:
                polygon = Polygon.of(part.exterior.tolist(), [hole.tolist() for hole in part.holes])
                ring = (bridged([polygon]) / size).clip(0, 1)
                rows.append(format_row(value - 1, ring))
    return rows
