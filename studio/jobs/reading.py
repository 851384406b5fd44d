"""Reading images ahead of a model, neighbours of one size together. Only the worker process imports this."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np

from engine.data.images import read_image
from engine.runtime.errors import ImageError

_READ_AHEAD = 6
_GPU_BATCH = 8  # on a processor one image at a time is as fast and can be cancelled sooner


def read_groups(
    images: tuple[tuple[int, str], ...], limit: int
) -> Iterator[list[tuple[int, np.ndarray | ImageError]]]:
    """Read ahead in a thread and give neighbours of one size together, at most ``limit``.

    An image that cannot be read is among them as its error. Images of different sizes in one batch would be
    padded to a square, and the result of an image would depend on its neighbours.
    """
    group: list[tuple[int, np.ndarray | ImageError]] = []
    for key, image in _read_ahead(images):
        if group and (len(group) >= limit or _shape(image) != _shape(group[0][1])):
            yield group
            group = []
        group.append((key, image))
    if group:
        yield group


def group_size(arguments: Mapping[str, Any]) -> int:
    """Return how many images at a time the device of a request's arguments is given."""
    return 1 if str(arguments.get("device") or "cpu") in {"cpu", "mps"} else _GPU_BATCH


def _read_ahead(
    images: tuple[tuple[int, str], ...],
) -> Iterator[tuple[int, np.ndarray | ImageError]]:
    waiting: deque[tuple[int, Future[np.ndarray | ImageError]]] = deque()
    with ThreadPoolExecutor(1, thread_name_prefix="read") as pool:
        for key, path in images:
            waiting.append((key, pool.submit(_read, path)))
            if len(waiting) >= _READ_AHEAD:
                key, future = waiting.popleft()
                yield key, future.result()
        while waiting:
            key, future = waiting.popleft()
            yield key, future.result()


def _read(path: str) -> np.ndarray | ImageError:
    try:
        return read_image(path)
    except ImageError as error:
        return error


def _shape(image: np.ndarray | ImageError) -> tuple[int, ...]:
    return () if isinstance(image, ImageError) else image.shape
