"""YOLO: a data.yaml, pictures under ``images``, one label text a picture under ``labels``.

Boxes, outlines, rotated boxes and keypoints are one format here: ``task`` in the data.yaml says which, or
the rule of :mod:`engine.data.formats.yolo_kind`. Holes and parts of an object are kept in its one ring, see
:mod:`engine.data.formats.bridges`. Pictures that nobody has labelled lie under ``images/unlabelled``, named
by an entry ``unlabelled`` that other tools ignore: in a split, a picture without labels would be trained as
one that shows nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.annotations import Annotation, Box, Geometry, Keypoints
from engine.data.formats.bridges import unbridged
from engine.data.formats.losses import loss_sentences
from engine.data.formats.pictures import How, PicturePlacer
from engine.data.formats.records import ClassInfo, LabelledDataset, LabelledImage, WriteReport
from engine.data.formats.yolo_kind import is_oriented, is_rectangle, oriented_box
from engine.data.formats.yolo_lines import TASKS, Task, annotation_line, natural_task
from engine.data.formats.yolo_lines import format_row as format_row
from engine.data.formats.yolo_lines import geometry_values as geometry_values
from engine.data.labels.parse import LabelRow, decode_text
from engine.data.labels.paths import find_images, find_orphans, label_path
from engine.data.labels.verify import VerifiedImage, verify_images
from engine.data.problems import Problem
from engine.data.yaml_file import SPLITS, read_data_yaml, write_data_yaml
from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic

Progress = Callable[[int, int], None]
_UNLABELLED = "unlabelled"
_OF_KEYPOINTS = ("kpt_shape", "flip_idx", "kpt_names")
# Files that name the classes, one a line, in the layouts without a data.yaml.
_NAME_FILES = ("classes.txt", "labels/classes.txt", "obj.names")
_ENTRIES = ("path:", "train:", "val:", "test:", "names:", "nc:")
_HEAD_BYTES = 1 << 20


def is_this(path: Path) -> bool:
    """Say whether a path looks like this format."""
    if path.suffix.lower() in (".yaml", ".yml"):
        return path.is_file() and _is_description(path)
    if not path.is_dir():
        return False
    described = [file for file in _yaml_files(path) if _is_description(file)]
    if described:
        return len(described) == 1 or any(file.stem == "data" for file in described)
    return _names_file(path) is not None and _has_labels(path)


def read(path: Path, progress: Progress | None = None, task: Task | None = None) -> LabelledDataset:
    """Read a data set from its data.yaml, or from a folder with one or with a list of classes.

    Args:
        path: The data.yaml or the folder.
        progress: Called with (done, total).
        task: What the lines are; None: what the data.yaml says, else by the rule of
            :mod:`engine.data.formats.yolo_kind`.

    Raises:
        DatasetError: The description cannot be used.
    """
    data: dict[str, Any] = {}
    names_file = _names_file(path) if path.is_dir() and not _yaml_files(path) else None
    if names_file is not None:
        names, sources = _from_names_file(names_file, path)
    else:
        data = read_data_yaml(path)
        names = data["names"]
        sources = {s: data[s] for s in SPLITS if all(p.exists() for p in data[s])}
        sources |= _unlabelled_source(data)
    dataset = LabelledDataset(names, classes=_class_infos(data, names))
    dataset.keypoints = {key: data[key] for key in _OF_KEYPOINTS if data.get(key)}
    splits = _assign_splits(sources, dataset.skipped, path)
    oriented = _decide(data, task, list(splits), dataset.skipped, path)
    points = None if oriented else data.get("kpt_shape")
    rounded = 0
    copies = _Copies()
    for result in verify_images(list(splits), len(names), points, progress, oriented):
        dataset.skipped += result.problems
        dataset.skipped += _ambiguous(result)
        if result.size_wh is not None:
            copies.add(result, splits[result.file])
            image = _labelled(result, splits[result.file], result.size_wh, oriented)
            rounded += _inexact(result, result.size_wh) if oriented else 0
            dataset.images.append(image)
    if rounded:
        reason = f"{rounded} outlines of four corners are no rectangles: the smallest rotated boxes around them were taken."
        dataset.skipped.append(Problem(path, None, reason, "changed"))
    dataset.skipped += [*copies.problems(path), *find_orphans(list(splits))]
    return dataset


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    task: Task | None = None,
    images: How = "copy",
) -> WriteReport:
    """Write a data set below the folder ``path``.

    Args:
        dataset: What to write; pictures without a split go to train.
        path: Folder, made where missing; existing files of the same names are replaced.
        progress: Called with (done, total).
        task: What to write of each shape: boxes, outlines, rotated boxes or keypoints; None chooses what
            keeps most of them.
        images: Copy the pictures, link to them (where links cannot be made they are copied), or write
            the labels only.

    Raises:
        DatasetError: There is no such task.
        OSError: The folder cannot be written.
    """
    if task is not None and task not in TASKS:
        raise DatasetError(
            f"Expected a task among {', '.join(TASKS)}, received {task!r}.", value=task
        )
    geometries = (a.geometry for image in dataset.images for a in image.annotations or ())
    task = task or natural_task(geometries)
    points = _points_of(dataset) if task == "pose" else 0
    report = WriteReport(path / "data.yaml")
    lost: Counter[str] = Counter()
    placer = PicturePlacer(path / "images", images)
    folders = set()
    for done, image in enumerate(dataset.images, start=1):
        folder = (image.split or "train") if image.annotations is not None else _UNLABELLED
        folders.add(folder)
        name = placer.place(image.path, folder)
        if image.annotations is not None:
            size = image.width, image.height
            found = (annotation_line(a, size, task, points, lost) for a in image.annotations)
            lines = [line for line in found if line is not None]
            text = "".join(f"{line}\n" for line in lines)
            write_atomic((path / "labels" / name).with_suffix(".txt"), text)
            report.annotations += len(lines)
        report.images += 1
        if progress:
            progress(done, len(dataset.images))
    _write_yaml(dataset, report.path, folders, task, points)
    report.lost = loss_sentences(lost)
    return report


def _yaml_files(folder: Path) -> list[Path]:
    return sorted([*folder.glob("*.yaml"), *folder.glob("*.yml")])


def _is_description(file: Path) -> bool:
    """Tell whether a YAML file has an entry of a data set's description, or nothing at all."""
    with file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES)
    lines = decode_text(head).splitlines()
    return not head.strip() or any(line.lstrip("\ufeff").startswith(_ENTRIES) for line in lines)


