"""Labels of the field's formats into a project: read by the engine, copied into the database, the source never touched."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from pathlib import Path
from typing import Any

from engine.data.annotations import Annotation
from engine.data.formats import LabelledDataset, LabelledImage, Problem, read
from studio.model.colors import next_color
from studio.model.edits import AddShapes, Batch, Edit, RemoveShapes
from studio.model.errors import EditError
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.project import Project
from studio.model.records import ClassDef, Shape, new_shape
from studio.storage.image_index import SUFFIXES, place_files, store_of
from studio.storage.project_files import absolute
from studio.storage.sqlite_store import SqliteStore

Progress = Callable[[int, int], None]
_SHALLOW = 2  # a common folder like / or /home says nothing about where the images belong


@dataclass
class ImportReport:
    """What an import did.

    Attributes:
        format: The format that was read.
        images: Images of the dataset that are in the project now.
        annotations: Shapes that were added.
        classes: Names of the dataset's classes, in its order.
        skipped: What was left out, with the reason.
        notes: What was kept in another form, or is worth knowing.
        seconds: How long it took.
        image_ids: The numbers of those images.
    """

    format: str
    images: int = 0
    annotations: int = 0
    classes: list[str] = field(default_factory=list)
    skipped: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    seconds: float = 0.0
    image_ids: list[int] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "format": self.format,
            "images": self.images,
            "annotations": self.annotations,
            "classes": self.classes,
            "skipped": [_plain(problem) for problem in self.skipped],
            "notes": [_plain(problem) for problem in self.notes],
            "seconds": round(self.seconds, 3),
        }


def import_dataset(
    project: Project,
    source: str | Path,
    format: str | None = None,
    replace: bool = False,
    progress: Progress | None = None,
    dataset: LabelledDataset | None = None,
) -> ImportReport:
    """Copy a dataset's classes, images (as paths) and labels into a project.

    Everything is written in one transaction: an import that fails or is cancelled changes nothing.
    Classes are matched by name. Images that have shapes in the project keep them, unless
    ``replace`` says otherwise, and importing the same dataset twice adds nothing.

    Args:
        project: Where to.
        source: What names the dataset: a data.yaml, a folder.
        format: Name of the format; None finds out.
        replace: Take the dataset's labels for images that have shapes; this can be undone.
        progress: Called with (done, total) images; an exception it raises cancels.
        dataset: What ``source`` holds, where it has been read already.

    Raises:
        DatasetError: The dataset cannot be read at all. Single bad lines and files are in
            ``skipped``.
        StorageError: The project cannot be written.
    """
    start = time.perf_counter()
    source = absolute(source)
    dataset = dataset or read(source, format, progress)
    report = ImportReport(format or "yolo", classes=[*dataset.names.values()])
    report.skipped = [problem for problem in dataset.skipped if problem.kind == "skipped"]
    report.notes = [problem for problem in dataset.skipped if problem.kind != "skipped"]
    store = store_of(project)
    known = set(project.image_ids())
    with store.transaction():
        writer = _Writer(store, _take_classes(store, dataset.names), replace, report)
        writer.take(dataset)
        _take_keypoints(store, dataset, source, report)
        facts = {"source": str(source), "images": report.images, "annotations": report.annotations}
        store.note("import", f"Import {source.name}", facts)
    report.seconds = time.perf_counter() - start
    project.classes_changed.emit()
    project.images_changed.emit()
    for image_id in sorted(writer.changed & known):
        project.shapes_changed.emit(image_id)
    project.history_changed.emit()
    return report


class _Writer:
    """Writes one dataset inside the import's transaction."""

    def __init__(
        self, store: SqliteStore, class_ids: dict[int, int], replace: bool, report: ImportReport
    ) -> None:
        self.changed: set[int] = set()
        self._store = store
        self._class_ids = class_ids
        self._replace = replace
        self._report = report
        self._edits: list[Edit] = []

    def take(self, dataset: LabelledDataset) -> None:
        """Write everything; replaced labels become one step of the history."""
        damaged = _damaged_files(dataset)
        paths = [absolute(image.path) for image in dataset.images]
        image_ids = add_paths(self._store, [*paths, *damaged])
        for path, reason in damaged.items():
            self._store.set_damage(image_ids[path], reason)
        for path, image in zip(paths, dataset.images, strict=True):
            self._take_image(image_ids[path], image)
        self._report.images = len(dataset.images)
        self._report.image_ids = [image_ids[path] for path in paths]
        if self._edits:
            batch = Batch(tuple(self._edits), f"Replace labels of {len(self._edits)} images")
            self._store.push_edit(batch.title(), batch.to_dict(), sorted(self.changed))

    def _take_image(self, image_id: int, image: LabelledImage) -> None:
        store = self._store
        record = store.image(image_id)
        if record is None:
            return
        if record.note:
            store.set_damage(image_id, "")
        store.set_size(image_id, image.width, image.height)
        if image.split is not None and record.split is None:
            store.set_splits({image_id: image.split})
        if image.annotations is None:
            return
        shapes = [self._shape(image_id, annotation) for annotation in image.annotations]
        present = store.shapes(image_id)
        if present and not _same(present, shapes):
            self._resolve(image, present, shapes)
        elif not present:
            self._insert(image_id, shapes)

    def _insert(self, image_id: int, shapes: list[Shape]) -> None:
        if not shapes:
            self._store.set_background({image_id: True})
            return
        self._store.insert_shapes(_numbered(self._store, shapes))
        self._report.annotations += len(shapes)
        self.changed.add(image_id)

    def _resolve(self, image: LabelledImage, present: list[Shape], shapes: list[Shape]) -> None:
        """Decide about an image that has other shapes in the project."""
        if not self._replace:
            count = f"{len(present)} shape{'s' * (len(present) != 1)}"
            reason = f"The image has {count} in the project, which were kept; import with replace to take the file's."
            self._report.notes.append(Problem(image.path, None, reason, "note"))
            return
        edit = replace_labels(self._store, present, shapes)
        edit.apply(self._store)
        self._edits.append(edit)
        self._report.annotations += len(shapes)
        self.changed.add(present[0].image_id)

    def _shape(self, image_id: int, annotation: Annotation) -> Shape:
        return new_shape(
            image_id,
            self._class_ids[annotation.class_id],
            annotation.geometry,
            "imported",
            annotation.score,
            dict(annotation.attributes),
        )


