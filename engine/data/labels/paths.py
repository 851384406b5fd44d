"""Which picture belongs to which label file, and which files a split consists of. Only paths, no content."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from engine.data.images import scan_images
from engine.data.problems import Problem
from engine.runtime.errors import DatasetError, ImageError

# Text files that lie among labels without being any picture's.
_NOT_LABELS = {"classes.txt", "labels.txt", "obj.names", "notes.txt", "readme.txt", "train.txt"}
_NOT_LABELS |= {
    "val.txt",
    "test.txt",
    "autosplit_train.txt",
    "autosplit_val.txt",
    "autosplit_test.txt",
}

_IMAGES = f"{os.sep}images{os.sep}"


def label_path(image: str | Path) -> Path:
    """Return the label file of a picture: the last folder ``images`` becomes ``labels``, the suffix .txt.

    Without such a folder the label file lies beside the picture.
    """
    return Path(label_name(os.fspath(image)))


def label_name(image: str) -> str:
    """Return what :func:`label_path` does, on text: a path object costs more than the question."""
    cut = image.rfind(os.sep) + 1
    folder, name = image[:cut], image[cut:]
    at = (os.sep + folder).rfind(_IMAGES)
    if at >= 0:
        folder = folder[:at] + "labels" + folder[at + len("images") :]
    dot = name.rfind(".")
    return f"{folder}{name[:dot] if dot > 0 else name}.txt"


def find_images(sources: Iterable[str | Path]) -> tuple[list[Path], list[Problem]]:
    """Return the pictures of folders, list files (.txt, one picture a line) and single files.

    Each picture comes once, in the order of the sources, sorted within a folder.

    Raises:
        DatasetError: A source does not exist.
    """
    found: list[Path] = []
    problems: list[Problem] = []
    for source in map(Path, sources):
        if source.is_dir():
            try:
                folder = scan_images(source)
            except ImageError as error:
                raise DatasetError(error.message, path=error.path) from error
            found += folder.images
            problems += folder.problems
        elif source.suffix == ".txt" and source.is_file():
            found += _read_list(source, problems)
        elif source.is_file():
            found.append(source)
        else:
            raise DatasetError(
                "The images are not there.",
                path=source,
                remedy="Correct the path in the data.yaml.",
            )
    return list(dict.fromkeys(found)), problems


def find_orphans(images: Sequence[Path]) -> list[Problem]:
    """Report label files, in the folders of these pictures' labels, that belong to no picture.

    A picture that exists but was left out of the split still owns its labels.
    """
    wanted = {label_path(image) for image in images}
    problems = []
    for folder in sorted({path.parent for path in wanted}):
        if not folder.is_dir():
            continue
        for path in sorted(folder.glob("*.txt")):
            if path in wanted or path.name.lower() in _NOT_LABELS or _has_image(path):
                continue
            reason = "This label file has no image. Add the image or remove the file."
            problems.append(Problem(path, None, reason))
    return problems


def _read_list(file: Path, problems: list[Problem]) -> list[Path]:
    """Read a list file; relative lines start at the list's folder."""
    images = []
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), start=1):
        name = line.strip()
        if not name:
            continue
        path = Path(os.path.abspath(file.parent / name))  # noqa: PTH100 (resolve() would follow links)
        if path.is_file():
            images.append(path)
        else:
            reason = f"The image {name} does not exist. Correct or remove the line."
            problems.append(Problem(file, number, reason))
    return images


def _has_image(label: Path) -> bool:
    """Say whether a picture of any suffix lies where a label file's picture would lie."""
    parts = list(label.parts)
    for i in range(len(parts) - 2, -1, -1):
        if parts[i] == "labels":
            parts[i] = "images"
            break
    folder = Path(*parts).parent
    if not folder.is_dir():
        return False
    return any(
        p.stem == label.stem and p.suffix != ".txt"
        for p in folder.glob(f"{_escaped(label.stem)}.*")
    )


def _escaped(name: str) -> str:
    return "".join(f"[{c}]" if c in "*?[" else c for c in name)
