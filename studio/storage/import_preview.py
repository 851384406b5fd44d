"""What an import would bring, found out before anything is written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.data.formats import FORMATS, Problem
from studio.language import tr
from studio.model.project import Project
from studio.storage.image_index import store_of
from studio.storage.import_classes import matched_name
from studio.storage.import_reading import Sources
from studio.storage.project_files import absolute

Tell = Callable[[int, int], None]
_EVERY = 1000
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


@dataclass
class ImportPreview:
    """What would come in.

    Attributes:
        sources: What was read.
        formats: Title of each dataset's format, and where it lies.
        images: Images in all.
        known: Those of them that the project has already.
        occupied: Those of them that have labels in the project.
        background: Images known to show nothing.
        unlabelled: Images that nobody has labelled.
        kinds: Shapes by kind.
        classes: The classes, in order.
        project_classes: Names of the project's classes, in order.
        skipped: What would be left out.
        notes: What would be kept in another form, or is worth knowing.
    """

    sources: Sources
    formats: list[tuple[str, Path]] = field(default_factory=list)
    images: int = 0
    known: int = 0
    occupied: int = 0
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
    paths: dict[Path, None] = {}
    total = sum(len(dataset.images) for _, dataset in sources.datasets)
    done = 0
    for path, dataset in sources.datasets:
        preview.formats.append((titles.get(dataset.format, _PICTURES_TITLE), path))
        counts.update(dict.fromkeys(dataset.names.values(), 0))
        _tell(preview, dataset.skipped)
        for image in dataset.images:
            paths[absolute(image.path)] = None
            preview.unlabelled += image.annotations is None
            preview.background += image.annotations is not None and not image.annotations
            for annotation in image.annotations or ():
                kinds[annotation.geometry.kind] += 1
                counts[dataset.names[annotation.class_id]] += 1
            done += 1
            if tell is not None and done % _EVERY == 0:
                tell(done, total)
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
    found = [image_id for path in paths if (image_id := store.find_image(path)) is not None]
    preview.known = len(found)
    preview.occupied = sum(record.shape_count > 0 for record in project.images(found))
