"""Folders of one JSON a picture, as labelme and X-AnyLabeling write them: recognised, read, and what writing shares."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace as changed
from hashlib import blake2b
from pathlib import Path
from typing import Any, Literal, TypeAlias

from engine.data.annotations import Annotation, Tag
from engine.data.formats.class_table import read_table
from engine.data.formats.coco_document import split_of
from engine.data.formats.findings import Findings, listed
from engine.data.formats.frames import frame_of
from engine.data.formats.json_file import read_json, write_json
from engine.data.formats.labelme_shapes import facts_of, geometry_of
from engine.data.formats.pictures import (
    How,
    PictureFinder,
    PicturePlacer,
    is_picture_name,
    measured,
)
from engine.data.formats.records import LabelledDataset, LabelledImage, WriteReport
from engine.data.formats.shape_checks import UnusableShapeError, checked
from engine.data.formats.told_attributes import is_on, is_plain, whole
from engine.data.problems import Problem
from engine.runtime.errors import DatasetError, ImageError
from engine.runtime.paths import data_dir, write_atomic

Progress = Callable[[int, int], None]
Flavour: TypeAlias = Literal["labelme", "xanylabeling"]
_SNIFF = 1 << 14
_SHAPES = re.compile(rb'"shapes"\s*:')
_OTHERS = re.compile(
    rb'"(?:kie_linking|difficult|chat_history|vqaData|checked)"\s*:|"version"\s*:\s*"[0-2]\.'
)
_MOST_BYTES = 256 << 20
_MOST_LOOKED_AT = 50
# Of the top of a file, what is read for its own purpose.
_KNOWN = ("version", "flags", "shapes", "imagePath", "imageData", "imageHeight", "imageWidth")
_BESIDE = ("labels", "annotations", "json")


def flavour_of(path: Path) -> Flavour | None:
    """Return which tool wrote a file, by its beginning and end; None where it was neither."""
    if path.suffix.lower() != ".json":
        return None
    try:
        with path.open("rb") as file:
            head = file.read(_SNIFF)
            file.seek(max(0, path.stat().st_size - _SNIFF))
            tail = file.read(_SNIFF)
    except OSError:
        return None
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return None
    if not (_SHAPES.search(head) and (b'"imagePath"' in head or b'"imagePath"' in tail)):
        is_old = b'"imagePath"' in head and _SHAPES.search(tail)
        if not is_old and not (_SHAPES.search(head) and b'"imageHeight"' in tail):
            return None
    return "xanylabeling" if _OTHERS.search(head) or _OTHERS.search(tail) else "labelme"


def holds(path: Path, flavour: Flavour) -> bool:
    """Say whether a path is a file of a tool, or a folder whose first such file is."""
    if path.is_file():
        return flavour_of(path) == flavour
    found = (flavour_of(file) for file in json_files(path)[:_MOST_LOOKED_AT])
    return next((f for f in found if f is not None), None) == flavour


def json_files(folder: Path) -> list[Path]:
    """Return the JSON files of a folder and the folders in it, sorted; links to folders are not followed."""
    found: list[Path] = []
    waiting = [(folder, 3)]
    while waiting:
        place, depth = waiting.pop()
        try:
            entries = list(place.iterdir())
        except OSError:
            continue
        found += [entry for entry in entries if entry.suffix.lower() == ".json" and entry.is_file()]
        if depth:
            waiting += [(e, depth - 1) for e in entries if e.is_dir() and not e.is_symlink()]
    return sorted(found)


def read_files(
    path: Path, progress: Progress | None = None, only: Sequence[Path] = ()
) -> LabelledDataset:
    """Read a file or all of a folder.

    Args:
        path: The file or folder.
        progress: Called with (done, total) files.
        only: Files of the folder to read, without the pictures that have none; empty: all.

    Raises:
        DatasetError: There is no such file.
    """
    files = [path] if path.is_file() else list(only) or json_files(path)
    if not files:
        raise DatasetError("There is no JSON file in this folder.", path=path)
    reader = _Reader(path if path.is_dir() else path.parent)
    for done, file in enumerate(files, start=1):
        if path.is_file() or flavour_of(file) is not None:
            reader.take(file)
        else:
            reader.pass_over(file)
        if progress:
            progress(done, len(files))
    return reader.finish(with_unlabelled=path.is_dir() and not only)


class _Reader:
    """Reads a set file by file."""

    def __init__(self, root: Path) -> None:
        self.dataset = LabelledDataset({})
        self._findings = Findings(self.dataset.skipped)
        is_beside = root.name.lower() in _BESIDE
        self._finder = PictureFinder([root, root.parent] if is_beside else [root])
        self._root = root
        self._missing: list[str] = []
        self._known: set[Path] = set()
        self._indices: dict[str, int] = {}
        if (root / "labels.txt").is_file():
            self._take_order(root / "labels.txt")

    def take(self, file: Path) -> None:
        """Read one file."""
        try:
            value = read_json(file, _MOST_BYTES)
        except DatasetError as error:
            reason = " ".join(filter(None, (error.message, error.remedy)))
            self._findings.add(file, reason, line=error.line)
            return
        if not isinstance(value, Mapping) or not isinstance(value.get("shapes"), list):
            self._findings.add(file, "Expected an object with a list 'shapes'.")
            return
        picture = self._picture(file, value)
        if picture is None:
            self._missing.append(file.name)
            return
        size = measured(picture)
        if isinstance(size, Problem):
            self._findings.add(picture, size.reason)
            return
        told = whole(value.get("imageWidth")) or 0, whole(value.get("imageHeight")) or 0
        frame = frame_of(told, size, picture)
        if frame.remark:
            self._findings.add(file, frame.remark, frame.kind)
        labels = self._tags(value.get("flags"))
        for place, shape in enumerate(value["shapes"], start=1):
            annotation = self._annotation(shape, place, file, frame.drawn_wh)
            if annotation is not None:
                geometry = frame.placed(annotation.geometry)
                labels.append(changed(annotation, geometry=geometry))
        self._known.add(picture)
        facts = _image_facts(value)
        split = split_of(file)
        self.dataset.images.append(LabelledImage(picture, *size, split, tuple(labels), facts))

    def pass_over(self, file: Path) -> None:
        """Note a JSON file of another kind, where it should have been one of these."""
        if file.stat().st_size == 0:
            self._findings.add(file, "The file is empty.")

    def finish(self, with_unlabelled: bool) -> LabelledDataset:
        """Add pictures without labels and what was counted; return the set."""
        if self._missing:
            noun = "file has" if len(self._missing) == 1 else "files have"
            reason = f"{len(self._missing)} {noun} no picture: {listed(self._missing)}. Add them and read it again."
            self._findings.add(self._root, reason)
        for picture in self._finder.all() if with_unlabelled else ():
            if picture not in self._known:
                size = measured(picture)
                if isinstance(size, Problem):
                    self._findings.add(picture, size.reason)
                else:
                    self.dataset.images.append(LabelledImage(picture, *size, split_of(picture)))
        self._findings.close()
        return self.dataset

    def _annotation(
        self, shape: Any, place: int, file: Path, size_wh: tuple[int, int]
    ) -> Annotation | None:
        label = shape.get("label") if isinstance(shape, Mapping) else None
        who = f"Shape {place} ({str(label)[:40]})"
        try:
            if not isinstance(shape, Mapping) or not isinstance(label, str) or not label.strip():
                raise UnusableShapeError("Expected an object with a 'label'.")
            geometry, remarks = checked(geometry_of(shape, size_wh), *size_wh)
        except UnusableShapeError as error:
            self._findings.add(file, str(error), who=who)
            return None
        for remark in remarks:
            self._findings.add(file, remark.reason, remark.kind, who=who)
        return Annotation(geometry, self._index(label.strip()), *facts_of(shape))

    def _tags(self, flags: Any) -> list[Annotation]:
        """Return the flags of a picture that are set as its classes."""
        told = flags if isinstance(flags, Mapping) else {}
        return [Annotation(Tag(), self._index(str(name))) for name, on in told.items() if is_on(on)]

    def _picture(self, file: Path, value: Mapping[str, Any]) -> Path | None:
        """Return the picture of a file: as it names it, of its own name, or from inside the file."""
        told = value.get("imagePath")
        name = told.replace("\\", "/") if isinstance(told, str) else ""
        last = name.rpartition("/")[2]
        if last and is_picture_name(last) and len(last) < 250:
            for place in (file.parent / name, file.parent / last):
                if ".." not in place.parts and place.is_file():
                    return place
        near = (self._finder.find(name) if name else None) or self._near(file)
        return near or self._embedded(file, value.get("imageData"))

    def _near(self, file: Path) -> Path | None:
        try:
            relative = file.relative_to(self._root).with_suffix("")
        except ValueError:
            return None
        found = self._finder.find_stem(relative.as_posix())
        return found if found is not None and found.stem.lower() == file.stem.lower() else None

    def _embedded(self, file: Path, data: Any) -> Path | None:
        """Return the picture that a file carries inside, kept among the program's data by its content."""
        if not isinstance(data, str) or not data:
            return None
        try:
            picture = base64.b64decode(data, validate=True)
        except (binascii.Error, ValueError):
            self._findings.add(file, "Its 'imageData' is no base64.")
            return None
        suffix = ".png" if picture[:4] == b"\x89PNG" else ".jpg"
        name = blake2b(picture, digest_size=12).hexdigest()
        target = data_dir() / "embedded_images" / f"{file.stem[:80]}-{name}{suffix}"
        if not target.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(target, picture)
        if isinstance(measured(target), Problem):
            target.unlink(missing_ok=True)
            self._findings.add(file, "Its 'imageData' is no usable picture.")
            return None
        self._findings.add(file, f"Its picture was inside it and is now {target}.", "note")
        return target

    def _index(self, name: str) -> int:
        index = self._indices.setdefault(name, len(self._indices))
        self.dataset.names.setdefault(index, name)
        return index

    def _take_order(self, table: Path) -> None:
        try:
            entries = read_table(table)
        except (DatasetError, ImageError) as error:
            self._findings.add(table, error.message)
            return
        for entry in entries:
            if entry.is_class:
                self._index(entry.name)


