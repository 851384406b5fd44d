"""Datumaro JSON: ``annotations/SPLIT.json`` with categories and items, pictures under ``images/SPLIT``."""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.annotations import (
    Annotation,
    Box,
    Geometry,
    Keypoints,
    Mask,
    OrientedBox,
    Polygon,
    Polyline,
    Tag,
)
from engine.data.annotations.attribute_names import CROWD, GROUP_ID
from engine.data.formats.bridges import bridged, unbridged
from engine.data.formats.collecting import framed, split_of, usable
from engine.data.formats.ellipses import ellipse_polygon
from engine.data.formats.findings import Findings
from engine.data.formats.frames import Frame
from engine.data.formats.json_file import read_json
from engine.data.formats.losses import loss_sentences
from engine.data.formats.pictures import How, PictureFinder, PicturePlacer
from engine.data.formats.records import ClassInfo, LabelledDataset, LabelledImage, WriteReport
from engine.data.formats.shape_checks import UnusableShapeError, finite
from engine.data.image_headers import MAX_PIXELS
from engine.ops.run_lengths import format_run_lengths, run_lengths
from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic

Progress = Callable[[int, int], None]
_HEAD_BYTES = 1 << 16
_CATEGORIES = re.compile(
    r'"categories"\s*:\s*\{\s*("(label|points|mask)"\s*:\s*\{|\}\s*,\s*"items")'
)
_SPLITS = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_UNLABELLED = "unlabelled"
_CROWD = "is_crowd"
_SCORE = "score"
Values = Mapping[str, Any]


def is_this(path: Path) -> bool:
    """Say whether a JSON file, or those of a folder's ``annotations``, are of this format."""
    if path.is_dir():
        return bool(_files(path))
    return path.suffix.lower() == ".json" and _is_document(path)


def read(path: Path, progress: Progress | None = None) -> LabelledDataset:
    """Read one JSON file, or all of a folder's ``annotations``, which must agree about the classes' names.

    Raises:
        DatasetError: There is none, or it cannot be used.
    """
    files = [path] if path.is_file() else _files(path)
    if not files:
        raise DatasetError("There is no annotations/*.json of this format here.", path=path)
    dataset = LabelledDataset({})
    findings = Findings(dataset.skipped)
    root = _root_of(files[0])
    finder = PictureFinder([root])
    for file in files:
        document = read_json(file)
        if not isinstance(document, dict) or not isinstance(document.get("items"), list):
            raise DatasetError("It has no list of items.", path=file)
        numbers = _take_categories(document.get("categories"), dataset, findings, file)
        if isinstance(document.get("info"), dict) and document["info"]:
            dataset.info["info"] = document["info"]
        items = document["items"]
        for done, item in enumerate(items, start=1):
            image = _read_item(item, done, file, root, finder, numbers, findings)
            if image is not None:
                dataset.images.append(image)
            if progress:
                progress(done, len(items))
    findings.close()
    return dataset


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    images: How = "copy",
) -> WriteReport:
    """Write ``annotations/SPLIT.json`` and ``images/SPLIT`` below the folder ``path``; "default" is no split.

    Args:
        dataset: What to write.
        path: Folder, made where missing.
        progress: Called with (done, total).
        images: Copy the pictures, link to them, or write labels only.

    Raises:
        OSError: The folder cannot be written.
    """
    report = WriteReport(path)
    lost: Counter[str] = Counter()
    indices = sorted(dataset.names)
    numbers = {index: position for position, index in enumerate(indices)}
    documents: dict[str, list[dict[str, Any]]] = {}
    placer = PicturePlacer(path / "images", images)
    for done, image in enumerate(dataset.images, start=1):
        subset = image.split or "default"
        name = placer.place(image.path, subset).removeprefix(f"{subset}/")
        facts = dict(image.attributes)
        if image.annotations is None:
            facts[_UNLABELLED] = True
        found = [
            _entry(a, numbers, position, lost) for position, a in enumerate(image.annotations or ())
        ]
        item = {
            "id": name.rpartition(".")[0] or name,
            "annotations": [entry for entry in found if entry is not None],
            "attr": facts,
            "image": {"path": name, "size": [image.height, image.width]},
        }
        documents.setdefault(subset, []).append(item)
        report.images += 1
        report.annotations += len(item["annotations"])
        if progress:
            progress(done, len(dataset.images))
    head = {"info": dataset.info.get("info", {}), "categories": _categories(dataset, indices)}
    for subset, items in documents.items():
        text = json.dumps({**head, "items": items}, ensure_ascii=False, separators=(",", ":"))
        write_atomic(path / "annotations" / f"{subset}.json", text)
    report.lost = loss_sentences(lost)
    return report


