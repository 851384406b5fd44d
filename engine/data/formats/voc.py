"""Pascal VOC: one XML a picture under ``Annotations``, pictures under ``JPEGImages``, lists under ``ImageSets``.

Masks under SegmentationClass and SegmentationObject are read into the objects whose boxes they lie in, and
written where shapes have an outline. Beside what VOC defines (Everingham et al. 2010) its usual extensions
are known: ``occluded``, ``robndbox`` for rotated boxes, ``polygon``, and ``attributes`` as CVAT writes them. Parts
of objects (head, hand, foot) are in ``voc_parts.py``.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace as changed
from pathlib import Path

import numpy as np

from engine.data.annotations import Annotation, Keypoints, Mask, Polygon, Polyline, Tag, to_box
from engine.data.annotations.attribute_names import GROUP_ID
from engine.data.formats.class_table import (
    ClassEntry,
    entries_of,
    find_table,
    read_table,
    take_classes,
)
from engine.data.formats.findings import Findings, listed
from engine.data.formats.frames import Frame, frame_of
from engine.data.formats.losses import loss_sentences
from engine.data.formats.mask_pictures import Painter, voc_palette, write_numbers
from engine.data.formats.pictures import How, PictureFinder, PicturePlacer, measured
from engine.data.formats.records import LabelledDataset, LabelledImage, WriteReport
from engine.data.formats.shape_checks import UnusableShapeError
from engine.data.formats.told_attributes import whole
from engine.data.formats.voc_masks import VocMasks, matched
from engine.data.formats.voc_objects import (
    BOX,
    VocObject,
    corner_texts,
    format_object,
    is_whole,
    lost_attributes,
    numbers_are_from_zero,
    object_of,
)
from engine.data.formats.voc_parts import PART, apart, format_parts, parts_of, with_group
from engine.data.formats.xml_file import Node, format_text, read_xml, root_tag
from engine.data.problems import Problem
from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic

Progress = Callable[[int, int], None]
_SPLITS = ("train", "val", "test")
# How many files are looked at to decide how a set counts pixels.
_SAMPLE = 500
_MOST_OBJECTS = 254


def is_this(path: Path) -> bool:
    """Say whether a path is a VOC file, a folder with some, or one with VOC's masks."""
    if path.is_file():
        return path.suffix.lower() == ".xml" and root_tag(path) == "annotation"
    if not path.is_dir():
        return False
    if any(root_tag(file) in ("annotation", "") for file in _xml_files(path)[:3]):
        return True
    return any((path / "SegmentationClass").glob("*.png"))


def read(
    path: Path, progress: Progress | None = None, only: Sequence[Path] = ()
) -> LabelledDataset:
    """Read a set from its folder, from its Annotations folder, or one file, or of a folder only some files.

    Raises:
        DatasetError: There is neither a VOC file nor a mask.
    """
    root = path.parent if path.is_file() else path
    root = root.parent if root.name == "Annotations" else root
    files = [path] if path.is_file() else list(only) or _xml_files(path)
    is_whole = path.is_dir() and not only
    reader = _Reader(root, files)
    stems = {file.stem for file in files}
    masked = [s for s in reader.masks.stems() if s not in stems] if is_whole else []
    if not files and not masked:
        raise DatasetError("There is no Pascal VOC file in this folder.", path=path)
    total = len(files) + len(masked)
    for done, file in enumerate(files, start=1):
        reader.take_file(file)
        if progress:
            progress(done, total)
    for done, stem in enumerate(masked, start=len(files) + 1):
        reader.take_masks(stem)
        if progress:
            progress(done, total)
    return reader.finish(with_unlabelled=is_whole)


