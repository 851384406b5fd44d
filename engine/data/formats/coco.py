"""COCO: one JSON a split with images, categories and objects (boxes, outlines, run lengths, keypoints, crowds).

Pictures that nobody has labelled are written as ``annotations/image_info_unlabelled.json`` without a list of
annotations, as COCO publishes its test pictures: in a split they would count as showing nothing. What COCO
has no field for (occluded, group and track, a person's own attributes) goes into ``attributes``, as other
tools write it; a rotated box is its four corners and ``attributes.rotation``. Format: Lin et al. 2014,
https://cocodataset.org/#format-data
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from engine.data.annotations import Annotation, Keypoints, Polygon, Polyline, Tag
from engine.data.formats.coco_categories import (
    Categories,
    categories_of,
    category_ids,
    category_rows,
)
from engine.data.formats.coco_document import (
    Document,
    find_documents,
    one_a_split,
    read_document,
    split_of,
)
from engine.data.formats.coco_images import FoundImage, find_images, image_ids, picture_roots
from engine.data.formats.coco_plain import PlainShape, plain_shapes
from engine.data.formats.coco_shapes import Holes, annotation_of, row_of
from engine.data.formats.findings import Findings
from engine.data.formats.json_file import write_json
from engine.data.formats.losses import loss_sentences
from engine.data.formats.packed import PackedAnnotations, packed_ring
from engine.data.formats.pictures import How, PictureFinder, PicturePlacer
from engine.data.formats.records import LabelledDataset, LabelledImage, WriteReport
from engine.data.formats.shape_checks import UnusableShapeError
from engine.data.formats.told_attributes import whole
from engine.runtime.errors import DatasetError

Progress = Callable[[int, int], None]
# Above this, annotations wait as bytes.
_MANY = 20_000
_UNLABELLED = "image_info_unlabelled"


def is_this(path: Path) -> bool:
    """Say whether a path is a COCO file, or a folder with some."""
    return bool(find_documents(path))


def read(path: Path, progress: Progress | None = None) -> LabelledDataset:
    """Read a COCO file, or one a split from a folder.

    Raises:
        DatasetError: A file is no valid JSON or no COCO file.
    """
    dataset = LabelledDataset({})
    findings = Findings(dataset.skipped)
    sources = [path]
    if path.is_dir():
        sources, others = one_a_split(find_documents(path))
        for other in others:
            reason = (
                "It speaks of a split that another file was read for. "
                "Import it by itself and add its labels to what is there."
            )
            findings.add(other, reason, "note")
    if not sources:
        raise DatasetError("There is no COCO file in this folder.", path=path)
    for source in sources:
        _Reader(dataset, findings, read_document(source), source).read(progress)
    findings.close()
    return dataset


class _Reader:
    """Adds what one file holds to a data set."""

    def __init__(
        self, dataset: LabelledDataset, findings: Findings, document: Document, path: Path
    ) -> None:
        self._dataset, self._findings = dataset, findings
        self._document, self._path = document, path
        self._is_large = len(document.annotations or ()) > _MANY
        self._categories: Categories = categories_of(document.categories, dataset, path, findings)
        self._seen: set[Any] = set()

    def read(self, progress: Progress | None) -> None:
        """Read everything; see :func:`read`."""
        split = None if self._path.stem == _UNLABELLED else split_of(self._path)
        finder = PictureFinder(picture_roots(self._path))
        told = self._document.images
        total = len(told) if isinstance(told, list) else 0
        tell = progress or _nobody
        tell(0, total)
        owned = self._owned()
        tell(0, total)
        known: set[int] = set()
        is_labelled = self._document.annotations is not None
        found = find_images(told, self._path, finder, self._findings, split)
        for done, image in enumerate(found, start=1):
            known.add(image.number)
            labels = self._labels(image, owned.get(image.number, [])) if is_labelled else None
            self._dataset.images.append(
                LabelledImage(image.path, *image.frame.real_wh, split, labels, image.attributes)
            )
            tell(done, total)
        tell(total, total)
        self._refuse_strays([n for n in owned if n not in known], owned)
        for key, value in self._document.header.items():
            self._dataset.info.setdefault(key, value)

    def _owned(self) -> dict[int | None, list[int]]:
        """Return the places of each image's annotations."""
        owned: dict[int | None, list[int]] = {}
        for index, owner in enumerate(self._document.owners()):
            owned.setdefault(whole(owner), []).append(index)
        return owned

    def _labels(
        self, image: FoundImage, indices: list[int]
    ) -> tuple[Annotation, ...] | PackedAnnotations:
        if self._is_large:
            return PackedAnnotations.of_parts(self._packed(image, indices))
        return tuple(a for a in (self._annotation(i, image) for i in indices) if a is not None)

    def _packed(self, image: FoundImage, indices: list[int]) -> list[bytes | Annotation]:
        """Return an image's annotations, the plain ones packed."""
        rows = [(self._document.annotations or [])[index] for index in indices]
        is_as_told = image.frame.drawn_wh == image.frame.real_wh
        plain = plain_shapes(rows, image.frame.real_wh) if is_as_told else [None] * len(rows)
        parts: list[bytes | Annotation | None] = [
            self._annotation(index, image)
            if shape is None or (packed := self._pack(shape)) is None
            else packed
            for index, shape in zip(indices, plain, strict=True)
        ]
        return [part for part in parts if part is not None]

    def _pack(self, shape: PlainShape) -> bytes | None:
        """Return a plain shape packed; None where its id or category needs a remark."""
        class_id = self._categories.get(shape.category)
        if class_id is None or shape.number in self._seen:
            return None
        self._seen.add(shape.number)
        return packed_ring(class_id, shape.points.tobytes())

    def _annotation(self, index: int, image: FoundImage) -> Annotation | None:
        """Return one annotation, or None where it was left out, which is noted."""
        row = self._document.row(index)
        who = _who(row, index)
        try:
            class_id = self._class_id(row, who)
            annotation, remarks = annotation_of(row, class_id, image.frame.drawn_wh)
        except UnusableShapeError as error:
            self._findings.add(self._path, str(error), who=who)
            return None
        for remark in remarks:
            self._findings.add(self._path, remark.reason, remark.kind, who=who)
        placed = image.frame.placed(annotation.geometry)
        is_same = placed is annotation.geometry
        return annotation if is_same else replace(annotation, geometry=placed)

    def _class_id(self, row: Any, who: str) -> int:
        if not isinstance(row, dict):
            raise UnusableShapeError(f"Expected an object, received {type(row).__name__}.")
        if (number := row.get("id")) is not None and isinstance(number, int | str):
            if number in self._seen:
                reason = "Its id is used more than once; all objects of that id were kept."
                self._findings.add(self._path, reason, "note", who=who)
            self._seen.add(number)
        told = row.get("category_id")
        class_id = self._categories.get(whole(told))
        if class_id is None:
            raise UnusableShapeError(
                f"Its category {_short(told)} is not in the list of categories."
            )
        return class_id

    def _refuse_strays(self, strays: list[int | None], owned: dict[int | None, list[int]]) -> None:
        """Name the annotations whose image is missing; bad fields of theirs are named too."""
        for number in strays:
            for index in owned[number]:
                row = self._document.row(index)
                owner = _short(row.get("image_id") if isinstance(row, dict) else None)
                reason = " ".join(["Its image is not there.", *self._faults(row, index)])
                self._findings.add(self._path, reason, who=f"{_who(row, index)} of image {owner}")

    def _faults(self, row: Any, index: int) -> list[str]:
        """Return what else is wrong with an annotation."""
        try:
            self._class_id(row, _who(row, index))
            return [remark.reason for remark in annotation_of(row, 0, (0, 0))[1]]
        except UnusableShapeError as error:
            return [str(error)]


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    images: How = "copy",
    holes: Holes = "rle",
) -> WriteReport:
    """Write ``annotations/instances_SPLIT.json`` and ``images/SPLIT`` below the folder ``path``.

    Args:
        dataset: What to write; pictures without a split go to train.
        path: Folder, made where missing; files of the same names are replaced.
        progress: Called with (done, total).
        images: Copy the pictures, link to them, or write the labels only.
        holes: Write polygons with holes as masks of pixels, or as one ring with bridges.

    Raises:
        OSError: The folder cannot be written.
    """
    report = WriteReport(path)
    lost: Counter[str] = Counter()
    placer = PicturePlacer(path / "images", images, by_stem=False)
    documents: dict[str, dict[str, Any]] = {}
    ids, counts = _Ids(dataset), _point_counts(dataset)
    for done, image in enumerate(dataset.images, start=1):
        folder = (image.split or "train") if image.annotations is not None else "unlabelled"
        document = documents.setdefault(folder, _new_document(dataset, folder, counts))
        number = ids.of_image()
        name = placer.place(image.path, folder)
        document["images"].append(_image_row(image, number, f"images/{name}"))
        for annotation in image.annotations or ():
            if row := _row(annotation, image, holes, lost):
                row |= ids.of_annotation(annotation, number)
                document["annotations"].append(msgspec.Raw(msgspec.json.encode(row)))
        report.images += 1
        if progress:
            progress(done, len(dataset.images))
    for folder, document in documents.items():
        stem = _UNLABELLED if folder == "unlabelled" else f"instances_{folder}"
        write_json(path / "annotations" / f"{stem}.json", document)
        report.annotations += len(document.get("annotations", ()))
    report.lost = loss_sentences(lost)
    return report


