"""DOTA: one text a picture in ``labelTxt``, a rotated box a line: four corners in pixels, class, difficult.

Two header lines, ``imagesource:`` and ``gsd:``, are kept with the picture. The format has no spaces in names
of classes: a written name has hyphens instead, which is said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.annotations import Annotation, to_oriented_box
from engine.data.annotations.attribute_names import DIFFICULT
from engine.data.formats.collecting import ClassNumbers, framed, split_of, usable
from engine.data.formats.findings import Findings
from engine.data.formats.losses import loss_sentences
from engine.data.formats.pictures import How, PictureFinder, PicturePlacer
from engine.data.formats.records import LabelledDataset, LabelledImage, WriteReport
from engine.data.formats.shape_checks import UnusableShapeError, parse_number
from engine.data.formats.yolo_kind import is_rectangle, oriented_box
from engine.data.labels.parse import decode_text
from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic

Progress = Callable[[int, int], None]
_HEADERS = ("imagesource:", "gsd:")
_FOLDER = "labelTxt"
_HEAD_BYTES = 4096


def is_this(path: Path) -> bool:
    """Say whether a label text, a folder of them or the folder around ``labelTxt`` looks like this format."""
    if path.is_file():
        return path.suffix.lower() == ".txt" and _is_label(path)
    if not path.is_dir():
        return False
    folders = _label_folders(path)
    depth = "*.txt" if folders == [path] else "**/*.txt"
    files = (file for folder in folders for file in folder.glob(depth))
    first = next((file for file in files if file.stat().st_size), None)
    return first is not None and _is_label(first)


def read(path: Path, progress: Progress | None = None) -> LabelledDataset:
    """Read a label text, a folder of them, or a folder with ``labelTxt`` folders and pictures.

    Raises:
        DatasetError: There is no label text.
    """
    files = [path] if path.is_file() else _label_files(path)
    if not files:
        raise DatasetError("There is no label text here.", path=path)
    root = _root_of(path)
    finder = PictureFinder([root])
    classes, dataset = ClassNumbers(), LabelledDataset({})
    findings = Findings(dataset.skipped)
    for done, file in enumerate(files, start=1):
        image = _read_file(file, root, finder, classes, findings)
        if image is not None:
            dataset.images.append(image)
        if progress:
            progress(done, len(files))
    if path.is_dir():
        dataset.images += _without_labels(dataset, finder, findings, path)
    dataset.names = classes.names
    findings.close()
    return dataset


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    images: How = "copy",
) -> WriteReport:
    """Write ``images`` and ``labelTxt`` below the folder ``path``, each with a folder a split.

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
    names = _written_names(dataset.names, lost)
    placer = PicturePlacer(path / "images", images)
    for done, image in enumerate(dataset.images, start=1):
        name = placer.place(image.path, image.split or "")
        report.images += 1
        if image.annotations is not None:
            lines = [line for a in image.annotations if (line := _line(a, names, lost))]
            headers = [f"{key}{_header(image, key)}" for key in _HEADERS]
            text = "".join(f"{line}\n" for line in [*headers, *lines])
            write_atomic((path / _FOLDER / name).with_suffix(".txt"), text)
            report.annotations += len(lines)
        if progress:
            progress(done, len(dataset.images))
    report.lost = loss_sentences(lost)
    return report


def _read_file(
    file: Path, root: Path, finder: PictureFinder, classes: ClassNumbers, findings: Findings
) -> LabelledImage | None:
    picture = finder.find_stem(str(file.relative_to(root).with_suffix("")))
    if picture is None:
        findings.add(file, "This label file has no image. Add the image or remove the file.")
        return None
    try:
        lines = decode_text(file.read_bytes()).splitlines()
    except OSError as error:
        findings.add(file, f"Cannot be read: {error.strerror}. Correct its permissions.")
        lines = []
    frame = framed(picture, (0, 0), findings, file, whole=True)
    if frame is None:
        return None
    annotations, facts, around = [], {}, 0
    for number, line in enumerate(lines, start=1):
        words = line.strip()
        header = next((h for h in _HEADERS if words.lower().startswith(h)), None)
        if header or not words:
            if header and words[len(header) :].strip() not in ("", "null"):
                facts[header[:-1]] = words[len(header) :].strip()
            continue
        try:
            corners, name, difficult = _parse(words)
        except UnusableShapeError as error:
            findings.add(file, str(error), line=number)
            continue
        around += not is_rectangle(corners)
        geometry = usable(oriented_box(corners), frame, findings, file, line=number)
        if geometry is not None:
            attributes = {DIFFICULT: True} if difficult else {}
            annotations.append(Annotation(geometry, classes.number(name), None, attributes))
    if around:
        reason = "are no rectangles: the smallest rotated boxes around them were taken."
        findings.add(file, f"{around} outlines {reason}", "changed")
    split = split_of(picture, root) or split_of(file, root)
    return LabelledImage(picture, *frame.real_wh, split, tuple(annotations), facts)


