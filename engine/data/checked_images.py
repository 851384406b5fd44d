"""Which pictures of a list are whole, found out once and kept on disk. Loads no torch."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from engine.data.images import check_image
from engine.data.problems import Problem
from engine.runtime.errors import ImageError
from engine.runtime.log import LOGGER
from engine.runtime.paths import cache_dir, write_atomic

Progress = Callable[[int, int], None]
Checked = tuple[np.ndarray, list[Problem]]
# Raised whenever the check changes what it finds.
_VERSION = 1


def check_images(images: Sequence[Path], progress: Progress | None = None) -> Checked:
    """Check that pictures can be read, in threads; what is known of unchanged files is not found out again.

    Args:
        images: Picture files.
        progress: Called with (done, total).

    Returns:
        (N, 2) int64 upright width and height, 0 where a picture cannot be used, and what is wrong with those.
    """
    file = _cache_file(images)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return _read(file, len(images))
    sizes, problems = _check(images, progress)
    try:
        write_atomic(file, _pack(sizes, problems))
    except OSError as error:
        LOGGER.warning("The cache %s cannot be written: %s.", file, error.strerror)
    return sizes, problems


def _check(images: Sequence[Path], progress: Progress | None) -> Checked:
    sizes = np.zeros((len(images), 2), np.int64)
    problems: list[Problem] = []
    threads = min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads, thread_name_prefix="check") as pool:
        for i, found in enumerate(pool.map(_size_or_problem, images)):
            if isinstance(found, Problem):
                problems.append(found)
            else:
                sizes[i] = found
            if progress:
                progress(i + 1, len(images))
    return sizes, problems


def _size_or_problem(image: Path) -> tuple[int, int] | Problem:
    try:
        return check_image(image)
    except ImageError as error:
        return Problem(image, None, " ".join(filter(None, (error.message, error.remedy))))


def _cache_file(images: Sequence[Path]) -> Path:
    """Name the cache by every path, size and time of change."""
    digest = hashlib.sha256(str(_VERSION).encode())
    for image in images:
        try:
            stat = image.stat()
            state = f"{stat.st_size} {stat.st_mtime_ns}"
        except OSError:
            state = "none"
        digest.update(f"{image}\0{state}\n".encode("utf-8", "surrogateescape"))
    return cache_dir() / "images" / f"checked_{digest.hexdigest()[:32]}.npz"


def _pack(sizes: np.ndarray, problems: Sequence[Problem]) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, sizes=sizes, problems=np.array(json.dumps([p.to_dict() for p in problems])))
    return buffer.getvalue()


def _read(file: Path, count: int) -> Checked:
    with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
        sizes, problems = stored["sizes"], json.loads(str(stored["problems"]))
    if sizes.shape != (count, 2):
        raise ValueError("the cache is of other images")
    return sizes, [Problem.from_dict(values) for values in problems]
