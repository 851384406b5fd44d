"""What goes into a dataset version: one entry an image, with its name, split and label lines."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.annotations import Keypoints
from studio.language import tr
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.project import Project
from studio.model.records import ImageRecord, Shape
from studio.storage.image_index import read_sizes, store_of
from studio.storage.label_losses import OTHERS_OF_CLASSIFIED
from studio.storage.splits import SplitRule, assign_splits, fill_training
from studio.storage.task_labels import (
    UNSAFE,
    LabelCounts,
    class_folders,
    image_class,
    keypoint_scheme,
    label_rows,
)


@dataclass(frozen=True)
class Entry:
    """One image of a version.

    Attributes:
        split: ``train``, ``val`` or ``test``.
        name: File name in the version; its stem is unique within the split.
        path: The image file itself.
        size: Bytes of the image file.
        mtime_ns: When the image file was changed last.
        label_hash: SHA-256 of the label text.
        folder: Folder of its class where the whole image has one, else empty.
        rows: The label lines; not kept in the manifest.
    """

    split: str
    name: str
    path: str
    size: int
    mtime_ns: int
    label_hash: str
    folder: str = ""
    rows: tuple[str, ...] = ()

    @property
    def image_place(self) -> str:
        """Where the image lies in the version."""
        if self.folder:
            return f"{self.split}/{self.folder}/{self.name}"
        return f"images/{self.split}/{self.name}"

    @property
    def label_place(self) -> str | None:
        """Where its label file lies in the version; None where its folder is its label."""
        return None if self.folder else f"labels/{self.split}/{Path(self.name).stem}.txt"

    @property
    def teaches(self) -> bool:
        """Whether it shows anything: a background does not."""
        return bool(self.rows or self.folder)

    @property
    def label_text(self) -> str:
        """The content of the label file; empty for a background."""
        return "".join(f"{row}\n" for row in self.rows)

    def to_line(self) -> dict[str, Any]:
        """Return what the manifest keeps."""
        line = {
            "split": self.split,
            "name": self.name,
            "path": self.path,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "labels": self.label_hash,
        }
        return {**line, "folder": self.folder} if self.folder else line

    @classmethod
    def from_line(cls, line: dict[str, Any]) -> Entry:
        """Return the entry of a manifest line, without its rows."""
        return cls(
            line["split"],
            line["name"],
            line["path"],
            line["size"],
            line["mtime_ns"],
            line["labels"],
            line.get("folder", ""),
        )


@dataclass
class Content:
    """What belongs into a version.

    Attributes:
        entries: Sorted by split and name.
        names: Class names in the order that numbers them.
        counts: What was counted.
        left_out: Number of images that were left out, by reason.
        keypoints: What an object's keypoints are, where the task has any.
    """

    entries: list[Entry]
    names: list[str]
    counts: LabelCounts
    left_out: dict[str, int]
    keypoints: KeypointScheme | None = None


@dataclass(frozen=True)
class _Label:
    """What an image teaches: label lines, or the folder of its class."""

    rows: tuple[str, ...] = ()
    folder: str = ""
    problem: str = ""


def collect(project: Project, rule: SplitRule, task: str) -> Content:
    """Read everything that belongs into a version of the project as it is now."""
    reader = _Reader(project, task)
    left_out = Counter[str]()
    labels: dict[int, _Label] = {}
    records = []
    for record in _measured(project):
        label = _Label(problem=_unfit(record)) if _unfit(record) else reader.label(record)
        if label.problem:
            left_out[label.problem] += 1
        else:
            records.append(record)
            labels[record.id] = label
    splits = assign_splits(records, store_of(project).rels(), rule)
    if task == "classify":
        splits = fill_training(splits, {i: label.folder for i, label in labels.items()}, records)
    file_names = _free_names(records, splits)
    entries = [_entry(r, splits[r.id], file_names, labels[r.id]) for r in records]
    entries.sort(key=lambda entry: (entry.split, entry.folder, entry.name))
    counts = reader.counts
    counts.images = dict(sorted(Counter(entry.split for entry in entries).items()))
    counts.images = {"train": 0, **counts.images}
    counts.backgrounds = sum(not entry.teaches for entry in entries)
    return Content(entries, reader.used_names(), counts, dict(left_out), reader.keypoints)


class _Reader:
    """Reads what a task learns from each image of a project."""

    def __init__(self, project: Project, task: str) -> None:
        self.counts = LabelCounts()
        self._project = project
        self._task = task
        self._names = {cls.id: cls.name for cls in project.classes()}
        self._folders = class_folders(self._names.values())
        self.keypoints = _keypoints_of(project) if task == "pose" else None

    def label(self, record: ImageRecord) -> _Label:
        """Return what an image teaches, or why it teaches nothing."""
        shapes = self._project.shapes(record.id)
        if self._task == "classify":
            return self._class_of(shapes)
        points = self.keypoints.count if self.keypoints is not None else 0
        teachable = points > 0 or self._task != "pose"
        given = shapes if teachable else []
        rows = label_rows(given, record, self._names, self._task, self.counts, points)
        if record.status == "labelled" and not rows:
            # its objects would be taught as background
            return _Label(
                problem=tr("labelled, but with nothing that a {task} model can learn").format(
                    task=self._task
                )
            )
        return _Label(rows)

    def used_names(self) -> list[str]:
        """Return the class names; of whole images those that there are, sorted as their folders are read."""
        if self._task == "classify":
            return sorted(self._folders[name] for name in self.counts.by_class)
        return list(self._names.values())

    def _class_of(self, shapes: list[Shape]) -> _Label:
        name, problem = image_class(shapes, self._names)
        if problem:
            return _Label(problem=problem)
        self.counts.by_class[name] += 1
        if others := sum(shape.geometry.kind != "tag" for shape in shapes):
            self.counts.lost[OTHERS_OF_CLASSIFIED] += others
        return _Label(folder=self._folders[name])


def _measured(project: Project) -> list[ImageRecord]:
    after = 0
    while not project.read_only and (after := read_sizes(project, after=after)):
        pass
    records = project.images(project.image_ids())
    fit = {record.id for record in records if record.status in ("labelled", "background")}
    return [project.image(r.id) if r.id in fit and not r.width else r for r in records]


def _keypoints_of(project: Project) -> KeypointScheme | None:
    shapes = project.store.shapes_of_kind(Keypoints.kind)
    return keypoint_scheme(shapes, project.keypoint_schemes())


def _unfit(record: ImageRecord) -> str:
    if record.status == "unlabelled":
        return "unlabelled"
    if not record.path.is_file():
        return "missing"
    return "damaged" if record.status == "damaged" else ""


def _free_names(records: list[ImageRecord], splits: dict[int, str]) -> dict[int, str]:
    """Return a file name for each image whose stem is unique in its split, also without regard to case.

    Where two images would share one, each gets a hash of its path, so that no name depends on the
    order.
    """
    names = {record.id: UNSAFE.sub("_", record.path.name) for record in records}
    stems = Counter((splits[i], Path(name).stem.casefold()) for i, name in names.items())
    for record in records:
        path = Path(names[record.id])
        if stems[splits[record.id], path.stem.casefold()] > 1:
            tag = hashlib.sha256(str(record.path).encode()).hexdigest()[:10]
            names[record.id] = f"{path.stem}-{tag}{path.suffix}"
    return names


def _entry(record: ImageRecord, split: str, names: Mapping[int, str], label: _Label) -> Entry:
    info = record.path.stat()
    text = "".join(f"{row}\n" for row in label.rows)
    digest = hashlib.sha256(text.encode()).hexdigest()
    path = str(record.path)
    size, changed = info.st_size, info.st_mtime_ns
    return Entry(split, names[record.id], path, size, changed, digest, label.folder, label.rows)
