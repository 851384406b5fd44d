"""A project's labels into the field's formats, through the engine's writers."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from engine.data.annotations import Annotation
from engine.data.formats import ClassInfo, LabelledDataset, LabelledImage, write
from engine.data.formats.packed import PackedAnnotations
from studio.language import ntr, tr
from studio.model.errors import StorageError
from studio.model.keypoint_scheme import KeypointScheme, scheme_from_dict
from studio.model.project import Project
from studio.model.provenance import told_attributes
from studio.model.records import SPLITS, ClassDef, ImageRecord
from studio.storage.emptied import EMPTIED, Emptied, emptied_images
from studio.storage.image_index import read_sizes, store_of
from studio.storage.project_files import absolute
from studio.storage.splits import SplitRule, assign_splits
from studio.storage.told_numbers import NUMBERED, class_numbers, image_numbers

Progress = Callable[[int, int], None]
# Formats that are trained from: in these every image needs a split.
_DIVIDED = ("yolo", "yolo_classify")
# Formats that tell what a model proposes from what people have accepted.
_PREDICTING = ("labelstudio",)


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
    image_ids: Collection[int] | None = None,
    class_ids: Collection[int] | None = None,
    emptied: Emptied = "leave_out",
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
        image_ids: Only these images; None: all.
        class_ids: Only shapes of these classes; None: all.
        emptied: What becomes of images that show only other classes: they are left out (``leave_out``), or written as
            images that are known to show nothing (``background``).
        options: Passed to the format's writer.

    Raises:
        StorageError: The folder is not empty, or there is nothing to write.
        DatasetError: The folder cannot be written, or the format has no such option.
    """
    start = time.perf_counter()
    out = absolute(out)
    _check_folder(out, overwrite)
    unknown = set(splits) - set(SPLITS)
    if unknown:
        raise StorageError(
            tr("Expected splits among {splits}, received {unknown}.").format(
                splits=", ".join(SPLITS), unknown=", ".join(sorted(unknown))
            )
        )
    if emptied not in EMPTIED:
        raise StorageError(
            tr("Expected {expected}, received {received!r}.").format(
                expected=", ".join(EMPTIED), received=emptied
            )
        )
    divide = bool(splits) or format in _DIVIDED
    predictions = format in _PREDICTING
    dataset, left_out = labelled_dataset(
        project, splits, image_ids, class_ids, divide, predictions, emptied
    )
    if not dataset.images:
        raise StorageError(
            tr("there is no image to export."),
            path=project.folder,
            remedy=tr("Add images, or choose other splits."),
        )
    if format in NUMBERED:
        _number(dataset, project, class_ids)
    written = write(dataset, out, format, progress, **options)
    seconds = time.perf_counter() - start
    return ExportReport(
        written.path, written.images, written.annotations, left_out + written.lost, seconds
    )


def _number(dataset: LabelledDataset, project: Project, class_ids: Collection[int] | None) -> None:
    """Give images and classes the numbers that a file gave them once."""
    store = store_of(project)
    by_path = {record.path: record.id for record in project.images(project.image_ids())}
    images, classes = image_numbers(store), class_numbers(store)
    for place, image in enumerate(dataset.images):
        number = images.get(by_path[image.path])
        if number is not None:
            dataset.images[place] = replace(image, attributes={**image.attributes, "id": number})
    wanted = [c for c in project.classes() if class_ids is None or c.id in class_ids]
    for place, cls in enumerate(wanted):
        dataset.classes[place] = replace(dataset.classes[place], number=classes.get(cls.id))


def labelled_dataset(
    project: Project,
    splits: Collection[str] = (),
    image_ids: Collection[int] | None = None,
    class_ids: Collection[int] | None = None,
    divide: bool = True,
    predictions: bool = False,
    emptied: Emptied = "leave_out",
) -> tuple[LabelledDataset, list[str]]:
    """Return the project as the engine's dataset, and sentences about what is left out.

    The classes are numbered by their order.

    Args:
        project: What to return.
        splits: Only images of these splits; empty: everything.
        image_ids: Only these images; None: all.
        class_ids: Only shapes of these classes; None: all.
        divide: Give images without a split the one that a dataset version would give.
        predictions: Take the suggestions that wait along, as what they are.
        emptied: What becomes of images that show only other classes; see :func:`export_dataset`.
    """
    classes = [c for c in project.classes() if class_ids is None or c.id in class_ids]
    index = {cls.id: position for position, cls in enumerate(classes)}
    dataset = LabelledDataset({position: cls.name for position, cls in enumerate(classes)})
    names = {cls.id: cls.name for cls in classes}
    dataset.classes = {index[cls.id]: _class_info(cls, names) for cls in classes}
    dataset.keypoints = _keypoints(project)
    records, left_out = usable_images(project, image_ids)
    bare = emptied_images(project, class_ids)
    gone = bare if emptied == "leave_out" else set()
    labelled = [
        record
        for record in records
        if record.status in ("labelled", "background") and record.id not in gone
    ]
    assigned: Mapping[int, str | None] = {record.id: record.split for record in labelled}
    if divide:
        assigned = assign_splits(labelled, store_of(project).rels(), SplitRule())
    shapes = images = 0
    for record in records:
        is_gone = record.id in gone
        split = record.split if is_gone else assigned.get(record.id)
        if splits and split not in splits:
            continue
        ghosts = predictions and record.suggestion_count
        proposed = suggestions_of(project, record, index) if ghosts else ()
        if is_gone:
            shapes += record.shape_count
        if is_gone and not proposed:
            images += 1
            continue
        annotations: PackedAnnotations | None = None
        if record.id in assigned:
            annotations = PackedAnnotations(annotations_of(project, record, index))
            shapes += record.shape_count - len(annotations)
            images += record.id in bare
        image = LabelledImage(record.path, record.width, record.height, split, annotations)
        dataset.images.append(replace(image, predictions=proposed) if ghosts else image)
    return dataset, [*left_out, *_dropped_words(shapes, images, emptied)]


