"""Classification folders: ``train/cat/0001.jpg``. The folder of a picture is its class, the folder above its split."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from engine.data.annotations import Annotation, Tag
from engine.data.formats.collecting import ClassNumbers, framed, split_of
from engine.data.formats.findings import Findings
from engine.data.formats.losses import loss_sentences
from engine.data.formats.pictures import How, PicturePlacer, is_picture_name
from engine.data.formats.records import LabelledDataset, LabelledImage, WriteReport
from engine.data.images import list_images
from engine.runtime.errors import DatasetError

Progress = Callable[[int, int], None]
_NO_CLASSES = {"images", "labels", "masks", "annotations", "img1", "unlabelled"}
_UNSAFE = re.compile(r'[\x00-\x1f<>:"/\\|?*]')
_UNLABELLED = "unlabelled"
_LOOKED_AT = 20


def is_this(path: Path) -> bool:
    """Say whether a folder has split folders whose folders hold pictures and nothing else."""
    if not path.is_dir():
        return False
    splits = _split_folders(path)
    classes = [folder for split in splits for folder in _folders(split)]
    if not classes or any(folder.name.lower() in _NO_CLASSES for folder in classes):
        return False
    return all(_holds_pictures(folder) for folder in classes[:_LOOKED_AT])


def read(path: Path, progress: Progress | None = None) -> LabelledDataset:
    """Read a folder of split folders of class folders, or a folder of class folders.

    Raises:
        DatasetError: There are no class folders.
    """
    roots = _split_folders(path) or [path]
    folders = [folder for root in roots for folder in _folders(root)]
    waiting = path / _UNLABELLED
    folders = [f for f in folders if f != waiting] + ([waiting] if waiting.is_dir() else [])
    names = sorted({folder.name for folder in folders if folder != waiting})
    if not names:
        raise DatasetError("There are no class folders here.", path=path)
    classes, dataset = ClassNumbers(names), LabelledDataset({})
    findings = Findings(dataset.skipped)
    pictures = [(folder, picture) for folder in folders for picture in list_images(folder)]
    for done, (folder, picture) in enumerate(pictures, start=1):
        frame = framed(picture, (0, 0), findings, picture, whole=True)
        if frame is not None:
            annotations = None
            if folder != waiting:
                annotations = (Annotation(Tag(), classes.number(folder.name)),)
            split = split_of(picture, path)
            dataset.images.append(LabelledImage(picture, *frame.real_wh, split, annotations))
        if progress:
            progress(done, len(pictures))
    dataset.names = classes.names
    findings.close()
    return dataset


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    images: How = "copy",
) -> WriteReport:
    """Write ``split/class/picture`` below the folder ``path``; pictures without a split go to train.

    Only the class of the whole picture is kept; pictures without one are left out, those that nobody has
    labelled go to a folder ``unlabelled`` beside the splits.

    Args:
        dataset: What to write.
        path: Folder, made where missing.
        progress: Called with (done, total).
        images: Copy the pictures or link to them.

    Raises:
        DatasetError: ``images`` is "none": here the pictures' places are the labels.
        OSError: The folder cannot be written.
    """
    if images == "none":
        raise DatasetError(
            "In this format the folders of the pictures are the labels.",
            remedy="Copy the pictures or link to them.",
        )
    report = WriteReport(path)
    lost: Counter[str] = Counter()
    folders = _class_folders(dataset.names, lost)
    placer = PicturePlacer(path, images, by_stem=False)
    for done, image in enumerate(dataset.images, start=1):
        tags = [a for a in image.annotations or () if isinstance(a.geometry, Tag)]
        _count_lost(image, tags, lost)
        if tags:
            placer.place(image.path, f"{image.split or 'train'}/{folders[tags[0].class_id]}")
            report.annotations += 1
        elif image.annotations is None:
            placer.place(image.path, _UNLABELLED)
        report.images += bool(tags) or image.annotations is None
        if progress:
            progress(done, len(dataset.images))
    report.lost = loss_sentences(lost)
    return report


def _count_lost(image: LabelledImage, tags: list[Annotation], lost: Counter[str]) -> None:
    shapes = [a for a in image.annotations or () if not isinstance(a.geometry, Tag)]
    for shape in shapes:
        lost[f"{shape.geometry.kind} [shape|shapes], which this format cannot hold"] += 1
    if image.annotations is not None and not tags:
        lost["[picture|pictures] without a class of the whole picture, left out"] += 1
    if len(tags) > 1:
        lost[
            "[picture|pictures] of several classes, written into the folder of [its|their] first"
        ] += 1
    if any(tag.score is not None for tag in tags):
        lost["[score|scores]"] += 1
    if any(tag.attributes for tag in tags):
        lost["[set|sets] of attributes"] += 1


def _class_folders(names: dict[int, str], lost: Counter[str]) -> dict[int, str]:
    """Return a folder name for each class: one that every file system takes, none twice."""
    folders: dict[int, str] = {}
    taken: set[str] = set()
    for index, name in names.items():
        plain = _UNSAFE.sub("_", name).strip(" .") or "class"
        plain = f"{plain}_" if plain.lower() in _NO_CLASSES else plain
        folder, number = plain, 1
        while folder.casefold() in taken:
            number += 1
            folder = f"{plain}-{number}"
        taken.add(folder.casefold())
        folders[index] = folder
        if folder != name:
            lost[
                "[name of a class, changed to one|names of classes, changed to ones] that a folder may have"
            ] += 1
    return folders


def _split_folders(path: Path) -> list[Path]:
    return [folder for folder in _folders(path) if split_of(folder / "x", path)]


def _folders(path: Path) -> list[Path]:
    return sorted(p for p in path.iterdir() if p.is_dir() and not p.name.startswith("."))


def _holds_pictures(folder: Path) -> bool:
    """Tell whether a folder has pictures and no other files."""
    names = [entry.name for entry in folder.iterdir() if not entry.name.startswith(".")]
    return bool(names) and all(is_picture_name(name) for name in names)