def _names_file(folder: Path) -> Path | None:
    found = (folder / name for name in _NAME_FILES)
    return next((file for file in found if file.is_file()), None)


def _has_labels(folder: Path) -> bool:
    """Tell whether label text lies where it would for a folder without a data.yaml."""
    if (folder / "labels").is_dir():
        return True
    places = [folder, *(p for p in folder.iterdir() if p.is_dir() and p.name.startswith("obj_"))]
    listed = {Path(name).name for name in _NAME_FILES} | {"train.txt", "readme.txt"}
    return any(file.name.lower() not in listed for place in places for file in place.glob("*.txt"))


def _from_names_file(
    file: Path, folder: Path
) -> tuple[dict[int, str], dict[str | None, list[Path]]]:
    """Read the layout of annotation tools: a list of classes beside the pictures or beside ``images``."""
    lines = decode_text(file.read_bytes()).splitlines()
    names = {i: line.strip() for i, line in enumerate(filter(str.strip, lines))}
    if not names:
        raise DatasetError("It names no classes.", path=file, remedy="One name a line.")
    images = folder / "images"
    return names, {None: [images if images.is_dir() else folder]}


def _class_infos(data: dict[str, Any], names: dict[int, str]) -> dict[int, ClassInfo]:
    """Return the names of keypoints by class, where the description has them."""
    named = data.get("kpt_names")
    if not isinstance(named, dict):
        return {}
    return {
        index: ClassInfo(keypoints=tuple(map(str, named[index])))
        for index in names
        if isinstance(named.get(index), list)
    }


def _decide(
    data: dict[str, Any],
    task: Task | None,
    images: list[Path],
    problems: list[Problem],
    path: Path,
) -> bool:
    """Tell whether outlines are corners of rotated boxes, and say so where that was a decision."""
    said = task or data.get("task")
    if said in TASKS:
        return bool(said == "obb")
    if data.get("kpt_shape") or not is_oriented(images):
        return False
    reason = (
        "Most labels are four corners of a rectangle, so all are read as rotated boxes. Write "
        "'task: segment' into the data.yaml if they are outlines."
    )
    problems.append(Problem(path, None, reason, "note"))
    return True


def _ambiguous(result: VerifiedImage) -> list[Problem]:
    """Say that a box may be meant as an outline of two points, where others of its file are outlines cut short."""
    boxes = [r for r in result.rows or () if r.polygon is None and r.keypoints is None]
    cut_short = any(p.line and "(polygon), received" in p.reason for p in result.problems)
    if not boxes or not cut_short:
        return []
    reason = (
        "The line of 4 numbers was read as a box; other lines here are outlines with too few "
        "points, so it may be one too. Look at it."
    )
    return [Problem(label_path(result.file), row.line, reason, "note") for row in boxes]


