"""What goes into a dataset version: one entry an image, with its name, split and label lines."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.data.annotations import Box, Polygon
from engine.data.formats.yolo import format_row, geometry_values
from studio.model.project import Project
from studio.model.records import ImageRecord, Shape
from studio.storage.image_index import read_sizes, store_of
from studio.storage.splits import SplitRule, assign_splits

_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')  # what some file system refuses in a name


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
        rows: The label lines; not kept in the manifest.
    """

    split: str
    name: str
    path: str
    size: int
    mtime_ns: int
    label_hash: str
    rows: tuple[str, ...] = ()

    @property
    def label_text(self) -> str:
        """The content of the label file; empty for a background."""
        return "".join(f"{row}\n" for row in self.rows)

    def to_line(self) -> dict[str, Any]:
        """Return what the manifest keeps."""
        return {
            "split": self.split,
            "name": self.name,
            "path": self.path,
            "size": self.size,
            "mtime_ns": self.mtime_ns,
            "labels": self.label_hash,
        }

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
        )


@dataclass
class LabelCounts:
    """What was counted while labels were written.

    Attributes:
        images: Images of each split.
        by_class: Label lines of each class index.
        backgrounds: Images without lines.
        lost: What the lines could not hold, with how often.
    """

    images: dict[str, int] = field(default_factory=dict)
    by_class: Counter[int] = field(default_factory=Counter)
    backgrounds: int = 0
    lost: Counter[str] = field(default_factory=Counter)

    def lost_sentences(self) -> list[str]:
        """Return a phrase for each kind of loss."""
        return [f"{count} {what}" for what, count in sorted(self.lost.items())]


@dataclass
class Content:
    """The entries of a version, sorted by split and name, with counts and what was left out."""

    entries: list[Entry]
    counts: LabelCounts
    left_out: dict[str, int]


def collect(project: Project, rule: SplitRule, task: str) -> Content:
    """Read everything that belongs into a version of the project as it is now."""
    index = {cls.id: position for position, cls in enumerate(project.classes())}
    counts, left_out = LabelCounts(), Counter[str]()
    lines: dict[int, tuple[str, ...]] = {}
    records = []
    for record in _measured(project):
        reason = _unfit(record)
        if reason is None:
            rows = label_rows(project.shapes(record.id), record, index, task, counts)
            if record.status == "labelled" and not rows:
                # its objects would be taught as background
                reason = f"labelled, but with nothing that a {task} model can learn"
            lines[record.id] = rows
        if reason is None:
            records.append(record)
        else:
            left_out[reason] += 1
    splits = assign_splits(records, store_of(project).rels(), rule)
    names = _free_names(records, splits)
    entries = [_entry(record, splits[record.id], names, lines[record.id]) for record in records]
    entries.sort(key=lambda entry: (entry.split, entry.name))
    counts.images = dict(sorted(Counter(entry.split for entry in entries).items()))
    counts.images = {"train": 0, **counts.images}
    counts.backgrounds = sum(not entry.rows for entry in entries)
    return Content(entries, counts, dict(left_out))


def label_rows(
    shapes: list[Shape], record: ImageRecord, index: dict[int, int], task: str, counts: LabelCounts
) -> tuple[str, ...]:
    """Return the label lines of an image, the rearmost shape first, counting them and what they lose."""
    rows = []
    for shape in shapes:
        values = geometry_values(shape.geometry, record.width, record.height, task)
        if values is None:
            counts.lost[f"{shape.geometry.kind} shapes without an area, left out"] += 1
            continue
        if loss := _loss(shape, task):
            counts.lost[loss] += 1
        counts.by_class[index[shape.class_id]] += 1
        rows.append(format_row(index[shape.class_id], values))
    return tuple(rows)


def _measured(project: Project) -> list[ImageRecord]:
    after = 0
    while not project.read_only and (after := read_sizes(project, after=after)):
        pass
    records = project.images(project.image_ids())
    fit = {record.id for record in records if record.status in ("labelled", "background")}
    return [project.image(r.id) if r.id in fit and not r.width else r for r in records]


def _unfit(record: ImageRecord) -> str | None:
    if record.status == "unlabelled":
        return "unlabelled"
    if not record.path.is_file():
        return "missing"
    return "damaged" if record.status == "damaged" else None


def _loss(shape: Shape, task: str) -> str | None:
    if task == "segment":
        return "boxes, learnt as rectangles" if isinstance(shape.geometry, Box) else None
    return "outlines, learnt as boxes" if isinstance(shape.geometry, Polygon) else None


def _free_names(records: list[ImageRecord], splits: dict[int, str]) -> dict[int, str]:
    """Return a file name for each image whose stem is unique in its split, also without regard to case.

    Where two images would share one, each gets a hash of its path, so that no name depends on the
    order.
    """
    names = {record.id: _UNSAFE.sub("_", record.path.name) for record in records}
    stems = Counter((splits[i], Path(name).stem.casefold()) for i, name in names.items())
    for record in records:
        path = Path(names[record.id])
        if stems[splits[record.id], path.stem.casefold()] > 1:
            tag = hashlib.sha256(str(record.path).encode()).hexdigest()[:10]
            names[record.id] = f"{path.stem}-{tag}{path.suffix}"
    return names


def _entry(record: ImageRecord, split: str, names: dict[int, str], rows: tuple[str, ...]) -> Entry:
    info = record.path.stat()
    text = "".join(f"{row}\n" for row in rows)
    digest = hashlib.sha256(text.encode()).hexdigest()
    path = str(record.path)
    return Entry(split, names[record.id], path, info.st_size, info.st_mtime_ns, digest, rows)