def replace_labels(store: SqliteStore, present: Sequence[Shape], shapes: Sequence[Shape]) -> Edit:
    """Return the bound edit that puts ``shapes`` in the place of those that an image has."""
    edits: list[Edit] = []
    if present:
        edits.append(RemoveShapes(tuple(present)).bind(store))
    if shapes:
        edits.append(AddShapes(tuple(shapes)).bind(store))
    return Batch(tuple(edits), "Replace labels")


def add_paths(store: SqliteStore, paths: Iterable[Path]) -> dict[Path, int]:
    """Add image files by their absolute paths, inside a transaction, and return their numbers."""
    numbers: dict[Path, int] = {}
    for folder, files in _by_root(list(paths)).items():
        rels = {path.relative_to(folder).as_posix(): path for path in files}
        placed = place_files(store, folder, rels)
        for source_id, names in placed.items():
            store.add_images(source_id, names)
        for source_id, names in placed.items():
            root = store.sources()[source_id]
            numbers.update({root / name: store.image_id(source_id, name) for name in names})
    return numbers


def _by_root(paths: list[Path]) -> dict[Path, list[Path]]:
    """Group files by one folder that holds them all, or, where they lie far apart, by their own folders."""
    if not paths:
        return {}
    parents = {path.parent for path in paths}
    try:
        common = Path(os.path.commonpath(parents))
    except ValueError:  # different drives
        common = Path(paths[0].anchor)
    if len(common.parts) > _SHALLOW:
        return {common: paths}
    groups: dict[Path, list[Path]] = {}
    for path in paths:
        groups.setdefault(path.parent, []).append(path)
    return groups


def _take_classes(store: SqliteStore, names: dict[int, str]) -> dict[int, int]:
    """Return the project's class for each index of the dataset, adding those whose name is new."""
    classes = store.classes()
    by_name = {cls.name: cls.id for cls in classes}
    colors = {cls.color for cls in classes}
    for name in names.values():
        name = name.strip()
        if name in by_name:
            continue
        color = next_color(colors)
        cls = ClassDef(store.take_ids("class", 1)[0], name, color)
        store.insert_class(cls, len(by_name))
        by_name[name] = cls.id
        colors.add(color)
    return {index: by_name[name.strip()] for index, name in names.items()}


def _take_keypoints(
    store: SqliteStore, dataset: LabelledDataset, source: Path, report: ImportReport
) -> None:
    """Keep what the dataset says of keypoints, unless the project knows it already."""
    said = dataset.keypoints
    if not said.get("kpt_shape") or store.get("keypoints"):
        return
    count = int(said["kpt_shape"][0])
    names = next(iter((said.get("kpt_names") or {0: ()}).values()))
    try:
        scheme = KeypointScheme(count, tuple(said.get("flip_idx") or ()), tuple(names))
    except EditError as error:
        report.notes.append(Problem(source, None, str(error), "note"))
        scheme = KeypointScheme(count)
    store.put("keypoints", scheme.to_dict())


def _damaged_files(dataset: LabelledDataset) -> dict[Path, str]:
    """Return the images that could not be read: the project lists them as damaged rather than not at all."""
    usable = {absolute(image.path) for image in dataset.images}
    found = {}
    for problem in dataset.skipped:
        path = absolute(problem.file)
        is_image = path.suffix.lower().lstrip(".") in SUFFIXES
        if problem.line is None and problem.kind == "skipped" and is_image and path.is_file():
            found[path] = str(problem)
    return {path: reason for path, reason in found.items() if path not in usable}


def _numbered(store: SqliteStore, shapes: list[Shape]) -> list[Shape]:
    ids = store.take_ids("shape", len(shapes))
    return [
        changed(shape, id=shape_id, z=z)
        for z, (shape_id, shape) in enumerate(zip(ids, shapes, strict=True), start=1)
    ]


def _same(present: list[Shape], shapes: list[Shape]) -> bool:
    """Tell whether the shapes are those of an earlier import of the same labels."""
    ours = [(shape.class_id, shape.geometry) for shape in present]
    return ours == [(shape.class_id, shape.geometry) for shape in shapes]


def _plain(problem: Problem) -> dict[str, Any]:
    return {"file": str(problem.file), "line": problem.line, "reason": problem.reason}
