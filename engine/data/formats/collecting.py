"""What readers of label files share: a checked shape or a finding, classes numbered as they come, splits by folder."""

from __future__ import annotations

from pathlib import Path

from engine.data.annotations import Geometry
from engine.data.formats.findings import Findings
from engine.data.formats.frames import Frame, frame_of
from engine.data.formats.pictures import measured
from engine.data.formats.shape_checks import UnusableShapeError, checked
from engine.data.problems import Problem

_SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
}


class ClassNumbers:
    """Numbers classes by name in the order in which they are met.

    Args:
        names: Those that are known from the start, in order.
    """

    def __init__(self, names: list[str] | None = None) -> None:
        self._numbers: dict[str, int] = {}
        for name in names or ():
            self.number(name)

    @property
    def names(self) -> dict[int, str]:
        """Return the names by number."""
        return {number: name for name, number in self._numbers.items()}

    def number(self, name: str) -> int:
        """Return the number of a class, a new one for a new name."""
        return self._numbers.setdefault(name, len(self._numbers))

    def __contains__(self, name: str) -> bool:
        return name in self._numbers


def usable(
    geometry: Geometry,
    frame: Frame,
    findings: Findings,
    file: Path,
    who: str = "",
    line: int | None = None,
) -> Geometry | None:
    """Return a shape as it lies on its picture, or None after noting why it cannot be used."""
    try:
        placed, remarks = checked(frame.placed(geometry), *frame.real_wh)
    except UnusableShapeError as error:
        findings.add(file, str(error), line=line, who=who)
        return None
    for remark in remarks:
        findings.add(file, remark.reason, remark.kind, line, who)
    return placed


def framed(
    picture: Path, told_wh: tuple[int, int], findings: Findings, file: Path, whole: bool = False
) -> Frame | None:
    """Return how shapes of a description come to lie on a picture; None after noting why it cannot be used.

    Args:
        picture: The picture.
        told_wh: Its size in the description, (0, 0) where it says none.
        findings: Where to note.
        file: The description.
        whole: Read all of the picture to see that it is complete.
    """
    size = measured(picture, whole)
    if isinstance(size, Problem):
        findings.add(size.file, size.reason, size.kind, size.line)
        return None
    frame = frame_of(told_wh, size, picture)
    if frame.remark:
        findings.add(file, frame.remark, frame.kind, who=picture.name)
    return frame


def split_of(path: Path, root: Path) -> str | None:
    """Return the split that one of the folders between ``root`` and a file is named after."""
    parents = path.relative_to(root).parts[:-1] if path.is_relative_to(root) else ()
    found = (_SPLIT_FOLDERS.get(part.lower()) for part in reversed(parents))
    return next((split for split in found if split), None)
