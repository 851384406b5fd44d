"""The images of a COCO file and the pictures on disk that they mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.data.formats.findings import Findings, listed
from engine.data.formats.frames import Frame, frame_of
from engine.data.formats.kept_numbers import kept_numbers
from engine.data.formats.pictures import PictureFinder, measured
from engine.data.formats.records import LabelledDataset
from engine.data.formats.told_attributes import is_plain, whole
from engine.data.problems import Problem

# Folders of descriptions that lie beside the folders of pictures, not above them.
_BESIDE = ("annotations", "labels", "json", "gt")
_FILE_NAME = "file_name"
_SIZES = ("width", "height")


@dataclass(frozen=True, slots=True)
class FoundImage:
    """One image with its picture.

    Attributes:
        number: Its id in the file.
        path: The picture.
        frame: How its shapes come to lie on the picture.
        attributes: What else the file says of it.
    """

    number: int
    path: Path
    frame: Frame
    attributes: dict[str, Any]


def picture_roots(path: Path) -> list[Path]:
    """Return the folders in which the pictures of a description are looked for."""
    beside = path.parent.name.lower() in _BESIDE
    return [path.parent.parent, path.parent] if beside else [path.parent]


def find_images(
    told: Any, path: Path, finder: PictureFinder, findings: Findings, split: str | None
) -> Iterator[FoundImage]:
    """Give the usable images of a file in its order; what is wrong with others is noted by the end.

    Args:
        told: The list of images.
        path: The file.
        finder: Knows the pictures.
        findings: Where to note.
        split: What the file's name says, to tell pictures of the same name apart.
    """
    if not isinstance(told, list):
        findings.add(path, f"Expected 'images' as a list, received {type(told).__name__}.")
        return
    found: dict[int, FoundImage] = {}
    missing: list[str] = []
    hints = _hints(path, split)
    for row in told:
        number, name = _number_and_name(row)
        if number is None or not name:
            findings.add(path, _no_name(row))
            continue
        if number in found:
            first = found[number].attributes[_FILE_NAME]
            if first != name:
                reason = (
                    f"Image id {number} is used for {first} and again for {name}; "
                    "its objects were read as of the first."
                )
                findings.add(path, reason, "changed")
            continue
        picture = _picture(name, finder, hints)
        if picture is None:
            missing.append(name)
            continue
        if image := _measured(row, number, picture, findings):
            found[number] = image
            yield image
    if missing:
        noun = "image is" if len(missing) == 1 else "images are"
        reason = f"{len(missing)} {noun} not on the disk: {listed(missing)}. Add the files and read it again."
        findings.add(path, reason)
    _note_copies(found, path, findings)


def image_ids(dataset: LabelledDataset) -> list[int]:
    """Return the id of each image to write: that of the file it came from as far as no other one has it."""
    return kept_numbers([whole(image.attributes.get("id")) for image in dataset.images])


def _measured(
    row: Mapping[str, Any], number: int, picture: Path, findings: Findings
) -> FoundImage | None:
    size = measured(picture)
    if isinstance(size, Problem):
        findings.add(picture, size.reason)
        return None
    width, height = (whole(row.get(side)) or 0 for side in _SIZES)
    frame = frame_of((width, height), size, picture)
    if frame.remark:
        findings.add(picture, frame.remark, frame.kind)
    plain = {str(k): v for k, v in row.items() if k not in _SIZES and is_plain(v)}
    return FoundImage(number, picture, frame, plain | {"id": number})


def _picture(name: str, finder: PictureFinder, hints: list[str]) -> Path | None:
    for hint in hints:
        path = finder.find_exactly(f"{hint}/{name}")
        if path is not None:
            return path
    return finder.find(name)


def _hints(path: Path, split: str | None) -> list[str]:
    """Return folders that the name of a file speaks of: instances_val2017 of val2017, then of val."""
    tail = path.stem.partition("_")[2]
    hints = [hint for hint in dict.fromkeys((tail, split)) if hint]
    return [f"{folder}{hint}" for hint in hints for folder in ("", "images/")]


def _number_and_name(row: Any) -> tuple[int | None, str]:
    if not isinstance(row, Mapping):
        return None, ""
    name = row.get(_FILE_NAME)
    return whole(row.get("id")), name if isinstance(name, str) else ""


def _no_name(row: Any) -> str:
    if not isinstance(row, Mapping):
        return f"Expected an image as an object, received {str(row)[:40]}."
    number, name = row.get("id"), row.get(_FILE_NAME)
    return (
        f"Image {str(number)[:40]}: expected 'id' as a number and 'file_name' as text, received "
        f"{str(number)[:40]!r} and {str(name)[:40]!r}."
    )


def _note_copies(found: dict[int, FoundImage], path: Path, findings: Findings) -> None:
    """Note pictures that several ids name."""
    owners: dict[Path, int] = {}
    for number, image in list(found.items()):
        first = owners.setdefault(image.path, number)
        if first != number:
            reason = f"Image ids {first} and {number} both name {image.path.name}."
            findings.add(path, reason, "note")
