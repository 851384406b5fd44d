"""COCO panoptic: a PNG a picture whose colours number its segments, and a JSON that says what each is.

A segment's number is red + 256 * green + 65536 * blue; 0 is no segment. Every pixel has one segment at most,
so shapes that overlap are painted over one another (Kirillov et al. 2019).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.annotations import Annotation, Mask, to_box
from engine.data.annotations.attribute_names import CROWD
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
from engine.data.formats.findings import Findings, listed
from engine.data.formats.json_file import write_json
from engine.data.formats.losses import loss_sentences
from engine.data.formats.mask_index import count_losses
from engine.data.formats.mask_pictures import Painter, parse_color, read_mask, write_colors
from engine.data.formats.pictures import How, PictureFinder, PicturePlacer
from engine.data.formats.records import ClassInfo, LabelledDataset, LabelledImage, WriteReport
from engine.data.formats.told_attributes import is_on, whole
from engine.runtime.errors import DatasetError, ImageError

Progress = Callable[[int, int], None]


def is_this(path: Path) -> bool:
    """Say whether a path is a panoptic COCO file, or a folder with some."""
    return bool(find_documents(path, is_panoptic=True))


def read(path: Path, progress: Progress | None = None) -> LabelledDataset:
    """Read a panoptic file, or one a split from a folder; each segment is a mask.

    Raises:
        DatasetError: A file is no valid JSON or no COCO file.
    """
    sources = [path]
    if path.is_dir():
        sources, _ = one_a_split(find_documents(path, is_panoptic=True))
    if not sources:
        raise DatasetError("There is no panoptic COCO file in this folder.", path=path)
    dataset = LabelledDataset({})
    findings = Findings(dataset.skipped)
    for source in sources:
        _Reader(dataset, findings, read_document(source)).read(progress)
    findings.close()
    return dataset


class _Reader:
    """Adds what one file holds to a data set."""

    def __init__(self, dataset: LabelledDataset, findings: Findings, document: Document) -> None:
        self._dataset, self._findings, self._document = dataset, findings, document
        self._path = document.path
        self._categories: Categories = categories_of(
            document.categories, dataset, self._path, findings
        )
        folder = self._path.parent
        self._masks = [folder / self._path.stem, folder, folder.parent / self._path.stem]

    def read(self, progress: Progress | None) -> None:
        """Read everything; see :func:`read`."""
        split = split_of(self._path)
        finder = PictureFinder(_without_masks(picture_roots(self._path), self._path.stem))
        found = [*find_images(self._document.images, self._path, finder, self._findings, split)]
        rows = self._rows()
        for done, image in enumerate(found, start=1):
            row = rows.pop(image.number, None)
            labels = None if row is None else self._segments(row, image)
            self._dataset.images.append(
                LabelledImage(image.path, *image.frame.real_wh, split, labels, image.attributes)
            )
            if progress:
                progress(done, len(found))
        if rows:
            names = [str(number) for number in rows]
            reason = f"Annotations of images that are not there: {listed(names)}."
            self._findings.add(self._path, reason)
        for key, value in self._document.header.items():
            self._dataset.info.setdefault(key, value)

    def _rows(self) -> dict[int | None, Mapping[str, Any]]:
        """Return the annotation of each image, the first where there are several."""
        rows: dict[int | None, Mapping[str, Any]] = {}
        for index in range(len(self._document.annotations or ())):
            row = self._document.row(index)
            if not isinstance(row, Mapping) or whole(row.get("image_id")) is None:
                reason = "Expected an object with 'image_id', 'file_name' and 'segments_info'."
                self._findings.add(self._path, reason, who=f"Annotation at place {index + 1}")
                continue
            rows.setdefault(whole(row["image_id"]), row)
        return rows

    def _segments(self, row: Mapping[str, Any], image: FoundImage) -> tuple[Annotation, ...] | None:
        """Return the segments of a picture; None where its PNG cannot be read."""
        who = f"Image {image.number}"
        numbers = self._numbers(row.get("file_name"), image, who)
        if numbers is None:
            return None
        labels = []
        infos = row.get("segments_info")
        told: set[int | None] = set()
        for info in infos if isinstance(infos, list) else ():
            number = whole(info.get("id")) if isinstance(info, Mapping) else None
            class_id = self._categories.get(whole(info.get("category_id"))) if number else None
            told.add(number)
            if number is None or class_id is None:
                reason = f"A segment has no usable id and category: {str(info)[:60]}."
                self._findings.add(self._path, reason, who=who)
                continue
            inside = numbers == number
            if not inside.any():
                self._findings.add(self._path, f"Segment {number} has no pixels.", who=who)
                continue
            attributes = {CROWD: True} if is_on(info.get("iscrowd", 0)) else {}
            mask = image.frame.placed(Mask.from_array(inside))
            labels.append(Annotation(mask, class_id, None, attributes))
        if unknown := [n for n in np.unique(numbers).tolist() if n and n not in told]:
            reason = f"{len(unknown)} segments of its PNG are not in the list of segments."
            self._findings.add(self._path, reason, who=who)
        return tuple(labels)

    def _numbers(self, name: Any, image: FoundImage, who: str) -> np.ndarray | None:
        """Return the number of the segment of each pixel."""
        last = Path(name.replace("\\", "/")).name if isinstance(name, str) else ""
        paths = (folder / last for folder in self._masks)
        path = next((p for p in paths if last and len(last) < 250 and p.is_file()), None)
        if path is None:
            self._findings.add(self._path, f"Its PNG {str(name)[:60]!r} is not there.", who=who)
            return None
        try:
            array = read_mask(path)
        except ImageError as error:
            self._findings.add(path, error.message)
            return None
        wide = array.astype(np.int64)
        if array.shape[1::-1] != image.frame.drawn_wh:
            reason = (
                f"The PNG has {array.shape[1]} x {array.shape[0]} pixels, its picture another size."
            )
            self._findings.add(path, reason)
            return None
        if wide.ndim == 2:  # grey: all three channels are alike
            return wide * (1 + (1 << 8) + (1 << 16))
        return wide[..., 0] + (wide[..., 1] << 8) + (wide[..., 2] << 16)


def write(
    dataset: LabelledDataset, path: Path, progress: Progress | None = None, images: How = "copy"
) -> WriteReport:
    """Write ``annotations/panoptic_SPLIT.json``, its folder of PNGs, and ``images/SPLIT``.

    Args:
        dataset: What to write; pictures without a split go to train, unlabelled ones have no annotation.
        path: Folder, made where missing; files of the same names are replaced.
        progress: Called with (done, total).
        images: Copy the pictures, link to them, or write the labels only.

    Raises:
        OSError: The folder cannot be written.
    """
    report = WriteReport(path)
    lost: Counter[str] = Counter()
    placer = PicturePlacer(path / "images", images)
    documents: dict[str, dict[str, Any]] = {}
    ids = category_ids(dataset)
    numbers = image_ids(dataset)
    for number, image in zip(numbers, dataset.images, strict=True):
        split = image.split or "train"
        document = documents.setdefault(split, _new_document(dataset))
        name = placer.place(image.path, split)
        size = {"width": image.width, "height": image.height}
        row = {**image.attributes, "id": number, "file_name": f"images/{name}", **size}
        document["images"].append(row)
        if image.annotations is not None:
            png = Path(name).with_suffix(".png").name
            array, segments = _painted(image, ids, lost)
            write_colors(path / "annotations" / f"panoptic_{split}" / png, array)
            entry = {"image_id": number, "file_name": png, "segments_info": segments}
            document["annotations"].append(entry)
            report.annotations += len(segments)
        report.images += 1
        if progress:
            progress(number, len(dataset.images))
    for split, document in documents.items():
        write_json(path / "annotations" / f"panoptic_{split}.json", document)
    report.lost = loss_sentences(lost)
    return report


def _painted(
    image: LabelledImage, ids: dict[int, int], lost: Counter[str]
) -> tuple[np.ndarray, list[dict[str, Any]]]:
    """Return the picture of segments, (H, W, 3) uint8, and what each is."""
    painter = Painter(image.width, image.height)
    painted: list[tuple[int, Annotation]] = []
    for number, annotation in enumerate(image.annotations or (), start=1):
        if painter.paint(annotation.geometry, number):
            painted.append((number, annotation))
            told = {k: v for k, v in annotation.attributes.items() if k != CROWD}
            count_losses(annotation.geometry, annotation.score, told, lost)
        else:
            lost[f"{annotation.geometry.kind} [shape|shapes], which [covers|cover] no pixels"] += 1
    if painter.hidden:
        lost["[shape|shapes], painted over others"] += painter.hidden
    segments = []
    for number, annotation in painted:
        inside = painter.array == number
        if not inside.any():
            lost["[shape|shapes], hidden by others as a whole"] += 1
            continue
        x1, y1, x2, y2 = map(int, to_box(Mask.from_array(inside)).bounds())
        segments.append(
            {
                "id": number,
                "category_id": ids[annotation.class_id],
                "area": int(np.count_nonzero(inside)),
                "bbox": [x1, y1, x2 - x1, y2 - y1],
                "iscrowd": int(is_on(annotation.attributes.get(CROWD, False))),
            }
        )
    channels = [painter.array >> shift & 255 for shift in (0, 8, 16)]
    return np.stack(channels, axis=-1).astype(np.uint8), segments


def _new_document(dataset: LabelledDataset) -> dict[str, Any]:
    rows = category_rows(dataset, {})
    for row, index in zip(rows, dataset.names, strict=True):
        info = dataset.classes.get(index, ClassInfo())
        row["isthing"] = int(info.is_thing)
        if info.color and (color := parse_color(info.color)):
            row["color"] = list(color)
    return {
        "info": dataset.info.get("info") or {},
        "licenses": dataset.info.get("licenses") or [],
        "images": [],
        "categories": rows,
        "annotations": [],
    }


def _without_masks(roots: list[Path], stem: str) -> list[Path]:
    """Return the folders of pictures below the roots, without that of the masks, whose names are alike."""
    folders: list[Path] = []
    for root in roots:
        folders += [root / name for name in ("images", "JPEGImages", stem.partition("_")[2])]
    found = [folder for folder in folders if folder.is_dir()]
    return found or roots
