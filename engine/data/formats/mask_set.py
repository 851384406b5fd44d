"""A folder of pictures and masks: which folder holds which, and the mask of each picture.

The two formats of masks (:mod:`mask_index`, :mod:`mask_color`) differ in what a pixel means, not in where
files lie.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from engine.data.annotations import Annotation, Mask
from engine.data.formats.class_table import ClassEntry, find_table, read_table, take_classes
from engine.data.formats.findings import Findings, listed
from engine.data.formats.frames import frame_of
from engine.data.formats.mask_pictures import mask_files, read_mask
from engine.data.formats.pictures import is_picture_name, measured
from engine.data.formats.records import LabelledDataset, LabelledImage
from engine.data.images import list_images
from engine.data.problems import Problem
from engine.runtime.errors import ImageError

Kind: TypeAlias = Literal["number", "color"]
Progress = Callable[[int, int], None]
# Classes and the pixels of each: what a mask says.
Labels: TypeAlias = list[tuple[int, np.ndarray]]
Decode: TypeAlias = Callable[[Path, np.ndarray], Labels]

_IMAGES = ("images", "jpegimages", "img", "imgs", "image", "pictures", "leftimg8bit")
_USUAL = {
    "number": ("index", "masks", "mask", "labels", "gt", "label", "annotations", "gtfine"),
    "color": ("color", "colors", "masks_color", "color_masks", "masks", "mask", "labels", "gt"),
}
# What tools add to the name of a picture for that of its mask.
_TAILS = (
    "_mask",
    "_masks",
    "_gt",
    "_label",
    "_labels",
    "_labelids",
    "_segmentation",
    "-mask",
    "_l",
)
_SPLITS = {"train": "train", "val": "val", "valid": "val", "test": "test"}


@dataclass
class MaskSet:
    """What a folder holds.

    Attributes:
        table: File that names the classes; None where there is none.
        folders: Folders of masks to read, each below one set.
        pictures: Pictures by their name without suffix, in lower case.
    """

    table: Path | None
    folders: list[Path]
    pictures: dict[str, list[Path]] = field(default_factory=dict)

    def picture_of(self, mask: Path, folder: Path) -> Path | None:
        """Return the picture of a mask: of its name, in a folder of the same name where there are several."""
        stem = mask.stem.lower()
        tails = [stem.removesuffix(tail) for tail in _TAILS if stem.endswith(tail)]
        for name in (stem, *tails):
            found = self.pictures.get(name, [])
            if len(found) > 1:
                below = mask.parent.relative_to(folder).parts[-1:]
                found = [path for path in found if path.parent.parts[-1:] == below]
            if len(found) == 1:
                return found[0]
        return None


def look_at(path: Path, kind: Kind) -> MaskSet | None:
    """Return what a folder holds; None where there are no masks beside a table of classes or pictures.

    Args:
        path: A folder of pictures and masks, or the folder of masks itself.
        kind: What the masks should hold; the folder with the usual name for it is taken, else all.
    """
    if not path.is_dir():
        return None
    children = [entry for entry in sorted(path.iterdir()) if entry.is_dir()]
    candidates = [c for c in children if c.name.lower() not in _IMAGES and _first_mask(c)]
    has_images = any(child.name.lower() in _IMAGES for child in children)
    root = path
    if not has_images and _is_mask_folder(path, children):
        candidates, root = [path], path.parent
    if not candidates:
        return None
    usual = [c for name in _USUAL[kind] for c in candidates if c.name.lower() == name]
    fitting = [c for c in usual if kind_of(c) == kind]
    chosen = fitting[:1] or [c for c in candidates if kind_of(c) is not None]
    pictures: dict[str, list[Path]] = {}
    for picture in _pictures(root, candidates):
        pictures.setdefault(picture.stem.lower(), []).append(picture)
    return MaskSet(find_table(path, *chosen, root), chosen, pictures)


def kind_of(folder: Path) -> Kind | None:
    """Return what the first mask of a folder holds; None where it is no picture."""
    first = _first_mask(folder)
    try:
        return None if first is None else ("color" if read_mask(first).ndim == 3 else "number")
    except ImageError:
        return "number"  # a broken mask is still to be reported


def read_set(
    found: MaskSet,
    make: Callable[[list[tuple[ClassEntry, int]], list[ClassEntry], Findings], Decode],
    progress: Progress | None,
) -> LabelledDataset:
    """Read all masks of a set.

    Args:
        found: What the folder holds.
        make: Given the classes with their indices, all entries of the table and where to note findings,
            returns what decodes a mask.
        progress: Called with (done, total) masks.

    Raises:
        DatasetError: The table cannot be read.
    """
    dataset = LabelledDataset({})
    findings = Findings(dataset.skipped)
    entries = read_table(found.table) if found.table else []
    decode = make(take_classes(entries, dataset), entries, findings)
    images: dict[Path, LabelledImage] = {}
    masks = [(folder, mask) for folder in found.folders for mask in mask_files(folder)]
    orphans: list[str] = []
    for done, (folder, mask) in enumerate(masks, start=1):
        picture = found.picture_of(mask, folder)
        if picture is None:
            orphans.append(mask.name)
        elif image := _labelled(mask, folder, picture, decode, findings):
            images[picture] = _joined(images.get(picture), image)
        if progress:
            progress(done, len(masks))
    if orphans:
        reason = f"{len(orphans)} masks have no picture of their name: {listed(orphans)}."
        findings.add(found.folders[0], reason)
    _add_unlabelled(found, images, findings)
    dataset.images += sorted(images.values(), key=lambda image: image.path)
    findings.close()
    return dataset


def _labelled(
    mask: Path, folder: Path, picture: Path, decode: Decode, findings: Findings
) -> LabelledImage | None:
    size = measured(picture)
    if isinstance(size, Problem):
        findings.add(picture, size.reason)
        return None
    try:
        array = read_mask(mask)
        labels = decode(mask, array)
    except ImageError as error:
        findings.add(mask, " ".join(filter(None, (error.message, error.remedy))))
        return LabelledImage(picture, *size, _split(mask, folder))
    frame = frame_of((array.shape[1], array.shape[0]), size, picture, is_mask=True)
    if frame.remark:
        findings.add(mask, frame.remark, frame.kind)
    if frame.drawn_wh != (array.shape[1], array.shape[0]):
        findings.add(mask, "It does not fit its picture and was left out.")
        return LabelledImage(picture, *size, _split(mask, folder))
    shapes = [Annotation(frame.placed(Mask.from_array(pixels)), index) for index, pixels in labels]
    return LabelledImage(picture, *size, _split(mask, folder), tuple(shapes))


def _joined(first: LabelledImage | None, second: LabelledImage) -> LabelledImage:
    """Return the labels of two masks of one picture together."""
    if first is None or first.annotations is None:
        return second
    both = (*first.annotations, *(second.annotations or ()))
    return LabelledImage(first.path, first.width, first.height, first.split, both)


def _add_unlabelled(found: MaskSet, images: dict[Path, LabelledImage], findings: Findings) -> None:
    for paths in found.pictures.values():
        for path in paths:
            if path in images:
                continue
            size = measured(path)
            if isinstance(size, Problem):
                findings.add(path, size.reason)
            else:
                images[path] = LabelledImage(path, *size)


def _split(mask: Path, folder: Path) -> str | None:
    parts = mask.parent.relative_to(folder).parts or (folder.name,)
    return next((_SPLITS[part.lower()] for part in parts if part.lower() in _SPLITS), None)


def _is_mask_folder(path: Path, children: list[Path]) -> bool:
    """Tell whether a folder holds masks itself, directly or by split, with its pictures beside it."""
    splits = all(child.name.lower() in _SPLITS for child in children)
    beside = any((path.parent / name).is_dir() for name in _image_folders(path.parent))
    return beside and splits and _first_mask(path) is not None


def _first_mask(folder: Path) -> Path | None:
    """Return a mask of a folder or of a folder directly in it."""
    for place in (folder, *sorted(entry for entry in folder.iterdir() if entry.is_dir())):
        files = sorted(p for p in place.iterdir() if p.is_file() and is_picture_name(p.name))
        if files:
            return files[0]
    return None


def _image_folders(root: Path) -> list[str]:
    try:
        return [e.name for e in root.iterdir() if e.name.lower() in _IMAGES and e.is_dir()]
    except OSError:
        return []


def _pictures(root: Path, masks: list[Path]) -> list[Path]:
    """Return the pictures of a set: those in folders named so, else all that are no masks."""
    folders = _image_folders(root)
    if folders:
        return [path for name in sorted(folders) for path in list_images(root / name)]
    inside = tuple(masks)
    return [p for p in list_images(root) if not any(folder in p.parents for folder in inside)]
