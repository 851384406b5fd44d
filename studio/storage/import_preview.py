"""What an import would bring, found out before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.data.formats import FORMATS, Problem
from studio.language import tr
from studio.model.project import Project
from studio.model.records import Shape
from studio.storage.alike import unlike
from studio.storage.image_index import store_of
from studio.storage.import_classes import matched_name
from studio.storage.import_reading import Sources
from studio.storage.project_files import absolute

Tell = Callable[[int, int], None]
_EVERY = 1000
_MOST_COMPARED = 2000  # images of which shapes are compared before they are imported
_PICTURES_TITLE = tr("Pictures without labels")


@dataclass(frozen=True, slots=True)
class ClassRow:
    """A class of the dataset.

    Attributes:
        name: Its name there.
        count: Shapes of it.
        match: The project's class that it most likely is; None: none, it would be new.
    """

    name: str
    count: int
    match: str | None


@dataclass(frozen=True, slots=True)
class SetRow:
    """One of the datasets.

    Attributes:
        title: Its format.
        path: Where it lies.
        images: Images in it.
        shapes: Shapes in it.
    """

    title: str
    path: Path
    images: int
    shapes: int


@dataclass
class ImportPreview:
    """What would come in.

    Attributes:
        sources: What was read.
        sets: The datasets, in order.
        images: Images in all.
        known: Those of them that the project has already.
        occupied: Those of them that have labels in the project.
        doubled: Shapes that say the same as one that the image has in the project; None where there are too many
            images to compare.
        shared: Images with labels in several of the datasets.
        background: Images known to show nothing.
        unlabelled: Images that nobody has labelled.
        kinds: Shapes by kind.
        classes: The classes, in order.
        project_classes: Names of the project's classes, in order.
        skipped: What would be left out.
        notes: What would be kept in another form, or is worth knowing.
    """

    sources: Sources
    sets: list[SetRow] = field(default_factory=list)
    images: int = 0
    known: int = 0
    occupied: int = 0
    doubled: int | None = 0
    shared: int = 0
    background: int = 0
    unlabelled: int = 0
    kinds: dict[str, int] = field(default_factory=dict)
    classes: list[ClassRow] = field(default_factory=list)
    project_classes: list[str] = field(default_factory=list)
    skipped: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    @property
    def shapes(self) -> int:
        """Return the number of shapes."""
        return sum(self.kinds.values())


def preview_import(
    sources: Sources, project: Project | None = None, tell: Tell | None = None
) -> ImportPreview:
    """Count what the sources hold, and compare them with a project.

    Args:
        sources: What was read.
        project: Where to; None for a project that does not exist yet.
        tell: Called with (done, total) images now and then; an exception it raises ends the work.
    """
    preview = ImportPreview(sources)
    _tell(preview, sources.problems)
    titles = {entry.name: tr(entry.title) for entry in FORMATS}
    kinds: Counter[str] = Counter()
    counts: Counter[str] = Counter()
    paths: dict[Path, int] = {}  # in how many datasets each has labels
    total = sum(len(dataset.images) for _, dataset in sources.datasets)
    done = 0
    for path, dataset in sources.datasets:
        before = kinds.total()
        counts.update(dict.fromkeys(dataset.names.values(), 0))
        _tell(preview, dataset.skipped)
        for image in dataset.images:
            place = absolute(image.path)
            paths[place] = paths.get(place, 0) + bool(image.annotations)
            preview.unlabelled += image.annotations is None
            preview.background += image.annotations is not None and not image.annotations
            for annotation in image.annotations or ():
                kinds[annotation.geometry.kind] += 1
                counts[dataset.names[annotation.class_id]] += 1
            done += 1
            if tell is not None and done % _EVERY == 0:
                tell(done, total)
        title = titles.get(dataset.format, _PICTURES_TITLE)
        preview.sets.append(SetRow(title, path, len(dataset.images), kinds.total() - before))
    preview.shared = sum(count > 1 for count in paths.values())
    preview.images, preview.kinds = len(paths), dict(kinds.most_common())
    preview.project_classes = [cls.name for cls in project.classes()] if project else []
    preview.classes = [
        ClassRow(name, count, matched_name(name, preview.project_classes))
        for name, count in counts.items()
    ]
    if project is not None:
        _compare(preview, project, list(paths))
    return preview


def _tell(preview: ImportPreview, problems: Sequence[Problem]) -> None:
    for problem in problems:
        (preview.skipped if problem.kind == "skipped" else preview.notes).append(problem)


def _compare(preview: ImportPreview, project: Project, paths: Sequence[Path]) -> None:
    """Count the images that the project has, and those that have labels there."""
    store = store_of(project)
    found = {path: number for path in paths if (number := store.find_image(path)) is not None}
    preview.known = len(found)
    records = project.images(list(found.values()))
    labelled = {record.id for record in records if record.shape_count}
    occupied = {path: number for path, number in found.items() if number in labelled}
    preview.occupied = len(occupied)
    is_few = len(occupied) <= _MOST_COMPARED
    preview.doubled = _doubled(preview, project, occupied) if is_few else None


def _doubled(preview: ImportPreview, project: Project, occupied: dict[Path, int]) -> int:
    """Count the shapes that images have in the project already, with the classes as they are matched."""
    ids = {cls.name: cls.id for cls in project.classes()}
    matched = {row.name: ids[row.match] for row in preview.classes if row.match is not None}
    count = 0
    for _, dataset in preview.sources.datasets if occupied else ():
        classes = {index: matched.get(name) for index, name in dataset.names.items()}
        for image in dataset.images:
            image_id = occupied.get(absolute(image.path))
            if image_id is None:
                continue
            told = ((classes[a.class_id], a.geometry) for a in image.annotations or ())
            shapes = [Shape(0, image_id, cls, place) for cls, place in told if cls is not None]
            count += len(shapes) - len(unlike(project.shapes(image_id), shapes))
    return count
