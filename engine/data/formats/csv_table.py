"""CSV: a line a shape, with a header. What is written here reads back without loss; tables of others are read too.

Columns are known by their names, in any order: a picture (``filename``, ``image``, ``path``, ``ImageID``), a
class (``class``, ``label``, ``name``, ``LabelName``) and a box in pixels (``xmin``, ``ymin``, ``xmax``,
``ymax``), or as fractions where no number is above 1 and the columns are spelled as in Open Images
(``XMin``). A table without a header with a picture, four numbers and a class in each line is read as well.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.annotations import Annotation, Box, Geometry, Tag, geometry_from_dict
from engine.data.formats.collecting import ClassNumbers, framed, split_of, usable
from engine.data.formats.findings import Findings
from engine.data.formats.frames import Frame
from engine.data.formats.losses import loss_sentences
from engine.data.formats.pictures import How, PictureFinder, PicturePlacer, is_picture_name
from engine.data.formats.records import LabelledDataset, LabelledImage, WriteReport
from engine.data.formats.shape_checks import UnusableShapeError, parse_number
from engine.data.labels.parse import decode_text
from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic

Progress = Callable[[int, int], None]
FILE = "annotations.csv"
_COLUMNS = (
    "filename",
    "width",
    "height",
    "split",
    "class",
    "kind",
    "xmin",
    "ymin",
    "xmax",
    "ymax",
    "score",
    "geometry",
    "attributes",
)
_NAMES: dict[str, tuple[str, ...]] = {
    "picture": ("filename", "file_name", "image", "image_path", "path", "file", "imageid", "img"),
    "class": ("class", "label", "class_name", "labelname", "name", "category", "classes"),
    "xmin": ("xmin", "x_min", "x1", "bbox_x1", "left"),
    "ymin": ("ymin", "y_min", "y1", "bbox_y1", "top"),
    "xmax": ("xmax", "x_max", "x2", "bbox_x2", "right"),
    "ymax": ("ymax", "y_max", "y2", "bbox_y2", "bottom"),
    "bbox_width": ("bbox_width", "bbox_w", "w"),
    "bbox_height": ("bbox_height", "bbox_h", "h"),
    "x": ("x", "bbox_x"),
    "y": ("y", "bbox_y"),
    "width": ("width", "image_width", "img_width"),
    "height": ("height", "image_height", "img_height"),
    "score": ("score", "confidence"),
    "split": ("split", "subset", "set"),
    "kind": ("kind",),
    "geometry": ("geometry",),
    "attributes": ("attributes",),
}
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_EDGES = ("x", "y", "bbox_width", "bbox_height")
_BACKGROUND, _UNLABELLED = "background", "unlabelled"
_MAX_FIELD = 1 << 27
_HEAD_BYTES = 1 << 14


@dataclass(frozen=True, slots=True)
class _Row:
    """One line: where it stands, and its fields by the names of this module."""

    line: int
    values: dict[str, str]


def is_this(path: Path) -> bool:
    """Say whether a file, or the one table of a folder, is a table of shapes."""
    if path.is_dir():
        tables = sorted(path.glob("*.csv"))
        return len(tables) == 1 and is_this(tables[0])
    if path.suffix.lower() not in (".csv", ".tsv"):
        return False
    with path.open("rb") as opened:
        head = decode_text(opened.read(_HEAD_BYTES)).splitlines()
    if not head:
        return False
    columns, is_header = _columns(head[0])
    return columns is not None and (is_header or len(columns) == 6)


def read(path: Path, progress: Progress | None = None) -> LabelledDataset:
    """Read a table, or the one table of a folder.

    Raises:
        DatasetError: It is no table of shapes.
    """
    file = path if path.is_file() else next(iter(sorted(path.glob("*.csv"))), path / FILE)
    if not file.is_file():
        raise DatasetError("There is no table here.", path=path)
    dataset = LabelledDataset({})
    findings = Findings(dataset.skipped)
    by_picture: dict[str, list[_Row]] = {}
    for row in _rows(file, findings):
        name = row.values.get("picture", "")
        if not name:
            findings.add(file, "The line names no picture.", line=row.line)
            continue
        by_picture.setdefault(name, []).append(row)
    classes, finder = ClassNumbers(), PictureFinder([file.parent])
    for done, (name, rows) in enumerate(by_picture.items(), start=1):
        image = _read_image(name, rows, file, finder, classes, findings)
        if image is not None:
            dataset.images.append(image)
        if progress:
            progress(done, len(by_picture))
    dataset.names = classes.names
    findings.close()
    return dataset


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    images: How = "copy",
) -> WriteReport:
    """Write ``annotations.csv`` and ``images`` below the folder ``path``; nothing of a shape is lost.

    Args:
        dataset: What to write.
        path: Folder, made where missing.
        progress: Called with (done, total).
        images: Copy the pictures, link to them, or write the table only.

    Raises:
        OSError: The folder cannot be written.
    """
    report = WriteReport(path / FILE)
    lost: Counter[str] = Counter()
    placer = PicturePlacer(path / "images", images, by_stem=False)
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    used: set[int] = set()
    for done, image in enumerate(dataset.images, start=1):
        name = placer.place(image.path, image.split or "")
        rows = _image_rows(image, f"images/{name}", dataset.names)
        writer.writerows(rows)
        used.update(a.class_id for a in image.annotations or ())
        report.images += 1
        report.annotations += len(image.annotations or ())
        if image.attributes:
            lost["[set|sets] of facts about pictures"] += 1
        if progress:
            progress(done, len(dataset.images))
    if unused := len(set(dataset.names) - used):
        lost["[class|classes] without a shape"] = unused
    write_atomic(report.path, text.getvalue())
    report.lost = loss_sentences(lost)
    return report


def _image_rows(
    image: LabelledImage, name: str, names: dict[int, str]
) -> Iterator[dict[str, object]]:
    facts = {"filename": name, "width": image.width, "height": image.height}
    facts["split"] = image.split or ""
    if not image.annotations:
        yield facts | {"kind": _UNLABELLED if image.annotations is None else _BACKGROUND}
    for annotation in image.annotations or ():
        geometry = annotation.geometry
        corners = (
            {} if isinstance(geometry, Tag) else dict(zip(_CORNERS, geometry.bounds(), strict=True))
        )
        plain = geometry.to_dict()
        yield {
            **facts,
            **{key: _number(value) for key, value in corners.items()},
            "class": names[annotation.class_id],
            "kind": geometry.kind,
            "score": "" if annotation.score is None else repr(annotation.score),
            "geometry": "" if geometry.kind in ("box", "tag") else _json(plain),
            "attributes": _json(dict(annotation.attributes)) if annotation.attributes else "",
        }


def _read_image(
    name: str,
    rows: list[_Row],
    file: Path,
    finder: PictureFinder,
    classes: ClassNumbers,
    findings: Findings,
) -> LabelledImage | None:
    picture = finder.find(name) if is_picture_name(name) else finder.find_stem(name)
    if picture is None:
        reason = "The picture is not there, or several of that name are."
        findings.add(file, reason, line=rows[0].line, who=name[:80])
        return None
    frame = framed(picture, _told_size(rows[0]), findings, file)
    if frame is None:
        return None
    annotations: list[Annotation] = []
    for row in rows:
        if row.values.get("kind") in (_BACKGROUND, _UNLABELLED) or not _has_shape(row):
            continue
        try:
            annotation = _annotation(row, frame, classes, findings, file)
        except UnusableShapeError as error:
            findings.add(file, str(error), line=row.line)
            continue
        if annotation is not None:
            annotations.append(annotation)
    is_unlabelled = all(row.values.get("kind") == _UNLABELLED for row in rows)
    split = rows[0].values.get("split") or split_of(picture, file.parent)
    split = split if split in ("train", "val", "test") else None
    return LabelledImage(
        picture, *frame.real_wh, split, None if is_unlabelled else tuple(annotations)
    )


def _annotation(
    row: _Row, frame: Frame, classes: ClassNumbers, findings: Findings, file: Path
) -> Annotation | None:
    """Return the shape of a line.

    Raises:
        UnusableShapeError: It has none that can be read.
    """
    values = row.values
    name = values.get("class", "").strip()
    if not name:
        raise UnusableShapeError("The line names no class.")
    geometry = usable(_geometry(values, frame), frame, findings, file, line=row.line)
    if geometry is None:
        return None
    score = values.get("score", "").strip()
    number = parse_number(score, "the score") if score else None
    if number is not None and not 0 <= number <= 1:
        raise UnusableShapeError(f"Expected a score of 0 to 1, received {number:g}.")
    attributes = _parsed(values.get("attributes", ""), "attributes")
    return Annotation(geometry, classes.number(name), number, attributes)


def _geometry(values: dict[str, str], frame: Frame) -> Geometry:
    if values.get("geometry"):
        try:
            return geometry_from_dict(_parsed(values["geometry"], "geometry"))
        except DatasetError as error:
            raise UnusableShapeError(error.message) from error
    if values.get("kind") == Tag.kind:
        return Tag()
    if all(values.get(key) for key in _CORNERS):
        corners = [parse_number(values[key]) for key in _CORNERS]
    else:
        x, y, w, h = (parse_number(values.get(key, "")) for key in _EDGES)
        corners = [x, y, x + w, y + h]
    if "fractions" in values and max(map(abs, corners)) <= 1:
        width, height = frame.drawn_wh
        corners = [v * s for v, s in zip(corners, (width, height) * 2, strict=True)]
    return Box(*corners)


def _has_shape(row: _Row) -> bool:
    return any(row.values.get(key) for key in ("class", "geometry", *_CORNERS, *_EDGES))


def _told_size(row: _Row) -> tuple[int, int]:
    sides = []
    for key in ("width", "height"):
        text = row.values.get(key, "")
        sides.append(int(text) if text.isascii() and text.isdigit() and len(text) < 8 else 0)
    return sides[0], sides[1]


def _rows(file: Path, findings: Findings) -> Iterator[_Row]:
    """Yield the lines of a table.

    Raises:
        DatasetError: It is no table of shapes.
    """
    try:
        text = decode_text(file.read_bytes())
    except OSError as error:
        raise DatasetError(f"Cannot be read: {error.strerror}.", path=file) from error
    columns, is_header = _columns(text.split("\n", 1)[0])
    if columns is None:
        raise DatasetError(
            "It is no table of shapes: no column names a picture and a class or box.",
            path=file,
            remedy=f"Give the table a header such as {','.join(_COLUMNS[:5])},xmin,ymin,xmax,ymax.",
        )
    csv.field_size_limit(_MAX_FIELD)
    reader = csv.reader(io.StringIO(text.replace("\0", ""), newline=""), delimiter=_delimiter(text))
    fractions = {"fractions": "1"} if is_header and "XMin" in text.split("\n", 1)[0] else {}
    line = 0
    while True:
        line = reader.line_num + 1
        try:
            fields = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            findings.add(file, f"The line cannot be read: {error}.", line=line)
            continue
        if (is_header and line == 1) or not any(fields):
            continue
        named = zip(columns, fields, strict=False)
        yield _Row(line, {key: value.strip() for key, value in named if key} | fractions)


def _columns(first: str) -> tuple[list[str], bool] | tuple[None, bool]:
    """Return what the columns are by the first line, and whether that is a header."""
    try:
        fields = next(csv.reader([first.strip("\r\n\ufeff")], delimiter=_delimiter(first)), [])
    except csv.Error:
        return None, False
    known = {name: key for key, names in _NAMES.items() for name in names}
    columns = [known.get(field.strip().lower(), "") for field in fields]
    if len(fields) == len(_COLUMNS) or "picture" in columns:
        has_box = set(_CORNERS) <= set(columns) or set(_EDGES) <= set(columns)
        if "picture" in columns and (has_box or {"class", "geometry"} <= set(columns)):
            return columns, True
    if len(fields) == 6 and is_picture_name(fields[0]):
        return ["picture", *_CORNERS, "class"], False
    return None, False


def _delimiter(text: str) -> str:
    first = text.split("\n", 1)[0]
    return max(",;\t", key=first.count)


def _parsed(text: str, what: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UnusableShapeError(f"Expected {what} as JSON.") from error
    if not isinstance(value, dict):
        raise UnusableShapeError(f"Expected {what} as a JSON object.")
    return value


def _json(value: dict[str, Any]) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
