"""Reading what is to be imported: one dataset, or all that folders and files of mixed things hold. No project is touched."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from engine.data.formats import LabelledDataset, LabelledImage, Problem, find_format, read
from engine.data.formats.collecting import split_of
from engine.data.formats.discover import PICTURES, Found, discover, read_found
from engine.data.formats.pictures import is_picture_name, measured
from engine.data.formats.registry import formats_of, read_some
from engine.data.images import scan_images
from engine.runtime.errors import DatasetError
from studio.language import tr
from studio.storage.project_archive import is_archive
from studio.storage.project_files import absolute, is_project

Progress = Callable[[int, int], None]
_MOST_NAMED = 20


@dataclass
class Sources:
    """What was read.

    Attributes:
        paths: What was given.
        datasets: Where each dataset lies, and what it holds.
        problems: Files that are no dataset or could not be read at all.
    """

    paths: tuple[Path, ...]
    datasets: list[tuple[Path, LabelledDataset]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def name(self) -> str:
        """Return what to call it: the name of what was given, or of the first and how many there are more."""
        return name_of(self.paths)


def name_of(paths: Sequence[Path]) -> str:
    """Return what to call one or several paths."""
    more = len(paths) - 1
    if not more:
        return paths[0].name
    return tr("{name} and {count:,} more").format(name=paths[0].name, count=more)


def why_by_itself(path: Path) -> str:
    """Return why a path cannot come into another project: it is one itself. Empty for all others."""
    if is_project(path):
        return tr("It is a project of this program: open it by itself.")
    if is_archive(path):
        return tr("It is a project as one file: open it by itself.")
    return ""


def find_sources(path: str | Path) -> list[Found]:
    """Return the datasets that a path holds, without reading them; pictures alone are none.

    Raises:
        DatasetError: The path is missing.
    """
    return [
        found for found in discover(absolute(path), is_project).found if found.format != PICTURES
    ]


def read_sources(
    path: str | Path, format: str | None = None, progress: Progress | None = None
) -> Sources:
    """Read every dataset of a path.

    Args:
        path: File or folder.
        format: Name of the format; None finds out, also several at once.
        progress: Called with (done, total) images of each; an exception it raises ends the work.

    Raises:
        DatasetError: Nothing in it can be read; the message names each file and the reason.
    """
    path = absolute(path)
    reading = _Reading(Sources((path,)), progress)
    if format is not None:
        find_format(format)
        reading.sources.datasets.append((path, read(path, format, progress)))
    else:
        reading.take(path)
    return reading.finish()


def read_several(paths: Sequence[Path], progress: Progress | None = None) -> Sources:
    """Read all that several paths hold: labels first, in their order, then the pictures without.

    Label files that each speak of one picture are read together, those of a folder as one dataset. All that is
    in a folder is the folder.

    Args:
        paths: Files and folders.
        progress: Called with (done, total) images of each; an exception it raises ends the work.

    Raises:
        DatasetError: Nothing can be read; the message names each file and the reason.
    """
    given = [absolute(path) for path in paths]
    formats = {path: _format_of(path) for path in given}
    folder = _whole_folder(given, formats.values())
    if len(given) == 1 or folder is not None:
        return read_sources(folder or given[0], None, progress)
    reading = _Reading(Sources(tuple(given)), progress)
    together: dict[tuple[Path, str], list[Path]] = {}
    for path in given:
        if is_by_picture(formats[path]):
            together.setdefault((path.parent, formats[path]), []).append(path)
    pictures: list[Path] = []
    for path in given:
        if files := together.pop((path.parent, formats[path]), None):
            reading.take_files(files, formats[path])
        elif is_by_picture(formats[path]):
            continue  # read with the first of its folder
        elif path.is_file() and is_picture_name(path.name):
            pictures.append(path)
        elif said := why_by_itself(path):
            reading.sources.problems.append(Problem(path, None, said))
        else:
            reading.take(path, pictures)
    reading.take_pictures(pictures)
    return reading.finish()


class _Reading:
    """Reads one path after the other and goes on where one cannot be read."""

    def __init__(self, sources: Sources, progress: Progress | None) -> None:
        self.sources = sources
        self._progress = progress
        self._errors: list[DatasetError] = []

    def take(self, path: Path, pictures: list[Path] | None = None) -> None:
        """Read the datasets of a path.

        Args:
            path: File or folder.
            pictures: Where to put folders of nothing but pictures; None reads them.

        Raises:
            DatasetError: It is the only path, and missing.
        """
        try:
            discovery = discover(path, is_project)
        except DatasetError as error:
            if len(self.sources.paths) == 1:
                raise
            self._note(error, path)
            return
        self.sources.problems += discovery.others
        if not discovery.found and not discovery.others and len(self.sources.paths) > 1:
            said = tr("There is no dataset of a known format here, and no picture.")
            self.sources.problems.append(Problem(path, None, said))
        for found in discovery.found:
            if pictures is not None and found.format == PICTURES:
                pictures.append(found.path)
                continue
            try:
                self.sources.datasets.append((found.path, read_found(found, self._progress)))
            except DatasetError as error:
                self._note(error, found.path)

    def take_files(self, files: Sequence[Path], format: str) -> None:
        """Read label files of one folder that each speak of one picture."""
        path = files[0] if len(files) == 1 else files[0].parent
        try:
            dataset = (
                read(path, format, self._progress)
                if len(files) == 1
                else read_some(path, files, format, self._progress)
            )
        except DatasetError as error:
            self._note(error, path)
            return
        self.sources.datasets.append((path, dataset))

    def take_pictures(self, paths: Sequence[Path]) -> None:
        """Take pictures, and folders of them, but for those that a dataset has."""
        known = {image.path for _, dataset in self.sources.datasets for image in dataset.images}
        dataset = LabelledDataset({}, format=PICTURES)
        found: dict[Path, str | None] = {}
        for path in paths:
            if not path.is_dir():
                found.setdefault(path, None)
                continue
            inside = scan_images(path)
            dataset.skipped += inside.problems
            found |= {one: split_of(one, path) for one in inside.images if one not in found}
        new = {path: split for path, split in found.items() if path not in known}
        for done, (path, split) in enumerate(new.items(), start=1):
            size = measured(path)
            if isinstance(size, Problem):
                dataset.skipped.append(size)
            else:
                dataset.images.append(LabelledImage(path, *size, split))
            if self._progress is not None:
                self._progress(done, len(new))
        if new:
            place = paths[0] if paths[0].is_dir() else paths[0].parent
            self.sources.datasets.append((place, dataset))

    def finish(self) -> Sources:
        """Return what was read.

        Raises:
            DatasetError: It is nothing.
        """
        if not self.sources.datasets:
            raise _nothing(self.sources, self._errors)
        return self.sources

    def _note(self, error: DatasetError, path: Path) -> None:
        self._errors.append(error)
        reason = " ".join(filter(None, (error.message, error.remedy)))
        self.sources.problems.append(Problem(error.path or path, error.line, reason))


def is_by_picture(format: str) -> bool:
    """Tell whether a format has a label file for each picture."""
    return bool(format) and find_format(format).is_file_a_picture


def _format_of(path: Path) -> str:
    """Return the format of a label file; empty for folders, pictures and other files."""
    if is_picture_name(path.name) or not path.is_file():
        return ""
    return next((entry.name for entry in formats_of(path)), "")


def _whole_folder(paths: Sequence[Path], formats: Collection[str]) -> Path | None:
    """Return the folder of which the paths are all that it holds, as when a person selects all in it.

    Not where several files describe whole datasets: a folder's reader takes one for each split.
    """
    whole_sets = [name for name in formats if name and not is_by_picture(name)]
    folder = paths[0].parent
    if len(paths) == 1 or len(whole_sets) > 1 or any(path.parent != folder for path in paths):
        return None
    try:
        inside = {p for p in folder.iterdir() if not p.name.startswith(".") and not is_project(p)}
    except OSError:
        return None
    return folder if inside <= set(paths) else None


def _nothing(sources: Sources, errors: list[DatasetError]) -> DatasetError:
    """Return the error that says why nothing can be imported."""
    if len(errors) == 1 and len(sources.problems) == 1:
        return errors[0]
    if len(sources.problems) == 1:
        only = sources.problems[0]
        return DatasetError(only.reason, path=only.file, line=only.line)
    if sources.problems:
        named = [str(problem) for problem in sources.problems[:_MOST_NAMED]]
        more = len(sources.problems) - len(named)
        end = tr(" And {more} more.").format(more=more) if more else ""
        message = tr("None of {count} files can be imported. {named}{end}").format(
            count=len(sources.problems), named=" ".join(named), end=end
        )
        return DatasetError(message, path=sources.paths[0])
    return DatasetError(
        tr("There is no dataset of a known format here, and no picture."),
        path=sources.paths[0],
        remedy=tr("Choose the file or folder that describes one."),
    )