def write_files(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None,
    images: How,
    shapes_of: Callable[[Annotation, str], list[dict[str, Any]]],
    top: Mapping[str, Any],
) -> WriteReport:
    """Write each picture with its JSON beside it, in a folder a split.

    Args:
        dataset: What to write; pictures that nobody has labelled get no JSON.
        path: Folder, made where missing.
        progress: Called with (done, total).
        images: Copy the pictures, link to them, or write the labels only.
        shapes_of: Returns the shapes of an annotation that is no tag, given the name of its class.
        top: Fields of each file before all others.

    Raises:
        OSError: The folder cannot be written.
    """
    report = WriteReport(path)
    placer = PicturePlacer(path, images)
    for done, image in enumerate(dataset.images, start=1):
        name = placer.place(image.path, image.split or "")
        if image.annotations is not None:
            value = {**top, "flags": _told_flags(image), "shapes": [], "imagePath": ""}
            for annotation in image.annotations:
                label = dataset.names[annotation.class_id]
                if isinstance(annotation.geometry, Tag):
                    value["flags"][label] = True
                else:
                    value["shapes"] += shapes_of(annotation, label)
                report.annotations += 1
            value["imagePath"] = name.rpartition("/")[2]
            value |= {"imageData": None, "imageHeight": image.height, "imageWidth": image.width}
            value |= {k: v for k, v in image.attributes.items() if k not in value}
            write_json((path / name).with_suffix(".json"), value)
        report.images += 1
        if progress:
            progress(done, len(dataset.images))
    if dataset.names:
        write_atomic(path / "labels.txt", "".join(f"{name}\n" for name in dataset.names.values()))
    return report


def _image_facts(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a file says of its picture: flags that are off, and fields of newer versions."""
    facts = {str(k): v for k, v in value.items() if k not in _KNOWN and is_plain(v) and v != ""}
    flags = value.get("flags")
    told = flags if isinstance(flags, Mapping) else {}
    if off := [str(name) for name, on in told.items() if not is_on(on)]:
        facts["flags"] = off
    return facts


def _told_flags(image: LabelledImage) -> dict[str, bool]:
    off = image.attributes.get("flags")
    return {str(name): False for name in off} if isinstance(off, list) else {}
