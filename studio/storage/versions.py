"""Immutable dataset versions: what a training learns from, so that any model can say which labels made it.

A version is a folder in the YOLO layout with links to the images instead of copies: label files beside
them, or for a classifier one folder a class. Its name carries a hash of everything in it; making a version of the same content again finds the one that is
there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.data.yaml_file import write_data_yaml
from engine.runtime.errors import EngineError
from studio.language import tr
from studio.model.errors import CancelledError, EditError, StorageError
from studio.model.project import Project
from studio.storage.splits import SplitRule
from studio.storage.version_content import Entry, collect

Progress = Callable[[int, int], None]
VERSION_FILE = "version.json"
MANIFEST = "manifest.jsonl"
_MAKING = ".making-"
_REMEDIES = {
    "pose": tr("Give at least one object keypoints."),
    "classify": tr("Give at least one image a class of its own."),
}


@dataclass(frozen=True)
class DatasetVersion:
    """One version on disk.

    Attributes:
        number: 1, 2, ... in the order they were made.
        hash: SHA-256 of its content, hexadecimal.
        folder: Where it lies.
        task: What it can train, one of ``studio.model.tasks.TASK_TITLES``.
        names: Class names in order.
        images: Number of images of each split.
        annotations: Number of label lines of each class name.
        backgrounds: Images without objects among them.
        left_out: How many images were left out, by reason.
        lost: What the labels could not hold, one sentence each.
        created: Seconds since the epoch, UTC.
        placed: How images were placed: ``link``, ``hard link`` or ``copy``.
        rule: The rule for images without a split.
        keypoints: What the keypoints of an object are, in a version for pose.
    """

    number: int
    hash: str
    folder: Path
    task: str
    names: list[str]
    images: dict[str, int]
    annotations: dict[str, int]
    backgrounds: int
    left_out: dict[str, int]
    lost: list[str]
    created: float
    placed: str
    rule: dict[str, float] = field(default_factory=dict)
    keypoints: dict[str, Any] | None = None

    @property
    def yaml(self) -> Path:
        """The data.yaml to train with."""
        return self.folder / "data.yaml"


def create_version(
    project: Project,
    rule: SplitRule | None = None,
    task: str | None = None,
    progress: Progress | None = None,
    is_cancelled: Callable[[], bool] = lambda: False,
) -> DatasetVersion:
    """Make a version of what is labelled now, or return the one that has the same content.

    Labelled images and backgrounds are in it; unlabelled, damaged and missing ones are counted in
    ``left_out``. The project may be open for reading only elsewhere; the version is written beside
    its database.

    Args:
        project: The project.
        rule: How images without a split are divided.
        task: What will be trained: decides what of a shape is written; None takes the project's.
        progress: Called with (done, total) images.
        is_cancelled: Asked for each image; True stops and leaves nothing behind.

    Raises:
        EditError: Nothing is labelled.
        StorageError: The version cannot be written.
        CancelledError: ``is_cancelled`` said so.
    """
    try:
        return _create(project, rule or SplitRule(), task or project.task, progress, is_cancelled)
    except OSError as error:
        if isinstance(error, EngineError):
            raise
        raise StorageError(
            tr("the dataset version cannot be written ({strerror}).").format(
                strerror=error.strerror or error
            ),
            path=error.filename or project.versions_dir,
            remedy=tr("Free space on the disk, or check that the project folder may be written."),
        ) from error


def list_versions(folder: Path) -> list[DatasetVersion]:
    """Return the versions in a project's ``versions`` folder, oldest first; what is no version is passed over."""
    found = []
    with contextlib.suppress(FileNotFoundError):
        for path in folder.iterdir():
            if path.is_dir() and not path.name.startswith("."):
                with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
                    found.append(read_version(path))
    return sorted(found, key=lambda version: version.number)