class _Reader:
    """Reads a set file by file."""

    def __init__(self, root: Path, files: list[Path]) -> None:
        self.dataset = LabelledDataset({})
        self._root = root
        self._findings = Findings(self.dataset.skipped)
        table = find_table(root)
        entries = self._entries(table)
        take_classes(entries, self.dataset)
        self._indices = {name: index for index, name in self.dataset.names.items()}
        self.masks = VocMasks(root, entries, self._findings)
        self._finder = PictureFinder([root / "JPEGImages", root])
        self._splits = _read_splits(root)
        self._offset = self._decide_offset(files)
        self._missing: list[str] = []
        self._known: set[Path] = set()

    def take_file(self, file: Path) -> None:
        """Read one XML file."""
        try:
            root = read_xml(file)
        except DatasetError as error:
            reason = " ".join(filter(None, (error.message, error.remedy)))
            self._findings.add(file, reason, line=error.line)
            return
        if root.tag != "annotation":
            self._findings.add(file, f"Expected <annotation>, received <{root.tag[:40]}>.")
            return
        name = root.say("filename")
        picture = (self._finder.find(name) if name else None) or self._finder.find_stem(file.stem)
        if picture is None:
            self._missing.append(name or file.stem)
            return
        size = measured(picture)
        if isinstance(size, Problem):
            self._findings.add(picture, size.reason)
            return
        frame = frame_of(_told_size(root), size, picture)
        if frame.remark:
            self._findings.add(file, frame.remark, frame.kind)
        objects = self._objects(root, file, frame)
        self._add(picture, size, file.stem, objects)

    def take_masks(self, stem: str) -> None:
        """Read the masks of a picture that has no XML file."""
        picture = self._finder.find_stem(f"JPEGImages/{stem}") or self._finder.find_stem(stem)
        if picture is None or picture.parent.name.startswith("Segmentation"):
            self._missing.append(stem)
            return
        size = measured(picture)
        if isinstance(size, Problem):
            self._findings.add(picture, size.reason)
        else:
            self._add(picture, size, stem, [])

    def finish(self, with_unlabelled: bool) -> LabelledDataset:
        """Add pictures without labels and what was counted; return the set."""
        if self._missing:
            noun = "picture is" if len(self._missing) == 1 else "pictures are"
            reason = f"{len(self._missing)} {noun} not there: {listed(self._missing)}. Add them and read it again."
            self._findings.add(self._root, reason)
        for picture in self._finder.all() if with_unlabelled else ():
            is_mask = picture.parent.name.startswith("Segmentation")
            if picture not in self._known and not is_mask:
                size = measured(picture)
                if isinstance(size, Problem):
                    self._findings.add(picture, size.reason)
                else:
                    split = self._splits.get(picture.stem)
                    self.dataset.images.append(LabelledImage(picture, *size, split))
        self._findings.close()
        return self.dataset

    def _objects(self, root: Node, file: Path, frame: Frame) -> list[VocObject]:
        found: list[tuple[Node, str, VocObject]] = []
        for place, node in enumerate(root.each("object"), start=1):
            who = f"Object {place} ({node.say('name')[:40]})"
            try:
                item = object_of(node, self._offset, frame.drawn_wh)
            except UnusableShapeError as error:
                self._findings.add(file, str(error), line=node.line, who=who)
                continue
            for remark in item.remarks:
                self._findings.add(file, remark.reason, remark.kind, node.line, who)
            found.append((node, who, item))
        group = max((item.annotation.attributes.get(GROUP_ID, 0) for *_, item in found), default=0)
        objects: list[VocObject] = []
        for node, who, item in found:
            group += 1
            objects += self._with_parts(node, item, group, (file, who), frame)
        return [_placed(item, frame) for item in objects]

    def _with_parts(
        self, node: Node, item: VocObject, group: int, place: tuple[Path, str], frame: Frame
    ) -> list[VocObject]:
        """Return an object with its parts, which are objects of the same group."""
        if node.child("part") is None:
            return [item]
        file, who = place

        def refuse(part: Node, reason: str) -> None:
            self._findings.add(file, f"Its part was left out: {reason}", line=part.line, who=who)

        item = with_group(item, group)
        parts = parts_of(node, item, self._offset, frame.drawn_wh, refuse)
        reason = "Its parts are objects of their own, joined to it by a group."
        self._findings.add(file, reason, "note", node.line, who)
        return [item, *parts]

    def _add(
        self, picture: Path, size: tuple[int, int], stem: str, objects: list[VocObject]
    ) -> None:
        parts = [item for item in objects if item.annotation.attributes.get(PART) is True]
        wholes = [item for item in objects if item.annotation.attributes.get(PART) is not True]
        matching, left = matched(wholes, self.masks.pieces(stem, size))
        objects = [*matching, *parts]  # the pixels of parts are those of their object
        labels = [changed(o.annotation, class_id=self._index(o.name)) for o in objects]
        for piece in left:
            if piece.name:
                labels.append(Annotation(piece.mask, self._index(piece.name)))
            else:
                reason = "An object of its mask lies in no box, and no table says its class."
                self._findings.add(self._root / "SegmentationObject" / f"{stem}.png", reason)
        self._known.add(picture)
        split = self._splits.get(stem)
        self.dataset.images.append(LabelledImage(picture, *size, split, tuple(labels)))

    def _index(self, name: str) -> int:
        index = self._indices.setdefault(name, len(self.dataset.names))
        self.dataset.names.setdefault(index, name)
        return index

    def _entries(self, table: Path | None) -> list[ClassEntry]:
        if table is None:
            return []
        try:
            return read_table(table)
        except DatasetError as error:
            self._findings.add(table, error.message)
            return []

    def _decide_offset(self, files: list[Path]) -> float:
        texts: list[list[str]] = []
        for file in files[:_SAMPLE]:
            try:
                texts += corner_texts(read_xml(file))
            except DatasetError:
                continue  # reported when its turn comes
        if not texts or not numbers_are_from_zero(texts):
            return 1.0
        reason = (
            "Boxes count pixels from 0 (a corner is 0, or numbers have fractions), not from 1 as VOC does; "
            "they were taken as they are."
        )
        self._findings.add(self._root, reason, "note")
        return 0.0


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    images: How = "copy",
    masks: bool | None = None,
) -> WriteReport:
    """Write Annotations, JPEGImages, ImageSets and labelmap.txt below the folder ``path``.

    Args:
        dataset: What to write; pictures that nobody has labelled get no XML file.
        path: Folder, made where missing; files of the same names are replaced.
        progress: Called with (done, total).
        images: Copy the pictures, link to them, or write the labels only.
        masks: Write SegmentationClass and SegmentationObject; None does where shapes have an outline.

    Raises:
        OSError: The folder cannot be written.
    """
    report = WriteReport(path)
    lost: Counter[str] = Counter()
    entries = entries_of(dataset, voc_palette(), _MOST_OBJECTS)
    entries = {i: changed(e, number=n) for n, (i, e) in enumerate(entries.items(), start=1)}
    placer = PicturePlacer(path / "JPEGImages", images)
    with_masks = _have_outlines(dataset) if masks is None else masks
    lists: dict[str, list[str]] = {}
    for done, image in enumerate(dataset.images, start=1):
        name = placer.place(image.path)
        stem = name.rpartition(".")[0]
        if image.annotations is not None:
            kept = [a for a in image.annotations if _is_held(a, lost)]
            is_masked = with_masks and _write_masks(path, stem, image, kept, entries, lost)
            text = _format_file(image, name, kept, dataset.names, is_masked)
            write_atomic(_made(path / "Annotations" / f"{stem}.xml"), text)
            report.annotations += len(kept)
            lists.setdefault("trainval", []).append(stem)
        if image.split:
            lists.setdefault(image.split, []).append(stem)
        report.images += 1
        if progress:
            progress(done, len(dataset.images))
    for folder in ("Main", "Segmentation") if with_masks else ("Main",):
        for split, stems in lists.items():
            text = "".join(f"{stem}\n" for stem in stems)
            write_atomic(_made(path / "ImageSets" / folder / f"{split}.txt"), text)
    write_atomic(path / "labelmap.txt", _format_labelmap(entries.values()))
    if cut := sum(":" in entry.name for entry in entries.values()):
        lost[
            "[class with a colon in its|classes with a colon in their] name, of which other programs read what is before it"
        ] = cut
    report.lost = loss_sentences(lost)
    return report


