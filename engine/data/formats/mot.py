"""MOT challenge: boxes of a video with the number of their object, in ``gt/gt.txt`` or ``det/det.txt``.

A line is ``frame, id, left, top, width, height, flag or confidence, class, visibility``; frames and pixels
count from 1. ``seqinfo.ini`` names the frames' folder, ``labels.txt`` the classes; without it the classes are
those of the challenge.
"""

from __future__ import annotations

import configparser
import csv
import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.data.annotations import Annotation, Box, to_box
from engine.data.annotations.attribute_names import TRACK_ID
from engine.data.formats.collecting import ClassNumbers, framed, usable
from engine.data.formats.findings import Findings
from engine.data.formats.frames import Frame
from engine.data.formats.losses import loss_sentences
from engine.data.formats.pictures import How, place_picture
from engine.data.formats.records import LabelledDataset, LabelledImage, WriteReport
from engine.data.formats.shape_checks import UnusableShapeError, parse_number
from engine.data.images import list_images
from engine.data.labels.parse import decode_text
from engine.runtime.errors import DatasetError
from engine.runtime.paths import write_atomic

Progress = Callable[[int, int], None]
IGNORED = "ignored"
VISIBILITY = "visibility"
# The classes of MOT16 and later, from 1 on (Milan et al., MOT16: A Benchmark for Multi-Object Tracking, 2016).
CHALLENGE = (
    "pedestrian",
    "person on vehicle",
    "car",
    "bicycle",
    "motorbike",
    "non motorized vehicle",
    "static person",
    "distractor",
    "occluder",
    "occluder on the ground",
    "occluder full",
    "reflection",
    "crowd",
)
_FILES = ("gt/gt.txt", "gt.txt", "det/det.txt", "det.txt")
_LARGEST_FRAME = 10_000_000


@dataclass
class _Sequence:
    """One video: its folder, the pictures by frame from 1 on, and what seqinfo.ini says."""

    folder: Path
    labels: Path
    frames: dict[int, Path] = field(default_factory=dict)
    info: dict[str, str] = field(default_factory=dict)


def is_this(path: Path) -> bool:
    """Say whether a gt.txt, a sequence, or a folder of sequences looks like this format."""
    if path.is_file():
        is_named = path.name in ("gt.txt", "det.txt", "seqinfo.ini")
        return is_named and bool(_label_files(_folder_of(path)))
    return path.is_dir() and bool(_label_files(path) or _below(path))


def read(path: Path, progress: Progress | None = None) -> LabelledDataset:
    """Read a sequence, or a folder of sequences, from its folder or its gt.txt, det.txt or seqinfo.ini.

    Raises:
        DatasetError: There is none.
    """
    folder = _folder_of(path) if path.is_file() else path
    chosen = [path] if path.name in ("gt.txt", "det.txt") else _label_files(folder)[:1]
    files = chosen or _below(folder)
    if not files:
        raise DatasetError("There is no gt/gt.txt here.", path=path)
    dataset = LabelledDataset({})
    findings = Findings(dataset.skipped)
    classes = ClassNumbers()
    for file in files:
        sequence = _sequence(file, findings)
        dataset.images += _read_sequence(sequence, classes, findings, progress)
        if sequence.info:
            dataset.info.setdefault("videos", {})[_name(sequence)] = sequence.info
    dataset.names = classes.names
    findings.close()
    return dataset


