"""Labels of the field's formats into a project: read by the engine, copied into the database, the source never touched."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from dataclasses import replace as changed
from pathlib import Path
from typing import Any, Literal

from engine.data.annotations import Annotation
from engine.data.formats import LabelledDataset, LabelledImage, Problem, read
from engine.data.formats.packed import PackedAnnotations, PackedRing
from studio.language import ntr, tr
from studio.model.edits import AddShapes, Batch, Edit, RemoveShapes
from studio.model.errors import EditError
from studio.model.keypoint_scheme import KeypointScheme
from studio.model.project import Project
from studio.model.provenance import IMPORTED, from_file
from studio.model.records import Shape
from studio.storage.alike import unlike
from studio.storage.image_index import SUFFIXES, place_files, store_of
from studio.storage.import_classes import ClassChoices, take_classes, told_names
from studio.storage.import_step import ImportStep
from studio.storage.project_files import absolute
from studio.storage.shape_table import ShapeValues, ring_values, shape_values
from studio.storage.sqlite_store import SqliteStore
from studio.storage.told_numbers import keep_numbers

Progress = Callable[[int, int], None]
# What becomes of the shapes that an image has: they are kept and the dataset's left out, the dataset's take
# their place, or the dataset's come to them.
Present = Literal["keep", "replace", "add"]
_BATCH = 500  # images written together
_SHALLOW = 2  # a common folder like / or /home says nothing about where the images belong


@dataclass
class ImportReport:
    """What an import did.

    Attributes:
        format: The format that was read.
        images: Images of the dataset that are in the project now.
        annotations: Shapes that were added.
        doubled: Shapes that were there already and were not added again.
        classes: Names of the dataset's classes, in its order.
        skipped: What was left out, with the reason.
        notes: What was kept in another form, or is worth knowing.
        seconds: How long it took.
        image_ids: The numbers of those images.
    """

    format: str
    images: int = 0
    annotations: int = 0
    doubled: int = 0
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
            "doubled": self.doubled,
            "classes": self.classes,
            "skipped": [_plain(problem) for problem in self.skipped],
            "notes": [_plain(problem) for problem in self.notes],
            "seconds": round(self.seconds, 3),
        }


def import_dataset(
    project: Project,
    source: str | Path,
    format: str | None = None,
    present: Present = "keep",
    progress: Progress | None = None,
    dataset: LabelledDataset | None = None,
    classes: ClassChoices | None = None,
) -> ImportReport:
    """Copy a dataset's classes, images (as paths) and labels into a project.

    Everything is written in one transaction: an import that fails or is cancelled changes nothing.
    Classes are matched by name. Images that have shapes in the project keep them, unless
    ``present`` says otherwise, and importing the same dataset twice adds nothing.

    Args:
        project: Where to.
        source: What names the dataset: a data.yaml, a folder.
        format: Name of the format; None finds out.
        present: What becomes of the shapes that an image has; this can be undone. Where the dataset's
            are added, those that say the same as one that is there are not.
        progress: Called with (done, total) images; an exception it raises cancels.
        dataset: What ``source`` holds, where it has been read already; then ``progress`` tells of
            the writing.
        classes: Names in the project for names of the dataset, None for those to leave out.

    Raises:
        DatasetError: The dataset cannot be read at all. Single bad lines and files are in
            ``skipped``.
        StorageError: The project cannot be written.
    """
    source = absolute(source)
    reading = progress if dataset is None else None
    dataset = dataset or read(source, format, reading)
    writing = None if reading else progress
    return import_all(project, [(source, dataset)], present, writing, classes)


def import_all(
    project: Project,
    sources: Sequence[tuple[Path, LabelledDataset]],
    present: Present = "keep",
    progress: Progress | None = None,
    classes: ClassChoices | None = None,
    problems: Sequence[Problem] = (),
) -> ImportReport:
    """Copy several datasets into a project in one transaction; see :func:`import_dataset`.

    Args:
        project: Where to.
        sources: Where each dataset was read from, and what it holds.
        present: What becomes of the shapes that an image has, also from a dataset before.
        progress: Called with (done, total) images; an exception it raises cancels.
        classes: Names in the project for names of the datasets, None for those to leave out.
        problems: What was found wrong beside them, for the report.

    Raises:
        StorageError: The project cannot be written.
    """
    start = time.perf_counter()
    formats = dict.fromkeys(dataset.format for _, dataset in sources if dataset.format)
    report = ImportReport(", ".join(formats) or "yolo")
    _tell(report, problems)
    store = store_of(project)
    total = sum(len(dataset.images) for _, dataset in sources)
    told = 0

    def tell(done: int) -> None:
        if progress is not None:
            progress(told + done, total)

    with store.transaction():
        step = ImportStep(store)
        for source, dataset in sources:
            report.classes += [n for n in dataset.names.values() if n not in report.classes]
            before = report.annotations
            taken = take_classes(store, dataset, classes or {})
            told_renamed = told_names(dataset, classes or {})
            _tell(report, [Problem(source, None, text, "changed") for text in told_renamed])
            writer = _Writer(store, taken, present, report, step)
            writer.take(dataset, step.known | step.kept | set(report.image_ids), tell)
            _take_keypoints(store, dataset, source, report)
            _tell(report, dataset.skipped)
            added = report.annotations - before
            facts = {"source": str(source), "images": len(dataset.images), "annotations": added}
            store.note("import", tr("Import {name}").format(name=source.name), facts)
            told += len(dataset.images)
        step.push(_title([source for source, _ in sources], step.count))
    report.image_ids = list(dict.fromkeys(report.image_ids))
    report.images = len(report.image_ids)
    report.seconds = time.perf_counter() - start
    project.classes_changed.emit()
    project.images_changed.emit()
    for image_id in sorted(step.changed & step.known):
        project.tell_of_shapes(image_id)
    project.history_changed.emit()
    return report


class _Writer:
    """Writes one dataset inside the import's transaction."""

    def __init__(
        self,
        store: SqliteStore,
        class_ids: dict[int, int | None],
        present: Present,
        report: ImportReport,
        step: ImportStep,
    ) -> None:
        self._step = step
        self._store = store
        self._class_ids = class_ids
        self._report = report
        self._resolve = {"keep": self._keep, "replace": self._replace, "add": self._add}[present]

    def take(
        self, dataset: LabelledDataset, known: set[int], tell: Callable[[int], object]
    ) -> None:
        """Write everything.

        Args:
            dataset: What to write.
            known: Images that the project had before: only these can have labels of their own.
            tell: Called with the number of images done.
        """
        damaged = _damaged_files(dataset)
        paths = [absolute(image.path) for image in dataset.images]
        image_ids = add_paths(self._store, [*paths, *damaged])
        for path, reason in damaged.items():
            self._store.set_damage(image_ids[path], reason)
        ids = [image_ids[path] for path in paths]
        seen = set(known)
        fresh: list[tuple[int, LabelledImage]] = []
        for done, (image_id, image) in enumerate(zip(ids, dataset.images, strict=True), start=1):
            if image_id in seen:
                self._take_known(image_id, image)
            else:
                seen.add(image_id)
                fresh.append((image_id, image))
            if len(fresh) >= _BATCH or done == len(ids):
                self._take_fresh(fresh)
                fresh = []
                tell(done)
        self._report.image_ids += ids
        keep_numbers(self._store, dataset, ids, self._class_ids)

    def _take_fresh(self, images: list[tuple[int, LabelledImage]]) -> None:
        """Write images that were not in the project: nothing has to be asked of each."""
        store = self._store
        store.set_sizes([(image_id, image.width, image.height) for image_id, image in images])
        store.set_splits({image_id: image.split for image_id, image in images if image.split})
        rows: list[ShapeValues] = []
        background: list[int] = []
        for image_id, image in images:
            if image.annotations is None:
                continue
            found = self._rows(image_id, image)
            if found:
                rows += found
            else:
                background.append(image_id)
        store.set_background(dict.fromkeys(background, True))
        self._insert(rows)

    def _take_known(self, image_id: int, image: LabelledImage) -> None:
        store = self._store
        record = store.image(image_id)
        if record is None:
            return
        if record.note:
            store.set_damage(image_id, "")
        store.set_size(image_id, image.width, image.height)
        if image.split is not None and record.split is None:
            store.set_splits({image_id: image.split})
            self._step.splits[image_id] = image.split
        if image.annotations is None:
            return
        shapes = self._shapes(image_id, image)
        present = store.shapes(image_id)
        if present:
            self._resolve(image, present, shapes)
        elif not shapes:
            if not store.background_flags([image_id]).get(image_id):
                self._step.background.append(image_id)
            store.set_background({image_id: True})
        else:
            self._insert([shape_values(shape) for shape in shapes])

    def _insert(self, rows: list[ShapeValues]) -> None:
        if rows:
            ids = self._store.take_ids("shape", len(rows))
            self._store.insert_values(ids[0], rows)
            self._report.annotations += len(rows)
            self._step.add_shapes(range(ids[0], ids[-1] + 1))
            self._step.changed.update(row[0] for row in rows)

    def _keep(self, image: LabelledImage, present: list[Shape], shapes: list[Shape]) -> None:
        """Leave the dataset's shapes out."""
        if _same(present, shapes):
            return
        count = ntr("{count:,} shape", "{count:,} shapes", len(present)).format(count=len(present))
        reason = tr(
            "The image has {count} in the project, which were kept; import with replace to "
            "take the file's, or with add to have both."
        ).format(count=count)
        self._report.notes.append(Problem(image.path, None, reason, "note"))

    def _replace(self, _image: LabelledImage, present: list[Shape], shapes: list[Shape]) -> None:
        """Put the dataset's shapes in the place of those that are there."""
        if _same(present, shapes):
            return
        edit = replace_labels(self._store, present, shapes)
        edit.apply(self._store)
        self._step.replaced.append(edit)
        self._step.count += len(shapes)
        self._report.annotations += len(shapes)
        self._step.changed.add(present[0].image_id)

    def _add(self, _image: LabelledImage, present: list[Shape], shapes: list[Shape]) -> None:
        """Put the dataset's shapes above those that are there, but for those that say the same."""
        top = max(shape.z for shape in present)
        new = unlike(present, shapes)
        self._report.doubled += len(shapes) - len(new)
        self._insert(
            [shape_values(changed(shape, z=top + place)) for place, shape in enumerate(new, 1)]
        )

    def _rows(self, image_id: int, image: LabelledImage) -> list[ShapeValues]:
        """Return the image's shapes of the classes that are wanted, as columns.

        Bare polygons of a large set go from the file's reader to the database as bytes: to make objects of a
        million of them and bytes again took half of the writing.
        """
        told = image.annotations or ()
        found = []
        for z, part in enumerate(_parts(told), start=1):
            class_id = self._class_ids[part.class_id]
            if class_id is None:
                continue
            if isinstance(part, PackedRing):
                found.append(ring_values(image_id, class_id, part.points, IMPORTED, z))
            else:
                found.append(shape_values(_shape(image_id, class_id, part, z)))
        return found

    def _shapes(self, image_id: int, image: LabelledImage) -> list[Shape]:
        """Return the image's shapes of the classes that are wanted."""
        told = enumerate(image.annotations or (), start=1)
        wanted = ((z, annotation, self._class_ids[annotation.class_id]) for z, annotation in told)
        return [_shape(image_id, c, annotation, z) for z, annotation, c in wanted if c is not None]