def read_version(folder: Path) -> DatasetVersion:
    """Read a version from its folder.

    Raises:
        OSError, ValueError, KeyError: The folder is no version.
    """
    values = json.loads((folder / VERSION_FILE).read_text(encoding="utf-8"))
    number = int(folder.name.partition("-")[0])
    return DatasetVersion(number=number, folder=folder, **values)


def check_version(version: DatasetVersion) -> list[str]:
    """Return what differs from the day the version was made; empty: it is what its hash says.

    Labels are hashed again; images are compared by size and time of change, as when the version was
    made.
    """
    problems: list[str] = []
    entries: list[Entry] = []
    with (version.folder / MANIFEST).open(encoding="utf-8") as lines:
        for line in lines:
            entry = Entry.from_line(json.loads(line))
            entries.append(entry)
            problems += _differences(version.folder, entry)
    if (
        content_hash(_header(version.task, version.names, version.keypoints), entries)
        != version.hash
    ):
        problems.append(
            tr("{folder}: the list of images was changed.").format(folder=version.folder / MANIFEST)
        )
    return problems


def content_hash(header: dict[str, Any], entries: list[Entry]) -> str:
    """Return the hash of a version's content: classes, task, and for each image file, split and labels."""
    digest = hashlib.sha256(json.dumps(header, sort_keys=True).encode())
    for entry in entries:
        digest.update(json.dumps(entry.to_line(), sort_keys=True).encode())
    return digest.hexdigest()


def _create(
    project: Project,
    rule: SplitRule,
    task: str,
    progress: Progress | None,
    is_cancelled: Callable[[], bool],
) -> DatasetVersion:
    content = collect(project, rule, task)
    if not any(entry.teaches for entry in content.entries):
        raise EditError(
            tr("No image has anything that a {task} model could learn.").format(task=task),
            path=project.folder,
            remedy=_REMEDIES.get(task, "Draw at least one shape."),
        )
    keypoints = content.keypoints.to_dict() if content.keypoints is not None else None
    header = _header(task, content.names, keypoints)
    digest = content_hash(header, content.entries)
    for version in list_versions(project.versions_dir):
        if version.hash == digest:
            return version
    facts = {
        **header,
        "hash": digest,
        "created": time.time(),
        "images": content.counts.images,
        "annotations": _in_order(content.counts.by_class, [cls.name for cls in project.classes()]),
        "backgrounds": content.counts.backgrounds,
        "left_out": content.left_out,
        "lost": content.counts.lost_sentences(),
        "rule": asdict(rule),
    }
    return _write(project.versions_dir, content.entries, facts, progress, is_cancelled)


def _header(task: str, names: list[str], keypoints: dict[str, Any] | None) -> dict[str, Any]:
    """Return what is hashed beside the images."""
    header: dict[str, Any] = {"task": task, "names": names}
    return {**header, "keypoints": keypoints} if keypoints else header


def _in_order(counts: Mapping[str, int], names: Sequence[str]) -> dict[str, int]:
    return {name: counts[name] for name in names if name in counts}


def _differences(folder: Path, entry: Entry) -> Iterator[str]:
    if entry.label_place is not None:
        label = folder / entry.label_place
        try:
            if hashlib.sha256(label.read_bytes()).hexdigest() != entry.label_hash:
                yield tr("{label}: the labels were changed.").format(label=label)
        except FileNotFoundError:
            yield tr("{label}: the labels are missing.").format(label=label)
    image = folder / entry.image_place
    try:
        info = image.stat()
    except OSError:
        yield tr("{image}: the image is missing ({path}).").format(image=image, path=entry.path)
        return
    if (info.st_size, info.st_mtime_ns) != (entry.size, entry.mtime_ns):
        yield tr("{path}: the image was changed after the version was made.").format(
            path=entry.path
        )