def _take_categories(
    given: Any, dataset: LabelledDataset, findings: Findings, file: Path
) -> dict[int, int]:
    """Add a document's classes to the data set; return the data set's index by the document's number."""
    categories = given if isinstance(given, dict) else {}
    label = categories.get("label")
    labels = label.get("labels") if isinstance(label, dict) else None
    known = {name: index for index, name in dataset.names.items()}
    numbers: dict[int, int] = {}
    for number, entry in enumerate(labels if isinstance(labels, list) else []):
        name = entry.get("name") if isinstance(entry, dict) else None
        if not isinstance(name, str) or not name:
            findings.add(file, "A class has no name.", who=f"Class {number}")
            name = f"class {number}"
        index = known.setdefault(name, len(known))
        numbers[number] = index
        dataset.names[index] = name
        parent = str(entry.get("parent") or "") if isinstance(entry, dict) else ""
        dataset.classes[index] = ClassInfo(supercategory=parent, **_points(categories, number))
    return numbers


def _points(categories: Values, number: int) -> dict[str, Any]:
    """Return names and skeleton of the keypoints of a class."""
    points = categories.get("points")
    items = points.get("items") if isinstance(points, dict) else None
    for item in items if isinstance(items, list) else []:
        if isinstance(item, dict) and item.get("label_id") == number:
            names, joints = item.get("labels") or [], item.get("joints") or []
            if not isinstance(names, list) or not isinstance(joints, list):
                continue
            joined = [j for j in joints if isinstance(j, list) and len(j) == 2]
            pairs = [(a, b) for a, b in joined if type(a) is int and type(b) is int]
            first = 0 if any(0 in pair for pair in pairs) else 1
            skeleton = tuple((a - first, b - first) for a, b in pairs)
            return {"keypoints": tuple(map(str, names)), "skeleton": skeleton}
    return {}


def _read_item(
    item: Any,
    position: int,
    file: Path,
    root: Path,
    finder: PictureFinder,
    numbers: dict[int, int],
    findings: Findings,
) -> LabelledImage | None:
    who = f"Item {item.get('id', position) if isinstance(item, dict) else position}"[:100]
    if not isinstance(item, dict):
        findings.add(file, "Expected an item as an object.", who=who)
        return None
    split = _SPLITS.get(file.stem.lower())
    image = item.get("image") if isinstance(item.get("image"), dict) else {}
    name = str(image.get("path") or item.get("id") or "")  # type: ignore[union-attr]
    picture = finder.find(f"images/{file.stem}/{name}") or finder.find(name)
    picture = picture or finder.find_stem(str(item.get("id") or name))
    if picture is None:
        reason = f"Its picture {name[:80]!r} is not there, or several of that name are."
        findings.add(file, reason, who=who)
        return None
    size = image.get("size")  # type: ignore[union-attr]
    is_size = isinstance(size, list) and len(size) == 2 and all(type(v) is int for v in size)
    told = (size[1], size[0]) if is_size else (0, 0)  # type: ignore[index]
    frame = framed(picture, told, findings, file)
    if frame is None:
        return None
    facts = dict(item["attr"]) if isinstance(item.get("attr"), dict) else {}
    is_unlabelled = facts.pop(_UNLABELLED, False) is True
    entries = item.get("annotations")
    found = []
    for number, entry in enumerate(entries if isinstance(entries, list) else []):
        said = entry.get("id", number) if isinstance(entry, dict) else number
        annotation = _annotation(entry, frame, numbers, findings, file, f"{who}, annotation {said}")
        if annotation is not None:
            found.append(annotation)
    labels = None if is_unlabelled and not found else tuple(found)
    return LabelledImage(picture, *frame.real_wh, split or split_of(picture, root), labels, facts)