def _dropped_words(shapes: int, images: int, emptied: Emptied) -> list[str]:
    """Return what is said of shapes of other classes, and of the images that show nothing else."""
    words = []
    if shapes:
        said = ntr(
            "{count:,} shape of other classes, left out",
            "{count:,} shapes of other classes, left out",
            shapes,
        )
        words.append(said.format(count=shapes))
    if images and emptied == "leave_out":
        said = ntr(
            "{count:,} image that shows only other classes, left out",
            "{count:,} images that show only other classes, left out",
            images,
        )
        words.append(said.format(count=images))
    elif images:
        said = ntr(
            "{count:,} image that shows only other classes, written as background",
            "{count:,} images that show only other classes, written as background",
            images,
        )
        words.append(said.format(count=images))
    return words


def usable_images(
    project: Project, image_ids: Collection[int] | None = None
) -> tuple[list[ImageRecord], list[str]]:
    """Return the images whose file is there and can be read, with their size, and what is left out."""
    usable, damaged, missing, after = [], 0, 0, 0
    while not project.read_only and (after := read_sizes(project, after=after)):
        pass
    wanted = project.image_ids()
    if image_ids is not None:
        chosen = set(image_ids)
        wanted = [image_id for image_id in wanted if image_id in chosen]
    for record in project.images(wanted):
        if not record.path.is_file():
            missing += 1
        elif (measured := project.image(record.id)).status == "damaged":
            damaged += 1
        else:
            usable.append(measured)
    said = []
    if damaged:
        said.append(
            ntr(
                "{count:,} image whose file cannot be read, left out",
                "{count:,} images whose files cannot be read, left out",
                damaged,
            ).format(count=damaged)
        )
    if missing:
        said.append(
            ntr(
                "{count:,} image whose file is missing, left out",
                "{count:,} images whose files are missing, left out",
                missing,
            ).format(count=missing)
        )
    return usable, said


def annotations_of(
    project: Project, record: ImageRecord, index: dict[int, int]
) -> tuple[Annotation, ...]:
    """Return the shapes of an image, of the classes in ``index``, with their place there as class."""
    return tuple(
        Annotation(shape.geometry, index[shape.class_id], shape.score, told_attributes(shape))
        for shape in project.shapes(record.id)
        if shape.class_id in index
    )


def suggestions_of(
    project: Project, record: ImageRecord, index: dict[int, int]
) -> tuple[Annotation, ...]:
    """Return the suggestions that wait on an image, of the classes in ``index``, with their place there as class."""
    return tuple(
        Annotation(shape.geometry, index[shape.class_id], shape.score, told_attributes(shape))
        for shape in project.suggestions(record.id)
        if shape.class_id in index
    )


def _class_info(cls: ClassDef, names: Mapping[int, str]) -> ClassInfo:
    """Return what formats may keep of a class."""
    scheme = cls.keypoints or KeypointScheme(1)
    return ClassInfo(
        supercategory=names.get(cls.parent, "") if cls.parent is not None else "",
        color=cls.color,
        keypoints=scheme.names,
        skeleton=scheme.skeleton if scheme.names else (),
        flip=scheme.mirrored,
        attributes=tuple(attribute.to_dict() for attribute in cls.attributes),
    )


def _keypoints(project: Project) -> dict[str, Any]:
    """Return the project's own keypoints as a data.yaml has them."""
    said = store_of(project).get("keypoints")
    if not said:
        return {}
    scheme = scheme_from_dict(said)
    known: dict[str, Any] = {"kpt_shape": [scheme.count, 3]}
    if scheme.mirrored:
        known["flip_idx"] = list(scheme.mirrored)
    if scheme.names:
        known["kpt_names"] = {
            position: list(scheme.names) for position, _ in enumerate(project.classes())
        }
    return known


def _check_folder(out: Path, overwrite: bool) -> None:
    if out.exists() and not out.is_dir():
        raise StorageError(
            tr("a file is in the way."), path=out, remedy=tr("Choose another folder.")
        )
    if not overwrite and out.is_dir() and any(out.iterdir()):
        raise StorageError(
            tr("the folder is not empty, and files in it could be replaced."),
            path=out,
            remedy=tr("Choose a new folder, or ask to overwrite."),
        )