def write(
    dataset: LabelledDataset,
    path: Path,
    progress: Progress | None = None,
    images: How = "copy",
) -> WriteReport:
    """Write one sequence a video below the folder ``path``; pictures of no video are one together.

    Boxes without a number of their object get one of their own each.

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
    videos: dict[str, list[LabelledImage]] = {}
    for image in dataset.images:
        videos.setdefault(str(image.attributes.get("video") or "sequence"), []).append(image)
    done = 0
    for number, (name, pictures) in enumerate(videos.items(), start=1):
        plain = "".join(c if c.isalnum() or c in "-_." else "_" for c in name).strip(".")
        folder = path if len(videos) == 1 else path / f"{number:02d}-{plain or 'video'}"
        info = dataset.info.get("videos", {}).get(name, {})
        _write_sequence(dataset, folder, name, pictures, info, images, report, lost)
        done += len(pictures)
        if progress:
            progress(done, len(dataset.images))
    report.lost = loss_sentences(lost)
    return report


def _read_sequence(
    sequence: _Sequence, classes: ClassNumbers, findings: Findings, progress: Progress | None
) -> list[LabelledImage]:
    rows = _rows(sequence.labels, findings)
    names = _class_names(sequence.labels)
    offset = min(sequence.frames, default=1) if 1 not in sequence.frames else 1
    found = []
    for done, (frame_number, picture) in enumerate(sorted(sequence.frames.items()), start=1):
        frame = framed(picture, (0, 0), findings, sequence.labels)
        mine = rows.pop(frame_number, [])
        if frame is not None:
            shapes = (
                _annotation(values, line, sequence, names, classes, frame, findings)
                for line, values in mine
            )
            facts = {"frame": frame_number - offset, "video": _name(sequence)}
            annotations = tuple(shape for shape in shapes if shape is not None)
            found.append(LabelledImage(picture, *frame.real_wh, None, annotations, facts))
        if progress:
            progress(done, len(sequence.frames))
    for frame_number, left in rows.items():
        reason = f"Frame {frame_number} has no picture: {len(left)} boxes were left out."
        findings.add(sequence.labels, reason, line=left[0][0])
    return found


def _annotation(
    values: list[float],
    line: int,
    sequence: _Sequence,
    names: tuple[str, ...],
    classes: ClassNumbers,
    frame: Frame,
    findings: Findings,
) -> Annotation | None:
    """Return the box of one line."""
    _, track, left, top, width, height, flag, number, visibility = values
    box = Box(left - 1, top - 1, left - 1 + width, top - 1 + height)
    geometry = usable(box, frame, findings, sequence.labels, line=line)
    if geometry is None:
        return None
    attributes: dict[str, Any] = {TRACK_ID: int(track)} if track >= 0 else {}
    is_detection = sequence.labels.name == "det.txt"
    if not is_detection and flag == 0:
        attributes[IGNORED] = True
    if 0 <= visibility < 1:
        attributes[VISIBILITY] = visibility
    at = int(number) - 1
    name = names[at] if 0 <= at < len(names) else names[0] if at < 0 else f"class {at + 1}"
    score = min(max(flag, 0.0), 1.0) if is_detection else None
    return Annotation(geometry, classes.number(name), score, attributes)


def _rows(file: Path, findings: Findings) -> dict[int, list[tuple[int, list[float]]]]:
    """Return by frame the line and the nine numbers of each usable line."""
    found: dict[int, list[tuple[int, list[float]]]] = {}
    for number, line in enumerate(decode_text(file.read_bytes()).splitlines(), start=1):
        words = line.replace(",", " ").split()
        if not words:
            continue
        try:
            values = [parse_number(word) for word in words]
            if not 6 <= len(values) <= 10:
                raise UnusableShapeError(f"Expected 6 to 10 numbers, received {len(values)}.")
            if not 0 <= values[0] <= _LARGEST_FRAME or values[0] != int(values[0]):
                raise UnusableShapeError(f"Expected a frame from 1 on, received {words[0][:20]}.")
        except UnusableShapeError as error:
            findings.add(file, str(error), line=number)
            continue
        values += [1.0, -1.0, -1.0][len(values) - 6 :] if len(values) < 9 else []
        found.setdefault(int(values[0]), []).append((number, values[:9]))
    return found


def _write_sequence(
    dataset: LabelledDataset,
    folder: Path,
    name: str,
    pictures: list[LabelledImage],
    info: dict[str, str],
    how: How,
    report: WriteReport,
    lost: Counter[str],
) -> None:
    numbers = _frame_numbers(pictures)
    suffix = pictures[0].path.suffix
    used = [a.attributes.get(TRACK_ID) for p in pictures for a in p.annotations or ()]
    next_track = max((t for t in used if isinstance(t, int)), default=0) + 1
    lines = []
    for number, image in sorted(zip(numbers, pictures, strict=True), key=lambda pair: pair[0]):
        if image.path.suffix != suffix and how != "none":
            lost[
                f"[picture|pictures] of another suffix than {suffix}, which readers may not find"
            ] += 1
        place_picture(image.path, folder / "img1" / f"{number:06d}{image.path.suffix}", how)
        report.images += 1
        if image.annotations is None:
            lost[
                "[picture|pictures] that nobody has labelled, written as [one|ones] without objects"
            ] += 1
        for annotation in image.annotations or ():
            values = _values(annotation, number, next_track, lost)
            if values is not None:
                next_track += values[1] == next_track
                lines.append(",".join(map(_number, values)))
    report.annotations += len(lines)
    write_atomic(folder / "gt" / "gt.txt", "".join(f"{line}\n" for line in lines))
    labels = [dataset.names[index] for index in sorted(dataset.names)]
    write_atomic(folder / "gt" / "labels.txt", "".join(f"{label}\n" for label in labels))
    known = {
        "name": name,
        "imDir": "img1",
        "frameRate": str(info.get("frameRate", info.get("framerate", 30))),
        "seqLength": str(max(numbers)),
        "imWidth": str(pictures[0].width),
        "imHeight": str(pictures[0].height),
        "imExt": suffix,
    }
    text = "".join(f"{key}={value}\n" for key, value in known.items())
    write_atomic(folder / "seqinfo.ini", f"[Sequence]\n{text}")


def _values(
    annotation: Annotation, frame: int, next_track: int, lost: Counter[str]
) -> tuple[float, ...] | None:
    """Return the nine numbers of a shape, or None where it has no box."""
    geometry, attributes = annotation.geometry, annotation.attributes
    x1, y1, x2, y2 = to_box(geometry).bounds()
    if x2 <= x1 or y2 <= y1:
        lost[f"{geometry.kind} [shape|shapes], which this format cannot hold"] += 1
        return None
    if geometry.kind != "box":
        lost[
            f"{geometry.kind} [shape, written as the box around it|shapes, written as the boxes around them]"
        ] += 1
    if annotation.score is not None:
        lost["[score|scores]"] += 1
    if set(attributes) - {TRACK_ID, IGNORED, VISIBILITY}:
        lost["[set|sets] of attributes"] += 1
    track = attributes.get(TRACK_ID)
    number = track if isinstance(track, int) else next_track
    visibility = attributes.get(VISIBILITY, 1)
    visible = visibility if isinstance(visibility, (int, float)) else 1
    flag = 0 if attributes.get(IGNORED) else 1
    box = (x1 + 1, y1 + 1, x2 - x1, y2 - y1)
    return (frame, number, *box, flag, annotation.class_id + 1, visible)


def _frame_numbers(pictures: list[LabelledImage]) -> list[int]:
    """Return frames from 1 on: those that are known where they differ, else in order."""
    known = [image.attributes.get("frame") for image in pictures]
    if all(isinstance(frame, int) for frame in known) and len(set(known)) == len(known):
        return [int(frame) + 1 for frame in known if isinstance(frame, int)]
    return list(range(1, len(pictures) + 1))


def _number(value: float) -> str:
    if value == int(value) and math.isfinite(value):
        return str(int(value))
    return f"{value:.6f}".rstrip("0")


def _sequence(labels: Path, findings: Findings) -> _Sequence:
    """Look at the folder of a label file: its frames and its seqinfo.ini."""
    folder = labels.parent.parent if labels.parent.name in ("gt", "det") else labels.parent
    sequence = _Sequence(folder, labels)
    ini = folder / "seqinfo.ini"
    if ini.is_file():
        parser = configparser.ConfigParser(interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        try:
            parser.read_string(decode_text(ini.read_bytes()))
            sequence.info = dict(parser["Sequence"])
        except (configparser.Error, KeyError) as error:
            findings.add(ini, f"It cannot be understood: {str(error).splitlines()[0]}.", "note")
    wanted = sequence.info.get("imDir", "img1")
    inside = folder / Path(wanted).name  # one folder, never a way out
    frames = inside if inside.is_dir() else folder
    for position, picture in enumerate(list_images(frames), start=1):
        digits = "".join(c for c in picture.stem[-9:] if c.isdigit())
        sequence.frames.setdefault(int(digits) if digits else position, picture)
    return sequence


def _class_names(labels: Path) -> tuple[str, ...]:
    file = labels.parent / "labels.txt"
    lines = decode_text(file.read_bytes()).splitlines() if file.is_file() else []
    named = tuple(line.strip() for line in lines if line.strip())
    return named or CHALLENGE


def _label_files(folder: Path) -> list[Path]:
    found: Iterable[Path] = (folder / name for name in _FILES)
    return [file for file in found if file.is_file() and _has_rows(file)]


def _below(folder: Path) -> list[Path]:
    """Return one label file for each sequence in a folder of sequences."""
    inside = _folders(folder)
    if inside and all(f.name in ("train", "test", "val") for f in inside):
        inside = [sequence for f in inside for sequence in _folders(f)]
    found = [_label_files(sequence) for sequence in inside]
    # Other folders beside them: then this is no folder of sequences but one that holds such among others.
    return [files[0] for files in found] if all(found) else []


def _folders(folder: Path) -> list[Path]:
    return sorted(p for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))


def _has_rows(file: Path) -> bool:
    """Tell whether the first line has six numbers or more, or the file is empty."""
    with file.open("rb") as opened:
        lines = decode_text(opened.read(1024)).splitlines()
    if not lines:
        return True
    words = next(csv.reader([lines[0].replace(" ", ",") if "," not in lines[0] else lines[0]]), [])
    try:
        return len([float(word) for word in words]) >= 6
    except ValueError:
        return False


def _folder_of(path: Path) -> Path:
    return path.parent.parent if path.parent.name in ("gt", "det") else path.parent


def _name(sequence: _Sequence) -> str:
    return sequence.info.get("name") or sequence.folder.name