def _annotation(
    entry: Any, frame: Frame, numbers: dict[int, int], findings: Findings, file: Path, who: str
) -> Annotation | None:
    try:
        if not isinstance(entry, dict):
            raise UnusableShapeError("Expected an annotation as an object.")
        build = _BUILDERS.get(str(entry.get("type")))
        if build is None:
            raise UnusableShapeError(
                f"Shapes of the type {str(entry.get('type'))[:40]!r} are unknown."
            )
        label = entry.get("label_id")
        if type(label) is not int or label not in numbers:
            raise UnusableShapeError(f"There is no class {str(label)[:20]}.")
        geometry = build(entry)
    except UnusableShapeError as error:
        findings.add(file, str(error), who=who)
        return None
    except (KeyError, TypeError, ValueError) as error:
        findings.add(file, f"A value is missing or of another kind: {str(error)[:80]}.", who=who)
        return None
    placed = usable(geometry, frame, findings, file, who)
    if placed is None:
        return None
    given = entry.get("attributes")
    attributes = dict(given) if isinstance(given, dict) else {}
    if attributes.pop(_CROWD, False):
        attributes[CROWD] = True
    score = attributes.get(_SCORE)
    is_score = isinstance(score, (int, float)) and not isinstance(score, bool) and 0 <= score <= 1
    if is_score:
        attributes.pop(_SCORE)
    group = entry.get("group")
    if type(group) is int and group:
        attributes[GROUP_ID] = group
    return Annotation(placed, numbers[label], float(score) if is_score else None, attributes)  # type: ignore[arg-type]


def _entry(
    annotation: Annotation, numbers: dict[int, int], position: int, lost: Counter[str]
) -> dict[str, Any] | None:
    """Return an annotation as the format has it."""
    attributes = dict(annotation.attributes)
    if annotation.score is not None:
        attributes[_SCORE] = annotation.score
    if attributes.pop(CROWD, False):
        attributes[_CROWD] = True
    group = attributes.get(GROUP_ID)
    is_group = type(group) is int and group != 0
    if is_group:
        attributes.pop(GROUP_ID)
    if isinstance(annotation.geometry, Mask) and not annotation.geometry.area():
        lost["empty [mask|masks]"] += 1
        return None
    return {
        "id": position,
        "group": group if is_group else 0,
        "label_id": numbers[annotation.class_id],
        "z_order": position,
        "attributes": attributes,
        **_shape(annotation.geometry),
    }


def _shape(geometry: Geometry) -> dict[str, Any]:
    if isinstance(geometry, Tag):
        return {"type": "label"}
    if isinstance(geometry, Box):
        x1, y1, x2, y2 = geometry.bounds()
        return {"type": "bbox", "bbox": [x1, y1, x2 - x1, y2 - y1]}
    if isinstance(geometry, OrientedBox):
        turned = math.degrees(geometry.angle_rad)
        box = [geometry.cx, geometry.cy, geometry.w, geometry.h, turned]
        return {"type": "rotated_bbox", "rotated_bbox": box}
    if isinstance(geometry, Mask):
        counts = format_run_lengths(np.array(geometry.counts))
        return {
            "type": "mask",
            "rle": {"counts": counts, "size": [geometry.height, geometry.width]},
        }
    if isinstance(geometry, Polygon):
        ring = bridged([geometry]) if geometry.holes else np.array(geometry.exterior)
        return {"type": "polygon", "points": ring.ravel().tolist()}
    flat = [value for point in geometry.points for value in point]
    if isinstance(geometry, Polyline):
        return {"type": "polyline", "points": flat}
    return {"type": "points", "points": flat, "visibility": list(geometry.visibility)}


