"""Pictures and their label files read and checked together, many at once in threads. Loads no torch."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from engine.data.images import inspect_image
from engine.data.labels.parse import LabelRow, decode_text, parse_label_text
from engine.data.labels.paths import label_path
from engine.data.problems import Problem
from engine.runtime.errors import ImageError
from engine.runtime.live_line import Counter

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class VerifiedImage:
    """What is known about one picture.

    Attributes:
        file: The picture.
        size_wh: Upright width and height; None when it cannot be used.
        rows: Its objects; empty for a picture known to show none, None when it has no label file.
        problems: What was found wrong with it or its labels.
        digest: 16 bytes that stand for the content of the picture's file; none where it cannot be used.
    """

    file: Path
    size_wh: tuple[int, int] | None
    rows: tuple[LabelRow, ...] | None
    problems: tuple[Problem, ...] = ()
    digest: bytes = b""


def verify_image(
    image: Path,
    nc: int | None = None,
    kpt_shape: tuple[int, int] | None = None,
    oriented: bool = False,
) -> VerifiedImage:
    """Check one picture and parse its label file; nothing is raised for bad content."""
    problems: list[Problem] = []
    try:
        size, digest = inspect_image(image)
    except ImageError as error:
        remedy = f" {error.remedy}" if error.remedy else ""
        return VerifiedImage(image, None, None, (Problem(image, None, error.message + remedy),))
    label = label_path(image)
    try:
        data = label.read_bytes()
    except FileNotFoundError:
        return VerifiedImage(image, size, None, digest=digest)
    except OSError as error:
        reason = f"Cannot be read: {error.strerror}. Correct its permissions."
        return VerifiedImage(image, size, None, (Problem(label, None, reason),), digest)
    rows, problems = parse_label_text(decode_text(data), nc, label, kpt_shape, oriented)
    return VerifiedImage(image, size, tuple(rows), tuple(problems), digest)


def verify_images(
    images: Sequence[Path],
    nc: int | None = None,
    kpt_shape: tuple[int, int] | None = None,
    progress: Progress | None = None,
    oriented: bool = False,
) -> list[VerifiedImage]:
    """Check pictures and labels in threads; results in the order given.

    Args:
        images: Picture files.
        nc: Number of classes, to refuse others.
        kpt_shape: Keypoints and their dimensions where the labels have them.
        progress: Called with (done, total) in this thread; an exception it raises stops the work.
        oriented: Outlines are the corners of oriented boxes.
    """
    check = partial(verify_image, nc=nc, kpt_shape=kpt_shape, oriented=oriented)
    threads = min(8, os.cpu_count() or 1)
    progress = progress or Counter("reading labels")
    results = []
    with ThreadPoolExecutor(threads, thread_name_prefix="verify") as pool:
        try:
            for result in pool.map(check, images):
                results.append(result)
                progress(len(results), len(images))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return results
