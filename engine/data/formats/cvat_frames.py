"""The pictures of a CVAT video: frames by their number."""

from __future__ import annotations

import re
from pathlib import Path

from engine.data.formats.pictures import measured
from engine.data.images import IMG_FORMATS
from engine.data.problems import Problem

_USUAL = ("", "images", "frames", "img1", "data", "JPEGImages")
_NUMBERED = re.compile(r"frame_(\d+)")
# Beside the file's own folder only so many folders are looked at.
_MOST_FOLDERS = 200


class VideoFrames:
    """Finds frames: by name (frame_000012), else by their place among the sorted pictures of a folder.

    Args:
        file: The CVAT file.
        count: Frames of the video, 0 where unknown.
        size_wh: Size of a frame, (0, 0) where unknown.
    """

    def __init__(self, file: Path, count: int, size_wh: tuple[int, int]) -> None:
        self._pictures: list[Path] = []
        self._numbers: dict[int, Path] = {}
        self.folder: Path | None = None
        for folder in _folders(file):
            pictures = _pictures(folder)
            if pictures and _fits(pictures, count, size_wh):
                self._take(folder, pictures)
                return

    def find(self, frame: int) -> Path | None:
        """Return the picture of a frame, or None."""
        if self._numbers:
            return self._numbers.get(frame)
        return self._pictures[frame] if 0 <= frame < len(self._pictures) else None

    def __len__(self) -> int:
        return len(self._pictures)

    def _take(self, folder: Path, pictures: list[Path]) -> None:
        self.folder, self._pictures = folder, pictures
        matches = [_NUMBERED.fullmatch(picture.stem.lower()) for picture in pictures]
        if all(matches):
            pairs = zip(matches, pictures, strict=True)
            self._numbers = {int(m[1]): path for m, path in pairs if m and len(m[1]) < 12}


def _folders(file: Path) -> list[Path]:
    """Return where frames may lie: beside the file as usual, then in the folders beside its own."""
    near = [file.parent / name for name in _USUAL]
    around: list[Path] = []
    for folder in _subfolders(file.parent.parent):
        if folder != file.parent:
            around += [folder, *_subfolders(folder)]
    return [folder for folder in (*near, *around[:_MOST_FOLDERS]) if folder.is_dir()]


def _subfolders(folder: Path) -> list[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return []
    return [e for e in entries if e.is_dir() and not e.is_symlink() and e.name[0] != "."]


def _pictures(folder: Path) -> list[Path]:
    try:
        entries = list(folder.iterdir())
    except OSError:
        return []
    return sorted(e for e in entries if e.suffix[1:].lower() in IMG_FORMATS and e.is_file())


def _fits(pictures: list[Path], count: int, size_wh: tuple[int, int]) -> bool:
    """Tell whether pictures can be the frames: as many as those, or more, and of their size."""
    if count and len(pictures) != count:
        return False
    if not min(size_wh):
        return bool(count)
    size = measured(pictures[0])
    return not isinstance(size, Problem) and size == size_wh