def _write(
    folder: Path,
    entries: list[Entry],
    facts: dict[str, Any],
    progress: Progress | None,
    is_cancelled: Callable[[], bool],
) -> DatasetVersion:
    """Write into a folder of another name, which gets its own when everything is there."""
    folder.mkdir(parents=True, exist_ok=True)
    making = folder / f"{_MAKING}{os.getpid()}-{facts['hash'][:8]}"
    shutil.rmtree(making, ignore_errors=True)
    try:
        placed = _write_files(making, entries, progress, is_cancelled)
        of_classes = facts["task"] == "classify"
        splits = {split: split if of_classes else f"images/{split}" for split in facts["images"]}
        splits.setdefault("val", splits["train"])
        write_data_yaml(making / "data.yaml", facts["names"], splits, extra=_extra(facts))
        text = json.dumps({**facts, "placed": placed}, indent=1, ensure_ascii=False)
        (making / VERSION_FILE).write_text(text, encoding="utf-8")
        return read_version(_give_name(making, folder, facts["hash"]))
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise


def _write_files(
    making: Path,
    entries: list[Entry],
    progress: Progress | None,
    is_cancelled: Callable[[], bool],
) -> str:
    placer = _Placer()
    for folder in _folders(entries):
        (making / folder).mkdir(parents=True, exist_ok=True)
    with (making / MANIFEST).open("w", encoding="utf-8") as manifest:
        for done, entry in enumerate(entries, start=1):
            if is_cancelled():
                raise CancelledError(tr("The dataset version was cancelled."))
            placer.place(Path(entry.path), making / entry.image_place)
            if entry.label_place is not None:
                _write_once(making / entry.label_place, entry.label_text)
            manifest.write(json.dumps(entry.to_line()) + "\n")
            if progress:
                progress(done, len(entries))
    return placer.kind


def _folders(entries: Sequence[Entry]) -> set[Path]:
    """Return the folders of a version; a training looks into train even where it is empty."""
    first = Entry("train", "x", "", 0, 0, "")
    of_classes = any(entry.folder for entry in entries)
    placed = [entry.image_place for entry in entries]
    placed += [entry.label_place for entry in entries if entry.label_place is not None]
    placed += ["train/x"] if of_classes else [first.image_place, first.label_place or ""]
    return {Path(place).parent for place in placed}


def _extra(facts: dict[str, Any]) -> dict[str, Any]:
    """Return what the data.yaml says beside classes and splits."""
    extra: dict[str, Any] = {"task": facts["task"]}
    if keypoints := facts.get("keypoints"):
        extra["kpt_shape"] = [keypoints["count"], 3]
        if keypoints["mirrored"]:
            extra["flip_idx"] = keypoints["mirrored"]
        if keypoints["names"]:
            extra["kpt_names"] = dict.fromkeys(range(len(facts["names"])), keypoints["names"])
    return extra


def _write_once(path: Path, text: str) -> None:
    """Write a file that nobody is meant to write again. It needs no sync: the folder gets its name at the end."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


class _Placer:
    """Puts images into a version without copying where the file system can do without."""

    _KINDS: dict[str, Callable[[Path, Path], object]] = {
        "link": lambda source, target: target.symlink_to(source),
        "hard link": lambda source, target: target.hardlink_to(source),
        "copy": shutil.copy2,
    }

    def __init__(self) -> None:
        self.kind = "link"

    def place(self, source: Path, target: Path) -> None:
        """Place one image; where a kind fails (no right to link, another disk) the next one is tried from then on."""
        kinds = list(self._KINDS)
        for kind in kinds[kinds.index(self.kind) :]:
            try:
                self._KINDS[kind](source, target)
            except OSError:
                if kind == kinds[-1]:
                    raise
            else:
                self.kind = kind
                return


def _give_name(making: Path, folder: Path, digest: str) -> Path:
    while True:
        numbers = [version.number for version in list_versions(folder)]
        target = folder / f"{max(numbers, default=0) + 1}-{digest[:8]}"
        try:
            return making.rename(target)
        except OSError:
            if not target.exists():
                raise  # else another window was faster with this number: take the next
