"""YOLO: a data.yaml, pictures under ``images``, one label text a picture under ``labels``.

Detection (boxes) and segmentation (polygons) are one format here; the lines tell them apart. Holes and
parts of an object are kept in its one ring, see :mod:`engine.data.formats.bridges`. Pictures that nobody
has labelled lie under ``images/unlabelled``, named by an entry ``unlabelled`` that other tools ignore:
in a split, a picture without labels would be trained as one that shows nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from engine.data.annotations import (
    Annotation,
    Box,
    Geometry,
    Keypoints,
    Mask,
    Polygon,
    Polyline,
    Tag,
    to_box,
    to_polygons,
)
from engine.data.formats.bridges import bridged, unbridged
from engine.data.formats.pictures import PicturePlacer
from engine.data.formats.records import LabelledDataset, LabelledImage, WriteReport
from engine.data.labels.parse import LabelRow, decode_text
from engine.data.labels.paths import find_images, find_orphans
from engine.data.labels.verify import VerifiedImage, verify_images
from engine.data.problems import Problem
from engine.data.yaml_file import SPLITS, read_data_yaml, write_data_yaml
from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic

Progress = Callable[[int, int], None]
_UNLABELLED = "unlabelled"
_OF_KEYPOINTS = ("kpt_shape", "flip_idx", "kpt_names")


def is_this(path: Path) -> bool:
    """Say whether a path looks like this format."""
    if path.suffix.lower() in (".yaml", ".yml"):
        return True
    if not path.is_dir():
        return False
    return any(path.glob("*.yaml")) or any(path.glob("*.yml")) or (path / "classes.txt").is_file()


def read(path: Path, progress: Progress | None = None) -> LabelledDataset:
    """Read a data set from its data.yaml, or from a folder with one or with ``classes.txt``.

    Raises:
        DatasetError: The description cannot be used.
    """
    if path.is_dir() and not any([*path.glob("*.yaml"), *path.glob("*.yml")]):
        names, sources = _from_classes_txt(path)
        data: dict[str, Any] = {}
    else:
        data = read_data_yaml(path)
        names = data["names"]
        sources = {s: data[s] for s in SPLITS if all(p.exists() for p in data[s])}
        sources |= _unlabelled_source(data)
    dataset = LabelledDataset(names)
    dataset.keypoints = {key: data[key] for key in _OF_KEYPOINTS if data.get(key)}
    splits = _assign_splits(sources, dataset.skipped, path)
    for result in verify_images(list(splits), len(names), data.get("kpt_shape"), progress):
        dataset.skipped += result.problems
        if result.size_wh is not None:
            dataset.images.append(_labelled(result, splits[result.file], result.size_wh))
    dataset.skipped += find_orphans(list(splits))
    return dataset


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    task: Literal["detect", "segment"] | None = None,
    images: Literal["copy", "link", "none"] = "copy",
) -> WriteReport:
    """Write a data set below the folder ``path``.

    Args:
        dataset: What to write; pictures without a split go to train.
        path: Folder, made where missing; existing files of the same names are replaced.
        progress: Called with (done, total).
        task: Write boxes or outlines; None writes outlines where any shape has one.
        images: Copy the pictures, link to them (where links cannot be made they are copied), or write
            the labels only.

    Raises:
        OSError: The folder cannot be written.
    """
    task = task or _natural_task(dataset)
    report = WriteReport(path / "data.yaml")
    lost: Counter[str] = Counter()
    placer = PicturePlacer(path / "images", images)
    folders = set()
    for done, image in enumerate(dataset.images, start=1):
        folder = (image.split or "train") if image.annotations is not None else _UNLABELLED
        folders.add(folder)
        name = placer.place(image.path, folder)
        if image.annotations is not None:
            lines = _lines(image, task, lost)
            text = "".join(f"{line}\n" for line in lines)
            write_atomic((path / "labels" / name).with_suffix(".txt"), text)
            report.annotations += len(lines)
        report.images += 1
        if progress:
            progress(done, len(dataset.images))
    _write_yaml(dataset, report.path, folders)
    report.lost = [f"{count} {what}" for what, count in lost.items()]
    return report


def format_row(class_id: int, values: np.ndarray) -> str:
    """Return a label line of fractions; six decimals are a hundredth of a pixel in 10,000."""
    return " ".join([str(class_id), *(f"{v:.6f}" for v in np.asarray(values).ravel())])


def geometry_values(geometry: Geometry, width: int, height: int, task: str) -> np.ndarray | None:
    """Return what follows the class in a label line: box centre and size, or ring points, as fractions.

    None for what the format cannot hold (lines, keypoints, tags) and for what has no area.
    """
    if isinstance(geometry, (Polyline, Keypoints, Tag)):
        return None
    scale = np.array((width, height), dtype=np.float64)
    if task == "detect":
        corners = np.array(to_box(geometry).bounds()).reshape(2, 2) / scale
        corners = np.clip(corners, 0, 1)
        size = corners[1] - corners[0]
        return np.concatenate((corners.mean(0), size)) if size.min() > 0 else None
    polygons = [p for p in to_polygons(geometry) if len(p.exterior) >= 3]
    return np.clip(bridged(polygons) / scale, 0, 1) if polygons else None


def _from_classes_txt(folder: Path) -> tuple[dict[int, str], dict[str | None, list[Path]]]:
    """Read the layout of annotation tools: classes.txt beside the pictures or beside ``images``."""
    lines = decode_text((folder / "classes.txt").read_bytes()).splitlines()
    names = {i: line.strip() for i, line in enumerate(filter(str.strip, lines))}
    if not names:
        raise DatasetError(
            "It names no classes.", path=folder / "classes.txt", remedy="One name a line."
        )
    images = folder / "images"
    return names, {None: [images if images.is_dir() else folder]}


def _unlabelled_source(data: dict[str, Any]) -> dict[str | None, list[Path]]:
    """Return the folder of pictures that wait for labels, where the description names one."""
    value = data.get(_UNLABELLED)
    folder = data["path"] / value if isinstance(value, str) else None
    return {_UNLABELLED: [folder]} if folder and folder.is_dir() else {}


def _assign_splits(
    sources: dict[Any, Sequence[Path]], problems: list[Problem], path: Path
) -> dict[Path, str | None]:
    """Give each picture the first split that holds it."""
    splits: dict[Path, str | None] = {}
    shared: Counter[tuple[str, str]] = Counter()
    for split, paths in sources.items():
        found, wrong = find_images(paths)
        problems += wrong
        for image in found:
            first = splits.setdefault(image, None if split == _UNLABELLED else split)
            if first != split and first is not None:
                shared[first, split] += 1
    for (first, split), count in shared.items():
        noun = "image is" if count == 1 else "images are"
        reason = f"{count} {noun} in both {first} and {split}, read as {first}. Metrics would look too good."
        problems.append(Problem(path, None, reason, "note"))
    return splits


def _labelled(result: VerifiedImage, split: str | None, size_wh: tuple[int, int]) -> LabelledImage:
    width, height = size_wh
    annotations = None
    if result.rows is not None:
        annotations = tuple(_annotation(row, width, height) for row in result.rows)
    return LabelledImage(result.file, width, height, split, annotations)


def _annotation(row: LabelRow, width: int, height: int) -> Annotation:
    """Return a label row in pixels."""
    scale = np.array((width, height), dtype=np.float64)
    low = (row.box[:2].astype(np.float64) - row.box[2:] / 2) * scale
    high = (row.box[:2].astype(np.float64) + row.box[2:] / 2) * scale
    if row.keypoints is not None:
        points = row.keypoints[:, :2] * scale
        joints = Keypoints(tuple(map(tuple, points.tolist())), tuple(map(int, row.keypoints[:, 2])))
        return Annotation(joints, row.class_id, row.score, {"box": [*low.tolist(), *high.tolist()]})
    geometry: Geometry = Box(*low.tolist(), *high.tolist())
    if row.polygon is not None:
        geometry = unbridged(row.polygon.astype(np.float64) * scale)
    return Annotation(geometry, row.class_id, row.score)


def _natural_task(dataset: LabelledDataset) -> Literal["detect", "segment"]:
    shapes = (a.geometry for image in dataset.images for a in image.annotations or ())
    return (
        "segment"
        if any(not isinstance(g, (Box, Polyline, Keypoints, Tag)) for g in shapes)
        else "detect"
    )


def _lines(image: LabelledImage, task: str, lost: Counter[str]) -> list[str]:
    lines = []
    for annotation in image.annotations or ():
        geometry = annotation.geometry
        values = geometry_values(geometry, image.width, image.height, task)
        if values is None:
            lost[f"{geometry.kind} shapes, which this format cannot hold"] += 1
            continue
        if loss := _loss(geometry, task):
            lost[loss] += 1
        if annotation.score is not None:
            lost["scores"] += 1
        if annotation.attributes:
            lost["sets of attributes"] += 1
        lines.append(format_row(annotation.class_id, values))
    return lines


def _loss(geometry: Geometry, task: str) -> str | None:
    """Say what a shape loses when written, or return None."""
    if task == "segment":
        return "boxes, written as the outlines of rectangles" if isinstance(geometry, Box) else None
    if isinstance(geometry, (Polygon, Mask)):
        return "outlines, written as the boxes around them"
    return None if isinstance(geometry, Box) else "rotations, written as upright boxes"


def _write_yaml(dataset: LabelledDataset, file: Path, folders: set[str]) -> None:
    splits = {s: f"images/{s}" for s in SPLITS if s in folders}
    splits.setdefault("train", "images/train")
    extra = {_UNLABELLED: f"images/{_UNLABELLED}"} if _UNLABELLED in folders else {}
    (file.parent / splits["train"]).mkdir(parents=True, exist_ok=True)
    ordered = {s: splits[s] for s in SPLITS if s in splits}
    write_data_yaml(file, dataset.names, ordered, extra=extra)