def _is_held(annotation: Annotation, lost: Counter[str]) -> bool:
    """Tell whether VOC has a place for a shape, counting what it loses."""
    geometry = annotation.geometry
    if isinstance(geometry, (Keypoints, Polyline, Tag)):
        lost[f"{geometry.kind} [shape|shapes], which this format cannot hold"] += 1
        return False
    if geometry.kind == "box" and not is_whole(to_box(geometry)):
        lost["[box|boxes], whose corners were rounded to whole pixels"] += 1
    if isinstance(geometry, Polygon) and geometry.holes:
        lost[
            "[polygon with holes, written as a mask|polygons with holes, written as masks] of whole pixels"
        ] += 1
    if names := [name for name in lost_attributes(annotation) if name != BOX]:
        lost["[attribute that is a list|attributes that are lists], left out"] += len(names)
    return True


def _write_masks(
    path: Path,
    stem: str,
    image: LabelledImage,
    kept: list[Annotation],
    entries: dict[int, ClassEntry],
    lost: Counter[str],
) -> bool:
    """Write both masks of a picture; False where none of its objects has an outline."""
    outlined = [isinstance(a.geometry, Mask | Polygon) for a in kept]
    if not any(outlined):
        return False
    classes = Painter(image.width, image.height)
    objects = Painter(image.width, image.height)
    if len(kept) > _MOST_OBJECTS:
        lost["[mask|masks] beyond the 254th object of a picture"] += sum(outlined[_MOST_OBJECTS:])
    for number, annotation in enumerate(kept[:_MOST_OBJECTS], start=1):
        if outlined[number - 1]:
            objects.paint(annotation.geometry, number)
            classes.paint(annotation.geometry, entries[annotation.class_id].number or 0)
    if objects.hidden:
        lost["[mask|masks], partly painted over by others"] += objects.hidden
    palette = voc_palette()
    write_numbers(
        path / "SegmentationObject" / f"{stem}.png", objects.array.astype(np.uint8), palette
    )
    for entry in entries.values():
        palette[entry.number or 0] = entry.color or (0, 0, 0)
    write_numbers(
        path / "SegmentationClass" / f"{stem}.png", classes.array.astype(np.uint8), palette
    )
    return True