def _categories(dataset: LabelledDataset, indices: list[int]) -> dict[str, Any]:
    labels, points = [], []
    for position, index in enumerate(indices):
        info = dataset.classes.get(index, ClassInfo())
        parent = info.supercategory
        labels.append({"name": dataset.names[index], "parent": parent, "attributes": []})
        if info.keypoints:
            joints = [[a + 1, b + 1] for a, b in info.skeleton]
            points.append({"label_id": position, "labels": [*info.keypoints], "joints": joints})
    categories: dict[str, Any] = {"label": {"labels": labels, "attributes": []}}
    return categories | ({"points": {"attributes": [], "items": points}} if points else {})


def _pairs(values: Any) -> tuple[tuple[float, float], ...]:
    if not isinstance(values, list) or len(values) % 2:
        raise UnusableShapeError("Expected an even number of coordinates.")
    numbers = [finite(value) for value in values]
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def _box(entry: Values) -> Geometry:
    x, y, w, h = (finite(value) for value in entry["bbox"])
    return Box(x, y, x + w, y + h)


def _rotated(entry: Values) -> Geometry:
    cx, cy, w, h, turned = (finite(value) for value in entry["rotated_bbox"])
    return OrientedBox(cx, cy, w, h, math.radians(turned))


def _polygon(entry: Values) -> Geometry:
    points = _pairs(entry["points"])
    return unbridged(np.array(points)) if len(points) > 8 else Polygon(points)


def _polyline(entry: Values) -> Geometry:
    return Polyline(_pairs(entry["points"]))


def _keypoints(entry: Values) -> Geometry:
    points = _pairs(entry["points"])
    given = entry.get("visibility")
    visibility = (
        given if isinstance(given, list) and len(given) == len(points) else [2] * len(points)
    )
    if not all(type(value) is int and value in (0, 1, 2) for value in visibility):
        raise UnusableShapeError("The visibility of a keypoint must be 0, 1 or 2.")
    return Keypoints(points, tuple(visibility))


def _ellipse(entry: Values) -> Geometry:
    x1, y1, x2, y2 = (finite(value) for value in entry["points"])
    return ellipse_polygon((x1 + x2) / 2, (y1 + y2) / 2, abs(x2 - x1) / 2, abs(y2 - y1) / 2)


def _mask(entry: Values) -> Geometry:
    rle = entry["rle"]
    height, width = rle["size"]
    if type(height) is not int or type(width) is not int or not 0 < height * width <= MAX_PIXELS:
        raise UnusableShapeError(f"A mask of {str(rle['size'])[:40]} is refused.")
    counts = rle["counts"]
    if isinstance(counts, str):
        counts = run_lengths(counts.encode("utf-8", "replace")).tolist()
    if not isinstance(counts, list) or not all(type(count) is int for count in counts):
        raise UnusableShapeError("Expected run lengths as whole numbers or as text.")
    try:
        return Mask(tuple(counts), height, width)
    except ValueError as error:
        raise UnusableShapeError(f"The mask cannot be read: {error}.") from error


def _tag(_entry: Values) -> Geometry:
    return Tag()


_BUILDERS: dict[str, Callable[[Values], Geometry]] = {
    "label": _tag,
    "bbox": _box,
    "rotated_bbox": _rotated,
    "polygon": _polygon,
    "polyline": _polyline,
    "points": _keypoints,
    "ellipse": _ellipse,
    "mask": _mask,
}


def _files(folder: Path) -> list[Path]:
    """Return the documents of a folder or of its ``annotations``."""
    found = sorted([*folder.glob("*.json"), *(folder / "annotations").glob("*.json")])
    return [file for file in found if _is_document(file)]


def _is_document(file: Path) -> bool:
    """Tell by the beginning of a file: categories are an object here, in COCO a list."""
    with file.open("rb") as opened:
        head = opened.read(_HEAD_BYTES).decode("utf-8", "replace").lstrip("\ufeff \t\r\n")
    return head.startswith("{") and _CATEGORIES.search(head) is not None


def _root_of(file: Path) -> Path:
    return file.parent.parent if file.parent.name == "annotations" else file.parent
