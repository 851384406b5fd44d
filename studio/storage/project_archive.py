"""What a project as one file is: a zip with the database, the images where they were wanted, and the trained models.

    maskwright.json                  what this is, and what is in it
    project.db                       the database, its image folders pointing below images/
    images/<number>-<name>/...       the images, by the folder they were added from
    runs/...                         trained models with their curves

Dataset versions, backups and thumbnails are not in it: they are made again from what is.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from studio.language import tr
from studio.model.errors import StorageError

MANIFEST = "maskwright.json"
DATABASE = "project.db"
IMAGES, RUNS = "images", "runs"
FORMAT = 1
SUFFIX = ".zip"
KIND = "maskwright project"
CHUNK = 2**20  # bytes between two questions whether to go on
_MANIFEST_LIMIT = 100_000  # bytes: a few hundred are enough

Progress = Callable[[int, int, str], None]  # done bytes, all bytes, what
IsCancelled = Callable[[], bool]


class ArchiveError(StorageError):
    """A file that is no project, or not one that can be unpacked without danger."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a project file says about itself.

    Attributes:
        name: The project's name.
        made_by: The program's version.
        images: How many image files are in it; 0 where they were left out.
        runs: Names of the trainings in it.
    """

    name: str
    made_by: str
    images: int = 0
    runs: list[str] = field(default_factory=list)

    def to_text(self) -> str:
        """Return the text of ``maskwright.json``."""
        values = {"kind": KIND, "format": FORMAT, **asdict(self)}
        return json.dumps(values, indent=1, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class ArchiveReport:
    """What was packed or unpacked.

    Attributes:
        path: The file that was written, or the project folder that was made.
        images: Image files in it.
        runs: Names of the trainings in it.
        left_out: What is not in it, one sentence each.
    """

    path: Path
    images: int
    runs: list[str]
    left_out: list[str] = field(default_factory=list)


def is_archive(path: Path) -> bool:
    """Tell whether a file is a project that was written as one file; reads only its list of contents."""
    if path.suffix.lower() != SUFFIX or not path.is_file():
        return False
    try:
        with zipfile.ZipFile(path) as archive:
            return {MANIFEST, DATABASE} <= set(archive.namelist())
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        return False


def read_manifest(archive: zipfile.ZipFile, path: Path) -> Manifest:
    """Return what a project file says about itself.

    Raises:
        ArchiveError: It is no project file, or one of a newer program.
    """
    try:
        if archive.getinfo(MANIFEST).file_size > _MANIFEST_LIMIT:
            raise ValueError(f"{MANIFEST} is too long")
        values = json.loads(archive.read(MANIFEST))
        if values["kind"] != KIND:
            raise ValueError(f"{values['kind']!r} is another kind of file")
        if int(values["format"]) > FORMAT:
            raise ArchiveError(
                tr("the project file has format {found}, this program knows up to {known}.").format(
                    found=values["format"], known=FORMAT
                ),
                path=path,
                remedy=tr("Update Maskwright."),
            )
        runs = [str(name) for name in values["runs"]]
        return Manifest(str(values["name"]), str(values["made_by"]), int(values["images"]), runs)
    except (KeyError, TypeError, ValueError, RecursionError, zipfile.BadZipFile) as error:
        raise ArchiveError(
            tr("the file is no Maskwright project ({error}).").format(error=error),
            path=path,
            remedy=tr("Choose a file that was made with File > Save project as one file."),
        ) from error