class _Ids:
    """Numbers of what is written: of images and categories those of the file that they came from."""

    def __init__(self, dataset: LabelledDataset) -> None:
        self._categories = category_ids(dataset)
        self._images = iter(image_ids(dataset))
        self._annotations = 0

    def of_image(self) -> int:
        """Return the number of the next image."""
        return next(self._images)

    def of_annotation(self, annotation: Annotation, image: int) -> dict[str, int]:
        """Return the numbers of the next annotation."""
        self._annotations += 1
        category = self._categories[annotation.class_id]
        return {"id": self._annotations, "image_id": image, "category_id": category}


def _row(
    annotation: Annotation, image: LabelledImage, holes: Holes, lost: Counter[str]
) -> dict[str, Any] | None:
    geometry = annotation.geometry
    if isinstance(geometry, (Polyline, Tag)):
        lost[f"{geometry.kind} [shape|shapes], which this format cannot hold"] += 1
        return None
    if holes == "rle" and isinstance(geometry, Polygon) and geometry.holes:
        lost[
            "[polygon with holes, written as a mask|polygons with holes, written as masks] of whole pixels"
        ] += 1
    return row_of(annotation, (image.width, image.height), holes)


def _new_document(dataset: LabelledDataset, folder: str, counts: dict[int, int]) -> dict[str, Any]:
    document: dict[str, Any] = {"info": dataset.info.get("info") or {}}
    document["licenses"] = dataset.info.get("licenses") or []
    document["images"] = []
    document["categories"] = category_rows(dataset, counts)
    if folder != "unlabelled":
        document["annotations"] = []
    return document


def _image_row(image: LabelledImage, number: int, name: str) -> dict[str, Any]:
    size = {"file_name": name, "width": image.width, "height": image.height}
    return {**image.attributes, "id": number, **size}


def _point_counts(dataset: LabelledDataset) -> dict[int, int]:
    """Return the keypoints that an object of each class has, for classes with any."""
    counts: dict[int, int] = {}
    for image in dataset.images:
        for annotation in image.annotations or ():
            if isinstance(annotation.geometry, Keypoints):
                counts.setdefault(annotation.class_id, len(annotation.geometry.points))
    return counts


def _nobody(_done: int, _total: int) -> None:
    """Stand in for whoever wants to hear of the progress."""


def _who(row: Any, index: int) -> str:
    """Return how to call an annotation: by its id, else by its place."""
    number = row.get("id") if isinstance(row, dict) else None
    return (
        f"Annotation {_short(number)}" if number is not None else f"Annotation at place {index + 1}"
    )


def _short(value: Any) -> str:
    text = "null" if value is None else repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
