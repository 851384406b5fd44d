"""Labelling many pictures: reading ahead, looking and writing go on at the same time, and a killed run goes on later.

Nothing here knows where boxes come from or what becomes of the masks.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.data.images import read_image
from engine.models.sam.prompts import make_prompt
from engine.models.sam.segmenter import Candidates, Segmenter
from engine.ops.outlines import Outline, trace_outlines
from engine.runtime.errors import ImageError
from engine.runtime.log import LOGGER

# Pictures decoded ahead: the network should never wait for the disk
AHEAD = 4
# Parts and holes below this share of a mask are noise of the network
LEAST_PART = 0.005


@dataclass(frozen=True)
class Found:
    """Boxes of one picture that want masks.

    Attributes:
        boxes: (N, 4) corners in pixels.
        classes: (N,) class numbers.
        scores: (N,) confidences, 1 for boxes that people drew.
    """

    boxes: np.ndarray
    classes: np.ndarray
    scores: np.ndarray


@dataclass(frozen=True)
class Annotated:
    """What was found on one picture.

    Attributes:
        path: The picture.
        size_hw: (height, width) of it.
        found: The boxes.
        outlines: For each box the parts of its mask, largest first; empty where nothing was found.
        mask_scores: (N,) how good each mask is thought to be.
    """

    path: Path
    size_hw: tuple[int, int]
    found: Found
    outlines: list[list[Outline]]
    mask_scores: np.ndarray


@dataclass
class Pace:
    """How a batch went.

    Attributes:
        images: Pictures that are done.
        objects: Masks made.
        failed: Pictures that could not be read, with the reason.
        seconds: Wall time from the first picture to the last.
        network_seconds: Of these the time in which a network looked at pictures; masks are decoded beside it.
    """

    images: int = 0
    objects: int = 0
    failed: dict[Path, str] = field(default_factory=dict)
    seconds: float = 0.0
    network_seconds: float = 0.0

    @property
    def images_per_second(self) -> float:
        """Pictures a second."""
        return self.images / self.seconds if self.seconds else 0.0

    @property
    def network_share(self) -> float:
        """Share of the time in which a network looked at pictures, 0..1."""
        return self.network_seconds / self.seconds if self.seconds else 0.0


def annotate(
    paths: Sequence[Path],
    find: Callable[[Path, np.ndarray], Found],
    segmenter: Segmenter,
    finish: Callable[[Annotated], None],
    go_on: Callable[[Pace], bool] | None = None,
    tolerance: float | None = None,
) -> Pace:
    """Turn boxes into masks, picture by picture.

    Args:
        paths: The pictures.
        find: Says which boxes a picture, (H, W, 3) uint8 BGR, has; called in this thread.
        segmenter: Makes masks of them.
        finish: Called with each picture in order, in another thread; what it raises ends the batch.
        go_on: Called after each picture; False ends the batch there.
        tolerance: Of the outlines, see `engine.ops.outlines.trace_outlines`.

    Returns:
        How it went.
    """
    pace, began = Pace(), time.perf_counter()
    with ThreadPoolExecutor(1) as writer, ThreadPoolExecutor(1) as decoder:
        written: list[Future[None]] = []
        for path, image in _read_ahead(paths, pace):
            start = time.perf_counter()
            size, found = (image.shape[0], image.shape[1]), find(path, image)
            seen = _look(segmenter, image, found)
            answers = decoder.submit(_answers, segmenter, seen, size, found)
            if not segmenter.shares:  # it has one picture in mind, or hardly looks at any
                wait([answers])
            pace.network_seconds += time.perf_counter() - start
            written.append(writer.submit(_finish, finish, path, size, found, answers, tolerance))
            while len(written) > AHEAD:  # answers take memory: the writer is waited for
                written.pop(0).result()
            pace.images += 1
            pace.objects += len(found.boxes)
            pace.seconds = time.perf_counter() - began
            if go_on is not None and not go_on(pace):
                break
        for last in written:
            last.result()
    pace.seconds = time.perf_counter() - began
    return pace


def _read_ahead(paths: Sequence[Path], pace: Pace) -> Iterator[tuple[Path, np.ndarray]]:
    """Yield pictures in order, several decoded ahead; unreadable ones are noted and left out."""
    with ThreadPoolExecutor(2) as readers:
        waiting: list[tuple[Path, Future[np.ndarray]]] = []
        rest = iter(paths)
        try:
            while True:
                while len(waiting) < AHEAD and (path := next(rest, None)) is not None:
                    waiting.append((path, readers.submit(read_image, path)))
                if not waiting:
                    return
                path, future = waiting.pop(0)
                try:
                    image = future.result()
                except ImageError as error:
                    LOGGER.warning("Left out: %s", error)
                    pace.failed[path] = error.message
                    continue
                yield path, image
        finally:
            for _, future in waiting:
                future.cancel()


def _look(segmenter: Segmenter, image: np.ndarray, found: Found) -> Any:
    """Return what a segmenter makes of a picture, BGR; None where nobody asks for a mask."""
    if not len(found.boxes):
        return None
    return segmenter.embed(np.ascontiguousarray(image[..., ::-1]))


def _answers(
    segmenter: Segmenter, seen: Any, size_hw: tuple[int, int], found: Found
) -> list[Candidates]:
    """Return a mask for each box, not yet enlarged: work beside the looking at the next picture."""
    if not len(found.boxes):
        return []
    return segmenter.segment(seen, [make_prompt(size_hw, box=box) for box in found.boxes], False)


def _finish(
    finish: Callable[[Annotated], None],
    path: Path,
    size_hw: tuple[int, int],
    found: Found,
    decoded: Future[list[Candidates]],
    tolerance: float | None,
) -> None:
    """Enlarge masks, trace them and hand them on: work for another thread."""
    answers = decoded.result()
    windows = [answer.window(0) for answer in answers]
    outlines = [
        trace_outlines(window.pixels, tolerance, LEAST_PART, (window.x, window.y))
        for window in windows
    ]
    scores = np.array([float(answer.scores[0]) for answer in answers], np.float32)
    finish(Annotated(path, size_hw, found, outlines, scores))
