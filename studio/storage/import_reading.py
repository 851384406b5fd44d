"""Reading what is to be imported: one dataset, or all that a folder of mixed things holds. No project is touched."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.data.formats import LabelledDataset, Problem, find_format, read
from engine.data.formats.discover import PICTURES, Found, discover, read_found
from engine.runtime.errors import DatasetError
from studio.language import tr
from studio.storage.project_files import absolute, is_project

Progress = Callable[[int, int], None]
_MOST_NAMED = 20


@dataclass
class Sources:
    """What was read.

    Attributes:
        path: What was given.
        datasets: Where each dataset lies, and what it holds.
        problems: Files that are no dataset or could not be read at all.
    """

    path: Path
    datasets: list[tuple[Path, LabelledDataset]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


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
    sources = Sources(path)
    if format is not None:
        find_format(format)
        sources.datasets.append((path, read(path, format, progress)))
        return sources
    discovery = discover(path, is_project)
    sources.problems += discovery.others
    errors: list[DatasetError] = []
    for found in discovery.found:
        try:
            sources.datasets.append((found.path, read_found(found, progress)))
        except DatasetError as error:
            errors.append(error)
            reason = " ".join(filter(None, (error.message, error.remedy)))
            sources.problems.append(Problem(error.path or found.path, error.line, reason))
    if not sources.datasets:
        raise _nothing(sources, errors)
    return sources


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
        return DatasetError(message, path=sources.path)
    return DatasetError(
        tr("There is no dataset of a known format here, and no picture."),
        path=sources.path,
        remedy=tr("Choose the file or folder that describes one."),
    )
