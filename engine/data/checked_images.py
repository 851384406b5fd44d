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

from engine.data.images import inspect_image
from engine.data.problems import Problem
from engine.runtime.errors import ImageError
from engine.runtime.live_line import Counter
from engine.runtime.log import LOGGER
from engine.runtime.paths import cache_dir, write_atomic

Progress = Callable[[int, int], None]
Checked = tuple[np.ndarray, np.ndarray, list[Problem]]
# Raised whenever the check changes what it finds.
_VERSION = 3
_DIGEST_BYTES = 16


def check_images(images: Sequence[Path], progress: Progress | None = None) -> Checked:
    """Check that pictures can be read, in threads; what is known of unchanged files is not found out again.

    Args:
        images: Picture files.
        progress: Called with (done, total).

    Returns:
        (N, 2) int64 upright width and height, 0 where a picture cannot be used; (N, 16) uint8 digests of
        the files' content; and what is wrong with those that cannot be used.
    """
    file = _cache_file(images)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile):
        return _read(file, len(images))
    found = _check(images, progress)
    try:
        write_atomic(file, _pack(*found))
    except OSError as error:
        LOGGER.warning("The cache %s cannot be written: %s.", file, error.strerror)
    return found


def _check(images: Sequence[Path], progress: Progress | None) -> Checked:
    sizes = np.zeros((len(images), 2), np.int64)
    digests = np.zeros((len(images), _DIGEST_BYTES), np.uint8)
    problems: list[Problem] = []
    progress = progress or Counter("reading images")
    threads = min(8, os.cpu_count() or 1)
    with ThreadPoolExecutor(threads, thread_name_prefix="check") as pool:
        for i, found in enumerate(pool.map(_inspected, images)):
            if isinstance(found, Problem):
                problems.append(found)
            else:
                sizes[i], digests[i] = found[0], np.frombuffer(found[1], np.uint8)
            progress(i + 1, len(images))
    return sizes, digests, problems


def _inspected(image: Path) -> tuple[tuple[int, int], bytes] | Problem:
    try:
        return inspect_image(image)
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


def _pack(sizes: np.ndarray, digests: np.ndarray, problems: Sequence[Problem]) -> bytes:
    buffer = io.BytesIO()
    told = np.array(json.dumps([p.to_dict() for p in problems]))
    np.savez(buffer, sizes=sizes, digests=digests, problems=told)
    return buffer.getvalue()


def _read(file: Path, count: int) -> Checked:
    with np.load(io.BytesIO(file.read_bytes()), allow_pickle=False) as stored:
        sizes, digests = stored["sizes"], stored["digests"]
        problems = json.loads(str(stored["problems"]))
    if sizes.shape != (count, 2) or digests.shape != (count, _DIGEST_BYTES):
        raise ValueError("the cache is of other images")
    return sizes, digests, [Problem.from_dict(values) for values in problems]
