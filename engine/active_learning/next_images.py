"""Which images to label next: unsure ones that differ from one another and from what is labelled."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.active_learning.answers import Answer, Surveyor
from engine.active_learning.diversity import farthest_first
from engine.active_learning.uncertainty import Uncertainty
from engine.core.model import Model
from engine.data.images import read_image
from engine.data.labels.paths import find_images
from engine.models.yolo.model import YOLO
from engine.runtime.errors import ConfigError, ImageError
from engine.runtime.log import LOGGER

MOST_COVERED = 2000  # labelled images that are looked at: evenly spread ones stand for the others


@dataclass(frozen=True, slots=True)
class RankedImage:
    """One image worth labelling.

    Attributes:
        path: Its file.
        uncertainty: How unsure the model is of it, and why.
        novelty: How unlike everything labelled or chosen before it is, 0..1.
        nearest: The labelled or chosen image that is most alike, None where there is none.
    """

    path: Path
    uncertainty: Uncertainty
    novelty: float
    nearest: Path | None = None


def rank_images(
    model: str | Path | Model,
    source: str | Path | Iterable[str | Path],
    labelled: str | Path | Iterable[str | Path] = (),
    count: int = 20,
    diversity: float = 0.5,
    **arguments: Any,
) -> list[RankedImage]:
    """Choose the images that are worth labelling next.

    Args:
        model: A model file or a loaded model of any task.
        source: Images without labels: a folder, a list file (.txt, an image a line), or several of these and
            single files.
        labelled: Images that are labelled, likewise: what is like them is worth less. At most
            :data:`MOST_COVERED` are looked at, evenly spread.
        count: How many to choose.
        diversity: What being unlike the others counts against the model's uncertainty, 0..1.
        arguments: Of the prediction: imgsz, device, conf, ...

    Returns:
        The chosen images, the best first.

    Raises:
        ConfigError: ``diversity`` is not in 0..1.
        EngineError: The model or the source cannot be used. Single images that cannot be read are left out
            with a warning.
    """
    if not 0 <= diversity <= 1:
        raise ConfigError(
            f"diversity expects a number from 0 to 1, received {diversity}.", value=diversity
        )
    held = model if isinstance(model, Model) else YOLO(model)
    surveyor = Surveyor(held, arguments)
    files, answers = _answers(surveyor, _files(source))
    known, covered = _answers(surveyor, spread(_files(labelled), MOST_COVERED))
    chosen = rank_answers(answers, covered, count, diversity)
    places = [*files, *reversed(known)]  # so that -1 is the first known one
    return [
        RankedImage(
            files[one],
            answers[one].uncertainty,
            novelty,
            None if nearest is None else places[nearest],
        )
        for one, novelty, nearest in chosen
    ]


def rank_answers(
    answers: Sequence[Answer],
    covered: Sequence[Answer],
    count: int,
    diversity: float,
    check: Callable[[], object] | None = None,
) -> list[tuple[int, float, int | None]]:
    """Choose among images that were looked at.

    Args:
        answers: Of the images to choose from.
        covered: Of the labelled ones.
        count: How many to choose.
        diversity: As in :func:`rank_images`.
        check: Called between steps; an exception that it raises ends the work.

    Returns:
        Number, novelty 0..1, and the number of the most alike image, below 0 for a labelled one
        (``-1 - number``), the best first.
    """
    if not answers:
        return []
    doubts = np.array([answer.uncertainty.value for answer in answers])
    vectors = np.stack([answer.vector for answer in answers])
    known = np.stack([answer.vector for answer in covered]) if covered else None
    found = farthest_first(vectors, count, doubts, known, diversity, check)
    return [(one.index, one.novelty, one.nearest) for one in found]


def spread(items: Sequence[Any], most: int) -> list[Any]:
    """Return at most ``most`` items, evenly spread over all of them.

    >>> spread("abcdef", 3)
    ['a', 'c', 'e']
    """
    if len(items) <= most:
        return list(items)
    return [items[number * len(items) // most] for number in range(most)]


def _answers(surveyor: Surveyor, files: Iterable[Path]) -> tuple[list[Path], list[Answer]]:
    seen: list[Path] = []
    answers: list[Answer] = []
    for file, image in _read(files):
        answers += surveyor.look([image])
        seen.append(file)
    return seen, answers


def _files(source: str | Path | Iterable[str | Path]) -> list[Path]:
    """Return the images of a folder, a list file, or several of these and single files."""
    found, problems = find_images([source] if isinstance(source, str | Path) else source)
    for problem in problems:
        LOGGER.warning("%s", problem)
    return found


def _read(files: Iterable[Path]) -> Iterator[tuple[Path, np.ndarray]]:
    for file in files:
        try:
            yield file, read_image(file)
        except ImageError as error:
            LOGGER.warning("%s", error)