def _parse(line: str) -> tuple[np.ndarray, str, bool]:
    """Return corners (4, 2), class and the mark of difficulty.

    Raises:
        UnusableShapeError: The line is none of this format.
    """
    words = line.replace(",", " ").split()
    if len(words) not in (9, 10):
        raise UnusableShapeError(
            f"Expected 8 numbers, a class and 0 or 1, received {len(words)} words. Correct the line."
        )
    corners = np.array([parse_number(word) for word in words[:8]]).reshape(4, 2)
    if len(words) == 10 and words[9] not in ("0", "1", "2"):
        raise UnusableShapeError(f"Expected 0 or 1 as the last word, received {words[9][:20]!r}.")
    return corners, words[8], len(words) == 10 and words[9] != "0"


def _without_labels(
    dataset: LabelledDataset, finder: PictureFinder, findings: Findings, path: Path
) -> list[LabelledImage]:
    """Return the pictures that nobody has labelled."""
    known, found = {image.path for image in dataset.images}, []
    told = {problem.file for problem in dataset.skipped}
    for picture in finder.all():
        if picture in known or picture in told:
            continue
        frame = framed(picture, (0, 0), findings, path, whole=True)
        if frame is not None:
            root = _root_of(path)
            found.append(LabelledImage(picture, *frame.real_wh, split_of(picture, root)))
    return found


def _line(annotation: Annotation, names: dict[int, str], lost: Counter[str]) -> str | None:
    geometry = annotation.geometry
    box = to_oriented_box(geometry)
    if box is None or not box.area():
        lost[f"{geometry.kind} [shape|shapes], which this format cannot hold"] += 1
        return None
    if geometry.kind not in ("box", "oriented_box"):
        lost[
            "[outline, written as the smallest rotated box around it|outlines, written as the smallest rotated boxes around them]"
        ] += 1
    if annotation.score is not None:
        lost["[score|scores]"] += 1
    if set(annotation.attributes) - {DIFFICULT}:
        lost["[set|sets] of attributes"] += 1
    numbers = " ".join(f"{value:.4f}".rstrip("0").rstrip(".") for p in box.corners() for value in p)
    difficult = int(bool(annotation.attributes.get(DIFFICULT)))
    return f"{numbers} {names[annotation.class_id]} {difficult}"


def _written_names(names: dict[int, str], lost: Counter[str]) -> dict[int, str]:
    """Return names without blanks, none twice."""
    written: dict[int, str] = {}
    for index, name in names.items():
        plain, number = "-".join(name.replace(",", " ").split()) or "class", 1
        unique = plain
        while unique in written.values():
            number += 1
            unique = f"{plain}-{number}"
        if unique != name:
            lost["[name of a class|names of classes], written with hyphens for spaces"] += 1
        written[index] = unique
    return written


def _header(image: LabelledImage, key: str) -> Any:
    return image.attributes.get(key[:-1], "null")


def _is_label(file: Path) -> bool:
    """Tell whether the first line that is no header has corners, a class and a mark."""
    with file.open("rb") as opened:
        lines = decode_text(opened.read(_HEAD_BYTES)).splitlines()
    if any(line.lower().startswith(_HEADERS) for line in lines[:2]):
        return True
    try:
        _parse(next((line for line in lines if line.strip()), ""))
    except UnusableShapeError:
        return False
    return not _is_plain_number(lines)


def _is_plain_number(lines: list[str]) -> bool:
    """Tell whether the class is a number, as in other texts of nine and more numbers."""
    word = next(line for line in lines if line.strip()).replace(",", " ").split()[8]
    return word.replace(".", "", 1).lstrip("-").isdigit()


def _label_folders(path: Path) -> list[Path]:
    inside = (p for p in path.glob(f"*/{_FOLDER}*") if split_of(p, path))
    named = [path / _FOLDER, *path.glob(f"{_FOLDER}*"), *inside]
    return [*dict.fromkeys(p for p in named if p.is_dir())] or [path]


def _label_files(path: Path) -> list[Path]:
    files = {f for folder in _label_folders(path) for f in folder.rglob("*.txt")}
    return sorted(files)


def _root_of(path: Path) -> Path:
    """Return the folder that holds labels and pictures."""
    folder = path.parent if path.is_file() else path
    while folder.name.startswith(_FOLDER) or folder.parent.name.startswith(_FOLDER):
        folder = folder.parent
    return folder
