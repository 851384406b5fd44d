"""COCO's JSON to label text: one .txt a picture, for boxes, outlines or keypoints. Pictures are not needed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from engine.data.annotations import Annotation, Box, Keypoints
from engine.data.coco_classes import coco91_to_coco80_class
from engine.data.formats.coco_document import Document, find_documents, read_document
from engine.data.formats.coco_shapes import annotation_of
from engine.data.formats.shape_checks import UnusableShapeError
from engine.data.formats.told_attributes import is_on, whole
from engine.data.formats.yolo_lines import format_row, geometry_values
from engine.runtime.errors import DatasetError
from engine.runtime.log import LOGGER
from engine.runtime.paths import increment_path, write_atomic

_PREFIXES = ("instances_", "person_keypoints_")
# Of these fields of an annotation one kind of labels is made.
_FIELDS = {"detect": ("bbox",), "segment": ("bbox", "segmentation"), "pose": ("bbox",)}


def convert_coco(
    labels_dir: str | Path = "../coco/annotations/",
    save_dir: str | Path = "coco_converted/",
    use_segments: bool = False,
    use_keypoints: bool = False,
    cls91to80: bool = True,
) -> Path:
    """Write label text for COCO's JSON files, each into ``labels/NAME`` below a new folder.

    ``instances_train2017.json`` goes into ``labels/train2017``. Crowds are left out, as trainings of the field
    leave them out; what cannot be read is left out and counted in the log.

    Args:
        labels_dir: Folder of JSON files, or one of them.
        save_dir: Folder to make; where it exists ``save_dir2`` and so on is made.
        use_segments: Write outlines, the parts of an object joined; objects without one get their box.
        use_keypoints: Write boxes with keypoints; objects without any are left out.
        cls91to80: Take ids 1 to 90 for COCO's own and write its classes 0 to 79. Else ids become classes by
            taking 1 away, or as they are where one of them is 0.

    Returns:
        The folder that was made.

    Raises:
        DatasetError: There are no files, one is no COCO file, or an id is none of COCO's own.
    """
    if use_segments and use_keypoints:
        raise DatasetError(
            "a label line holds an outline or keypoints, not both.",
            remedy="Give use_segments or use_keypoints.",
        )
    files = find_documents(Path(labels_dir).expanduser())
    if not files:
        raise DatasetError("There is no COCO file.", path=labels_dir, remedy="Correct the path.")
    task = "segment" if use_segments else "pose" if use_keypoints else "detect"
    documents = [(file, read_document(file)) for file in files]
    tables = [_class_table(document, cls91to80) for _, document in documents]
    folder = increment_path(Path(save_dir).expanduser(), mkdir=True)
    (folder / "images").mkdir()
    for (file, document), classes in zip(documents, tables, strict=True):
        _convert(document, folder / "labels" / _split_name(file), classes, task)
    LOGGER.info("COCO's labels are in %s; put the pictures into its folder 'images'.", folder)
    return folder


def _convert(document: Document, folder: Path, classes: Mapping[int, int], task: str) -> None:
    """Write the labels of one file."""
    if document.annotations is None:
        LOGGER.warning("%s: it has no annotations and is left out.", document.path)
        return
    left_out: Counter[str] = Counter()
    lines = _lines(document, classes, task, left_out)
    folder.mkdir(parents=True)
    for name, rows in lines.items():
        write_atomic(folder / name, "".join(f"{row}\n" for row in dict.fromkeys(rows)))
    objects = sum(map(len, lines.values()))
    LOGGER.info("%s: %d objects of %d pictures.", document.path, objects, len(lines))
    for reason, count in left_out.most_common(10):
        LOGGER.warning("%s: %d left out: %s", document.path, count, reason)


def _lines(
    document: Document, classes: Mapping[int, int], task: str, left_out: Counter[str]
) -> dict[str, list[str]]:
    """Return the label lines by name of their file; pictures that show nothing have none."""
    pictures: dict[int, tuple[str, tuple[int, int]]] = {}
    lines: dict[str, list[str]] = {}
    for row in document.images if isinstance(document.images, list) else ():
        picture = _picture(row)
        if picture is None:
            left_out["pictures without id, name or size"] += 1
            continue
        number, name, size = picture
        pictures[number] = (name, size)
        lines.setdefault(name, [])
    for index, owner in enumerate(document.owners()):
        found = pictures.get(whole(owner) or 0) if whole(owner) is not None else None
        if found is None:
            left_out["objects whose picture is not in the file"] += 1
            continue
        try:
            line = _line(document.row(index), found[1], classes, task)
        except UnusableShapeError as error:
            left_out[str(error)] += 1
            continue
        lines[found[0]].append(line)
    return lines


def _line(row: Any, size_wh: tuple[int, int], classes: Mapping[int, int], task: str) -> str:
    """Return the label line of an object.

    Raises:
        UnusableShapeError: It has none, and why.
    """
    if not isinstance(row, Mapping):
        raise UnusableShapeError("Expected an object.")
    if is_on(row.get("iscrowd", 0)):
        raise UnusableShapeError("Crowds.")
    number = whole(row.get("category_id"))
    if number is None or number not in classes:
        raise UnusableShapeError(f"Its category {number} is not in the list of categories.")
    class_id = classes[number]
    told = {field: row.get(field) for field in _FIELDS[task]}
    values = geometry_values(annotation_of(told, class_id, size_wh)[0].geometry, *size_wh, task)
    if task == "pose":
        values = _with_keypoints(row, class_id, size_wh)
    if values is None:
        raise UnusableShapeError("It has no area.")
    return format_row(class_id, values)


def _with_keypoints(row: Mapping[str, Any], class_id: int, size_wh: tuple[int, int]) -> np.ndarray:
    """Return the box and, as fractions with their visibility, the keypoints."""
    told = {"bbox": row.get("bbox"), "keypoints": row.get("keypoints")}
    points = annotation_of(told, class_id, size_wh)[0]
    if not isinstance(points.geometry, Keypoints):
        raise UnusableShapeError("It has no labelled keypoint.")
    box = geometry_values(_box_of(points), *size_wh, "detect")
    if box is None:
        raise UnusableShapeError("Its box has no area.")
    rows = np.zeros((len(points.geometry.points), 3))
    rows[:, :2] = np.array(points.geometry.points) / size_wh
    rows[:, 2] = points.geometry.visibility
    rows[rows[:, 2] == 0] = 0
    rows[:, :2] = rows[:, :2].clip(0, 1)
    return np.concatenate((box, rows.ravel()))


def _box_of(points: Annotation) -> Box:
    """Return the box that came with keypoints.

    Raises:
        UnusableShapeError: There was none.
    """
    told = points.attributes.get("box")
    if not isinstance(told, list):
        raise UnusableShapeError("It has keypoints without a box.")
    return Box(*told)


def _picture(row: Any) -> tuple[int, str, tuple[int, int]] | None:
    """Return id, name of the label file and size of a picture; None where one is missing."""
    if not isinstance(row, Mapping):
        return None
    number, name = whole(row.get("id")), row.get("file_name")
    width, height = (whole(row.get(side)) or 0 for side in ("width", "height"))
    if number is None or not isinstance(name, str) or not name or width < 1 or height < 1:
        return None
    parts = PurePosixPath(name.replace("\\", "/").replace("\0", "")).parts
    if not parts or ".." in parts or parts[0] == "/" or ":" in parts[0]:
        parts = parts[-1:]  # a name never leads out of the folder
    if not parts or parts[0] in ("..", "/"):
        return None
    return number, PurePosixPath(*parts).with_suffix(".txt").as_posix(), (width, height)


def _class_table(document: Document, cls91to80: bool) -> dict[int, int]:
    """Return the class of each category id of a file.

    Raises:
        DatasetError: COCO's own ids were promised and others are there.
    """
    told = document.categories if isinstance(document.categories, list) else []
    rows = [whole(row.get("id")) for row in told if isinstance(row, Mapping)]
    numbers = {number for number in rows if number is not None and number >= 0}
    if not cls91to80:
        first = 0 if 0 in numbers else 1
        return {number: number - first for number in numbers}
    table = dict(enumerate(coco91_to_coco80_class(), start=1))
    strange = sorted(number for number in numbers if table.get(number) is None)
    if strange:
        raise DatasetError(
            f"The category id {strange[0]} is none of COCO's own 80.",
            path=document.path,
            value=strange,
            remedy="Say cls91to80=False for categories of one's own.",
        )
    return {number: int(table[number] or 0) for number in numbers}


def _split_name(file: Path) -> str:
    """Return the folder for the labels of a file: its name without what COCO puts before the split."""
    return next(
        (file.stem.removeprefix(prefix) for prefix in _PREFIXES if file.stem.startswith(prefix)),
        file.stem,
    )
