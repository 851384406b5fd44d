"""A project's labels into the field's formats, through the engine's writers."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.data.annotations import Annotation
from engine.data.formats import LabelledDataset, LabelledImage, write
from studio.model.errors import StorageError
from studio.model.project import Project
from studio.model.records import SPLITS, ImageRecord
from studio.storage.image_index import read_sizes, store_of
from studio.storage.project_files import absolute
from studio.storage.splits import SplitRule, assign_splits

Progress = Callable[[int, int], None]


@dataclass
class ExportReport:
    """What an export wrote.

    Attributes:
        path: The file to open the written dataset with.
        images: Images written.
        annotations: Shapes written.
        lost: What the format could not hold and what was left out, one sentence each.
        seconds: How long it took.
    """

    path: Path
    images: int = 0
    annotations: int = 0
    lost: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "path": str(self.path),
            "images": self.images,
            "annotations": self.annotations,
            "lost": self.lost,
            "seconds": round(self.seconds, 3),
        }


def export_dataset(
    project: Project,
    out: str | Path,
    format: str = "yolo",
    splits: Collection[str] = (),
    overwrite: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> ExportReport:
    """Write the project as a dataset below the folder ``out``.

    Args:
        project: What to write.
        out: The folder, new or empty unless ``overwrite``.
        format: Name of the format.
        splits: Only images of these splits, unlabelled ones left out; empty: everything.
        overwrite: Write into a folder that holds other files.
        progress: Called with (done, total) images; an exception it raises cancels.
        options: Passed to the format's writer.

    Raises:
        StorageError: The folder is not empty, or there is nothing to write.
        DatasetError: The folder cannot be written.
    """
    start = time.perf_counter()
    out = absolute(out)
    _check_folder(out, overwrite)
    unknown = set(splits) - set(SPLITS)
    if unknown:
        raise StorageError(
            f"Expected splits among {', '.join(SPLITS)}, received {', '.join(sorted(unknown))}."
        )
    dataset, left_out = labelled_dataset(project, splits)
    if not dataset.images:
        raise StorageError(
            "there is no image to export.",
            path=project.folder,
            remedy="Add images, or choose other splits.",
        )
    written = write(dataset, out, format, progress, **options)
    seconds = time.perf_counter() - start
    return ExportReport(
        written.path, written.images, written.annotations, left_out + written.lost, seconds
    )


def labelled_dataset(
    project: Project, splits: Collection[str] = ()
) -> tuple[LabelledDataset, list[str]]:
    """Return the project as the engine's dataset, and sentences about the images that are left out.

    The classes are numbered by their order. Images without a split get the one that a dataset
    version would give.
    """
    classes = project.classes()
    index = {cls.id: position for position, cls in enumerate(classes)}
    dataset = LabelledDataset({position: cls.name for position, cls in enumerate(classes)})
    records, left_out = usable_images(project)
    labelled = [record for record in records if record.status in ("labelled", "background")]
    assigned = assign_splits(labelled, store_of(project).rels(), SplitRule())
    for record in records:
        split = assigned.get(record.id)
        if splits and split not in splits:
            continue
        annotations = None if split is None else annotations_of(project, record, index)
        dataset.images.append(
            LabelledImage(record.path, record.width, record.height, split, annotations)
        )
    return dataset, left_out


def usable_images(project: Project) -> tuple[list[ImageRecord], list[str]]:
    """Return the images whose file is there and can be read, with their size, and what is left out."""
    usable, damaged, missing, after = [], 0, 0, 0
    while not project.read_only and (after := read_sizes(project, after=after)):
        pass
    for record in project.images(project.image_ids()):
        if not record.path.is_file():
            missing += 1
        elif (measured := project.image(record.id)).status == "damaged":
            damaged += 1
        else:
            usable.append(measured)
    counts = {"cannot be read": damaged, "is missing": missing}
    left_out = [
        f"{count} image(s) whose file {what}, left out" for what, count in counts.items() if count
    ]
    return usable, left_out


def annotations_of(
    project: Project, record: ImageRecord, index: dict[int, int]
) -> tuple[Annotation, ...]:
    """Return the shapes of an image as annotations whose class is its place in the class list."""
    return tuple(
        Annotation(shape.geometry, index[shape.class_id], shape.score, shape.attributes)
        for shape in project.shapes(record.id)
    )


def _check_folder(out: Path, overwrite: bool) -> None:
    if out.exists() and not out.is_dir():
        raise StorageError("a file is in the way.", path=out, remedy="Choose another folder.")
    if not overwrite and out.is_dir() and any(out.iterdir()):
        raise StorageError(
            "the folder is not empty, and files in it could be replaced.",
            path=out,
            remedy="Choose a new folder, or ask to overwrite.",
        )