def _format_file(
    image: LabelledImage, name: str, kept: list[Annotation], names: dict[int, str], is_masked: bool
) -> str:
    lines = ["<annotation>", "\t<folder>JPEGImages</folder>"]
    lines += [f"\t<filename>{format_text(name)}</filename>", "\t<source>"]
    lines += ["\t\t<database>Unknown</database>", "\t</source>", "\t<size>"]
    for tag, value in (("width", image.width), ("height", image.height), ("depth", 3)):
        lines.append(f"\t\t<{tag}>{value}</{tag}>")
    lines += ["\t</size>", f"\t<segmented>{int(is_masked)}</segmented>"]
    for annotation, parts in apart(kept):
        inside = format_parts((part, names[part.class_id]) for part in parts)
        lines += format_object(annotation, names[annotation.class_id], inside)
    return "\n".join([*lines, "</annotation>", ""])


def _placed(item: VocObject, frame: Frame) -> VocObject:
    """Return an object as it lies on the picture."""
    annotation = changed(item.annotation, geometry=frame.placed(item.annotation.geometry))
    return changed(item, annotation=annotation, box=to_box(frame.placed(item.box)))


def _format_labelmap(entries: Iterable[ClassEntry]) -> str:
    rows = ["# label:color_rgb:parts:actions", "background:0,0,0::"]
    rows += [f"{e.name}:{','.join(map(str, e.color or (0, 0, 0)))}::" for e in entries]
    return "\n".join([*rows, ""])


def _have_outlines(dataset: LabelledDataset) -> bool:
    shapes = (a.geometry for image in dataset.images for a in image.annotations or ())
    return any(isinstance(geometry, Mask | Polygon) for geometry in shapes)


def _xml_files(path: Path) -> list[Path]:
    folder = path / "Annotations"
    return sorted(folder.rglob("*.xml") if folder.is_dir() else path.glob("*.xml"))


def _read_splits(root: Path) -> dict[str, str]:
    """Return the split of each picture by its name without suffix; the first list that names it counts."""
    splits: dict[str, str] = {}
    for folder in ("Main", "Segmentation", "Layout"):
        for split in _SPLITS:
            file = root / "ImageSets" / folder / f"{split}.txt"
            if file.is_file():
                for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                    stem = line.split()[0] if line.split() else ""
                    splits.setdefault(stem.rpartition("/")[2], split)
    return splits


def _told_size(root: Node) -> tuple[int, int]:
    size = root.child("size")
    if size is None:
        return 0, 0
    return whole(size.say("width")) or 0, whole(size.say("height")) or 0


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