class _Copies:
    """Finds pictures of the same bytes in two splits: measures look too good, and two labels may disagree."""

    def __init__(self) -> None:
        self._first: dict[bytes, tuple[VerifiedImage, str | None]] = {}
        self._found: list[tuple[VerifiedImage, VerifiedImage]] = []
        self._splits: list[str] = []

    def add(self, result: VerifiedImage, split: str | None) -> None:
        """Take note of a picture."""
        first, other = self._first.setdefault(result.digest, (result, split))
        if first is not result and split and other and split != other:
            self._found.append((first, result))
            self._splits = sorted({*self._splits, split, other}, key=SPLITS.index)

    def problems(self, path: Path) -> list[Problem]:
        """Return one finding for all that were found."""
        if not self._found:
            return []
        count = len(self._found)
        noun = "image is" if count == 1 else "images are"
        first, second = self._found[0]
        unlike = sum(_rows_differ(a, b) for a, b in self._found)
        labels = f" The labels of {unlike} differ." if unlike else ""
        names = f"{first.file.name} and {second.file.name}"
        reason = (
            f"{count} {noun} in both {' and '.join(self._splits)} under two names ({names}).{labels} "
            "Metrics would look too good."
        )
        return [Problem(path, None, reason, "note")]


def _rows_differ(a: VerifiedImage, b: VerifiedImage) -> bool:
    ours, theirs = a.rows or (), b.rows or ()
    return len(ours) != len(theirs) or any(
        x.class_id != y.class_id or not np.array_equal(x.box, y.box)
        for x, y in zip(ours, theirs, strict=True)
    )


def _inexact(result: VerifiedImage, size_wh: tuple[int, int]) -> int:
    """Count the outlines that are no rectangles."""
    outlines = (row.polygon for row in result.rows or () if row.polygon is not None)
    return sum(len(p) != 4 or not is_rectangle(p * np.array(size_wh)) for p in outlines)


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


def _labelled(
    result: VerifiedImage, split: str | None, size_wh: tuple[int, int], oriented: bool
) -> LabelledImage:
    width, height = size_wh
    annotations = None
    if result.rows is not None:
        annotations = tuple(_annotation(row, width, height, oriented) for row in result.rows)
    return LabelledImage(result.file, width, height, split, annotations)


def _annotation(row: LabelRow, width: int, height: int, oriented: bool) -> Annotation:
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
        points = row.polygon.astype(np.float64) * scale
        is_box = oriented and len(points) == 4
        geometry = oriented_box(points) if is_box else unbridged(points)
    return Annotation(geometry, row.class_id, row.score)


def _points_of(dataset: LabelledDataset) -> int:
    """Return how many keypoints an object has.

    It is what most objects have of those that have as many as is said of their class, or of the whole set where
    nothing is said of it: objects drawn before a point was added to the list do not outvote those drawn after. Else
    it is what most objects have.
    """
    said = int((dataset.keypoints.get("kpt_shape") or (0,))[0])
    fitting: Counter[int] = Counter()
    counts: Counter[int] = Counter()
    for image in dataset.images:
        for annotation in image.annotations or ():
            if isinstance(annotation.geometry, Keypoints):
                count = len(annotation.geometry.points)
                info = dataset.classes.get(annotation.class_id, ClassInfo())
                counts[count] += 1
                fitting[count] += count == (len(info.keypoints) or len(info.flip) or said)
    if not counts:
        return said or 1
    return max(counts, key=lambda count: (fitting[count], counts[count], count))


def _write_yaml(
    dataset: LabelledDataset, file: Path, folders: set[str], task: Task, points: int
) -> None:
    splits = {s: f"images/{s}" for s in SPLITS if s in folders}
    splits.setdefault("train", "images/train")
    extra: dict[str, Any] = {"task": task}
    extra |= {_UNLABELLED: f"images/{_UNLABELLED}"} if _UNLABELLED in folders else {}
    if task == "pose":
        extra |= {"kpt_shape": [points, 3]} | _keypoint_entries(dataset, points)
    (file.parent / splits["train"]).mkdir(parents=True, exist_ok=True)
    ordered = {s: splits[s] for s in SPLITS if s in splits}
    write_data_yaml(file, dataset.names, ordered, extra=extra)


def _keypoint_entries(dataset: LabelledDataset, points: int) -> dict[str, Any]:
    """Return mirror pairs and names of keypoints, from the set or from its classes."""
    entries: dict[str, Any] = {}
    infos = {i: info for i, info in dataset.classes.items() if len(info.keypoints) == points}
    told = [dataset.keypoints.get("flip_idx") or (), *(info.flip for info in infos.values())]
    flip = next((list(flip) for flip in told if len(flip) == points), None)
    if flip is not None:
        entries["flip_idx"] = flip
    told_names = dataset.keypoints.get("kpt_names") or {}
    if not isinstance(told_names, Mapping):  # one list for all classes
        told_names = dict.fromkeys(dataset.names, told_names)
    names = {i: list(known) for i, known in told_names.items() if len(known) == points}
    names |= {i: list(info.keypoints) for i, info in infos.items()}
    if names:
        entries["kpt_names"] = names
    return entries