def replace_labels(store: SqliteStore, present: Sequence[Shape], shapes: Sequence[Shape]) -> Edit:
    """Return the bound edit that puts ``shapes`` in the place of those that an image has."""
    edits: list[Edit] = []
    if present:
        edits.append(RemoveShapes(tuple(present)).bind(store))
    if shapes:
        edits.append(AddShapes(tuple(shapes)).bind(store))
    return Batch(tuple(edits), tr("Replace labels"))


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
            found = store.image_numbers(source_id, names)
            numbers.update({root / name: found[name] for name in names})
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


def _tell(report: ImportReport, problems: Sequence[Problem]) -> None:
    report.skipped += [problem for problem in problems if problem.kind == "skipped"]
    report.notes += [problem for problem in problems if problem.kind != "skipped"]


def _damaged_files(dataset: LabelledDataset) -> dict[Path, str]:
    """Return the images that could not be read: the project lists them as damaged rather than not at all."""
    found: dict[Path, str] = {}
    for problem in dataset.skipped:
        path = absolute(problem.file)
        is_image = path.suffix.lower().lstrip(".") in SUFFIXES
        if problem.line is None and problem.kind == "skipped" and is_image and path.is_file():
            found[path] = str(problem)
    usable = {absolute(image.path) for image in dataset.images} if found else set()
    return {path: reason for path, reason in found.items() if path not in usable}


def _parts(told: Sequence[Annotation]) -> Iterable[PackedRing | Annotation]:
    return told.parts() if isinstance(told, PackedAnnotations) else told


def _shape(image_id: int, class_id: int, annotation: Annotation, z: int) -> Shape:
    """Return the shape that a file's annotation becomes; it has no number yet."""
    score, attributes = annotation.score, dict(annotation.attributes)
    shape = Shape(0, image_id, class_id, annotation.geometry, IMPORTED, score, attributes, z)
    return from_file(shape)


def _same(present: list[Shape], shapes: list[Shape]) -> bool:
    """Tell whether the shapes are those of an earlier import of the same labels."""
    ours = [(shape.class_id, shape.geometry) for shape in present]
    return ours == [(shape.class_id, shape.geometry) for shape in shapes]


def _title(sources: Sequence[Path], count: int) -> str:
    said = ntr("Import {name} ({count:,} shape)", "Import {name} ({count:,} shapes)", count)
    return said.format(name=", ".join(source.name for source in sources), count=count)


def _plain(problem: Problem) -> dict[str, Any]:
    return {"file": str(problem.file), "line": problem.line, "reason": problem.reason}
